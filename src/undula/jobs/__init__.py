"""THE LIST of jobs: the command line, the demo and the documentation are made from it.

Everything is named by text, so that the list loads nothing: `module:name`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One thing that Undula does.

    Attributes:
        word: Its word: the room, the command, the page, the tests and the benchmark are called so.
        summary: One line.
        call: The function or class of the library.
        command: The function behind `undula <word>`.
        demo: Makes its section of `undula demo`, from a session and a folder.
        usage: What may follow the word on the command line.
        more: Commands of its own behind the word, as pairs of a word and a function: `undula <word> train`.
    """

    word: str
    summary: str
    call: str
    command: str
    demo: str
    usage: str
    more: tuple[tuple[str, str], ...] = ()


JOBS = (
    Job(
        word="recover",
        summary="Recover images from the magnitudes of their Fourier transforms alone.",
        call="undula.jobs.recover:recover",
        command="undula.jobs.recover.command:recover_files",
        demo="undula.jobs.recover.command.demonstration:demonstrate",
        usage="[INPUT…] [-o FOLDER] [OPTIONS]",
    ),
    Job(
        word="restore",
        summary="Fill pixels that are missing or were replaced by black and white.",
        call="undula.jobs.restore:restore",
        command="undula.jobs.restore.command:restore_files",
        demo="undula.jobs.restore.command.demonstration:demonstrate",
        usage="[INPUT…] [-o FOLDER] [OPTIONS]",
    ),
    Job(
        word="view",
        summary="Draw the spectra of images and signals, or compare two.",
        call="undula.jobs.view:view",
        command="undula.jobs.view.command:view_files",
        demo="undula.jobs.view.command.demonstration:demonstrate",
        usage="[INPUT…] [-o FOLDER] [OPTIONS]",
    ),
    Job(
        word="explain",
        summary="Show what a network looks at: maps of layers and pixels, band by band.",
        call="undula.jobs.explain:explain",
        command="undula.jobs.explain.command:explain_files",
        demo="undula.jobs.explain.command.demonstration:demonstrate",
        usage="[MODEL] [IMAGE…] [-o FOLDER] [OPTIONS]",
    ),
    Job(
        word="denoise",
        summary="Remove noise from pictures, or train a network that does.",
        call="undula.jobs.denoise:denoise",
        command="undula.jobs.denoise.command:denoise_files",
        demo="undula.jobs.denoise.command.demonstration:demonstrate",
        usage="[INPUT…] [-o FOLDER] [OPTIONS]",
        more=(
            ("train", "undula.jobs.denoise.command:train_model"),
            ("compare", "undula.jobs.denoise.command:compare_files"),
        ),
    ),
    Job(
        word="estimate",
        summary="Measure frequency, decay, amplitude and phase of ringing signals.",
        call="undula.jobs.estimate:estimate",
        command="undula.jobs.estimate.command:estimate_files",
        demo="undula.jobs.estimate.command.demonstration:demonstrate",
        usage="[INPUT…] [-o FOLDER] [OPTIONS]",
        more=(("train", "undula.jobs.estimate.command:train_autoencoder"),),
    ),
    Job(
        word="detect",
        summary="Tell generated pictures from real ones, and say how sure that is.",
        call="undula.jobs.detect:Detector",
        command="undula.jobs.detect.command:detect_sample",
        demo="undula.jobs.detect.command.demonstration:demonstrate",
        usage="[-o FOLDER] [OPTIONS], or undula detect train | score | evaluate | explain",
        more=(
            ("train", "undula.jobs.detect.command:train_detector"),
            ("score", "undula.jobs.detect.command:score_pictures"),
            ("evaluate", "undula.jobs.detect.command:evaluate_sources"),
            ("explain", "undula.jobs.detect.command:explain_classes"),
        ),
    ),
)
