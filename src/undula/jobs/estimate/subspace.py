"""Poles from the subspace of a signal's Hankel matrix: ESPRIT by total least squares, and the matrix pencil."""

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Complex, Shaped
from torch import Tensor

from undula.jobs.estimate.record import Record

LONGEST = 2048  # samples of a longer record that are used: the Hankel matrix grows with the square
SPARE = 4  # columns of the basis beyond the largest order, so that its last vectors converge too


def subspace_poles(
    record: Record, *, components: int, orders: tuple[int, ...], method: Literal["esprit", "matrix-pencil"] = "esprit"
) -> Complex[Tensor, "n k p"]:
    """Poles of the strongest components, one set per model order.

    The signals lie near a subspace that the shift by one sample maps onto itself; its matrix has the values e^(s Δt). Orders
    above the number of exponentials leave room for noise; of the poles found the strongest are kept.

    Args:
        record: Evenly sampled signals; with gaps, the longest stretch without one is used.
        components: P, how many to keep.
        orders: Dimensions of the subspace, 2P or more for real signals.
        method: "esprit" solves the shift equation by total least squares, "matrix-pencil" by least squares; the truncated
            singular value decomposition is common to both.

    Returns:
        Poles in units of 1 / span (n, orders, P).

    References: Roy and Kailath, ESPRIT, 1989; Hua and Sarkar, Matrix pencil method, 1990.
    """
    signal = _stretch(record)
    side = max(2, min(signal.shape[2] // 3, 512))
    hankel = signal.unfold(2, side, 1).flatten(1, 2).mT
    orders = tuple(min(order, side - 1, hankel.shape[2]) for order in orders)
    basis = _leading(hankel, min(max(orders) + SPARE, side))
    sets = []
    for order in orders:
        shift = _rotation(basis[:, :, :order], total=method == "esprit")
        values = torch.linalg.eigvals(shift)
        poles = torch.log(values + 1e-300) / record.step
        sets.append(_loudest(signal, poles, record=record, count=components))
    return torch.stack(sets, dim=1)


def longest_stretch(record: Record) -> slice:
    """The longest run of samples without a gap that all signals have.

    Args:
        record: The signals.
    """
    samples = record.times.shape[1]
    if record.weights is None:
        return slice(0, samples)
    holes = [-1, *(record.weights.amin(dim=0) == 0).nonzero()[:, 0].tolist(), samples]
    runs = [(after - before - 1, before + 1) for before, after in pairwise(holes)]
    length, first = max(runs)
    return slice(first, first + length)


def _stretch(record: Record) -> Shaped[Tensor, "n c t"]:
    rows = record.values.double()
    signal = rows if record.real else torch.complex(*rows.chunk(2, dim=2))
    signal = signal[:, :, longest_stretch(record)][:, :, :LONGEST]
    return signal / signal.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-300)


def _leading(hankel: Shaped[Tensor, "n l m"], size: int) -> Shaped[Tensor, "n l k"]:
    """Leading left singular vectors, by block power iteration with the fourth power of the Gram matrix.

    With it three orders of ESPRIT take 0.3 ms of one core per signal of 128 samples, two components.
    """
    gram = hankel @ hankel.mH
    gram = gram / gram.diagonal(dim1=1, dim2=2).real.sum(1)[:, None, None].clamp_min(1e-300)
    power = gram @ gram
    start = torch.randn(gram.shape[1], size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    block = gram @ start.to(gram.device, gram.dtype)
    for _ in range(3):
        block = power @ torch.linalg.qr(block).Q
    block = torch.linalg.qr(block).Q
    turn = torch.linalg.eigh(block.mH @ gram @ block).eigenvectors.flip(2)
    return block @ turn


def _rotation(basis: Shaped[Tensor, "n l k"], *, total: bool) -> Shaped[Tensor, "n k k"]:
    """The matrix that maps the basis without its last row onto that without its first."""
    upper, lower, order = basis[:, :-1], basis[:, 1:], basis.shape[2]
    # The columns are orthonormal, so that UᴴU without its last row l is I - lᴴl, whose inverse is known.
    last = basis[:, -1:]
    rest = (1 - last.abs().square().sum(dim=2)).clamp_min(1e-9)[:, :, None]
    eye = torch.eye(order, dtype=basis.dtype, device=basis.device)
    least = (eye + last.mH @ last / rest) @ (upper.mH @ lower)
    if not total:
        return least
    both = torch.cat([upper, lower], dim=2)
    vectors = torch.linalg.eigh(both.mH @ both).eigenvectors[:, :, :order]  # the least: what both have not in common
    inverse = torch.linalg.solve_ex(vectors[:, order:] + 1e-14 * eye, eye).result
    shift = -vectors[:, :order] @ inverse
    # Columns beyond the signal's own, without noise, leave nothing to invert and spoil the others: there least squares, which
    # stays exact. With noise the two leave nearly the same.
    left, least_left = ((upper @ each - lower).abs().square().sum(dim=1) for each in (shift, least))
    sound = (left <= 9 * least_left + 1e-24).all(dim=1)  # False for NaN
    return torch.where(sound[:, None, None], shift, least)


def _loudest(signal: Tensor, poles: Tensor, *, record: Record, count: int) -> Complex[Tensor, "n p"]:
    """The poles whose waves hold most energy; of a real signal's pairs, the one with positive frequency."""
    times = torch.arange(signal.shape[2], dtype=torch.float64, device=signal.device) * record.step
    inside = torch.complex(poles.real.clamp(-1.5 / record.step, 20.0), poles.imag)
    waves = torch.exp(inside[:, :, None] * times - inside.real.clamp_min(0)[:, :, None] * times[-1])
    waves = waves / waves.abs().square().sum(2, keepdim=True).sqrt()
    gram = waves.conj() @ waves.mT
    gram = gram + 1e-12 * torch.eye(poles.shape[1], dtype=gram.dtype, device=gram.device)
    size = torch.linalg.solve_ex(gram, waves.conj() @ signal.to(waves.dtype).mT).result
    weight = torch.nan_to_num(size.abs().square().sum(2), nan=0.0)
    if record.real:
        weight = torch.where(poles.imag > 1e-9 * math.pi / record.step, weight, -1.0 / (1.0 + weight))
    if poles.shape[1] < count:
        inside = torch.nn.functional.pad(torch.view_as_real(inside), (0, 0, 0, count - poles.shape[1]), value=1.0)
        inside = torch.view_as_complex(inside.contiguous())
        weight = torch.nn.functional.pad(weight, (0, count - weight.shape[1]), value=-2.0)
    chosen = inside.gather(1, weight.topk(count, dim=1).indices)
    return torch.complex(chosen.real, chosen.imag.abs() if record.real else chosen.imag)
