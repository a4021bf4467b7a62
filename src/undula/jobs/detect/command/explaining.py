"""`undula detect explain`: where the packets of real and generated pictures differ."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Group, Parameter
from PIL import Image
from torch import Tensor

from undula.data.atomic import make_folder
from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.detect.command.attention import attended, find_saliency
from undula.jobs.detect.command.converging import converged, find_convergence
from undula.jobs.detect.command.naming import name_generators, typed_words
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.packets_compared import PacketMoments, common_side, packet_moments, packet_mosaic
from undula.jobs.detect.reading import find_sources
from undula.jobs.detect.saliency import diagonal_shares
from undula.session import Options, Session
from undula.show import Axis, Lines, Picture, Plane, Section, Table, draw_panels, save_picture, write_page

_FOLDER = Group("Where it goes", sort_key=0)
_PACKETS = Group("Which packets", sort_key=1)
_OFFSET = 1.0  # a grey level
_BARE = Axis(0.0, 1.0, ticked=False)

READING = (
    "Every mosaic shows the wavelet packets of one level, each a small picture in its place: low frequencies in the upper "
    "left, frequency rising to the right and downward. "
    "What is drawn is ln(|packet| + 1) in grey levels, its mean over the pictures "
    "and, below, its standard deviation from picture to picture.",
    "In the difference red means more in generated pictures, blue less. Up-sampling leaves bright or dark bands at high "
    "frequencies and lattices inside of packets; blur shows as blue far from the upper left; a difference in the upper left "
    "alone is one of content: brightness, framing, color.",
    "The curves go along the diagonals of the mosaic, from the lowest frequencies of both axes to the highest.",
)


def explain_classes(
    *inputs: Annotated[str, Parameter(metavar="REAL GENERATED [MORE…]", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-detect-explain"),
    level: Annotated[int, Parameter(group=_PACKETS)] = 3,
    wavelet: Annotated[str, Parameter(group=_PACKETS)] = "haar",
    model: Annotated[Path | None, Parameter(group=_PACKETS, metavar="FOLDER")] = None,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Show where the wavelet packets of real and generated pictures differ.

    Mean and standard deviation of the packets of both sides stand side by side with their difference, by frequency, and how
    soon packets are learned, and how soon pixels. It needs no detector; with one, it is also shown which packets its score
    depends on, over all pictures and for some of them. The folder gets a figure for each generator, `profile.png`,
    `convergence.png`, with a detector `saliency.png` and `saliency-pictures.png`, and a page `index.html`.

    ```
    undula detect explain photos/ generated/ -o out
    undula detect explain photos/ generated/ --model my-detector
    undula detect explain cifake:train:real cifake:train:generated --level 2
    ```

    Exit status: 0 shown; 1 shown, but some pictures could not be used; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: A folder of real pictures, then one of each generator; or named sets.
        output: Folder for the figures; it is made if it is not there.
        level: Level of the packets: 4 to its power are shown.
        wavelet: Their wavelet.
        model: Folder of a detector whose attention is shown too.
        options: Options of every command.
    """
    if len(inputs) < 2:
        raise OptionError(
            f"got {len(inputs)} folders, expected real pictures and generated ones: undula detect explain photos/ generated/"
        )
    if not 1 <= level <= 5:
        raise OptionError(f"got --level {level}, expected 1 to 5: 3 is usual")
    session = Session(options)
    detector = None if model is None else Detector.load(model)
    with typed_words():
        typed = {"real": inputs[0], **name_generators(inputs[1:])}
        moments = find_moments(typed, session, level=level, wavelet=wavelet)
        attention = {} if detector is None else find_saliency(detector, typed, level=level, wavelet=wavelet)
        learned = find_convergence(typed, session, level=level, wavelet=wavelet)
    header, rows = differences_table(moments)
    sections = [explained(moments, output), *converged(learned, output), *attended(attention, output)]
    write_page(
        make_folder(output) / "index.html",
        title="What differs",
        lead=f"Packets of {moments['real'].count} real pictures and of "
        f"{', '.join(f'{one.count} of {name}' for name, one in moments.items() if name != 'real')}.",
        sections=[*sections, Section("Where they differ most", table=Table(header, rows))],
        footer="undula detect explain",
    )
    session.table(header, rows)
    session.say(f"see {output / 'index.html'}")
    session.answer(
        plain(
            {
                "command": "detect explain", "folder": str(output), "failed": session.failures, "level": level,
                "classes": {name: {"pictures": one.count, "profile": one.profile} for name, one in moments.items()},
                "saliency": {name: diagonal_shares(one.mean) for name, one in attention.items()},
                "convergence": learned and asdict(learned),
            }
        )
    )  # fmt: skip
    return session.status


def find_moments(
    typed: dict[str, str], session: Session, *, level: int = 3, wavelet: str = "haar"
) -> dict[str, PacketMoments]:
    """Moments of the packets of every class.

    Args:
        typed: Folders or named sets by the name of their class.
        session: Bar, failures.
        level: Level of the packets.
        wavelet: Their wavelet.
    """
    classes = {name: find_sources(place, name=name) for name, place in typed.items()}
    side = common_side(list(classes.values()), level=level)
    found = {}
    with session.bar("packets", sum(map(len, classes.values()))) as bar:
        before = 0
        for name, sources in classes.items():
            found[name] = packet_moments(
                sources, side=side, level=level, wavelet=wavelet, offset=_OFFSET,
                callback=lambda done, before=before, name=name: bar.update(before + done, detail=name),  # type: ignore[misc]
            )  # fmt: skip
            before += len(sources)
            for path, why in found[name].failed.items():
                session.fail(path, why if path in why else f"{path}: {why}")
    return found


def explained(moments: dict[str, PacketMoments], folder: Path) -> Section:
    """Draw the figures into a folder.

    Args:
        moments: Of every class, "real" first.
        folder: Where the figures go.

    Returns:
        The section of the page.
    """
    make_folder(folder)
    pictures = []
    for name, one in moments.items():
        if name != "real":
            file = folder / f"packets-{_stem(name)}.png"
            save_picture(file, draw_moments(moments["real"], one, name))
            pictures.append(Picture(file, "", f"packets of real pictures and of {name}", 960))
    file = folder / "profile.png"
    save_picture(file, _draw_profiles(moments))
    pictures.append(Picture(file, "", "mean of the packets along the diagonals, by class", 960))
    return Section("Packets by frequency", READING, pictures)


def draw_moments(real: PacketMoments, other: PacketMoments, name: str) -> Image.Image:
    """Mean and deviation of two classes with their differences.

    Args:
        real: Of real pictures.
        other: Of the other class.
        name: Its name.
    """
    rows = []
    for what, of in (("mean", "mean"), ("standard deviation", "deviation")):
        sides = [packet_mosaic(getattr(one, of)) for one in (real, other)]
        low, high = min(float(one.min()) for one in sides), max(float(one.max()) for one in sides)
        difference = sides[1] - sides[0]
        most = float(difference.abs().max()) or 1.0
        scale = Axis(low, high if high > low else low + 1, "ln")
        rows.append(
            [
                *(_mosaic(one, f"{title}, {what}", scale) for one, title in zip(sides, ("real", name), strict=True)),
                _mosaic(difference, "difference", Axis(-most, most, "ln"), diverging=True),
            ]
        )
    return draw_panels(
        rows, title=f"Wavelet packets: real and {name}", subtitle=f"{real.count} and {other.count} pictures"
    )


def differences_table(moments: dict[str, PacketMoments]) -> tuple[list[str], list[list[str]]]:
    """The packet of each generator that differs most from that of real pictures, beside the spread of these.

    Args:
        moments: Of every class.
    """
    real = moments["real"]
    side = round(len(real.mean) ** 0.5)
    rows = []
    for name, one in moments.items():
        if name == "real":
            continue
        change = (one.mean - real.mean).mean(dim=(-2, -1))
        share = change / real.deviation.mean(dim=(-2, -1)).clamp_min(1e-9)
        place = int(share.abs().argmax())
        where = f"{place // side} down, {place % side} right"
        rows.append([name, str(one.count), where, f"{float(change[place]):+.3f}", f"{float(share[place]):+.2f}"])
    return ["generator", "pictures", f"packet of 0…{side - 1}", "difference", "in deviations of real"], rows


def _mosaic(values: Tensor, title: str, scale: Axis, *, diverging: bool = False) -> Plane:
    colors: dict[str, Any] = {"colors": "diverging" if diverging else "sequential"}
    return Plane(values.numpy(), _BARE, _BARE, title, scale, square=True, **colors)


def _draw_profiles(moments: dict[str, PacketMoments]) -> Image.Image:
    curves = {name: one.profile.numpy() for name, one in moments.items()}
    values = np.concatenate(list(curves.values()))
    low, high = float(values.min()), float(values.max())
    count = len(next(iter(curves.values())))
    points = {name: np.stack([np.arange(count), one], axis=1) for name, one in curves.items()}
    x = Axis(0, max(1, count - 1), "diagonal, from low to high frequency")
    panel = Lines(points, x, Axis(low - 0.05, high + 0.05, "ln(|packet| + 1)"), height=420)
    return draw_panels([[panel]], title="Mean of the packets by frequency")


def _stem(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).strip(".") or "generator"
