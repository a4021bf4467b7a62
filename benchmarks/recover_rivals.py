"""Rivals of `undula.recover` on the same digits with the same budget of transforms, in one process."""

import time
from collections.abc import Callable
from typing import Any

import torch
from measuring import record
from torch import Tensor

import undula
from undula.data import mnist
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.problem import read_problem
from undula.jobs.recover.search import search
from undula.jobs.recover.supports import FixedMask
from undula.metrics import mean_squared_error

FIRST, COUNT = 6000, 96
Answer = tuple[Tensor, Tensor, Tensor]  # images, residuals, transforms


def rivals() -> None:
    """Budgets of 1,000 and 20,000 transforms a digit; every method may restart within its budget."""
    truth = mnist("test", FIRST, FIRST + COUNT)
    data = torch.fft.fft2(truth).abs()
    rows: dict[str, Any] = {}
    for budget in (1_000, 20_000):
        methods: dict[str, Callable[[], Answer]] = {
            "undula rrr (default)": lambda budget=budget: _undula("rrr", data, budget),
            "undula raar": lambda budget=budget: _undula("raar", data, budget),
            "undula hio": lambda budget=budget: _undula("hio", data, budget),
            "undula er": lambda budget=budget: _undula("er", data, budget),
            "undula gradient": lambda budget=budget: _gradient(data, budget),
            "bare rrr": lambda budget=budget: _bare("rrr", data, budget),
            "bare raar": lambda budget=budget: _bare("raar", data, budget),
            "bare hio": lambda budget=budget: _bare("hio", data, budget),
            "bare er": lambda budget=budget: _bare("er", data, budget),
            "plain gradient (the seed)": lambda budget=budget: _plain(data, budget),
            "deepinv 0.5.0, AmplitudeLoss, PGD": lambda budget=budget: _deepinv(data, budget),
        }
        for name, method in methods.items():
            began = time.perf_counter()
            images, residual, transforms = method()
            aligned = undula.align(images.double(), truth.double()).image
            error = mean_squared_error(aligned, truth.double())
            rows[f"{name}, {budget}"] = {
                "correct": int((error < 1e-3).sum()),
                "of": COUNT,
                "median residual": float(f"{float(residual.median()):.2g}"),
                "mean transforms": round(float(transforms.double().mean())),
                "seconds": round(time.perf_counter() - began, 1),
            }
    record("recover", "rivals", rows)


def _undula(method: Any, data: Tensor, budget: int) -> Answer:
    result = undula.recover(data, method=method, max_transforms=budget, generator=torch.Generator().manual_seed(0))
    return result.image, result.residual, result.transforms


def _gradient(data: Tensor, budget: int) -> Answer:
    """Starts of at most 5,000 steps (10,000 transforms) in five cycles, or shorter ones where the budget is."""
    steps = min(5000, budget // 2)
    options = undula.GradientDescent(steps=steps, cycles=5 if steps == 5000 else 1)
    return _descend(options, data, budget)


def _plain(data: Tensor, budget: int) -> Answer:
    options = undula.GradientDescent.as_published()
    return _descend(undula.GradientDescent(**{**vars(options), "steps": min(5000, budget // 2)}), data, budget)


def _descend(options: undula.GradientDescent, data: Tensor, budget: int) -> Answer:
    starts = max(1, budget // (2 * options.steps))
    generator = torch.Generator().manual_seed(0)
    result = undula.recover(data, method=options, starts=starts, max_transforms=budget, generator=generator)
    return result.image, result.residual, result.transforms


def _bare(name: Any, data: Tensor, budget: int) -> Answer:
    """The textbook iteration: bounds only, no probes, no boxes; starts of 500 iterations while the budget lasts."""
    problem = read_problem(
        data, intensities=False, centered=False, norm="backward", real=True, bounds=(0.0, 1.0), measured=None
    )
    method = Projections(name, block=min(500, budget // 2), probe=None, first_length=min(500, budget // 2), growth=1.0)
    target = torch.full((len(data),), 2e-4)
    found = search(
        problem,
        method,
        FixedMask(None),
        target=target,
        seeds=torch.arange(len(data)),
        starts=10**6,
        max_transforms=budget,
    )
    return found.image, found.residual, found.transforms


def _deepinv(data: Tensor, budget: int) -> Answer:
    """deepinv's amplitude loss minimized by its own proximal gradient iteration with the bounds as prior; restarts of at
    most 5,000 transforms, the run of least residual kept.
    """
    # torchvision's compiled operators do not load beside the CPU build of torch; deepinv's import asks only for their names.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import deepinv

    spent = 0

    class Fourier(deepinv.physics.LinearPhysics):
        def A(self, x: Tensor, **_: Any) -> Tensor:
            nonlocal spent
            spent += 1
            return torch.fft.fft2(x, norm="ortho")

        def A_adjoint(self, y: Tensor, **_: Any) -> Tensor:
            nonlocal spent
            spent += 1
            return torch.fft.ifft2(y, norm="ortho").real

    class Bounds(deepinv.optim.Prior):
        def __init__(self) -> None:
            super().__init__()
            self.explicit_prior = False

        def prox(self, x: Tensor, *_: Any, **__: Any) -> Tensor:
            return x.clamp(0, 1)

    physics = deepinv.physics.PhaseRetrieval(Fourier())
    measured = (data / data.shape[-1]).square()[:, None]
    best, least = torch.zeros_like(data), torch.full((len(data),), torch.inf)
    generator, steps = torch.Generator().manual_seed(0), max(1, min(5000, budget) // 4)
    while spent + 4 * steps <= budget or spent == 0:
        solver = deepinv.optim.PGD(
            data_fidelity=deepinv.optim.AmplitudeLoss(), prior=Bounds(), stepsize=0.5, max_iter=steps, early_stop=False
        )
        start = torch.rand(data.shape, generator=generator)[:, None]
        image = solver(measured, physics, init=start)[:, 0].clamp(0, 1).detach()
        moduli = torch.fft.fft2(image).abs()
        residual = ((moduli - data).square().sum(dim=(1, 2)) / data.square().sum(dim=(1, 2))).sqrt()
        better = residual < least
        best[better], least = image[better], torch.minimum(residual, least)
    return best, least, torch.full((len(data),), float(spent))
