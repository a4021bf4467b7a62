"""Partial coherence: measured intensities are a little blurred, and the fit finds by how much."""

from dataclasses import replace

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.jobs.recover.problem import Problem, blurred, second_difference


def fit_blur(problem: Problem, image: Shaped[Tensor, "n *space"], *, steps: int = 2) -> Float[Tensor, "n dims"]:
    """Outer taps w of the three-tap blur of the intensities that fits best: Gauss-Newton on Σ (√(K∗|F x|²) - A)².

    A blur in Fourier space is a window in space, so this is what a beam that is not quite coherent, or a detector whose
    pixels share charge, does to a pattern. Three taps per axis, 0 ≤ w ≤ 1/4, keep intensities non-negative; blurring
    with a Gaussian by FFT let rounding make them negative and ended in NaN.

    Args:
        problem: Problem of the items, with the blur to begin from; full planes only.
        image: Estimates of the objects.
        steps: Gauss-Newton steps.

    Returns:
        New taps, one per item and axis. One transform each.
    """
    spectrum = problem.forward(image)
    intensity = spectrum.real.square() + spectrum.imag.square()
    taps = torch.zeros(len(image), problem.dims, dtype=intensity.dtype, device=intensity.device)
    taps = taps if problem.blur is None else problem.blur
    for _ in range(steps):
        modulus = blurred(intensity, taps).sqrt()
        # Where the model is darker than a thousandth of its maximum, the derivative of the root is noise.
        floor = modulus.amax(dim=problem.axes, keepdim=True) * 1e-3
        floor = floor.clamp_min(torch.finfo(floor.dtype).tiny)  # an item without light has no slope, not NaN
        slopes = [
            (
                second_difference(blurred(intensity, taps, skip=axis), axis) / (2 * torch.maximum(modulus, floor))
            ).flatten(1)
            for axis in range(problem.dims)
        ]
        weights = problem.weights.expand(modulus.shape).flatten(1)
        error = (problem.moduli - modulus).flatten(1) * weights
        jacobian = torch.stack(slopes, dim=1)
        normal = (jacobian * weights[:, None]) @ jacobian.mT
        right = (jacobian @ error[..., None]).double()
        ridge = 1e-9 * normal.diagonal(dim1=1, dim2=2).amax(dim=1).clamp_min(1e-30)
        eye = torch.eye(problem.dims, dtype=torch.float64, device=normal.device)
        step = torch.linalg.solve(normal.double() + ridge.double()[:, None, None] * eye, right)[..., 0]
        taps = (taps + step.to(taps.dtype)).clamp(0.0, 0.25)
    return taps


def with_blur(problem: Problem, taps: Float[Tensor, "n dims"] | None) -> Problem:
    """The problem with this blur."""
    return replace(problem, blur=taps)
