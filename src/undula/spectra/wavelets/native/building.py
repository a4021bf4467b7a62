"""From `kernel.c` to a loaded library: find a compiler, compile once, keep the result in the user's cache."""

import ctypes
import hashlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).with_name("kernel.c")
# Not -ffast-math: NaN and infinities of the data must come through.
_FLAGS = ("-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")
_TUNED = (*_FLAGS, "-march=native")
_TIMEOUT = 60.0  # seconds for all that a compiler is asked to do; it takes 2


class _Unavailable(Exception):
    """Why there is no kernel, in one line."""


def available() -> bool:
    """Whether the compiled kernel can be used; the first call builds it, which takes seconds once for this machine.

    The environment variable `UNDULA_NATIVE=0` forbids it.

    Returns:
        True when it is loaded. The answer stays the same for the life of the process.
    """
    return load()[0] is not None


def why_unavailable() -> str:
    """What stands in the way of the compiled kernel.

    Returns:
        One sentence, empty when it is available.
    """
    return load()[1]


@cache
def load(source: Path | None = None) -> tuple[ctypes.CDLL | None, str]:
    """The library, or None and the reason.

    Args:
        source: Another C file than that of the wavelets.
    """
    source = source or _SOURCE
    try:
        if os.environ.get("UNDULA_NATIVE") == "0":
            raise _Unavailable("got UNDULA_NATIVE=0, expected it unset: the compiled kernel is switched off")
        if os.name != "posix":
            raise _Unavailable(f"got the system {os.name!r}, expected a POSIX one: the kernel is not built elsewhere")
        return _found_or_built(source, _compiler(), time.monotonic() + _TIMEOUT), ""
    except _Unavailable as error:
        return None, str(error)
    except (OSError, ValueError) as error:  # ValueError: quotes in CC that do not end
        return None, f"got {error}, expected to read, compile and load {source.name}"


def _compiler() -> list[str]:
    """The command that `CC` names, or else the first compiler on the path."""
    named = shlex.split(os.environ.get("CC", ""))
    for command in [named] if named else [["cc"], ["gcc"], ["clang"]]:
        path = shutil.which(command[0])
        if path is not None:
            return [path, *command[1:]]
    what = f"CC={named[0]!r}, which is no program" if named else "no cc, gcc or clang on the path"
    raise _Unavailable(f"got {what}, expected a C compiler: install one, or name it in CC")


def _found_or_built(source: Path, compiler: list[str], deadline: float) -> ctypes.CDLL:
    """The library from the cache or, where there is none to trust, a new one; without -march=native where that fails."""
    reason = _Unavailable()
    for flags in (_TUNED, _FLAGS):
        try:
            key = _key(source, compiler, flags, deadline)
            folder = _cache_folder()
            found = _cached(folder, key) if folder is not None else None
            return found or _built(source, [*compiler, *flags], folder, key, deadline)
        except _Unavailable as error:
            reason = error
    raise reason


def _key(source: Path, compiler: list[str], flags: tuple[str, ...], deadline: float) -> str:
    """What the result depends on: the source, the flags, and all that the compiler says of itself and of this machine."""
    macros = _run([*compiler, *flags, "-dM", "-E", "-x", "c", os.devnull], deadline)
    parts = [source.read_bytes(), " ".join([*compiler, *flags]).encode(), macros]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _run(command: list[str], deadline: float) -> bytes:
    """What a command prints; the first error of which it complains is the reason when it fails."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        raise _Unavailable(f"got {error} from {command[0]}, expected it to compile") from error
    with process:
        try:
            printed, complaint = process.communicate(timeout=max(0.01, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)  # with the programs that it started, which hold the pipes
            reason = f"got no answer from {command[0]} within {_TIMEOUT:.0f} s, expected it to compile"
            raise _Unavailable(reason) from error
    if process.returncode:
        lines = [line for line in complaint.decode(errors="replace").splitlines() if "error" in line] or ["no reason"]
        raise _Unavailable(f"got status {process.returncode} from {command[0]} ({lines[0]}), expected it to compile")
    return printed


def _built(source: Path, command: list[str], folder: Path | None, key: str, deadline: float) -> ctypes.CDLL:
    """Compile, keep the result in the folder under its own checksum, and load it; without a usable folder load only."""
    try:
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix="building-", ignore_cleanup_errors=True)
    except OSError:
        if folder is None:
            raise
        return _built(source, command, None, key, deadline)
    with scratch as place:
        made = Path(place) / "kernel.so"
        try:
            _run([*command, "-o", str(made), str(source)], deadline)
            made.chmod(0o500)
            if folder is None:
                return ctypes.CDLL(str(made))  # stays mapped when its file goes
            # One rename: processes that build at the same time replace each other's equal or equally good files.
            kept = folder / f"{key}-{_checksum(made)}.so"
            made.replace(kept)
            return ctypes.CDLL(str(kept))
        except (OSError, _Unavailable):  # a full disk, or a folder from which nothing may be run
            if folder is None:
                raise
    return _built(source, command, None, key, deadline)


def _cached(folder: Path, key: str) -> ctypes.CDLL | None:
    """A library that was kept; files that are not what was written are removed."""
    for path in sorted(folder.glob(f"{key}-*.so")):
        try:
            if _own(path) and path.stem.endswith(f"-{_checksum(path)}"):
                return ctypes.CDLL(str(path))
            path.unlink()
        except OSError:
            continue
    return None


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _cache_folder() -> Path | None:
    """`undula/native` in the user's cache, made if need be; None where others could put a library there."""
    try:
        home = os.environ.get("XDG_CACHE_HOME", "")
        folder = (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "undula" / "native"
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder = folder.resolve()
        return folder if _own(folder) and _unreachable(folder.parent) else None
    except (OSError, RuntimeError):  # no home, or nothing may be written
        return None


def _own(path: Path) -> bool:
    """Whether it belongs to this user and nobody else may write to it."""
    status = path.lstat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _unreachable(folder: Path) -> bool:
    """Whether nobody else can put another folder in the place of one that lies in this one."""
    for place in (*reversed(folder.parents), folder):
        status = place.stat()
        own, mode = status.st_uid == os.getuid(), status.st_mode
        if not (own or status.st_uid == 0) or (mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX):
            return False
        if own and not mode & (stat.S_IXGRP | stat.S_IXOTH):
            return True  # nobody else can enter
    return True
