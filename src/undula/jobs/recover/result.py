"""What `recover` returns."""

import hashlib
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from undula.data import OutputFolder, write_array, write_image
from undula.jobs.recover.advice import advise
from undula.jobs.recover.found import Found
from undula.jobs.recover.solution import Solution


@dataclass(frozen=True)
class Recovery:
    """Recovered images, with what tells whether to trust them. Fields are tensors, or arrays where arrays came in.

    Attributes:
        image: The images, of the shape of the magnitudes; each is one of the equally good answers that differ by a
            circular shift, a 180-degree turn and (if complex) a global phase: `undula.align` resolves that.
        residual: Relative amplitude residual √(Σ (|F image| - A)² / Σ A²) over the measured magnitudes (…).
        accepted: Whether the residual is as small as the tolerance, or the noise, asks (…). Not a proof: a wrong image
            may fit, the more easily the fewer constraints there are.
        transforms: Fourier transforms spent on each item: every start, probe and failed round of every run (…).
        starts: Starts used by each item, over all runs (…).
        run_residual: Residual of every run (…, runs).
        run_accepted: Whether each run was accepted (…, runs).
        agreement: Mean normalized inner product of the pairs of accepted runs (all, where none was) after alignment
            (…); None for a single run. Its transforms are counted in `agreement_transforms`.
        agreement_transforms: Transforms per item that laying the runs onto each other cost.
        prtf: Phase retrieval transfer function per ring of frequency, |F(average)| / A (…, rings); None for a single
            run.
        support: Where the image may be non-zero, as given or as found (…, space); None when nothing restricts it.
        blur: Outer taps w of the blur (w, 1 - 2w, w) of the intensities that shrink-wrap fitted along every axis, the
            mean of the accepted runs (…, dims); None without one. The residual is that of the blurred intensities.
        history: One (k, 4) table over all looks: item, run, transforms spent on the run, residual.
        advice: Per item, what to try when it was not accepted, else an empty sentence; nested like the leading axes.
        arguments: What `recover` was called with, in plain values.
        seconds: Wall time of the call.
    """

    image: Any
    residual: Any
    accepted: Any
    transforms: Any
    starts: Any
    run_residual: Any
    run_accepted: Any
    agreement: Any
    agreement_transforms: int
    prtf: Any
    support: Any
    blur: Any
    history: Any
    advice: Any
    arguments: dict[str, Any]
    seconds: float

    def save(self, folder: str | Path) -> Path:
        """Write every image (PNG where it is flat, NPY always), and `run.json`.

        Args:
            folder: Created if it does not exist.

        Returns:
            The folder.

        Raises:
            DataError: The folder or a file cannot be written.
        """
        out = OutputFolder(folder, arguments=self.arguments)
        dims = int(self.arguments["dims"])
        image = np.asarray(self.image)
        images = image.reshape(-1, *image.shape[image.ndim - dims :])
        residual, accepted = np.asarray(self.residual).reshape(-1), np.asarray(self.accepted).reshape(-1)
        transforms = np.asarray(self.transforms).reshape(-1)
        for number, item in enumerate(images):
            name = f"recovered-{number:05d}"
            files = write_item(out, name, item)
            record = {
                "residual": float(residual[number]),
                "accepted": bool(accepted[number]),
                "transforms": int(transforms[number]),
            }
            out.finish(name, record, files)
        out.write_run({"items": out.records(), "seconds": self.seconds})
        return out.folder


def make_result(
    solution: Solution, *, batch: tuple[int, ...], arrays: bool, arguments: dict[str, Any], seconds: float
) -> Recovery:
    """Bring a solution into the user's shapes and kind of array.

    Args:
        solution: What was found.
        batch: The leading axes of the magnitudes.
        arrays: Whether NumPy arrays came in.
        arguments: What `recover` was called with.
        seconds: Wall time.

    Returns:
        The result.
    """
    found, runs, consensus = solution.found, solution.runs, solution.consensus
    space = solution.problem.shape

    def shaped(values: torch.Tensor | None, *tail: int) -> Any:
        if values is None:
            return None
        values = values.reshape((*batch, *tail))
        return values.cpu().numpy() if arrays else values

    agreement = None if consensus is None else consensus.agreement
    sentences = advise(
        solution.problem,
        accepted=solution.accepted,
        residual=solution.residual,
        agreement=agreement,
        support=solution.support,
    )
    trials = found.transforms.reshape(-1, runs) + solution.refining
    return Recovery(
        image=shaped(solution.image, *space),
        residual=shaped(solution.residual),
        accepted=shaped(solution.accepted),
        transforms=shaped(trials.sum(dim=1)),
        starts=shaped(found.starts.reshape(-1, runs).sum(dim=1)),
        run_residual=shaped(found.residual, runs),
        run_accepted=shaped(solution.run_accepted, runs),
        agreement=shaped(agreement),
        agreement_transforms=0 if consensus is None else consensus.transforms,
        prtf=None if consensus is None else shaped(consensus.prtf, consensus.prtf.shape[-1]),
        support=shaped(solution.mask, *space),
        blur=shaped(solution.blur, len(space)),
        history=_history(found, runs=runs, arrays=arrays),
        advice=_nested(sentences, batch),
        arguments=plain_arguments(arguments),
        seconds=seconds,
    )


def plain_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON can hold them: arrays become their shapes, dataclasses their fields, generators their seeds."""
    return {key: _plain(value) for key, value in arguments.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return {"generator": value.initial_seed()}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: asdict(value)}
    if isinstance(value, torch.Tensor | np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(np.asarray(value)).tobytes()).hexdigest()[:16]
        return {"shape": list(value.shape), "type": str(value.dtype), "sha256": digest}
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _history(found: Found, *, runs: int, arrays: bool) -> Any:
    rows = torch.cat(found.history) if found.history else torch.zeros(0, 3, dtype=torch.float64)
    item = torch.div(rows[:, :1], runs, rounding_mode="floor")
    table = torch.cat([item, rows[:, :1] - item * runs, rows[:, 1:]], dim=1)
    return table.cpu().numpy() if arrays else table


def _nested(sentences: list[str], batch: tuple[int, ...]) -> Any:
    if not batch:
        return sentences[0]
    size = len(sentences) // batch[0]
    return [_nested(sentences[row * size : (row + 1) * size], batch[1:]) for row in range(batch[0])]


def write_item(out: OutputFolder, name: str, image: Any) -> list[str]:
    """Write one image: NPY with the values, and for flat ones a PNG of their moduli, stretched where they exceed 1."""
    values = np.asarray(image)
    write_array(out.path(f"{name}.npy"), values)
    if values.ndim != 2:
        return [f"{name}.npy"]
    picture = torch.as_tensor(np.abs(values) if np.iscomplexobj(values) else values.clip(min=0)).float()
    top = float(picture.max())
    write_image(out.path(f"{name}.png"), picture / top if top > 1 or (np.iscomplexobj(values) and top > 0) else picture)
    return [f"{name}.npy", f"{name}.png"]
