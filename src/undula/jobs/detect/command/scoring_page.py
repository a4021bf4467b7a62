"""The page of scored pictures."""

import math
from pathlib import Path

from undula.jobs.detect.command.rows import Tally
from undula.jobs.detect.command.training_page import LIMITS
from undula.jobs.detect.judging import Judged
from undula.show import Section, Table, write_page

READING = (
    "Real and generated mean that the score lies beyond a threshold that was chosen in the training for a wanted rate of false "
    "alarms; between the thresholds a picture is unsure. It is unsure too where the verdict turns into its opposite when the "
    "picture is compressed again, cropped or made smaller. ± logit is the spread of the log-odds over these copies: a large "
    "one means that the picture is unlike those of the training. The nearest source is a guess among the generators of the "
    "training, even for a picture of another one.",
)


def row_cells(row: Judged) -> list[str]:
    """A row as a table shows it.

    Args:
        row: What is said of a picture.
    """
    known = not math.isnan(row.p_generated)
    return [
        row.path, row.verdict if known else "–", f"{row.p_generated:.3f}" if known else "–",
        "–" if math.isnan(row.spread) else f"{row.spread:.1f}", row.nearest_source or "–", row.note,
    ]  # fmt: skip


def scores_section(tally: Tally, *, failed: int) -> Section:
    """How many pictures got which verdict.

    Args:
        tally: Counts.
        failed: Pictures that could not be judged.
    """
    rows = [[word, str(tally.verdicts[word])] for word in ("real", "unsure", "generated")]
    rows += [["… unsure because the verdict turned", str(tally.turned)], ["not judged", str(failed)]]
    rows += [[f"generated, nearest to {name}", str(count)] for name, count in tally.sources.most_common()]
    return Section("How many", READING, table=Table(["verdict", "pictures"], rows))


def write_scores(path: Path, tally: Tally, *, failed: int) -> None:
    """Write the page of scored pictures.

    Args:
        path: The HTML file.
        tally: Counts and first rows.
        failed: Pictures that could not be judged.
    """
    header = ["picture", "verdict", "p generated", "± logit", "nearest", "note"]
    shown = "Every picture" if tally.judged + failed <= len(tally.first) else f"The first {len(tally.first)} pictures"
    write_page(
        path,
        title="Generated?",
        lead=f"{tally.verdicts['generated']} of {tally.judged} pictures are called generated, {tally.verdicts['unsure']} "
        "unsure. A score is evidence, not proof.",
        sections=[
            scores_section(tally, failed=failed),
            Section(shown, table=Table(header, [row_cells(row) for row in tally.first])),
            Section("What it is not", LIMITS),
        ],
        footer="undula detect score; all rows are in the CSV file.",
    )
