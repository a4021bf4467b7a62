"""One picture: read, repaired, scored where the original is known, and written with all that is to be seen of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from undula.data import OutputFolder, write_image
from undula.errors import DataError
from undula.jobs.restore.call import restore
from undula.jobs.restore.command.figures import write_sheet
from undula.jobs.restore.command.film import PART, WHOLE, Film, middle
from undula.jobs.restore.command.forms import write_form
from undula.jobs.restore.command.inputs import Loaded, Task
from undula.jobs.restore.command.report import finding
from undula.jobs.restore.command.scores import held, likeness, search
from undula.jobs.restore.command.settings import Settings
from undula.jobs.restore.result import Restoration
from undula.session import Session


def repair(task: Task, settings: Settings, out: OutputFolder, session: Session) -> tuple[dict[str, Any], list[str]]:
    """Repair a picture and write its files.

    Args:
        task: The picture.
        settings: The options.
        out: Where to.
        session: Device and notes.

    Returns:
        What is to be known of it, and the names of its files.

    Raises:
        UndulaError: It cannot be read, repaired or written.
    """
    loaded = task.load()
    _keep_input(task, out.path(f"{task.name}{loaded.form.suffix}"))
    missing = None if settings.find or loaded.missing is None else loaded.missing.to(session.device)
    part = _shown(loaded)
    film = Film(loaded.image[part], None if loaded.original is None else loaded.original[part]) if task.filmed else None
    watched = film is not None and settings.method == "descent" and film.shape == tuple(loaded.image.shape)
    result = restore(
        loaded.image.to(session.device), missing, method=settings.method, noise=settings.level, tile=settings.tile,
        callback=film.take if film is not None and watched else None,
    )  # fmt: skip
    descended = None if film is None or watched else _descended(loaded, result, film, session)
    record = {
        "shape": list(loaded.image.shape),
        "share": result.share[0],
        "known": "found" if result.search else "given" if loaded.original is None else "made",
        "search": None if result.search is None else asdict(result.search),
        "method": settings.method,
        "noise": settings.noise,
        "advice": [*loaded.remarks, *result.advice],
        **_scores(loaded, result),
        **({} if film is None else {"filmed": film.shown}),
    }
    if descended is not None and loaded.original is not None:
        record |= {f"descent_{name}": value for name, value in likeness(descended, loaded.original).items()}
    for sentence in record["advice"]:
        session.note(f"{task.name}: {sentence}")
    return record, _write(task.name, loaded, result, film, descended, record, out)


def _shown(loaded: Loaded) -> tuple[slice, slice, slice]:
    """What is filmed: a picture, or the middle of a large one."""
    height, width = loaded.image.shape[1:]
    return slice(None), *middle(height, width, max(height, width) if height * width <= WHOLE else PART)


def _descended(loaded: Loaded, result: Restoration, film: Film, session: Session) -> Tensor | None:
    """The seed's method on what is filmed; None where that is only a part of the picture, or all of it is missing."""
    part = _shown(loaded)
    missing = result.missing[part]
    if bool(missing.flatten(1).all(1).any()):
        return None
    done = restore(loaded.image[part].to(session.device), missing, method="descent", callback=film.take)
    return done.image.cpu() if done.image.shape == loaded.image.shape else None


def _scores(loaded: Loaded, result: Restoration) -> dict[str, Any]:
    """How near it came to the original, where that is known."""
    original = loaded.original
    if original is None or loaded.missing is None:
        return {}
    repaired, lost = result.image.cpu(), result.missing.cpu()
    before = likeness(loaded.image, original)
    known: dict[str, Any] = {f"{name}_before": value for name, value in before.items()} | likeness(repaired, original)
    if result.interval is not None:
        known["held"] = held(result.interval.cpu(), lost, repaired, original)
    if result.search:
        known |= search(lost, loaded.missing, loaded.image, repaired, original)
    return known


def _write(
    name: str, loaded: Loaded, result: Restoration, film: Film | None, descended: Tensor | None,
    record: dict[str, Any], out: OutputFolder,
) -> list[str]:  # fmt: skip
    repaired, missing = result.image.cpu(), result.missing.cpu()
    interval = None if result.interval is None else result.interval.cpu()
    files = [write_form(out, name, _with_alpha(repaired, loaded), loaded.form)]

    def add(word: str) -> Path:
        files.append(f"{name}-{word}")
        return out.path(files[-1])

    write_image(add("missing.png"), missing.any(0, keepdim=True).float())
    if interval is not None:
        write_image(add("interval.png"), interval.mean(0, keepdim=True).clamp(0, 1), bits=16)
    if loaded.original is not None:
        write_image(add("damaged.png"), _with_alpha(loaded.image, loaded), bits=loaded.form.bits)
    write_sheet(
        add("sheet.png"), damaged=loaded.image, missing=missing, repaired=repaired, interval=interval,
        original=loaded.original, descended=descended,
        title=name, subtitle=finding(record),
    )  # fmt: skip
    if film is not None:
        film.write(add("descent.gif"), title="Gradient descent in action")
    return files


def _with_alpha(picture: Tensor, loaded: Loaded) -> Tensor:
    return picture if loaded.alpha is None else torch.cat([picture, loaded.alpha.to(picture)])


def _keep_input(task: Task, path: Path) -> None:
    """Refuse to write the result over what it is made from."""
    if path.exists() and Path(task.source).exists() and path.samefile(task.source):
        raise DataError(
            f"got the folder of {task.source!r} for the results, expected another one, for it would be overwritten: say -o"
        )
