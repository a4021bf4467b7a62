import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from undula.data import download
from undula.errors import DataError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/file")
            self.end_headers()
            return
        if self.path not in ("/file", "/short", "/unsized"):
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/short" else CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "total"), [("/file", len(CONTENT)), ("/unsized", 0)])
def test_bytes_and_progress(server, tmp_path, path, total):
    steps = []
    download(
        server + path,
        tmp_path / "new" / "file",
        sha256=SHA256.upper(),
        callback=lambda done, all_: steps.append((done, all_)),
    )
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), total)
    assert steps == sorted(steps) and len(steps) > 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/none", "answer 404"),
        ("/short", "got no file|with the sha256"),
        ("/moved", "redirect|got no file|begins with"),
    ],
)
def test_failures_leave_nothing(server, tmp_path, path, text):
    with pytest.raises(DataError, match=text) as caught:
        download(server + path, tmp_path / "file", sha256=SHA256)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_wrong_checksum(server, tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(DataError, match=f"sha256 {SHA256}, expected {'0' * 64}"):
        download(server + "/file", tmp_path / "file", sha256="0" * 64)
    assert (tmp_path / "file").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_interrupted_by_the_callback(server, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server + "/file", tmp_path / "file", sha256=SHA256, callback=stop)
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        with pytest.raises(DataError, match="expected a network"):
            download(f"http://127.0.0.1:{taken.getsockname()[1]}/file", tmp_path / "file", sha256=SHA256)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "mnist.gz", "http://[bad/x", "http:///x"])
def test_addresses(tmp_path, url):
    with pytest.raises(DataError):
        download(url, tmp_path / "file", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_no_place_to_write(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        download(server + "/file", tmp_path / "file" / "x", sha256=SHA256)
