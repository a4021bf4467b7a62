"""A scan of starts as records and files: the strongest mode at each start, and the figure."""

from collections.abc import Mapping
from typing import Any

from undula.data import OutputFolder, atomic_text
from undula.data.plain import json_text
from undula.jobs.estimate.result import Modes
from undula.jobs.estimate.written import describe, modes_csv
from undula.show import save_picture


def describe_scan(modes: Modes, *, clock: float) -> dict[str, Any]:
    """What is to be known of a scan: as of one item, with the strongest mode of every start as its modes.

    Args:
        modes: Of several starts, and one item.
        clock: What the file's clock says where the starts count from.
    """
    each = [describe(item) for item in modes.items()]
    found = [
        {**one["modes"][0], "start": clock + one["start"], "accepted": one["accepted"], "advice": one["advice"]}
        for one in each
        if one["modes"]
    ]
    good = sum(one["accepted"] for one in each)
    advice = (
        "" if good == len(each) else f"{good} of {len(each)} starts accepted, why not the others is in the JSON file"
    )
    return {**each[0], "modes": found, "accepted": good > 0, "advice": advice, "starts": len(each)}


def write_scan(
    out: OutputFolder,
    name: str,
    modes: Modes,
    record: Mapping[str, Any],
    *,
    clock: float,
    alone: Modes | None = None,
    names: tuple[str, ...] = (),
) -> list[str]:
    """Write the files of a scan.

    Args:
        out: Where to.
        name: Stem of the files.
        modes: Of several starts, and one item.
        record: As from `describe_scan`, and what else the JSON file shall say.
        clock: What the file's clock says where the starts count from.
        alone: Of every channel by itself, drawn beside.
        names: Of the channels.

    Returns:
        Names of the files.
    """
    atomic_text(out.path(f"{name}.json"), json_text({"item": name, **record}))
    atomic_text(out.path(f"{name}.csv"), modes_csv([{"item": name, **record}]))
    first = float(modes.start[0])
    title = f"{record['title']}: start after {clock + first:.10g} s"
    if alone is None:
        picture = modes.starts_figure(names=(name,), origin=first, title=title)
    else:
        picture = alone.starts_figure(names=names, beside={"together": modes}, origin=first, title=title)
    save_picture(out.path(f"{name}.png"), picture)
    return [f"{name}.{suffix}" for suffix in ("json", "csv", "png")]
