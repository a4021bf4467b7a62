"""Distances of wavelet coefficients, which know the place and the scale: each by itself, or their local energy."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.losses.halfplane import kept
from undula.losses.pairs import ItemLoss, Reduction, check_choice, compared
from undula.spectra import wavelets

Transform = Literal["pyramid", "packets"]
Distance = Literal["coefficients", "energy"]

_EPS = 1e-6  # of a squared coefficient: contrasts below a thousandth of the range of an image count little


def wavelet_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    wavelet: Any = "haar",
    level: int = 2,
    mode: str = "symmetric",
    transform: Transform = "pyramid",
    distance: Distance = "coefficients",
    cell: int = 4,
    weights: Sequence[float] | None = None,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over bands of w(b) D(b), D the mean over a band of the distance of coefficients or of local energies.

    With "coefficients" that is |c(output) - c(target)|: a distance, which does not sharpen. With "energy" the
    difference of √(A(c²) + 10⁻⁶), A the mean over cells of coefficients: it sees how much detail there is in a place,
    and not its phase or sign. It sharpens a little, and costs PSNR.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        wavelet: Whatever `undula.wavelets` takes: a name, filters, a learnable bank.
        level: Number of levels.
        mode: Boundary mode.
        transform: "pyramid" compares the details of `wavedec2`, "packets" all packets of `wpdec2` at that level.
        distance: "coefficients" or "energy".
        cell: Coefficients of a cell along each axis, for "energy"; cells at the border may be smaller.
        weights: One factor per band. Of the pyramid from coarse to fine, of images horizontal, vertical and diagonal of
            each level: 3 · level numbers; or one number per level. Of packets in the order of frequency: 4^level, of
            signals 2^level. None is 1 for all but the packet of the lowest frequencies, which has 0. The mean is over
            the bands whose factor is not 0.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, too small for the level, or have another number of axes than
            `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: An unknown wavelet, mode, transform or distance, a level or cell below 1, another number of weights
            or none that is not 0, another `dims` or reduction.

    Example:
        >>> x = torch.rand(2, 3, 64, 64)
        >>> wavelet_loss(x + 1, x) < 1e-6, wavelet_loss(-x, x, distance="energy")  # no means, no signs
        (tensor(True), tensor(0.))
    """
    factors = read_weights(weights, transform=transform, level=level, dims=dims)
    check_details(wavelet, mode, transform, distance, cell)

    def items(o: Tensor, t: Tensor) -> Tensor:
        _check_level(tuple(o.shape[-dims:]), wavelet, level)
        if distance == "coefficients":
            means = _means([band.abs() for band in _bands(o - t, wavelet, level, mode, transform, dims)], dims)
        else:
            pairs = zip(*(_bands(x, wavelet, level, mode, transform, dims) for x in (o, t)), strict=True)
            means = _means([(_energy(a, cell, dims) - _energy(b, cell, dims)).abs() for a, b in pairs], dims)
        return (means @ kept(_shares, *factors, like=means)).mean(1)

    return compared(items, output, target, dims=dims, reduction=reduction)


class WaveletLoss(ItemLoss):
    """The module of `wavelet_loss`, whose arguments it takes.

    Args:
        wavelet: Whatever `undula.wavelets` takes.
        level: Number of levels.
        mode: Boundary mode.
        transform: "pyramid" or "packets".
        distance: "coefficients" or "energy".
        cell: Coefficients of a cell along each axis, for "energy".
        weights: One factor per band.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: As `wavelet_loss`.

    Example:
        >>> WaveletLoss(wavelet="db2", level=3, weights=(1.0, 1.0, 2.0))(torch.ones(1, 1, 32, 32), torch.ones(1, 1, 32, 32))
        tensor(0.)
    """

    def __init__(
        self,
        *,
        wavelet: Any = "haar",
        level: int = 2,
        mode: str = "symmetric",
        transform: Transform = "pyramid",
        distance: Distance = "coefficients",
        cell: int = 4,
        weights: Sequence[float] | None = None,
        dims: int = 2,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(dims=dims, reduction=reduction)
        read_weights(weights, transform=transform, level=level, dims=dims)
        check_details(wavelet, mode, transform, distance, cell)
        self.wavelet, self.level, self.mode = wavelet, level, mode
        self.transform, self.distance, self.cell = transform, distance, cell
        self.weights = None if weights is None else tuple(weights)

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return wavelet_loss(
            output,
            target,
            wavelet=self.wavelet,
            level=self.level,
            mode=self.mode,
            transform=self.transform,
            distance=self.distance,
            cell=self.cell,
            weights=self.weights,
            dims=self.dims,
            reduction="none",
        )


def read_weights(weights: Sequence[float] | None, *, transform: Transform, level: int, dims: int) -> tuple[float, ...]:
    """One factor per band.

    Args:
        weights: As in `wavelet_loss`.
        transform: "pyramid" or "packets".
        level: Number of levels.
        dims: How many axes are space.

    Returns:
        The factors, of the pyramid (1 or 3) · level, of packets 2^(dims · level).

    Raises:
        OptionError: A level below 1, another number of weights, or none that is not 0.
    """
    if level < 1:
        raise OptionError(f"got level={level}, expected at least 1: level 0 has no details")
    per_level = 2**dims - 1
    count = per_level * level if transform == "pyramid" else 2 ** (dims * level)
    if weights is None:
        return (1.0,) * count if transform == "pyramid" else (0.0,) + (1.0,) * (count - 1)
    factors = tuple(float(weight) for weight in weights)
    if transform == "pyramid" and len(factors) == level:
        factors = tuple(factor for factor in factors for _ in range(per_level))
    if len(factors) != count or not any(factors):
        either = f" or {level}" if transform == "pyramid" and dims > 1 else ""
        raise OptionError(
            f"got {len(weights)} weights {tuple(weights)} for {transform} of level {level}, expected {count}{either}, "
            "not all of them 0: one per band"
        )
    return factors


def check_details(wavelet: Any, mode: str, transform: str, distance: str, cell: int) -> None:
    """Refuse options of `wavelet_loss` that do not exist.

    Args:
        wavelet: Whatever `undula.wavelets` takes.
        mode: Boundary mode.
        transform: "pyramid" or "packets".
        distance: "coefficients" or "energy".
        cell: Coefficients of a cell along each axis.

    Raises:
        OptionError: An unknown one; the nearest names are told.
    """
    check_choice("transform", transform, Transform)
    check_choice("distance", distance, Distance)
    if cell < 1:
        raise OptionError(f"got cell={cell}, expected at least 1 coefficient: 4 is usual")
    wavelets.dwt_coeff_len(2, wavelet, mode)


def _check_level(shape: tuple[int, ...], wavelet: Any, level: int) -> None:
    most = wavelets.dwtn_max_level(shape, wavelet)
    if level > most:
        raise ShapeError(
            f"got {' × '.join(map(str, shape))} samples, which have {most} levels of this wavelet, expected {level}: "
            "take fewer levels, a shorter wavelet or larger crops"
        )


def _bands(x: Tensor, wavelet: Any, level: int, mode: str, transform: Transform, dims: int) -> list[Tensor]:
    """Details (batch, channel, space) from coarse to fine, or all packets as one tensor (batch, channel, bands, space)."""
    if transform == "packets":
        split = wavelets.wpdec2 if dims == 2 else wavelets.wpdec
        return [split(x, wavelet, mode, level)]
    if dims == 1:
        return [band.unsqueeze(2) for band in wavelets.wavedec(x, wavelet, mode, level)[1:]]
    return [band.unsqueeze(2) for details in wavelets.wavedec2(x, wavelet, mode, level)[1:] for band in details]


def _energy(band: Tensor, cell: int, dims: int) -> Tensor:
    """√(mean of c² over cells + ε); the divisor of cells at the border is what they hold."""
    squares = band.square().flatten(0, 1)
    size = (cell,) * dims
    if dims == 1:
        squares, size = squares.unsqueeze(2), (1, cell)
    means = torch.nn.functional.avg_pool2d(squares, size, ceil_mode=True)
    return (means + _EPS).sqrt().reshape(*band.shape[:2], *means.shape[1:])


def _means(bands: list[Tensor], dims: int) -> Tensor:
    """Mean over each band (batch, channel, bands)."""
    return torch.cat([band.flatten(3).mean(3) for band in bands], 2)


def _shares(*factors: float, like: Tensor) -> Tensor:
    count = sum(factor != 0 for factor in factors)
    return torch.tensor([factor / count for factor in factors], device=like.device, dtype=like.dtype)
