"""Recordings with gaps and times, and the drawn ring-down."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from undula.data import drawn_ringing, read_recording
from undula.errors import DataError, OptionError, RangeError, ShapeError


def _csv(folder: Path, text: str) -> Path:
    path = folder / "signal.csv"
    path.write_text(text)
    return path


def test_times_give_the_rate_and_the_clock(tmp_path: Path) -> None:
    found = read_recording(_csv(tmp_path, "time (ms),a,b\n100,1,2\n102,3,\n104,nan,6\n"))
    assert (found.rate, found.begin, found.times, found.header) == (pytest.approx(500), 0.1, None, ("a", "b"))
    assert found.stated and found.samples.shape == (2, 3)
    assert found.samples[:, 0].tolist() == [1.0, 2.0]
    assert found.samples.isnan().tolist() == [[False, False, True], [False, True, False]]


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    found = read_recording(_csv(tmp_path, "5,1\n6,2\n8,3\n"))
    assert found.rate == 0 and found.times is not None
    assert found.times.tolist() == [0.0, 1.0, 3.0] and found.begin == 5.0
    given = read_recording(tmp_path / "signal.csv", rate=10.0)
    assert (given.rate, given.times, given.samples.tolist()) == (10.0, None, [[1.0, 2.0, 3.0]])


def test_one_column_has_no_rate(tmp_path: Path) -> None:
    found = read_recording(_csv(tmp_path, "volt\n1\n2\n3\n"))
    assert (found.rate, found.stated, found.samples.tolist()) == (1.0, False, [[1.0, 2.0, 3.0]])


def test_complex_arrays_and_kinds(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1 + 2j, np.nan]).astype(np.complex64))
    found = read_recording(tmp_path / "a.npy", rate=2.0)
    assert found.samples.dtype == torch.complex128 and found.stated
    np.save(tmp_path / "b.npy", np.ones((2, 3), np.float32))
    assert read_recording(tmp_path / "b.npy").samples.dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("t,x\n0,1\n2,1\n1,1\n", DataError, "does not ascend in line 4, column 1"),
        ("t,x\n,1\n2,1\n", DataError, "expected seconds or an ISO date"),
        ("t\n0\n1\n", DataError, "nothing but times"),
        ("x\n1\ninf\n", RangeError, "got inf in line 3"),
        ("x\n1\n1;5\n", DataError, "expected a number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        read_recording(_csv(tmp_path, text))


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cube.npy", np.ones((2, 2, 2)))
    with pytest.raises(ShapeError, match=r"expected \(time,\) or \(channels, time\)"):
        read_recording(tmp_path / "cube.npy")
    with pytest.raises(RangeError, match="got rate=-1"):
        read_recording(tmp_path / "cube.npy", rate=-1.0)
    with pytest.raises(DataError, match="expected a name that ends in"):
        read_recording(tmp_path / "a.txt")


def test_the_ring_down_is_its_formula_and_noise() -> None:
    drawn, other = drawn_ringing(4000, noise=0.2, seed=3), drawn_ringing(4000, noise=0.2, seed=4)
    t = np.arange(4000) / 1000
    want = sum(
        float(a) * np.exp(-t / float(d)) * np.cos(2 * math.pi * float(f) * t + float(p))
        for a, d, f, p in zip(drawn.amplitude, drawn.decay_time, drawn.frequency, drawn.phase, strict=True)
    )
    np.testing.assert_allclose(drawn.clean, want, atol=1e-12)
    assert float((drawn.signal - drawn.clean).std()) == pytest.approx(0.2, rel=0.05)
    assert torch.equal(drawn.signal, drawn_ringing(4000, noise=0.2, seed=3).signal)
    assert not torch.equal(drawn.frequency, other.frequency)
    assert 50 <= float(drawn.frequency[0]) <= 200 and 250 <= float(drawn.frequency[1]) <= 400
    with pytest.raises(OptionError, match="got length=8"):
        drawn_ringing(8)
    with pytest.raises(RangeError, match="expected a rate above 0"):
        drawn_ringing(rate=0.0)
