"""Variable projection: amplitudes, phases and base line follow from the poles by linear least squares."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from undula.jobs.estimate.powers import grid, powers
from undula.jobs.estimate.record import Record

RIDGE = {torch.float32: 1e-6, torch.float64: 1e-13}
"""Added to the unit diagonal of a Gram matrix: two equal poles, or a wave without its sine at f = 0, divide by nothing."""


@dataclass(frozen=True)
class Projection:
    """Signals projected on the waves of given poles.

    Attributes:
        left: What is left of the rows (n, C, R).
        linear: Coefficients of the linear columns, real parts, imaginary parts, base line (n, C, 2P + q).
        cost: Sum of squares of what is left (n,).
        gradient: Half of minus the derivative of the cost by the real parts of the poles, then by the imaginary (n, 2P).
        curvature: Normal matrix of the poles with the linear coefficients eliminated (n, 2P, 2P).
        gram: Inner products of the columns of `Record.columns`, of every channel where channels have noise of their own
            kinds (n, 1 or C, 4P + q, 4P + q).
    """

    left: Float[Tensor, "n c r"]
    linear: Float[Tensor, "n c k"]
    cost: Float[Tensor, " n"]
    gradient: Float[Tensor, "n d"]
    curvature: Float[Tensor, "n d d"]
    gram: Float[Tensor, "n m g g"]


def project(record: Record, poles: Complex[Tensor, "n p"], *, slopes: bool = True) -> Projection:
    """Fit the linear coefficients, and give the slope and curvature by the poles (Kaufman's variable projection).

    All of it comes from one Gram matrix of 4P columns that does not depend on the amplitudes: the derivative of a wave by its
    pole is t c z, so its inner products are those of t z, turned by c.

    Args:
        record: The signals.
        poles: s in units of 1 / span.
        slopes: Whether gradient and curvature are wanted; else they are empty.

    Returns:
        The fit.

    Reference: Kaufman, A variable projection method for solving separable nonlinear least squares problems, 1975.
    """
    if record.even:
        return _by_powers(record, poles, slopes=slopes)
    if record.apart:
        channels = record.values.shape[1]
        return _gathered(project(record.folded(), poles.repeat_interleave(channels, 0)), channels)
    columns, split = record.columns(poles), 2 * poles.shape[1]
    gram, right = columns @ columns.mT, record.values @ columns.mT
    first = columns.shape[1] - split
    linear, bend = _eliminated(gram, right[:, :, :first], first)
    # The explicit residual costs little and is right to rounding, which Σ y² - Σ (projected y)² is not without noise.
    left = record.values - linear @ columns[:, :first]
    slope = left @ columns[:, first:].mT
    gradient, curvature = _by_poles(linear, slope, bend, count=poles.shape[1])
    return Projection(left, linear, left.square().sum(dim=(1, 2)), gradient, curvature, gram[:, None])


def _by_powers(record: Record, poles: Tensor, *, slopes: bool) -> Projection:
    """The same on even samples without whitening, gaps and base line, by short tables of powers."""
    values, first = record.values, 2 * poles.shape[1]
    signal = values if record.real else torch.complex(*values.chunk(2, dim=2))
    cells = grid(signal.shape[2], record.step, values.dtype, values.device)
    waves, rows = powers(cells, poles), cells.rows(signal)
    gram, (right, _) = waves.gram(real=record.real), waves.products(rows)
    linear, bend = _eliminated(gram, right, first)
    rest = (rows - waves.sum(linear, real=record.real)).flatten(2)[:, :, : cells.samples]
    left = rest if record.real else torch.cat([rest.real, rest.imag], dim=2)
    cost = left.square().sum(dim=(1, 2))
    if not slopes:
        return Projection(
            left, linear, cost, left.new_zeros(len(left), 0), left.new_zeros(len(left), 0, 0), gram[:, None]
        )
    slope = waves.products(cells.rows(rest))[1]
    gradient, curvature = _by_poles(linear, slope, bend, count=poles.shape[1])
    return Projection(left, linear, cost, gradient, curvature, gram[:, None])


def _eliminated(gram: Tensor, right: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """Linear coefficients, and the normal matrix of the other columns without them."""
    inner, cross, outer = gram[:, :first, :first], gram[:, :first, first:], gram[:, first:, first:]
    solved = _solve(inner, torch.cat([right.mT, cross], dim=2))
    linear, onto = solved[:, :, : right.shape[1]].mT, solved[:, :, right.shape[1] :]
    return linear, outer - cross.mT @ onto


def grams(record: Record, poles: Complex[Tensor, "n p"]) -> Float[Tensor, "n m g g"]:
    """Inner products of the columns, of every channel where channels have noise of their own kinds.

    Args:
        record: The signals; their values are not looked at.
        poles: s in units of 1 / span.
    """
    number, channels = len(poles), record.values.shape[1] if record.apart else 1
    if record.apart:
        record, poles = record.folded(), poles.repeat_interleave(channels, 0)
    columns = record.columns(poles)
    return torch.unflatten(columns @ columns.mT, 0, (number, channels))


def amplitudes(projection: Projection, poles: Complex[Tensor, "n p"]) -> Complex[Tensor, "n c p"]:
    """Complex amplitudes A e^(iφ) at time 0.

    Args:
        projection: What `project` gave for these poles.
        poles: The poles.
    """
    count = poles.shape[1]
    scaled = torch.complex(projection.linear[:, :, :count], projection.linear[:, :, count : 2 * count])
    return scaled * torch.exp(-poles.real.clamp_min(0))[:, None]


def _gathered(apart: Projection, channels: int) -> Projection:
    """Channels that were projected as items of their own, brought together."""

    def split(table: Tensor) -> Tensor:
        return table.reshape(len(table) // channels, channels, *table.shape[1:])

    return Projection(
        split(apart.left).flatten(1, 2), split(apart.linear).flatten(1, 2), split(apart.cost).sum(1),
        split(apart.gradient).sum(1), split(apart.curvature).sum(1), split(apart.gram).flatten(1, 2),
    )  # fmt: skip


def _solve(gram: Tensor, right: Tensor) -> Tensor:
    """gram⁻¹ right, after scaling the diagonal to 1."""
    scale = gram.diagonal(dim1=1, dim2=2).clamp_min(torch.finfo(gram.dtype).tiny).rsqrt()
    unit = gram * scale[:, :, None] * scale[:, None]
    unit.diagonal(dim1=1, dim2=2).add_(RIDGE[gram.dtype])
    # A third of the time of Cholesky's factor and its solution, batched.
    return torch.linalg.solve_ex(unit, right * scale[:, :, None]).result * scale[:, :, None]


def _by_poles(linear: Tensor, slope: Tensor, bend: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """Gradient and curvature by the poles, summed over channels: t z turned by the amplitude of each."""
    a, b = linear[:, :, :count], linear[:, :, count : 2 * count]
    first, second = slope[:, :, :count], slope[:, :, count:]
    gradient = torch.cat([(a * first + b * second).sum(1), (a * second - b * first).sum(1)], dim=1)
    turn = torch.cat(
        [torch.cat([a.diag_embed(), b.diag_embed()], dim=3), torch.cat([-b.diag_embed(), a.diag_embed()], dim=3)], dim=2
    )
    return gradient, (turn @ bend[:, None] @ turn.mT).sum(1)
