"""`undula recover` as it is typed: what it writes, prints and returns, in this process."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from undula.cli import main
from undula.data import drawn_digits, read_image, write_image
from undula.show import Section


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def digits() -> NDArray[np.float32]:
    pixels: NDArray[np.float32] = drawn_digits(10).numpy()
    return pixels


@pytest.fixture
def magnitudes(digits: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.abs(np.fft.fft2(digits)).astype(np.float32)
    return found


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    status = main(["recover", *words, "--json"])
    shown = capsys.readouterr()
    result: dict[str, Any] = json.loads(shown.out)
    return result | {"status": status, "err": shown.err}


def _same_up_to_shift_and_turn(image: NDArray[Any], truth: NDArray[Any]) -> bool:
    # Oracle: every shift of both orientations, one by one through NumPy.
    for candidate in (image, image[::-1, ::-1]):
        score = np.fft.ifft2(np.fft.fft2(truth) * np.conj(np.fft.fft2(candidate))).real
        shift = np.unravel_index(score.argmax(), score.shape)
        if np.abs(np.roll(candidate, shift, (0, 1)) - truth).max() < 0.02:
            return True
    return False


def test_ten_digits_without_any_data(
    digits: NDArray[np.float32], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    folder = tmp_path / "undula-recover"
    assert "solved 10 of 10" in shown.out and "undula-recover/index.html" in shown.out
    for number, digit in enumerate(digits):
        image = np.load(folder / f"drawn-{number}.npy", allow_pickle=False)
        assert np.abs(image - digit).max() < 0.02
        assert np.abs(read_image(folder / f"drawn-{number}.png")[0].numpy() - image.clip(0)).max() <= 0.5 / 255 + 1e-6
        record = json.loads((folder / "items" / f"drawn-{number}.json").read_text())
        known = peak_signal_noise_ratio(digit.astype(float), image.astype(float), data_range=1.0)
        assert record["psnr"] == pytest.approx(known, abs=1e-3)
    for name in ("sheet.png", "curves.png"):
        with Image.open(folder / name) as picture:
            picture.verify()
    with Image.open(folder / "descent.gif") as film:
        assert 20 <= film.n_frames <= 60
    run = json.loads((folder / "run.json").read_text())
    assert (run["seed"], run["device"], len(run["items"]), run["failed"]) == (0, "cpu", 10, {})
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3 and "drawn-9" in page


def test_magnitudes_of_a_stack_and_a_key(
    digits: NDArray[np.float32], magnitudes: NDArray[np.float32], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("stack.npy", magnitudes[:3])
    np.savez("scan.npz", dark=np.zeros(3), light=magnitudes[7] ** 2)
    result = _json(capsys, "stack.npy", "--given", "magnitudes", "-o", "stack")
    assert [item["item"] for item in result["items"]] == ["stack-0", "stack-1", "stack-2"]
    assert (result["solved"], result["total"], result["status"], result["err"]) == (3, 3, 0, "")
    assert "psnr" not in result["items"][0]
    for number in range(3):
        assert _same_up_to_shift_and_turn(np.load(f"stack/stack-{number}.npy"), digits[number])
    assert main(["recover", "scan.npz:light", "--given", "intensities", "-o", "key", "--quiet"]) == 0
    image = np.load("key/scan-light.npy")
    assert _same_up_to_shift_and_turn(image, digits[7])
    rows, columns = (np.abs(image) ** 2 > 0.1).nonzero()
    assert abs(np.median(rows) - 14) < 5 and abs(np.median(columns) - 14) < 5  # not torn by the edge of the frame


def test_centered_and_unitary_patterns(
    digits: NDArray[np.float32], magnitudes: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("pattern.npy", np.fft.fftshift(magnitudes[5]) / 28)
    words = ["pattern.npy", "--given", "magnitudes", "--centered", "--norm", "ortho", "-o", "out", "--quiet"]
    assert main(["recover", *words]) == 0
    assert _same_up_to_shift_and_turn(np.load("out/pattern.npy"), digits[5])


def test_color_transparency_and_padding(digits: NDArray[np.float32], capsys: pytest.CaptureFixture[str]) -> None:
    picture = np.stack([digits[3], 0.5 * digits[3], 0 * digits[3], np.ones((28, 28))]).astype(np.float32)
    write_image("photo.png", picture)
    assert main(["recover", "photo.png", "--given", "images", "--pad", "-o", "out"]) == 0
    shown = capsys.readouterr()
    assert "luminance" in shown.err and "transparency" in shown.err
    image = np.load("out/photo.npy")
    grey = 0.299 * picture[0] + 0.587 * read_image("photo.png")[1].numpy()
    assert image.shape == (28, 28) and np.abs(image - grey).max() < 0.01


def test_another_image_that_fits_is_not_called_solved(capsys: pytest.CaptureFixture[str]) -> None:
    # Smooth and gray all over: without zeros around it, many images have its magnitudes.
    y, x = np.mgrid[0:16, 0:16] / 16
    np.save("smooth.npy", (0.5 + 0.2 * np.sin(6 * y * x) + 0.1 * np.cos(9 * x)).astype(np.float32))
    alone = _json(capsys, "smooth.npy", "--given", "images", "-o", "alone")
    padded = _json(capsys, "smooth.npy", "--given", "images", "--pad", "-o", "padded")
    (item,) = alone["items"]
    assert (alone["status"], alone["solved"], item["accepted"], item["correct"]) == (1, 0, True, False)
    assert "--pad" in item["advice"]
    assert (padded["status"], padded["solved"], padded["items"][0]["correct"]) == (0, 1, True)


def test_a_picture_that_fills_its_frame_hears_of_pad(capsys: pytest.CaptureFixture[str]) -> None:
    write_image("full.png", np.random.default_rng(0).random((16, 16)).astype(np.float32) * 0.8 + 0.2)
    main(["recover", "full.png", "--given", "images", "--max-transforms", "50", "-o", "out"])
    assert "--pad" in capsys.readouterr().err


def test_finished_items_are_skipped_until_something_changes(
    magnitudes: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("a.npy", magnitudes[0])
    np.save("b.npy", magnitudes[1])
    words = ["a.npy", "b.npy", "--given", "magnitudes", "-o", "out"]
    assert _json(capsys, *words)["skipped"] == 0
    before = Path("out/items/a.json").stat().st_mtime_ns
    again = _json(capsys, *words)
    assert (again["skipped"], again["solved"], again["status"]) == (2, 2, 0)
    assert Path("out/items/a.json").stat().st_mtime_ns == before
    assert _json(capsys, *words, "--seed", "1")["skipped"] == 0
    np.save("b.npy", magnitudes[2])
    assert _json(capsys, *words, "--seed", "1")["skipped"] == 1
    Path("out/a.png").unlink()
    assert _json(capsys, *words, "--seed", "1")["skipped"] == 1


def test_two_shards_together_equal_the_whole(
    magnitudes: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("stack.npy", magnitudes[:5])
    words = ["stack.npy", "--given", "magnitudes"]
    whole = _json(capsys, *words, "-o", "whole")
    first = _json(capsys, *words, "-o", "parts", "--shard", "1/2")
    second = _json(capsys, *words, "-o", "parts", "--shard", "2/2")
    assert (first["total"], second["total"], whole["total"]) == (3, 2, 5)
    together = sorted(first["items"] + second["items"], key=lambda item: item["item"])
    for one, other in zip(whole["items"], together, strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    for number in range(5):
        name = f"stack-{number}.npy"
        np.testing.assert_array_equal(np.load(f"whole/{name}"), np.load(f"parts/{name}"))
    assert Path("whole/sheet.png").read_bytes() == Path("parts/sheet.png").read_bytes()
    assert {path.name for path in Path("parts").glob("run*")} == {"run-1-of-2.json", "run-2-of-2.json"}


def test_runs_held_out_magnitudes_and_a_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recover", "--runs", "2", "--hold-out", "0.03", "--support", "24x22", "-o", "out"]) == 0
    shown = capsys.readouterr().out
    assert "held out" in shown and "2 of 2" in shown
    for path in Path("out/items").iterdir():
        record = json.loads(path.read_text())
        assert record["agreement"] > 0.999 and 0 < record["held_out_residual"] < 0.02


def test_a_mask_of_what_was_measured(digits: NDArray[np.float32], magnitudes: NDArray[np.float32]) -> None:
    mask = np.ones((28, 28), dtype=bool)
    mask[0, 0] = mask[3, 5] = mask[-3, -5] = False
    spoiled = np.where(mask, magnitudes[5], np.nan).astype(np.float32)
    np.save("pattern.npy", spoiled)
    np.save("mask.npy", mask)
    words = [
        "pattern.npy",
        "--given",
        "magnitudes",
        "--measured",
        "mask.npy",
        "--support",
        "22",
        "-o",
        "out",
        "--quiet",
    ]
    assert main(["recover", *words]) == 0
    assert _same_up_to_shift_and_turn(np.load("out/pattern.npy"), digits[5])


def test_a_complex_object_on_a_mask_file(capsys: pytest.CaptureFixture[str]) -> None:
    from undula.data import drawn_polygon

    image, support = drawn_polygon(16)
    frame, mask = np.zeros((32, 32), dtype=np.complex64), np.zeros((32, 32), dtype=np.float32)
    frame[:16, :16], mask[:16, :16] = image.numpy(), support.numpy()
    np.save("object.npy", frame)
    write_image("mask.png", mask)
    words = ["object.npy", "--given", "images", "--field", "complex", "--support", "mask.png", "-o", "out"]
    assert _json(capsys, *words)["status"] == 0
    found = np.load("out/object.npy")
    assert np.linalg.norm(found - frame) / np.linalg.norm(frame) < 1e-2
    with Image.open("out/sheet.png") as sheet:
        sheet.verify()


def test_signals_of_one_axis(capsys: pytest.CaptureFixture[str]) -> None:
    signal = np.zeros(64, dtype=np.float64)
    signal[3:14] = np.random.default_rng(1).random(11)
    np.save("signal.npy", np.abs(np.fft.fft(signal)))
    words = [
        "signal.npy",
        "--dims",
        "1",
        "--given",
        "magnitudes",
        "--support",
        "11",
        "--max-transforms",
        "3000",
        "-o",
        "out",
    ]
    assert main(["recover", *words, "--quiet"]) in (0, 1)
    assert np.load("out/signal.npy").shape == (64,) and Path("out/index.html").exists()


def test_a_small_volume_has_its_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    from undula.data import drawn_solid

    np.save("solid.npy", np.pad(drawn_solid(8).numpy(), ((0, 8),) * 3))
    words = ["solid.npy", "--dims", "3", "--given", "images", "--support", "8", "--runs", "2", "-o", "out"]
    assert main(["recover", *words]) == 0
    assert {"solid-slices.png", "solid-surface.png", "prtf.png", "descent.gif"} <= {
        p.name for p in Path("out").iterdir()
    }
    shown = capsys.readouterr().out
    assert "2 of 2 runs accepted" in shown and "1/e" in shown


def test_a_missing_extra_leaves_its_picture_out_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["recover", "-o", "out"]) == 0
    assert "pip install 'undula[plot]'" in capsys.readouterr().err
    assert not Path("out/curves.png").exists() and "<img" in Path("out/index.html").read_text(encoding="utf-8")


def test_unsolved_items_are_named_and_make_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, "--max-transforms", "5", "--method", "er", "--starts", "1", "-o", "out")
    unsolved = [item for item in result["items"] if not item["accepted"]]
    assert result["status"] == 1 and unsolved and all(item["advice"] for item in unsolved)


def _spoil(digits: NDArray[np.float32], make: Callable[[NDArray[Any]], Any]) -> None:
    np.save("bad.npy", make(np.abs(np.fft.fft2(digits[0])).astype(np.float32)))


def _with(value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def put(array: NDArray[Any]) -> NDArray[Any]:
        array[3, 4] = value
        return array

    return put


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_with(-1.0), "negative"),
        (_with(np.nan), "NaN"),
        (_with(np.inf), "infinite"),
        (_with(500.0), "--field complex"),
        (lambda array: array[:1, :1], "bad.npy"),
        (lambda array: array.astype(complex), "complex"),
        (lambda array: array[None, None], "--dims"),
        (lambda array: array[:0], "bad.npy"),
        (lambda array: array.astype(np.float16), "float16"),
    ],
)
def test_wrong_magnitudes_are_refused_in_one_line(
    make: Callable[[NDArray[Any]], Any], words: str, digits: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    _spoil(digits, make)
    assert main(["recover", "bad.npy", "--given", "magnitudes", "-o", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and words in shown.err and "bad.npy" in shown.err


def test_all_zero_is_recovered_and_advised(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("zero.npy", np.zeros((8, 8), dtype=np.float32))
    assert main(["recover", "zero.npy", "--given", "magnitudes", "-o", "out"]) == 0
    assert "all magnitudes are zero" in capsys.readouterr().err
    assert not np.load("out/zero.npy").any()


def test_pictures_as_magnitudes(magnitudes: NDArray[np.float32], capsys: pytest.CaptureFixture[str]) -> None:
    write_image("eight.png", magnitudes[0] / magnitudes[0].max())
    assert main(["recover", "eight.png", "--given", "magnitudes", "-o", "out"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "8 bits" in shown and "--given images" in shown
    counts = np.rint(magnitudes[0] ** 2 / (magnitudes[0] ** 2).max() * 65535)
    write_image("sixteen.png", (counts / 65535).astype(np.float64), bits=16)
    words = ["sixteen.png", "--given", "intensities", "--bounds", "0", "none", "--max-transforms", "50", "-o", "out"]
    result = _json(capsys, *words)
    assert result["total"] == 1 and not result["failed"]
    np.save("counts.npy", counts.astype(np.uint16))
    other = _json(capsys, "counts.npy", *words[1:])
    assert [item["shape"] for item in other["items"]] == [[28, 28]]


def test_an_unreadable_file_in_a_folder_does_not_stop_the_others(
    magnitudes: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("scans").mkdir()
    np.save("scans/a.npy", magnitudes[0])
    Path("scans/b.npy").write_bytes(b"\x93NUMPY no")
    np.save("scans/c.npy", _with(-1.0)(magnitudes[1].copy()))
    np.save("scans/d.npy", magnitudes[2])
    result = _json(capsys, "scans", "--given", "magnitudes", "-o", "out")
    assert (result["status"], result["solved"], result["total"]) == (1, 2, 4)
    assert set(result["failed"]) == {"b", "c"} and result["err"].count("\n") == 2


def test_every_png_of_the_suite(data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corrupt = sorted(str(path) for path in (data_folder / "formats" / "pngsuite").glob("x*.png"))
    assert corrupt
    assert main(["recover", *corrupt, "--given", "images", "-o", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == len(corrupt)


@pytest.mark.parametrize("folder", ["taken", "/proc/undula"])
def test_a_folder_that_cannot_be_made(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").touch()
    assert main(["recover", "-o", folder]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and "choose another folder" in shown.err


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("undula.data.atomic.os.fsync", full)
    assert main(["recover", "-o", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and "No space left" in shown.err
    assert [path for path in Path("out").rglob("*") if path.is_file()] == []


def test_the_same_seed_gives_the_same_files_wherever_they_lie(magnitudes: NDArray[np.float32]) -> None:
    Path("elsewhere").mkdir()
    np.save("a.npy", magnitudes[4])
    np.save("elsewhere/a.npy", magnitudes[4])
    for source, out in (("a.npy", "one"), ("elsewhere/a.npy", "two")):
        assert main(["recover", source, "--given", "magnitudes", "-o", out, "--quiet", "--seed", "3"]) == 0
    digests = [hashlib.sha256(Path(out, "a.npy").read_bytes()).hexdigest() for out in ("one", "two")]
    assert digests[0] == digests[1]


def test_demonstration_is_a_section(tmp_path: Path) -> None:
    from undula.jobs.recover.command.demonstration import demonstrate
    from undula.session import Options, Session

    section = demonstrate(Session(Options(quiet=True)), tmp_path / "demo")
    assert isinstance(section, Section)
    assert len(section.paragraphs) == 3 and len(section.pictures) == 3
