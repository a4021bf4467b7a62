"""`undula info`: what is installed, where it computes, where data are looked for."""

import os
import platform
import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from undula.data import data_folders
from undula.data.sets import SET_NAMES
from undula.session import Options, Session

_IMPORTED_AS = {"scikit-image": "skimage", "pillow": "PIL"}


def info(*, options: Options = Options()) -> int:  # noqa: B008
    """Print versions, devices, threads, extras, and where data are looked for.

    Args:
        options: Options of every command.
    """
    session = Session(options)
    known = {
        "versions": _versions(),
        "machine": _machine(session),
        "extras": _extras(),
        "data": [_folder(folder) for folder in data_folders()],
    }
    session.answer({"command": "info", **known})
    _print(session, known)
    return session.status


def _versions() -> dict[str, str]:
    names = ("undula", "torch", "numpy", "pillow", "cyclopts")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def _machine(session: Session) -> dict[str, Any]:
    import torch

    device = session.device
    cards = [torch.cuda.get_device_name(card) for card in range(torch.cuda.device_count())]
    return {
        "platform": platform.platform(terse=True),
        "device": str(device),
        "cuda": cards,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _extras() -> dict[str, dict[str, bool]]:
    """Extra → package → whether it is installed; `all` is the sum of the others."""
    extras: dict[str, dict[str, bool]] = {}
    for line in metadata.requires("undula") or []:
        match = re.match(r"([A-Za-z0-9_.-]+).*extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if match and match[2] != "all":
            package = match[1]
            module = _IMPORTED_AS.get(package, package)
            extras.setdefault(match[2], {})[package] = find_spec(module) is not None
    return extras


def _folder(folder: Path) -> dict[str, Any]:
    sets = sorted({name.partition(":")[0] for name in SET_NAMES})
    present = [name for name in sets if (folder / name).is_dir() and any((folder / name).iterdir())]
    named = os.environ.get("UNDULA_DATA", "").strip()
    why = "UNDULA_DATA" if named and folder == Path(named).expanduser() else "the cache"
    return {"folder": str(folder), "why": why, "exists": folder.is_dir(), "sets": present}


def _print(session: Session, known: dict[str, Any]) -> None:
    machine = known["machine"]
    session.say("versions  " + ", ".join(f"{name} {number}" for name, number in known["versions"].items()))
    session.say(f"machine   {machine['platform']}, {machine['cores']} cores, {machine['threads']} threads")
    cards = ", ".join(machine["cuda"]) or "no CUDA device"
    session.say(f"device    {machine['device']} ({cards})")
    for extra, packages in known["extras"].items():
        missing = [name for name, present in packages.items() if not present]
        listed = ", ".join(packages)
        if missing:
            session.say(f"extra     {extra}: {', '.join(missing)} not installed: pip install 'undula[{extra}]'")
        else:
            session.say(f"extra     {extra}: installed ({listed})")
    for place in known["data"]:
        holds = ", ".join(place["sets"]) or ("no named set" if place["exists"] else "does not exist")
        session.say(f"data      {place['folder']} ({place['why']}): {holds}")
    if all(place["why"] != "UNDULA_DATA" for place in known["data"]):
        session.say("data      set UNDULA_DATA to a folder of your own to have it searched first")
