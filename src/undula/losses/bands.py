"""Energy in rings of frequency: how much there is of it, and not where."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.losses.halfplane import half_plane, in_eager_mode, kept
from undula.losses.pairs import ItemLoss, Reduction, compared
from undula.spectra import half_plane_weights


def band_energy_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    bands: int = 12,
    eps: float = 1e-4,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over bands of |log(E(output) + ε) - log(E(target) + ε)|, E the mean of |F|², unitary, over a ring.

    It sees neither phase nor place, and each band counts alike, however weak. It sharpens most, at the highest price
    in PSNR of the spectral losses. A table of one number per coefficient and ring is kept for each size: 27 MB for
    1024 × 1024 float32.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        bands: Rings of equal width from 0 up to 0.5 cycles per sample; of images the corners beyond are one more.
            Rings without a coefficient, of small images, do not count.
        eps: ε, above 0, in squares of the image's values: bands below it count as empty. White noise of deviation σ
            has the energy σ².
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: No bands, an ε that is not positive, another `dims` or reduction.

    Example:
        >>> x = torch.rand(2, 3, 32, 32)
        >>> band_energy_loss(x.roll((5, 7), (2, 3)), x) < 1e-4  # the same energies, elsewhere
        tensor(True)
    """
    _check(bands, eps)

    def items(o: Tensor, t: Tensor) -> Tensor:
        logs = [torch.log(band_energies(x, bands=bands, dims=dims) + eps) for x in (o, t)]
        weights = kept(_band_weights, tuple(o.shape[-dims:]), bands, like=o)
        return ((logs[0] - logs[1]).abs() @ weights).mean(1)

    return compared(items, output, target, dims=dims, reduction=reduction)


def band_energies(
    image: Float[Tensor, "*batch_and_space"], *, bands: int = 12, dims: int = 2
) -> Float[Tensor, "*batch bands"]:
    """Mean of |F|², unitary, over each ring of frequency.

    Ring b holds b ≤ 2 |f| bands < b + 1, f in cycles per sample. Of images a last one holds |f| ≥ 0.5, the corners and
    the two highest frequencies of the axes; of signals the highest frequency belongs to the last ring.

    Args:
        image: Images or signals (…, space).
        bands: Rings up to 0.5 cycles per sample.
        dims: 2 for images, 1 for signals.

    Returns:
        Energies (…, bands + 1) of images, (…, bands) of signals; 0 of rings without a coefficient.

    Example:
        >>> band_energies(torch.ones(1, 1, 8, 8), bands=2)
        tensor([[[7.1111, 0.0000, 0.0000]]])
    """
    shape = tuple(image.shape[-dims:])
    power = torch.view_as_real(half_plane(image, dims=dims, norm="ortho")).square().sum(-1)
    rings = kept(_rings, shape, bands, like=power)
    if in_eager_mode():
        return _Product.apply(power.flatten(-dims), rings)  # type: ignore[no-untyped-call]
    return power.flatten(-dims) @ rings


class BandEnergyLoss(ItemLoss):
    """The module of `band_energy_loss`, whose arguments it takes.

    Args:
        bands: Rings up to 0.5 cycles per sample.
        eps: ε, above 0.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: No bands, or an ε that is not positive.

    Example:
        >>> x = torch.rand(2, 3, 32, 32)
        >>> BandEnergyLoss()(x, x)
        tensor(0.)
    """

    def __init__(self, *, bands: int = 12, eps: float = 1e-4, dims: int = 2, reduction: Reduction = "mean") -> None:
        super().__init__(dims=dims, reduction=reduction)
        _check(bands, eps)
        self.bands, self.eps = bands, eps

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return band_energy_loss(output, target, bands=self.bands, eps=self.eps, dims=self.dims, reduction="none")


class _Product(torch.autograd.Function):
    """`values @ table`, whose gradient autocast leaves in full precision where `backward` is called inside it."""

    @staticmethod
    def forward(values: Tensor, table: Tensor) -> Tensor:
        return values @ table

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (table,) = ctx.saved_tensors
        with torch.autocast(gradient.device.type, enabled=False):
            return gradient @ table.T, None


def _members(shape: tuple[int, ...], bands: int, *, like: Tensor) -> Tensor:
    """How often each coefficient of the half plane counts in each ring (coefficients, rings).

    In whole numbers, since many coefficients lie on an edge: |f| and the edges are multiples of 1 / common.
    """
    common = math.lcm(*shape)
    squared = torch.zeros((), device=like.device, dtype=torch.int64)
    for axis, length in enumerate(shape):
        steps = torch.arange(length, device=like.device)
        steps = torch.minimum(steps, length - steps) * (common // length)
        if axis == len(shape) - 1:
            steps = steps[: length // 2 + 1]
        squared = squared.unsqueeze(-1) + steps**2
    count = bands + (len(shape) > 1)
    edges = (torch.arange(count, device=like.device) * common) ** 2
    above = (2 * bands) ** 2 * squared.flatten()[:, None] >= edges
    # Minus those above the next edge; the last ring has none. In place, slices that overlap would read what they wrote.
    inside = above.to(like.dtype) - torch.nn.functional.pad(above[:, 1:], (0, 1)).to(like.dtype)
    return inside * half_plane_weights(shape, real=True, like=like).flatten()[:, None]


def _rings(shape: tuple[int, ...], bands: int, *, like: Tensor) -> Tensor:
    """What the energies are the product of the powers with: means over the rings."""
    members = _members(shape, bands, like=like)
    return members / members.sum(0).clamp_min(1)


def _band_weights(shape: tuple[int, ...], bands: int, *, like: Tensor) -> Tensor:
    """The mean over the rings that hold a coefficient."""
    filled = (_members(shape, bands, like=like).sum(0) > 0).to(like.dtype)
    return filled / filled.sum()


def _check(bands: int, eps: float) -> None:
    if bands < 1 or not eps > 0:
        raise OptionError(f"got bands={bands} and eps={eps}, expected at least 1 and a positive number: 12 and 1e-4")
