"""The page of a finished comparison of losses."""

from pathlib import Path

from undula.data import OutputFolder
from undula.jobs.denoise.command.comparing_tables import answer, dial_table, measures_table
from undula.jobs.denoise.comparison.compare import Comparison
from undula.show import Picture, Section, Table, write_page

SCATTER, SHEET = "energy.png", "pieces.png"

QUESTION = (
    "Can a loss make a denoiser sharper, or does it only turn up what is there? Every network began with the same weights "
    "and was trained on with the same crops and the same noise; only the loss differs. The sharpness dial needs no training: "
    "it turns up the high frequencies of the network that was trained on with the squared error (mse). To be of use, a loss "
    "must come nearer to the truth than the dial does at the same energy."
)
FIGURE = (
    "Upward is nearer to the truth, to the right is more fine detail; at 1 there is as much of it as in clean pictures. Line: "
    "the dial. Points: losses, with their standard deviation over the seeds; red where one beats the dial."
)
PIECES = (
    "The same piece, from the networks of the first seed, with the PSNR of its whole picture. Beside a loss stands the dial "
    "turned until all pictures together have the energy that they have with the loss."
)
MEASURES = (
    "PSNR in decibels and SSIM: nearness to the truth. Energy: that of the output in 1/4…1/2 cycles per pixel over that of "
    "the truth, 1 is right; top: the same in 0.375…0.71. Correlation: how much of what stands in 1/4…1/2 cycles per pixel "
    "is the truth's; where energy rises and correlation does not, detail was amplified and not recovered. Distance: between "
    "the radial spectra in decibels. Laplacian: its variance over that of the truth. Lattice: peaks of the error's spectrum at "
    "periods of 8, 4 and 2 pixels; 1 is no checkerboard. Color: bias of slow chroma in grey levels.",
    "Behind ± stands the standard deviation over the seeds. All measures are means over pictures, of outputs clipped to "
    "[0, 1]; the noise of a picture is the same for all losses and seeds.",
)
RULE = (
    "Rule: an error no greater than that of mse, and sharper, which means that energy and Laplacian are both nearer to 1 "
    "than those of mse by more than the spread of seeds. A difference is more than the spread when its mean over the seeds, "
    "each in pair with mse or with the dial of the same seed, exceeds its range, greatest less least. Where nothing but "
    "chance makes the differences, one of 25 does so with three seeds: of ten losses that are not better, one may seem so "
    "once in three times."
)
DIAL = (
    "The dial is calibrated on pictures of the training. Above 1 its setting is beyond the end of the dial that the command "
    "has. A dash: the loss has no more energy than mse, or more than the dial can give."
)


def write_comparison(out: OutputFolder, comparison: Comparison) -> None:
    """Write `index.html`.

    Args:
        out: The folder, with those of the pictures that could be drawn.
        comparison: What came out.
    """
    standings = comparison.standings
    scatter = _present(out.path(SCATTER), FIGURE, "PSNR over high-frequency energy of the dial and of every loss", 960)
    pieces = _present(out.path(SHEET), PIECES, "A piece of a picture: clean, noisy, denoised in several ways", 960)
    write_page(
        out.path("index.html"),
        title="Which loss, or the dial?",
        lead=answer(comparison),
        sections=[
            Section("At equal energy", [QUESTION, _numbers(comparison)], scatter),
            *([Section("How it looks", pictures=pieces)] if pieces else []),
            Section("Every loss", [*MEASURES, RULE], table=Table(*measures_table(standings))),
            Section("Against the dial", [DIAL], table=Table(*dial_table(standings))),
        ],
        footer="undula denoise compare; every row is in compare.csv, arguments, versions and timings are in run.json.",
    )


def _numbers(comparison: Comparison) -> str:
    seeds = len({row.seed for row in comparison.rows})
    return (
        f"Trained on {_count(comparison.trained, 'picture')}, scored on {comparison.scored} others, noise of "
        f"{255 * comparison.sigma:.1f} grey levels, {_count(seeds, 'seed')}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _present(path: Path, caption: str, alt: str, width: int) -> list[Picture]:
    return [Picture(path, caption, alt, width)] if path.is_file() else []
