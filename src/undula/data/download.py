"""One file from the network, checked before it appears."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from undula.data.atomic import atomic_write, make_folder
from undula.data.refusal import one_line
from undula.errors import DataError

_CHUNK = 1 << 16
_TIMEOUT = 30.0  # seconds without a byte


def download(url: str, target: str | Path, *, sha256: str, callback: Callable[[int, int], None] | None = None) -> None:
    """Download a file and give it its name once its checksum is right.

    Args:
        url: Where it is, over http or https.
        target: The file to write; its folder is made.
        sha256: The checksum it must have, in hexadecimal digits.
        callback: Called with (bytes done, bytes in total); the total is 0 while it is unknown.

    Raises:
        DataError: When there is no network, no such file, another checksum, or no place to write; nothing is
            left behind then.
    """
    _check_scheme(url)
    make_folder(Path(target).parent)
    found = hashlib.sha256()
    with atomic_write(target) as file:
        for chunk, done, total in _chunks(url):
            file.write(chunk)
            found.update(chunk)
            if callback is not None:
                callback(done, total)
        if found.hexdigest() != sha256.lower():
            raise DataError(
                f"got {url} with the sha256 {found.hexdigest()}, expected {sha256.lower()}: try again "
                "later, the transfer or the server is broken"
            )


def _chunks(url: str) -> Iterator[tuple[bytes, int, int]]:
    request = urllib.request.Request(url, headers={"User-Agent": "undula"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
            _check_scheme(response.geturl())
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            while chunk := response.read(_CHUNK):
                done += len(chunk)
                yield chunk, done, total
    except urllib.error.HTTPError as error:
        with error:
            raise DataError(
                f"got the answer {error.code} {one_line(error)} from {url}, expected the file: fetch it by hand"
            ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or one_line(error)
        raise DataError(
            f"got no file from {url} ({reason}), expected a network: try again, or fetch it by hand"
        ) from error


def _check_scheme(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:  # brackets without an address in them
        scheme = ""
    if scheme not in ("http", "https"):
        raise DataError(f"got the address {url!r}, expected one that begins with https:// or http://: correct it")
