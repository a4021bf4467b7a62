"""The commands: one per job of THE LIST, and `demo` and `info`. Nothing of a job is loaded before it is called."""

from importlib.metadata import version

from cyclopts import App, Group

from undula.jobs import JOBS

_HELP = """Images and signals through their Fourier and wavelet spectra.

Every command explains itself: `undula recover --help`"""


_ABOUT = {
    "demo": ("undula.cli.demonstration:demo", "Show what Undula does: a page of pictures."),
    "info": (
        "undula.cli.information:info",
        "Print versions, devices, threads, extras, and where data are looked for.",
    ),
}


def make_app(called: str = "", then: str = "") -> App:
    """Build the command line from THE LIST.

    Args:
        called: The command that is called: its help is its own docstring, of the others only their line is known.
        then: The word behind it, which may be a command of the job's own.

    Returns:
        An app that raises errors instead of printing them.
    """
    app = App(
        name="undula",
        help=_HELP,
        usage="Usage: undula COMMAND [INPUT…] [-o FOLDER] [OPTIONS]",
        version=lambda: f"undula {version('undula')}",
        help_format="markdown",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    jobs, about = Group("Jobs", sort_key=0), Group("About Undula", sort_key=1)
    app["--help"].group = about
    app["--version"].group = about
    for job in JOBS:
        usage = f"Usage: undula {job.word} {job.usage}"
        summary = None if job.word == called else job.summary
        own = dict(job.more)
        if job.word == called and then in own:
            inner = App(name=job.word, help=job.summary, group=jobs)
            inner.command(own[then], name=then, usage=f"Usage: undula {job.word} {then} [INPUT…] [OPTIONS]")
            app.command(inner)
            continue
        app.command(job.command, name=job.word, help=summary, group=jobs, usage=usage)
    for word, (place, summary) in _ABOUT.items():
        app.command(place, name=word, help=None if word == called else summary, group=about)
    return app
