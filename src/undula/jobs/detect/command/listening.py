"""`undula detect train --audio`, and the scores of recordings: the same on clips of one second."""

import json
from collections.abc import Sequence
from pathlib import Path

from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.detect.audio import KIND, AudioDetector
from undula.jobs.detect.command.naming import name_generators, typed_words
from undula.jobs.detect.command.resuming import judge_rest
from undula.jobs.detect.command.rows import Rows, Tally
from undula.session import Options, Session

_CONFIG = "config.json"


def train_audio(
    inputs: Sequence[str], output: Path, *, wavelet: str | None, level: int | None, fpr: float, options: Options
) -> int:
    """Train a detector of generated speech.

    Args:
        inputs: A folder of recordings, then one of each generator.
        output: Folder of the detector.
        wavelet: Wavelet of the packets; sym5 if not given.
        level: Level of the packets; 8 if not given.
        fpr: Wanted rate of false alarms of clips, and of misses.
        options: Options of every command.

    Returns:
        The exit status.
    """
    session = Session(options)
    chosen = {key: value for key, value in {"wavelet": wavelet, "level": level}.items() if value is not None}
    with typed_words(), session.bar("recordings", 1) as bar:
        detector = AudioDetector(rate=fpr, seed=options.seed, **chosen)  # type: ignore[arg-type]
        detector.fit(
            inputs[0], name_generators(inputs[1:]), callback=lambda what, done: bar.update(0, detail=f"{what} {done}")
        )
    for name, why in detector.unreadable.items():
        session.fail(name, f"{name}: {why}")
    detector.save(output)
    card = detector.facts["card"]
    session.table(["clips of sentences it did not hear", ""], audio_rows(detector))
    session.say(
        f"a score is evidence, not proof; of speech the bias guard compares the sampling rates alone: undula detect score "
        f"RECORDINGS --model {output}"
    )
    session.answer(
        plain(
            {
                "command": "detect train --audio", "folder": str(output), "failed": session.failures,
                "classes": detector.classes_, "card": card, "limits": detector.facts["limits"],
            }
        )
    )  # fmt: skip
    return session.status


def audio_rows(detector: AudioDetector) -> list[list[str]]:
    """The figures of the model card.

    Args:
        detector: A trained one.
    """
    card = detector.facts["card"]
    return [
        ["clips", ", ".join(f"{count} {name}" for name, count in card["clips"].items())],
        ["sentences", str(card["sentences"])],
        ["accuracy", f"{card['held out accuracy']:.1%}"],
        ["area under the ROC curve", f"{card['held out auc']:.4f}"],
        ["real called generated", f"{card['held out false alarms']:.2%}"],
        ["generated found", f"{card['held out detected']:.1%}"],
    ]


def refuse_for_audio(**given: tuple[object, object]) -> None:
    """Refuse options that mean nothing for speech.

    Args:
        **given: Options as typed and what they are if not given, by name.

    Raises:
        OptionError: One was given.
    """
    for name, (value, usual) in given.items():
        if value != usual:
            raise OptionError(f"got --{name} with --audio, expected pictures for it: leave it out")


def hears(model: Path) -> bool:
    """Whether a folder holds a detector of speech; the demo does not.

    Args:
        model: The folder; whatever is wrong with it, whoever reads it says so.
    """
    try:
        config = json.loads((model / _CONFIG).read_bytes())
    except (OSError, ValueError):
        return False
    return str(model) != "demo" and isinstance(config, dict) and config.get("kind") == KIND


def score_recordings(detector: AudioDetector, recordings: Sequence[Path], rows: Rows, session: Session) -> Tally:
    """Judge recordings and write their rows.

    Args:
        detector: The detector.
        recordings: Their files.
        rows: What writes rows.
        session: Bar, failures.

    Returns:
        Counts.
    """
    names = [str(path) for path in recordings]
    return judge_rest(names, lambda places: detector.judge([recordings[place] for place in places]), rows, session)
