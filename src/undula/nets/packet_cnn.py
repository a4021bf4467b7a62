"""A small convolutional classifier of wavelet packets: every level joins where its maps have the size of the network's."""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets import wpdec2

Inputs = Literal["packets", "pixels"]

_GREY_LEVELS = 255.0
_DEEPEST = 4
# ITU-R BT.601, as JPEG has it.
_LUMA_CHROMA = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


class PacketCNN(nn.Module):
    """Logits of crops (n, 3, side, side), or means of the logits of several crops of each picture (n, crops, 3, side, side).

    Brightness and two color differences are taken apart into packets of levels 1 to `level`. Level 1, as ln(|p| + o) and with
    its sign, goes through a residual block; its maps are halved and joined by ln(|p| + o) of level 2 for a second block; deeper
    levels are only mixed. Means over space, and deviations for all but the first, go into two last layers, so that crops may
    have any size.

    Args:
        outputs: Number of classes.
        inputs: "packets"; or "pixels", which puts the same network on blocks of 2 × 2, 4 × 4, … pixels instead, for comparison.
        wavelet: Of the packets; boundaries are periodic.
        level: The deepest level, 2 to 4.
        offset: Added before the logarithm, in the units of the picture.
        widths: Channels of level 1, of level 2, and of each deeper level.
        dropout: Share of pooled and hidden values that training leaves out.

    Raises:
        OptionError: A number or a word makes no sense.

    Reference: Wolter, Blanke, Heese, Garcke, Wavelet-packets for deepfake image analysis and detection, 2022, the CNN on all
        levels; blocks, color differences and pooling are ours.

    Example:
        >>> network = PacketCNN(2).eval()
        >>> network(torch.rand(5, 3, 32, 32)).shape, network(torch.rand(5, 4, 3, 24, 24)).shape
        (torch.Size([5, 2]), torch.Size([5, 2]))
    """

    def __init__(
        self,
        outputs: int,
        *,
        inputs: Inputs = "packets",
        wavelet: str = "haar",
        level: int = 3,
        offset: float = 1 / 255,
        widths: tuple[int, ...] | list[int] = (24, 56, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if inputs not in ("packets", "pixels") or not 2 <= level <= _DEEPEST or len(widths) != 3 or min(widths) < 1:
            raise OptionError(
                f"got inputs={inputs!r}, level={level}, widths={tuple(widths)}, expected 'packets' or 'pixels', level 2 to "
                f"{_DEEPEST} and three positive widths"
            )
        self.settings: dict[str, Any] = {
            "outputs": outputs, "inputs": inputs, "wavelet": wavelet, "level": level, "offset": offset,
            "widths": list(widths), "dropout": dropout,
        }  # fmt: skip
        self._inputs, self._wavelet, self._level, self._offset = inputs, wavelet, level, offset * _GREY_LEVELS
        first, second, deep = widths
        channels = [24] + [3 * 4**depth for depth in range(2, level + 1)]
        self.standard = nn.ModuleList(nn.BatchNorm2d(count, affine=False) for count in channels)
        self.first = nn.Sequential(nn.Conv2d(24, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU())
        self.first_block = _Residual(first)
        self.halve = nn.Conv2d(first, second, 3, stride=2, padding=1, bias=False)
        self.join = nn.Conv2d(channels[1], second, 1, bias=False)
        self.joined = nn.BatchNorm2d(second)
        self.second_block = _Residual(second)
        self.deeper = nn.ModuleList(
            nn.Sequential(nn.Conv2d(count, deep, 1, bias=False), nn.BatchNorm2d(deep), nn.ReLU())
            for count in channels[2:]
        )
        pooled = first + 2 * second + 2 * deep * (level - 2)
        self.last = nn.Sequential(
            nn.BatchNorm1d(pooled), nn.Dropout(dropout), nn.Linear(pooled, 32), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(32, outputs),
        )  # fmt: skip

    def forward(self, crops: Float[Tensor, "n *crops 3 h w"]) -> Float[Tensor, "n outputs"]:
        """Classify.

        Args:
            crops: Crops in [0, 1], or several of each picture; sides are multiples of 2 ** level.

        Returns:
            One logit per class.

        Raises:
            ShapeError: No crops of three channels, or of such a side.
        """
        if crops.ndim not in (4, 5) or crops.shape[-3] != 3 or any(side % 2**self._level for side in crops.shape[-2:]):
            raise ShapeError(
                f"got crops of shape {tuple(crops.shape)}, expected (n, 3, h, w) or (n, crops, 3, h, w) with sides that are "
                f"multiples of {2**self._level}"
            )
        if crops.ndim == 5:
            each: Tensor = self(crops.flatten(0, 1))
            return each.reshape(*crops.shape[:2], -1).mean(dim=1)
        planes = [norm(one) for norm, one in zip(self.standard, self._planes(crops.float()), strict=True)]
        low = self.first_block(self.first(planes[0]))
        high = self.second_block(functional.relu(self.joined(self.halve(low) + self.join(planes[1]))))
        deep = [mix(one) for mix, one in zip(self.deeper, planes[2:], strict=True)]
        pooled = [_mean(low), *(value for one in (high, *deep) for value in (_mean(one), _deviation(one)))]
        return self.last(torch.cat(pooled, dim=1)).float()

    def _planes(self, crops: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """What each level sees."""
        values = torch.einsum("oc,nchw->nohw", crops.new_tensor(_LUMA_CHROMA), crops) * _GREY_LEVELS
        if self._inputs == "pixels":
            blocks = [functional.pixel_unshuffle(values, 2**depth) for depth in range(1, self._level + 1)]
            return [torch.cat([self._logarithm(blocks[0]), blocks[0]], dim=1), *blocks[1:]]
        found = []
        packets = values[:, :, None]
        for _ in range(self._level):
            packets = wpdec2(packets, self._wavelet, "periodization", maxlevel=1, order="natural").flatten(2, 3)
            found.append(packets.flatten(1, 2))
        logs = [self._logarithm(one) for one in found]
        return [torch.cat([logs[0], logs[0].copysign(found[0])], dim=1), *logs[1:]]

    def _logarithm(self, values: Tensor) -> Tensor:
        return (values.abs() + self._offset).log()


class _Residual(nn.Module):
    """Two convolutions beside nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip
        last = self.layers[-1]
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)  # a block begins as nothing

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return functional.relu(maps + self.layers(maps))


def _mean(maps: Tensor) -> Float[Tensor, "n c"]:
    return maps.mean((-2, -1)).float()


def _deviation(maps: Tensor) -> Float[Tensor, "n c"]:
    return (maps.float().var((-2, -1), correction=0) + 1e-4).sqrt()  # a flat map has a gradient too
