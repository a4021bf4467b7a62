"""`undula.recover`: from what the user brings to a `Recovery`."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from undula.jobs.recover.found import Progress
from undula.jobs.recover.gradient import GradientDescent
from undula.jobs.recover.noise import Gaussian, Poisson
from undula.jobs.recover.plan import make_plan
from undula.jobs.recover.problem import as_bounds, read_problem
from undula.jobs.recover.reading import check_options, read_magnitudes, read_mask, read_start, read_support
from undula.jobs.recover.result import Recovery, make_result
from undula.jobs.recover.solution import solve
from undula.jobs.recover.starts import item_seeds


def recover(
    magnitudes: Any,
    *,
    dims: int = 2,
    intensities: bool = False,
    centered: bool = False,
    norm: Literal["backward", "ortho", "forward"] = "backward",
    field: Literal["real", "complex"] = "real",
    bounds: Sequence[float | None] | None = (0.0, 1.0),
    support: Any = None,
    measured: Any = None,
    method: Literal["rrr", "gradient", "hio", "raar", "er"] | GradientDescent = "rrr",
    start: Any = None,
    starts: int | None = None,
    runs: int = 1,
    tolerance: float = 2e-4,
    max_transforms: int | None = None,
    noise: Gaussian | Poisson | None = None,
    generator: torch.Generator | Int[Tensor, " n"] | None = None,
    callback: Callable[[int, Progress], object] | None = None,
) -> Recovery:
    r"""Recover images from the magnitudes of their Fourier transforms alone.

    Finds x with |F x| = A that lies within the bounds and the support. The default alternates between both by
    relaxed reflections (RRR), x ← x + β (P_A(2 P_S x - x) - P_S x), polishes a copy of the estimate every 50 iterations
    by accelerated error reduction, and starts afresh from random phases where that leads nowhere.

    Args:
        magnitudes: |F x| ≥ 0 over the full plane, (…, H, W) or with `dims=3` (…, D, H, W); leading axes are independent
            items. A tensor, or a NumPy array (then the results are arrays).
        dims: How many of the last axes are space: 1, 2 or 3.
        intensities: Whether `magnitudes` are |F x|² (counts may be integers).
        centered: Whether zero frequency lies in the middle (fftshift) rather than at index 0.
        norm: Normalization of the forward transform, as in torch.fft and numpy.fft.
        field: "real" objects within `bounds`, or "complex" ones, which need a support.
        bounds: Least and greatest value of real objects; None for either or both. The upper bound matters: without it
            magnitudes of un-padded images often have several answers.
        support: Where the object may be non-zero: None; sides of a box that lies anywhere (one number or one per axis);
            a boolean mask (of one item, or of all); "shrinkwrap", which estimates it from the object itself.
        measured: Boolean mask, False for magnitudes that were not measured and are left free.
        method: "rrr", "gradient" (or a `GradientDescent` with options of its own), "hio", "raar", "er".
        start: Images to begin the first start from, of the shape of `magnitudes`; None is random phases.
        starts: Greatest number of fresh starts of a run; None is as many as the transforms allow (shrink-wrap: one,
            gradient: eight).
        runs: Independent runs of every item, to tell whether they agree.
        tolerance: Relative amplitude residual below which an item is accepted. In float32 not above 2e-4 for certainty:
            at 1e-3 wrong images were accepted.
        max_transforms: Fourier transforms after which a run takes no further start; None is 40,000 (gradient: no
            limit).
        noise: `Gaussian(deviation)` on the magnitudes or `Poisson(counts)`: items are accepted when they fit as well as
            the noise allows, pixels that do not rise above it are emptied, and the accepted runs are averaged.
        generator: Source of the random starts; or one integer seed per item, which makes an item's result independent
            of the batch that it lies in.
        callback: Called as callback(iteration, progress), see `undula.jobs.recover.found.Progress`.

    Returns:
        The images, with residual, verdict and cost of each.

    Raises:
        RangeError: Negative, NaN or infinite magnitudes; magnitudes that no real image has; integers that are not
            counts.
        ShapeError: Shapes that do not fit, or an empty batch.
        OptionError: Options that contradict each other.

    When it fails: without bounds and without a support almost anything fits; a support of half the frame's sides or
    less makes the answer unique for almost all objects (Bates 1982). Compare several runs (`runs=8`, `agreement`).

    References: Elser, Lan, Bendory, Benchmark problems for phase retrieval, 2018; Fienup, Phase retrieval algorithms: a
    comparison, 1982; Marchesini et al., X-ray image reconstruction from a diffraction pattern alone, 2003.

    Example:
        >>> square = torch.zeros(12, 12)
        >>> square[2:5, 3:9] = 0.7
        >>> result = recover(torch.fft.fft2(square).abs(), generator=torch.Generator().manual_seed(0))
        >>> bool(result.accepted)
        True
    """
    began = time.perf_counter()
    arguments = {key: value for key, value in locals().items() if key not in ("magnitudes", "began", "callback")}
    check_options(method, field=field, bounds=bounds, support=support, starts=starts, runs=runs, tolerance=tolerance,
                  max_transforms=max_transforms)  # fmt: skip
    values = read_magnitudes(magnitudes, dims=dims, intensities=intensities)
    space = tuple(values.shape[-dims:])
    # A solver must work inside a host's inference mode too: everything made in here is an ordinary tensor.
    with torch.inference_mode(False), torch.no_grad():
        problem = read_problem(
            values.detach().clone().reshape(-1, *space),
            intensities=intensities,
            centered=centered,
            norm=norm,
            real=field == "real",
            bounds=as_bounds(bounds if field == "real" else None),
            measured=None if measured is None else read_mask(measured, like=values, dims=dims, name="measured"),
            symmetrize=noise is not None,
        )
        place = read_support(support, problem, like=values)
        plan = make_plan(
            problem, method, place, starts=starts, tolerance=tolerance, max_transforms=max_transforms, noise=noise
        )
        seeds = item_seeds(len(problem.moduli), generator=generator, device=values.device)
        image = None if start is None else read_start(start, like=values, problem=problem)
        solution = solve(problem, plan, seeds=seeds, runs=runs, image=image, callback=callback)
    return make_result(
        solution,
        batch=tuple(values.shape[:-dims]),
        arrays=not isinstance(magnitudes, Tensor),
        arguments=arguments,
        seconds=time.perf_counter() - began,
    )
