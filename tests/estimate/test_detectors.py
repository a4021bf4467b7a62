"""Ring-downs heard by detectors whose noise is colored, each in its own way: a closed truth, and the strain of GW150914."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch

from undula.cli import main
from undula.data import read_recording
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.estimate import Modes, estimate
from undula.jobs.estimate.noise import Density, per_channel, read_noise
from undula.jobs.estimate.projection import project
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.surroundings import leveled, limited
from undula.jobs.estimate.whitener import Banded, Dense, Whitener, banded_whitener, dense_whitener
from undula.spectra import autocovariance

RATE, EVENT = 2048.0, 4.0
TRUTH = {"frequency": 250.0, "decay_time": 4e-3}
AMPLITUDE, PHASE = (2.0, 1.2), (0.4, -2.0)


@pytest.fixture(scope="module")
def strain() -> np.ndarray:
    """Eight seconds of two detectors: autoregressive noise of different color, a ring-down at 4 s."""
    chance = np.random.default_rng(5)
    times = np.arange(int(8 * RATE)) / RATE
    rows = []
    for feedback, amplitude, phase in zip(([1, -1.2, 0.5], [1, -0.2, 0.6]), AMPLITUDE, PHASE, strict=True):
        noise = 0.1 * scipy.signal.lfilter([1], feedback, chance.standard_normal(len(times) + 200))[200:]
        later = np.maximum(times - EVENT, 0)
        wave = amplitude * np.exp(-later / TRUTH["decay_time"]) * np.cos(2 * np.pi * TRUTH["frequency"] * later + phase)
        rows.append(noise + wave * (times >= EVENT))
    return np.stack(rows)


def holds(modes: Modes, name: str, truth: float) -> bool:
    low, high = modes.interval(0.999)[name]
    return bool(((low <= truth) & (truth <= high)).all())


def test_detectors_together_find_the_truth_with_smaller_errors_than_each(strain):
    known = {"rate": RATE, "start": EVENT, "duration": 0.1, "noise": "surrounding"}
    alone = estimate(strain, **known)
    both = estimate(strain, shared=True, **known)
    for name, truth in TRUTH.items():
        assert holds(alone, name, truth) and holds(both, name, truth)
    assert both.amplitude.shape == (2, 1) and bool(both.accepted) and alone.accepted.all()
    for channel in range(2):
        assert abs(both.amplitude[channel, 0] - AMPLITUDE[channel]) < 4 * both.bound["amplitude"][channel, 0]
        assert abs(both.phase[channel, 0] - PHASE[channel]) < 4 * both.bound["phase"][channel, 0]
    # Information adds up: that of both is the sum of each, but each is taken at its own estimate.
    each = 1 / alone.bound["frequency"][:, 0] ** 2
    assert 1 / both.bound["frequency"][0] ** 2 == pytest.approx(each.sum(), rel=0.3)


def test_errors_of_channels_with_their_own_noise_are_those_of_the_bound():
    """90 % intervals of 300 shared fits hold the truth in 86 to 94 %; noise of closed densities."""
    chance = np.random.default_rng(1)
    count, times = 300, np.arange(128.0)
    grid = np.linspace(0, 0.5, 2049)
    turn = np.exp(-2j * np.pi * grid)
    rows, densities = [], []
    for feedback in ([1, -0.9], [1, 0.7]):
        noise = 0.3 * scipy.signal.lfilter([1], feedback, chance.standard_normal((count, 400)))[:, -128:]
        rows.append(noise + np.exp(-times / 20) * np.cos(2 * np.pi * 0.13 * times + 0.7))
        densities.append(2 * 0.3**2 / abs(feedback[0] + feedback[1] * turn) ** 2)
    modes = estimate(np.stack(rows, axis=1), shared=True, noise=(grid, np.stack(densities)))
    for name, truth in (("frequency", 0.13), ("decay_time", 20.0)):
        low, high = modes.interval(0.9)[name]
        assert 0.86 <= ((low <= truth) & (truth <= high)).mean() <= 0.94, name
    off = (modes.frequency[:, 0] - 0.13) / modes.bound["frequency"][:, 0]
    assert 0.9 < np.sqrt((off**2).mean()) < 1.1
    assert modes.accepted.mean() > 0.97


def test_several_starts_are_the_starts_one_by_one(strain):
    starts = EVENT + np.array([0.0, 0.6e-3, 1.3e-3])
    density = tuple(np.asarray(each) for each in (np.array([0.0, 1024.0]), np.full((2, 2), 1e-4)))
    known = {"rate": RATE, "noise": density, "shared": True}
    scan = estimate(strain, start=starts, duration=0.08, **known)
    assert scan.frequency.shape == (3, 1) and scan.amplitude.shape == (3, 2, 1) and scan.times.shape == (3, 164)
    np.testing.assert_array_equal(scan.start, starts)
    for item, start in zip(scan.items(), starts, strict=True):
        one = estimate(strain, start=float(start), duration=164 / RATE, **known)
        np.testing.assert_allclose(item.frequency, one.frequency, rtol=1e-6)
        np.testing.assert_allclose(item.phase, one.phase, atol=1e-5)
        np.testing.assert_allclose(item.times, one.times, atol=1e-12)
        assert item.start == start
    figure = scan.starts_figure(names=("both",), origin=EVENT, expected={"frequency": (250.0, 8.0)}, title="Starts")
    assert figure.width == 1440
    with pytest.raises(RangeError, match="got modes of one start, expected several"):
        one.starts_figure()


def test_a_passband_changes_little_and_its_residual_is_white(strain):
    loud = strain + 30 * np.cos(2 * np.pi * 3.0 * np.arange(strain.shape[1]) / RATE)  # far below the band
    known = {"rate": RATE, "start": EVENT, "duration": 0.1, "noise": "surrounding", "shared": True}
    plain, passed = estimate(strain, **known), estimate(loud, passband=(20.0, 900.0), **known)
    assert bool(passed.accepted) and passed.whiteness > 1e-3
    assert abs(passed.frequency[0] - plain.frequency[0]) < plain.bound["frequency"][0]
    assert passed.bound["frequency"][0] == pytest.approx(plain.bound["frequency"][0], rel=0.2)


def test_a_band_keeps_what_is_inside_and_takes_what_is_not():
    times = torch.arange(4000) / 1000.0
    inside, outside = torch.cos(2 * torch.pi * 100 * times), torch.cos(2 * torch.pi * 5 * times + 1)
    rows = (inside + outside)[None].double()
    rows[0, 1500:1503] = torch.nan
    passed = limited(rows, passband=(50.0, 200.0), rate=1000.0)
    assert bool(passed[0, 1500:1503].isnan().all()) and int(passed.isnan().sum()) == 3
    near = torch.cat([passed[0, 500:1400], passed[0, 1600:3500]]) - torch.cat([inside[500:1400], inside[1600:3500]])
    assert float(near.abs().max()) < 0.02
    frequency = torch.linspace(0, 500, 501).double()
    flat = leveled(frequency, 1 + frequency, passband=(50.0, 200.0))
    assert float(flat[0]) == float(flat[49]) == 53.0 and float(flat[-1]) == 199.0 and float(flat[100]) == 101.0


@pytest.mark.parametrize("real", [True, False])
def test_the_banded_whitener_is_the_dense_one_for_autoregressive_noise(real):
    frequency = torch.linspace(0 if real else -0.5, 0.5, 4097).double()
    density = 1 / (1.64 - 1.6 * torch.cos(2 * torch.pi * (frequency if real else frequency - 0.1)))
    covariance = autocovariance(frequency, density, rate=1.0, count=300, real=real)
    present = torch.ones(300, dtype=torch.bool)
    dense = dense_whitener(covariance, present, real=real)
    banded = banded_whitener(covariance[:40], present, real=real)
    rows = torch.randn(2, 3, 300 if real else 600, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    # Straight lines between the density's frequencies leave 1e-4 of what no short filter knows.
    torch.testing.assert_close(banded.forward(rows), dense.forward(rows), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(banded.backward(rows), dense.backward(rows), atol=1e-3, rtol=1e-3)
    other = torch.randn(rows.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for table in (dense, banded):  # ⟨W x, y⟩ = ⟨x, Wᵀ y⟩
        left, right = (table.forward(rows) * other).sum(), (rows * table.backward(other)).sum()
        torch.testing.assert_close(left, right, atol=1e-9, rtol=1e-9)
    cycles = torch.tensor([0.05, 0.1, 0.3]).double()
    gains = [Whitener((each,), torch.zeros(1, 1).long()).gain(cycles, torch.tensor([1e-6])) for each in (dense, banded)]
    want = (2 if real else 1) / density[(cycles * (8192 if real else 4096)).round().long() + (0 if real else 2048)]
    for gain in gains:
        torch.testing.assert_close(gain[0, 0, 0] / (1 if real else 2), want, rtol=0.02, atol=0)


def test_long_records_in_colored_noise_are_fitted_with_their_bound():
    """5,000 samples with gaps, more than the dense whitener takes: errors as the bound of a closed density says."""
    chance = np.random.default_rng(3)
    times, count = np.arange(5_000.0), 4
    noise = 0.2 * scipy.signal.lfilter([1], [1, -0.9], chance.standard_normal((count, 6_000)))[:, -5_000:]
    signal = noise + np.exp(-times / 1500) * np.cos(2 * np.pi * 0.03 * times)
    signal[:, 2000:2100] = np.nan
    grid = np.linspace(0, 0.5, 4097)
    density = 2 * 0.2**2 / (1.81 - 1.8 * np.cos(2 * np.pi * grid))
    modes = estimate(signal, noise=(grid, density))
    level = 0.2**2 / (1.81 - 1.8 * np.cos(2 * np.pi * 0.03))
    ratio = np.sqrt((np.exp(-2 * times / 1500) / 2)[~np.isnan(signal[0])].sum() / level)
    off = (modes.frequency[:, 0] - 0.03) * np.pi * ratio * 1500  # in deviations 1 / (π ρ τ)
    assert np.abs(off).max() < 3.5 and 0.5 < np.sqrt((off**2).mean()) < 1.7
    assert modes.bound["frequency"][0, 0] * np.pi * ratio * 1500 == pytest.approx(1.0, rel=0.08)
    assert modes.accepted.all() and np.isnan(modes.residual[:, 2000:2100]).all()


def test_projection_of_channels_apart_is_that_of_one_whitener_where_their_noise_is_alike():
    chance = torch.Generator().manual_seed(2)
    values = torch.randn(3, 2, 50, dtype=torch.float64, generator=chance)
    root = torch.tril(torch.randn(50, 50, dtype=torch.float64, generator=chance)) + 9 * torch.eye(50)
    table = Dense(root, root[-1])
    times = torch.linspace(0, 1, 50, dtype=torch.float64)[None]
    poles = torch.complex(torch.full((3, 2), -3.0), torch.tensor([[20.0, 50.0]] * 3)).to(torch.complex128)
    states = [
        project(Record(values, times, None, Whitener((table, table), which), True, 1, 1 / 49, 1.0, True), poles)
        for which in (torch.zeros(1, 1).long(), torch.tensor([[0, 1]]), torch.tensor([[0, 1]] * 3))
    ]
    for state in states[1:]:
        for name in ("left", "linear", "cost", "gradient", "curvature"):
            torch.testing.assert_close(getattr(state, name), getattr(states[0], name))
        torch.testing.assert_close(state.gram, states[0].gram.expand(-1, 2, -1, -1))


def test_rows_of_noise_belong_to_channels_items_or_all():
    grid = np.linspace(0, 0.5, 5)
    for rows, items, channels, shape in ((2, 3, 2, (1, 2)), (6, 3, 2, (3, 2)), (3, 3, 1, (3, 1)), (4, 3, 1, (1, 1))):
        density = per_channel((grid, np.ones((rows, 5))), rate=1.0, items=items, channels=channels)
        assert density.power.shape[:2] == shape
    holes = torch.zeros(4, 30, dtype=torch.bool)
    holes[2, 5] = True
    frequency = torch.from_numpy(grid)
    power = torch.stack([torch.full((5,), 2.0), torch.full((5,), 8.0)])[None].double()
    unit, whitener = read_noise(
        Density(frequency, power), size=torch.ones(4).double(), holes=holes, step=1.0, real=True
    )
    assert unit.tolist() == pytest.approx([(1 + 4) ** 0.5 / 2**0.5] * 4) or unit.tolist() == pytest.approx([1.5] * 4)
    assert whitener is not None and len(whitener.tables) == 4 and whitener.which.shape == (4, 2)
    long = torch.zeros(1, 5000, dtype=torch.bool)
    _, whitener = read_noise(Density(frequency, power), size=torch.ones(1).double(), holes=long, step=1.0, real=True)
    assert whitener is not None and isinstance(whitener.tables[0], Banded)


REFUSED = {
    "word": (OptionError, {"noise": "around"}, r"got noise='around', expected numbers, or \"surrounding\""),
    "white": (OptionError, {"passband": (20.0, 400.0)}, r"got passband=\(20, 400\) and noise=None, expected a density"),
    "band": (RangeError, {"passband": (400.0, 20.0), "noise": "surrounding"}, r"got passband=\(400, 20\), expected two freq"),
    "short": (RangeError, {"noise": "surrounding"}, r"got 8 s of signal, expected at least 4 segments of .* s"),
    "starts": (RangeError, {"start": [1.0, 9.0]}, r"got start=9.0, expected a moment of the record"),
    "duration": (RangeError, {"duration": -1.0}, r"got duration=-1.0, expected seconds above 0"),
    "few": (ShapeError, {"start": EVENT, "duration": 1e-3}, r"got 3 samples to use"),
    "uneven": (
        OptionError, {"times": np.linspace(0, 8, 16384) ** 1.01, "start": [1.0, 2.0]}, r"got 2 starts and uneven sampling",
    ),
    "uneven noise": (
        OptionError, {"times": np.linspace(0, 8, 16384) ** 1.01, "noise": "surrounding"}, r"colored noise of samples uneven",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(strain, case):
    error, options, message = REFUSED[case]
    with pytest.raises(error, match=message):
        estimate(strain, **({} if "times" in options else {"rate": RATE}), **options)


def _write(path: str, values: np.ndarray, **attributes: float) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["strain/Strain"] = values
        file["strain/Strain"].attrs.update(attributes)


def test_an_hdf5_file_says_its_clock(tmp_path):
    for number, (attributes, rate, begin) in enumerate(
        [
            ({"Xspacing": 0.25, "Xstart": 7}, 4.0, 7.0),
            ({"dt": 0.5}, 2.0, 0.0),
            ({"sample_rate": 8.0, "t0": 1.5}, 8.0, 1.5),
            ({"Sampling_Rate": 16}, 16.0, 0.0),
        ]
    ):
        path = tmp_path / f"{number}.hdf5"
        _write(str(path), np.array([1.0, np.nan, 2.0]), **attributes)
        for name in (path, f"{path}:/strain/Strain"):
            found = read_recording(name)
            assert (found.rate, found.begin, found.stated) == (rate, begin, True) and bool(found.samples[0, 1].isnan())
        assert read_recording(path, rate=3.0).rate == 3.0
    _write(str(tmp_path / "bare.hdf5"), np.ones(3), units=1.0)
    assert not read_recording(tmp_path / "bare.hdf5").stated
    _write(str(tmp_path / "wrong.hdf5"), np.ones(3), Xspacing=-1.0)
    with pytest.raises(DataError, match="got -1 samples in a second from the attributes"):
        read_recording(tmp_path / "wrong.hdf5")


def test_the_command_fits_detectors_together_and_scans(strain, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    late = np.roll(strain[1], 12)  # heard 12 samples later
    for name, values in (("one", strain[0]), ("two", late)):
        _write(f"{name}.hdf5", values, Xspacing=1 / RATE, Xstart=1000.0)
    words = [
        "estimate",
        "one.hdf5",
        "two.hdf5:strain/Strain",
        "--joint",
        "--delay",
        f"0,{12 / RATE}",
        "--noise",
        "surrounding",
    ]
    words += ["--duration", "0.1", "--components", "1", "--json"]
    assert main([*words, "--start", "1004:1004.002:0.001", "-o", "scan"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["starts"] == 3 and [round(mode["start"], 6) for mode in item["modes"]] == [1004.0, 1004.001, 1004.002]
    first = item["modes"][0]
    for name, truth in TRUTH.items():
        assert abs(first[name]["value"] - truth) < 4 * first[name]["error"]
    assert len(first["amplitude"]) == 2 and Path("scan/joint.png").exists()
    assert "strongest mode from each of 3 starts" in Path("scan/index.html").read_text(encoding="utf-8")
    assert "start [s]" in Path("scan/modes.csv").read_text().splitlines()[0]
    assert main([*words, "--start", "1004", "-o", "once"]) == 0
    (once,) = json.loads(capsys.readouterr().out)["items"]
    assert once["clock"] == 1004.0 and once["modes"][0]["frequency"] == pytest.approx(first["frequency"], rel=1e-3)
    for wrong, message in {
        "--start 5:4:1": "expected a first and a later last moment",
        "--start soon": "expected seconds, or FIRST:LAST:STEP",
        "--delay 0": "got 1 --delay for 2 INPUTs",
        "--delay a,b": "expected seconds with commas between",
    }.items():
        assert main(["estimate", "one.hdf5", "two.hdf5", "--joint", *wrong.split(), "-o", "wrong"]) == 2
        assert message in capsys.readouterr().err


def test_gw150914_rings_as_predicted():
    folder = Path(os.environ.get("UNDULA_DATA", "")) / "gw150914"
    if not folder.is_dir() or not os.environ.get("UNDULA_DATA"):
        pytest.skip("needs gw150914 in UNDULA_DATA")
    pytest.importorskip("h5py")
    import importlib.util

    spec = importlib.util.spec_from_file_location("gw150914", Path(__file__).parents[2] / "examples" / "gw150914.py")
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    recordings = [read_recording(folder / f"{name}:strain/Strain") for name in example.FILES]
    assert (recordings[0].rate, recordings[0].begin) == (4096.0, 1126259446.0)
    strain = np.stack([each.samples[0].numpy() for each in recordings])
    merger, lag = example.find_merger(strain, 4096.0)
    assert recordings[0].begin + merger == pytest.approx(1126259462.423, abs=1e-3)  # the published peak
    assert lag / 4096 == pytest.approx(7e-3, abs=0.6e-3)  # published: 6.9 ms, +0.5, -0.4
    strain[1] = np.roll(strain[1], lag)
    alone, both = example.measure(strain, merger + np.array([1e-3, 3e-3]), 4096.0)
    ends = both.interval(0.9)
    for name, (value, off) in {"frequency": (251.0, 8.0), "decay_time": (4.0e-3, 0.3e-3)}.items():
        assert ends[name][0][1, 0] <= value + off and ends[name][1][1, 0] >= value - off
    assert both.accepted.all() and alone.accepted.all()
    assert both.bound["frequency"][1, 0] < 1.1 * alone.bound["frequency"][1, :, 0].min()  # each at its own estimate
