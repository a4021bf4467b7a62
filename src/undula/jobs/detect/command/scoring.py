"""`undula detect score`: a row for every picture, however many there are."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from undula.data import Shard
from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.detect.audio import AudioDetector
from undula.jobs.detect.audio_clips import find_recordings
from undula.jobs.detect.command.listening import hears, score_recordings
from undula.jobs.detect.command.naming import typed_words
from undula.jobs.detect.command.resuming import judge_rest
from undula.jobs.detect.command.rows import Rows, Tally, sharded, write_rows
from undula.jobs.detect.command.scoring_page import row_cells, write_scores
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.reading import Source, find_sources
from undula.session import PARTLY, WRONG, Options, Session
from undula.session.batch import counted

_FOLDER = Group("Where it goes", sort_key=0)
_HOW = Group("How it is judged", sort_key=1)
_SHOWN = 20
_NOTE = 36


def score_pictures(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    model: Annotated[Path | None, Parameter(group=_HOW, metavar="FOLDER")] = None,
    csv: Annotated[Path, Parameter(group=_FOLDER, metavar="FILE")] = Path("undula-detect.csv"),
    page: Annotated[Path | None, Parameter(group=_FOLDER, metavar="FILE")] = None,
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    resume: Annotated[bool, Parameter(group=_FOLDER, negative="")] = False,
    ensemble: Annotated[bool, Parameter(group=_HOW)] = True,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Say of every picture whether it was generated: real, unsure or generated.

    Every picture gets a row in the CSV file: its probability, the verdict, the log-odds, their spread over degraded copies, the
    size, the format and the JPEG quality of the file, the nearest source, and a note. A verdict that turns into its opposite
    when the picture is compressed again, cropped or made smaller is unsure. Files that cannot be read are rows with a note.
    A million files take no more memory than their names. A score is evidence, not proof.

    ```
    undula detect score photo.jpg --model my-detector
    undula detect score inbox/ --model my-detector --csv inbox.csv --page inbox.html
    undula detect score archive/ --model my-detector --csv archive.csv --shard 1/8 --no-ensemble --resume
    undula detect score tiny/ --model demo
    ```

    Exit status: 0 all were judged, whatever the verdict; 1 some could not be; 2 wrong call or input, or none could be; 130
    interrupted, with what was judged before in the file.

    Args:
        inputs: Pictures, folders, named sets; WAV files for a detector that was trained with --audio.
        model: Folder of a detector that `undula detect train` wrote; or demo, which knows pictures of 32 × 32 pixels by Stable
            Diffusion 1.4 from photographs of that size, and nothing else.
        csv: File for the rows; with a shard its number is put into the name.
        page: A page with the counts and the first 200 rows.
        shard: Do only every n-th picture, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        resume: Go on with the table of a call that was interrupted: same pictures, same detector.
        ensemble: Judge four degraded copies of every picture too.
        options: Options of every command.
    """
    if not inputs:
        raise OptionError("got no INPUT, expected pictures or folders: undula detect score photos/ --model my-detector")
    part = None if shard is None else Shard.parse(shard)
    where, session = sharded(csv, part), Session(options)
    if model is not None and hears(model):
        listener, recordings = AudioDetector.load(model), find_recordings(list(inputs))
        recordings = recordings if part is None else part.take(recordings)
        with write_rows(where, resume=resume) as rows:
            tally = score_recordings(listener, recordings, rows, session)
    else:
        detector, sources = load_detector(model), find_sources(list(inputs))
        sources = sources if part is None else part.take(sources)
        warn_of_bias(detector, session)
        with typed_words(), write_rows(where, resume=resume) as rows:
            tally = score_all(detector, sources, rows, session, ensemble=ensemble)
    return _tell(tally, where, None if page is None else sharded(page, part), session)


def load_detector(model: Path | None) -> Detector:
    """Read the detector that is named.

    Args:
        model: Its folder.

    Raises:
        OptionError: None is named.
        DataError: It is none.
    """
    if model is None:
        raise OptionError(
            "got no --model, expected the folder of a detector: undula detect train REAL GENERATED -o my-detector; or "
            "--model demo, which knows tiny pictures alone"
        )
    return Detector.demo() if str(model) == "demo" else Detector.load(model)


def warn_of_bias(detector: Detector, session: Session) -> None:
    """Say so where the bias guard did not pass the training.

    Args:
        detector: A detector.
        session: Where notes go.
    """
    card = detector.facts.get("card", {})
    bias = card.get("bias")
    if card.get("demo"):
        session.note(card["demo"])
    elif bias is None:
        session.note(
            "this detector was trained without the bias guard: what it sees may have nothing to do with generators"
        )
    elif not bias.get("forensic"):
        session.note(f"the bias guard did not pass this detector ({bias.get('verdict')}): its scores prove nothing")


def score_all(detector: Detector, sources: Sequence[Source], rows: Rows, session: Session, *, ensemble: bool) -> Tally:
    """Judge pictures and write their rows.

    Args:
        detector: The detector.
        sources: The pictures.
        rows: What writes rows.
        session: Bar, failures.
        ensemble: Whether degraded copies are judged too.

    Returns:
        Counts.
    """
    names = [source.name for source in sources]
    return judge_rest(
        names, lambda places: detector.judge([sources[place] for place in places], ensemble=ensemble), rows, session
    )


def _tell(tally: Tally, where: Path, page: Path | None, session: Session) -> int:
    if page is not None:
        write_scores(page, tally, failed=len(session.failures))
    header = ["picture", "verdict", "p generated", "± logit", "nearest", "note"]
    shown = [[*cells, _shortened(note)] for *cells, note in map(row_cells, tally.first[:_SHOWN])]
    if len(tally.first) > _SHOWN:
        shown.append(["…", *[""] * (len(header) - 1)])
    if tally.judged or session.failures:
        session.table(header, shown)
        session.say(f"{summary(tally, len(session.failures))}; see {where}")
    else:
        session.say("this shard has no pictures")
    session.answer(
        plain(
            {
                "command": "detect score", "csv": str(where), "page": page and str(page), "judged": tally.judged,
                "total": tally.judged + len(session.failures), "verdicts": dict(tally.verdicts),
                "turned": tally.turned, "failed": session.failures,
                "items": [asdict(row) for row in tally.first[:_SHOWN]],
            }
        )
    )  # fmt: skip
    if session.failures:
        return PARTLY if tally.judged else WRONG
    return session.status


def _shortened(note: str) -> str:
    """Long notes would leave no room for the verdict; the CSV file has all of them."""
    return note if len(note) <= _NOTE else f"{note[: _NOTE - 1]}…"


def summary(tally: Tally, failures: int) -> str:
    """One line: how many were called what.

    Args:
        tally: Counts.
        failures: Pictures that could not be judged.

    Example:
        >>> from collections import Counter
        >>> summary(Tally(Counter(real=2, unsure=1)), 1)
        'judged 3 of 4 (1 failed): 2 real, 1 unsure, 0 generated'
    """
    counts = ", ".join(f"{tally.verdicts[word]} {word}" for word in ("real", "unsure", "generated"))
    turned = f"; {tally.turned} unsure because the verdict turned under degradation" if tally.turned else ""
    return f"{counted('judged', tally.judged, failures)}: {counts}{turned}"
