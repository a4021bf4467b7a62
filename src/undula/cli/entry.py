"""The entry point: every end of a command becomes a status and, where something went wrong, one line."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence

from cyclopts import App, CycloptsError

from undula.cli.app import make_app
from undula.errors import UndulaError
from undula.session import DONE, INTERRUPTED, WRONG


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        tokens: What is typed behind `undula`; the arguments of the process if not given.

    Returns:
        The exit status: 0 done, 1 done but some items failed or were not solved, 2 wrong call or input, 130 interrupted.

    Example:
        >>> main(["--version"])
        undula ...
        0
    """
    words = list(sys.argv[1:] if tokens is None else tokens)
    debug = "--debug" in words
    app = make_app(*words[:2])
    try:
        with _quiet(debug):
            status = app(words)
            sys.stdout.flush()
            return status if isinstance(status, int) else DONE
    except KeyboardInterrupt:
        return _end("interrupted: what is finished stays, the same command goes on", INTERRUPTED)
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as end:  # rich ends the process when a reader of the help goes away
        _reader_gone()
        return end.code if isinstance(end.code, int) else WRONG
    except CycloptsError as error:
        return _end(_call_error(error, app, words), WRONG)
    except UndulaError as error:
        if debug:
            raise
        return _end(str(error), WRONG)
    except (OSError, MemoryError, RuntimeError) as error:
        if debug:
            raise
        return _end(f"{_unexpected(error)}: --debug shows where", WRONG)


@contextlib.contextmanager
def _quiet(debug: bool) -> Iterator[None]:
    """Keep what libraries warn of, and log, away from the user."""
    if debug:
        yield
        return
    silence = logging.NullHandler()  # without any handler, logging prints warnings by itself
    logging.getLogger().addHandler(silence)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeHandler(silence)


def _end(text: str, status: int) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"undula: {' '.join(text.split())}\n")
        sys.stderr.flush()
    return status


def _call_error(error: CycloptsError, app: App, words: Sequence[str]) -> str:
    """What is wrong with the call, and where help is."""
    text = " ".join(str(error).split()).removesuffix(".")
    commands = [word for word in words[:1] if word in app]
    return f"{text}: see `{' '.join(['undula', *commands])} --help`"


def _unexpected(error: BaseException) -> str:
    if isinstance(error, MemoryError) or "not enough memory" in str(error) or "out of memory" in str(error):
        return "got more than the memory holds, expected less: try smaller items or a part of them"
    if isinstance(error, OSError) and error.strerror:
        return f"got {error.strerror.lower()} for {str(error.filename)!r}" if error.filename else error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _reader_gone() -> int:
    """Whoever read our output has seen enough (`| head`); Python must not complain of it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
