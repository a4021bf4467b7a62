"""Crops of pictures by number, for training: the same number gives the same crop, whatever the batch."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from undula.data.draws import uniform
from undula.errors import OptionError, ShapeError

_SEEDS = 2**40  # numbers of a seed


class Crops:
    """Square crops at random places of pictures of any sizes, turned and mirrored, a whole batch at once.

    A picture is drawn as often as it has places for a crop. The pixels lie in one piece of memory, as bytes where they came
    from bytes, so that a batch is one gathering.

    Args:
        pictures: Pictures (c, h, w) in [0, 1], all with the same number of channels.
        size: Side of the crops in pixels.
        seed: Another seed gives other crops.
        turned: Whether crops are turned by right angles and mirrored.

    Raises:
        OptionError: No pictures, or no positive size.
        ShapeError: Pictures differ in channels, or one is smaller than a crop.

    Example:
        >>> crops = Crops([torch.rand(3, 20, 30), torch.rand(3, 16, 16)], size=16)
        >>> crops(torch.arange(4)).shape
        torch.Size([4, 3, 16, 16])
        >>> torch.equal(crops(torch.tensor([7, 8]))[1], crops(torch.tensor([8]))[0])
        True
    """

    def __init__(
        self, pictures: Sequence[Float[Tensor, "_ _ _"]], *, size: int, seed: int = 0, turned: bool = True
    ) -> None:
        if not pictures or size < 1:
            raise OptionError(f"got {len(pictures)} pictures and crops of {size}, expected at least one of each")
        self.channels, self.size, self.seed, self.turned = pictures[0].shape[0], size, seed, turned
        for picture in pictures:
            if picture.ndim != 3 or picture.shape[0] != self.channels or min(picture.shape[1:]) < size:
                raise ShapeError(
                    f"got a picture of shape {tuple(picture.shape)}, expected ({self.channels}, height, width) and no side "
                    f"below {size}: leave it out, or take smaller crops"
                )
        sides = torch.tensor([picture.shape[1:] for picture in pictures])
        self._rooms = sides - size + 1  # places of a crop
        self._strides = sides[:, 1]
        lengths = sides.prod(dim=1) * self.channels
        self._starts = lengths.cumsum(0) - lengths
        self._chances = self._rooms.prod(dim=1).double().cumsum(0) / self._rooms.prod(dim=1).sum()
        places = torch.arange(size)
        self._rows, self._columns = places[:, None, None], places[None, :, None]
        self._pixels = _kept(pictures)

    def __call__(self, numbers: Int[Tensor, " n"]) -> Float[Tensor, "n c size size"]:
        """Return the crops of these numbers.

        Args:
            numbers: Numbers (n,) from 0 to 2^40.

        Returns:
            float32 crops (n, channels, size, size) in [0, 1].
        """
        drawn = uniform(numbers + self.seed * _SEEDS, torch.zeros_like(numbers), (4,), dtype=torch.float64)
        which = torch.searchsorted(self._chances, drawn[:, 0].contiguous()).clamp_max(len(self._chances) - 1)
        top, left = (drawn[:, 1:3] * self._rooms[which]).long().T[:, :, None, None, None]
        place = (top + self._rows) * self._strides[which, None, None, None] + left + self._columns
        place = place * self.channels + torch.arange(self.channels) + self._starts[which, None, None, None]
        crops = self._pixels[place].permute(0, 3, 1, 2)
        crops = crops.float() / 255 if crops.dtype == torch.uint8 else crops.float()
        return _turned(crops, (drawn[:, 3] * 8).long()) if self.turned else crops


def _kept(pictures: Sequence[Tensor]) -> Shaped[Tensor, " pixels"]:
    """All pixels one after the other, channels last, as bytes if nothing is lost."""
    rows = [picture.detach().cpu().permute(1, 2, 0).reshape(-1) for picture in pictures]
    pixels = torch.cat(rows)
    bytes_ = (pixels * 255).round()
    exact = bool(((pixels * 255 - bytes_).abs() < 1e-3).all()) and bool((bytes_ >= 0).all() and (bytes_ <= 255).all())
    return bytes_.to(torch.uint8) if exact else pixels


def _turned(crops: Tensor, which: Int[Tensor, " n"]) -> Tensor:
    """Each crop in one of the eight ways in which a square lies on itself."""
    bits = [(which & bit).bool()[:, None, None, None] for bit in (1, 2, 4)]
    crops = torch.where(bits[0], crops.flip(-1), crops)
    crops = torch.where(bits[1], crops.flip(-2), crops)
    return torch.where(bits[2], crops.mT, crops)
