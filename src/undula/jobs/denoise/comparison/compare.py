"""All losses and the sharpness dial side by side, on pictures that no network has seen."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from undula.data import Pictures, atomic_text
from undula.data.atomic import make_folder
from undula.data.plain import json_text, plain
from undula.errors import DataError, OptionError, ShapeError
from undula.fit import Progress
from undula.jobs.denoise.comparison.contest import Contest, Course, Tell, digest
from undula.jobs.denoise.comparison.contestants import CONTROL, Contestant, read_contestants
from undula.jobs.denoise.comparison.equal_energy import TurnedDial
from undula.jobs.denoise.comparison.examination import Examination, Measures, with_noise
from undula.jobs.denoise.comparison.standings import CurvePoint, Row, Standing, standings
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.sharpness.dial import SharpnessDial

SETTINGS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0)
_HELD_OUT = 35
_CALIBRATION, _PIECE = 16, 512  # pictures, and the side of their middle
_ELSEWHERE = 2**20  # place of their noise, apart from that of the pictures that are scored


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        sigma: Noise level in image units.
        trained: How many pictures were trained on.
        scored: How many others were scored.
        rows: Every contestant and seed, the control first.
        curve: The dial on the control's network, the mean over seeds.
    """

    sigma: float
    trained: int
    scored: int
    rows: tuple[Row, ...]
    curve: tuple[CurvePoint, ...]

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every contestant over all seeds, with its verdicts, the control first."""
        return standings(self.rows)

    @property
    def winners(self) -> list[str]:
        """Losses that beat the dial at equal energy by more than the spread of seeds (`beyond`); mostly none."""
        return [one.name for one in self.standings if one.beats_dial]

    def to_facts(self) -> dict[str, Any]:
        """Plain values: means, deviations and verdicts, the dial's curve, and every row."""
        facts = asdict(self) | {"standings": [asdict(one) for one in self.standings], "winners": self.winners}
        made: dict[str, Any] = plain(facts)
        return made


def compare_losses(
    pictures: Pictures,
    *,
    test: Pictures | None = None,
    held_out: int | None = None,
    contestants: Sequence[Contestant] | None = None,
    course: Course | None = None,
    start: nn.Module | None = None,
    folder: str | Path | None = None,
    device: torch.device | str | None = None,
    callback: Callable[[int, int, str], object] | None = None,
) -> Comparison:
    """Train the same network with every loss, and ask whether one of them beats a dial that needs no training.

    All begin with one network, trained with the squared error; every seed gives all of them the same crops and noise. What
    each makes of the pictures that were held out stands beside the control, trained on with the squared error, and beside
    the control with the sharpness dial turned until it has the same energy in 1/4…1/2 cycles per pixel. The dial is
    calibrated on pictures of the training.

    Args:
        pictures: Clean pictures, or pairs, to train on.
        test: Pictures to score; the last ones of `pictures` if None, which are then not trained on.
        held_out: How many those are; a fifth, at most 35, if None.
        contestants: The losses, the control first (`read_contestants`); all if None.
        course: How they are trained.
        start: Network to begin with; a new `UNet` if None.
        folder: Where trainings and scores are kept: the same call goes on there.
        device: Where to compute.
        callback: Called with (steps done, steps in total, what is being done).

    Returns:
        The comparison.

    Raises:
        OptionError: Too few pictures, or options that exclude each other.
        ShapeError: A picture is too small, or has other channels than the network.
        DataError: The folder holds another comparison.
        TrainingError: A loss became NaN or infinite.

    Example:
        >>> from undula.nets import UNet
        >>> pictures = Pictures(list("abcd"), list(torch.rand(4, 1, 32, 32)), None, {})
        >>> course = Course(first=0, steps=1, seeds=1, batch=2, size=16)
        >>> small = UNet(widths=(4, 6), blocks=(1, 1))
        >>> found = compare_losses(pictures, course=course, contestants=read_contestants(["l1"]), start=small)
        >>> found.trained, found.scored, [one.name for one in found.standings], found.winners
        (3, 1, ['mse', 'l1'], [])
    """
    course = course or Course()
    known, unseen = split(pictures, test=test, held_out=held_out)
    _check_channels(known, unseen, start)
    contest = Contest(known, course, start=start, folder=folder, device=device)
    exam = Examination(unseen, sigma=contest.sigma, device=device)
    several = tuple(contestants or read_contestants())
    count = _Count(course.first + course.seeds * len(several) * course.steps, callback)
    contest.common(tell=count.telling("the common beginning"))
    count.done = course.first
    parts = [
        _Seed(contest, exam, several, seed).found(None if folder is None else Path(folder), count)
        for seed in range(course.seeds)
    ]
    return Comparison(
        sigma=contest.sigma,
        trained=len(known.clean),
        scored=len(unseen.clean),
        rows=tuple(row for rows, _ in parts for row in rows),
        curve=tuple(CurvePoint.mean(points) for points in zip(*(curve for _, curve in parts), strict=True)),
    )


def split(
    pictures: Pictures, *, test: Pictures | None = None, held_out: int | None = None
) -> tuple[Pictures, Pictures]:
    """Pictures to train on, and pictures to score.

    Args:
        pictures: All pictures, or those to train on.
        test: Those to score; None takes the last ones of `pictures`.
        held_out: How many; a fifth, at most 35, at least one, if None.

    Raises:
        OptionError: Nothing would be left to train on or to score.

    Example:
        >>> many = Pictures(list("abcdefg"), list(torch.rand(7, 1, 32, 32)), None, {})
        >>> [one.names for one in split(many, held_out=2)]
        [['a', 'b', 'c', 'd', 'e'], ['f', 'g']]
    """
    if test is not None:
        if held_out is not None:
            raise OptionError(f"got pictures to score and {held_out} held out, expected one of both: leave one out")
        return pictures, test
    count = len(pictures.clean)
    held = max(1, min(_HELD_OUT, count // 5)) if held_out is None else held_out
    if not 1 <= held < count:
        raise OptionError(
            f"got {count} pictures, {held} of them to score, expected at least one to train on and one to score: give more "
            "pictures, or hold out fewer"
        )
    return _part(pictures, slice(count - held)), _part(pictures, slice(count - held, None))


class _Count:
    """Steps done over all trainings."""

    def __init__(self, total: int, callback: Callable[[int, int, str], object] | None) -> None:
        self.total, self.done, self._callback = total, 0, callback

    def telling(self, what: str) -> Tell:
        def tell(step: int, progress: Progress) -> None:
            if self._callback is not None:
                self._callback(self.done + step, self.total, what)

        return tell


class _Seed:
    """All contestants with the crops and the noise of one seed."""

    def __init__(self, contest: Contest, exam: Examination, contestants: Sequence[Contestant], seed: int) -> None:
        self._contest, self._exam, self._contestants, self._seed = contest, exam, contestants, seed

    def found(self, folder: Path | None, count: _Count) -> tuple[list[Row], list[CurvePoint]]:
        """Rows and the dial's curve, from the folder where they are there."""
        file = None if folder is None else make_folder(folder) / f"scores-{self._seed}.json"
        identity = plain(
            {
                **self._contest.facts,
                "steps": self._contest.course.steps,
                "losses": [one.loss for one in self._contestants],
                "scored": digest(self._exam.clean, self._exam.noisy),
            }
        )
        found = None if file is None else _read(file, identity)
        if found is None:
            found = self._compute(count)
            if file is not None:
                rows, curve = found
                parts = {"rows": [asdict(row) for row in rows], "curve": [asdict(point) for point in curve]}
                atomic_text(file, json_text({"identity": identity, **parts}))
        count.done = self._contest.course.first
        count.done += (self._seed + 1) * len(self._contestants) * self._contest.course.steps
        return found

    def _compute(self, count: _Count) -> tuple[list[Row], list[CurvePoint]]:
        contest, exam = self._contest, self._exam
        measured: dict[Contestant, Measures] = {}
        for one in self._contestants:
            what = f"{one.name}, seed {self._seed + 1} of {contest.course.seeds}"
            network = contest.network(one, self._seed, tell=count.telling(what))
            count.done += contest.course.steps
            outputs = exam.outputs(network)
            measured[one] = exam.measures(outputs)
            if one.name == CONTROL:
                dial = TurnedDial(outputs, exam.clean, gain=calibrated(network, contest).gain(contest.sigma))
        rows = [self._row(one, found, dial) for one, found in measured.items()]
        curve = [CurvePoint.of(setting, dial.at(setting), exam.clean) for setting in SETTINGS]
        return rows, curve

    def _row(self, one: Contestant, found: Measures, dial: TurnedDial) -> Row:
        setting = 0.0 if one.name == CONTROL else dial.reaching(found.energy)
        turned = None if setting is None else self._exam.measures(dial.at(setting))
        return Row(one.name, one.loss, self._seed, found, setting, turned)


def calibrated(network: nn.Module, contest: Contest) -> SharpnessDial:
    """The dial of a network, calibrated on pictures of its training, whose originals are known.

    Args:
        network: The network.
        contest: Where it was trained.
    """
    pictures = contest.pictures
    places = range(0, len(pictures.clean), -(-len(pictures.clean) // _CALIBRATION))
    clean = [_middle(pictures.clean[place]) for place in places]
    if pictures.noisy is None:
        noisy = with_noise(clean, sigma=contest.sigma, first=_ELSEWHERE)
    else:
        noisy = [_middle(pictures.noisy[place]) for place in places]
    noisy, clean = ([one.to(contest.device) for one in some] for some in (noisy, clean))
    return SharpnessDial().fit(Denoiser(network), noisy, sigma=contest.sigma, truth=clean)


def _read(file: Path, identity: dict[str, Any]) -> tuple[list[Row], list[CurvePoint]] | None:
    """Scores that were kept, or None where there are none of this comparison."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = json.loads(file.read_bytes())
        if kept["identity"] == identity:
            return [Row.from_facts(one) for one in kept["rows"]], [CurvePoint(**one) for one in kept["curve"]]
    return None


def _middle(picture: Tensor) -> Tensor:
    top, left = (max(0, (side - _PIECE) // 2) for side in picture.shape[1:])
    return picture[:, top : top + _PIECE, left : left + _PIECE]


def _part(pictures: Pictures, which: slice) -> Pictures:
    noisy = None if pictures.noisy is None else pictures.noisy[which]
    return Pictures(pictures.names[which], pictures.clean[which], noisy, {})


def _check_channels(known: Pictures, unseen: Pictures, start: nn.Module | None) -> None:
    channels = {len(one) for one in (*known.clean, *unseen.clean)}
    if len(channels) > 1:
        raise ShapeError(f"got pictures with {sorted(channels)} channels, expected one number: say channels=1 or 3")
    if (known.noisy is None) != (unseen.noisy is None):
        raise DataError(
            "got pairs of clean and noisy pictures and pictures without noise, expected the same of both sets"
        )
    wanted = getattr(start, "settings", {}).get("channels")
    if wanted is not None and {wanted} != channels:
        raise ShapeError(
            f"got pictures with {channels.pop()} channels and a network for {wanted}, expected the same: say --channels "
            f"{wanted}, or take another network"
        )
