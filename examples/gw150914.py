"""GW150914: the ringing of a new black hole, measured from its first milliseconds on.

    python examples/gw150914.py FOLDER

FOLDER holds the strain of both detectors, 32 s at 4,096 samples per second, as the Gravitational Wave Open Science Center
publishes it: H-H1_LOSC_4_V2-1126259446-32.hdf5 and L-L1_LOSC_4_V2-1126259446-32.hdf5. The figure goes to gw150914.png.
"""

import sys
from pathlib import Path

import numpy as np
import torch

import undula
from undula.data import read_recording
from undula.spectra import welch

FILES = ("H-H1_LOSC_4_V2-1126259446-32.hdf5", "L-L1_LOSC_4_V2-1126259446-32.hdf5")
NEAR = 16.4  # seconds into the files: where the event was announced
KNOWN = {"noise": "surrounding", "passband": (20.0, 1600.0), "band": (100.0, 500.0), "duration": 0.1}
LOOKED_AT = {"intervals": "likelihood"}  # near the threshold the Cramér-Rao bound is too small


def find_merger(strain: np.ndarray, rate: float) -> tuple[float, int]:
    """The merger in H1 in seconds, and by how many samples L1 sees it earlier.

    Both records are divided by the amplitude of their noise and limited to 35 … 350 Hz. The merger is the greatest absolute
    value of H1. L1 is turned over, for the detectors stand nearly opposite, and shifted to where it is most like H1 within the
    10 ms that light needs between them.
    """
    white = np.stack([undula.whiten(each, noise_of(each, rate), rate=rate, band=(35.0, 350.0)) for each in strain])
    event = slice(int((NEAR - 0.2) * rate), int((NEAR + 0.2) * rate))
    lags = np.arange(-int(0.01 * rate), int(0.01 * rate) + 1)
    likeness = [white[0, event] @ -np.roll(white[1], lag)[event] for lag in lags]
    return (event.start + int(np.abs(white[0, event]).argmax())) / rate, int(lags[np.argmax(likeness)])


def noise_of(record: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Median of the spectra of its seconds, which an event in one of them does not move."""
    frequency, density = welch(torch.from_numpy(record), rate=rate, segment=int(rate), average="median")
    return frequency.numpy(), density.numpy()


def measure(strain: np.ndarray, starts: np.ndarray, rate: float) -> tuple[undula.Modes, undula.Modes]:
    """Each detector alone (starts, detectors, 1), and both together (starts, 1): one frequency, one decay time."""
    alone = undula.estimate(strain, rate=rate, start=starts, **KNOWN, **LOOKED_AT)
    return alone, undula.estimate(strain, rate=rate, start=starts, shared=True, **KNOWN, **LOOKED_AT)


def main(folder: Path) -> None:
    """Find the merger, scan the start, draw."""
    recordings = [read_recording(folder / f"{name}:strain/Strain") for name in FILES]
    rate, begin = recordings[0].rate, recordings[0].begin
    strain = np.stack([recording.samples[0].numpy() for recording in recordings])
    merger, lag = find_merger(strain, rate)
    print(f"merger at GPS {begin + merger:.4f} in H1, {1e3 * lag / rate:.1f} ms earlier in L1")

    strain[1] = np.roll(strain[1], lag)  # both on the clock of H1
    starts = merger + np.arange(0, 7.1e-3, 0.5e-3)
    alone, both = measure(strain, starts, rate)
    low, high = both.interval(0.9)["frequency"]
    shortest, longest = both.interval(0.9)["decay_time"]
    for k, start in enumerate(starts):
        print(
            f"{1e3 * (start - merger):.1f} ms: {low[k, 0]:.0f} … {high[k, 0]:.0f} Hz, "
            f"{1e3 * shortest[k, 0]:.1f} … {1e3 * longest[k, 0]:.1f} ms"
        )
    figure = alone.starts_figure(
        names=("H1", "L1"), beside={"both": both}, origin=merger, title="GW150914: a black hole rings",
        expected={"frequency": (251.0, 8.0), "decay_time": (4.0e-3, 0.3e-3)},
    )  # fmt: skip
    figure.save("gw150914.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
