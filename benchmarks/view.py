"""Figures of docs/view.md: python benchmarks/view.py (writes benchmarks/results/view.json and the tables of the page)."""

import statistics
from typing import Any

import numpy as np
import pywt
import torch
from measuring import ROOT, interleaved, record, results, rewrite, table

import undula
from undula.data import drawn_digits, linear_chirp, ring_pair
from undula.jobs.view.figures import draw_view

_WAVELETS = ("haar", "db4", "db8", "sym8", "coif5", "sym16", "dmey")
_ROUNDS = 9


def rings() -> dict[str, Any]:
    sharp, blurred = ring_pair()
    result = undula.view(sharp, other=blurred)
    return {"printed where the loss was first explained": 14.8913, "undula.view": round(float(result.distance), 4)}


def leakage() -> dict[str, Any]:
    """Share of the energy of the chirp's packets in the band of its frequency and the two beside it."""
    shares = {}
    for wavelet in _WAVELETS:
        result = undula.view(linear_chirp(), rate=1000.0, wavelet=wavelet, level=5)
        inside = (result.packet_times > 0.1) & (result.packet_times < 1.9)
        power = result.packets[:, inside] ** 2
        truth = 1 + 124.5 * result.packet_times[inside]
        width = 500 / len(result.packet_frequencies)
        near = (result.packet_frequencies[:, None] - truth).abs() <= 1.5 * width
        shares[wavelet] = round(float((power * near).sum() / power.sum()), 3)
    return shares


def ridge() -> dict[str, Any]:
    """How far the strongest row of the scalogram is from the frequency of the chirp."""
    result = undula.view(linear_chirp(), rate=1000.0)
    moments = torch.arange(100, 1901)
    found = result.scalogram_frequencies[result.scalogram[:, moments].argmax(0)]
    error = (found / (1 + 0.1245 * moments) - 1).abs()
    return {"median relative error": round(float(error.median()), 4), "greatest": round(float(error.max()), 4)}


def speed() -> dict[str, Any]:
    torch.set_num_threads(1)
    chirp = linear_chirp()
    image = torch.nn.functional.interpolate(drawn_digits(1)[None], size=(512, 512), mode="bilinear")[0, 0].double()
    signal, picture = undula.view(chirp, rate=1000.0), undula.view(image)
    scales = (1000.0 / signal.scalogram_frequencies).numpy()

    def pywt_signal() -> None:
        np.fft.rfft(chirp.numpy())
        pywt.cwt(chirp.numpy(), scales, "cmor1.5-1.0", 1e-3, method="fft")
        nodes = pywt.WaveletPacket(chirp.numpy(), "sym16", "symmetric", 5).get_level(5, "freq")
        np.stack([node.data for node in nodes])

    def pywt_image() -> None:
        np.fft.fft2(image.numpy())
        pywt.wavedec2(image.numpy(), "db4", level=3)
        nodes = pywt.WaveletPacket2D(image.numpy(), "db4", "symmetric", 3).get_level(3, "freq")
        np.stack([node.data for row in nodes for node in row])

    one, two = next(iter(signal.items())), next(iter(picture.items()))
    times = interleaved(
        {
            "chirp": lambda: undula.view(chirp, rate=1000.0),
            "chirp, PyWavelets": pywt_signal,
            "chirp, drawing": lambda: draw_view(one),
            "image": lambda: undula.view(image),
            "image, PyWavelets": pywt_image,
            "image, drawing": lambda: draw_view(two),
        },
        rounds=_ROUNDS,
    )
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    known: dict[str, Any] = {f"{name} [ms]": round(1e3 * seconds, 1) for name, seconds in median.items()}
    for name in ("chirp", "image"):
        ratios = [b / a for a, b in zip(times[name], times[f"{name}, PyWavelets"], strict=True)]
        known[f"{name}, PyWavelets over undula"] = round(statistics.median(ratios), 2)
    return known


def tables() -> None:
    known = results("view")
    ms = known["speed"]
    blocks = {
        "leakage": table(
            ["wavelet", "energy in the band of the chirp or beside it"],
            [[name, f"{share:.1%}"] for name, share in known["leakage"].items()],
        ),
        "speed": table(
            ["one thread", "undula.view", "the same by PyWavelets and NumPy", "ratio", "drawing the figure"],
            [
                [
                    what,
                    f"{ms[f'{name} [ms]']} ms",
                    f"{ms[f'{name}, PyWavelets [ms]']} ms",
                    ms[f"{name}, PyWavelets over undula"],
                    f"{ms[f'{name}, drawing [ms]']} ms",
                ]
                for name, what in (("chirp", "chirp, 2,000 samples"), ("image", "image, 512 × 512"))
            ],
        ),
        "rings": table(
            ["mean difference of the magnitudes of the rings", ""],
            [[name, value] for name, value in known["rings"].items()],
        ),
        "ridge": table(
            ["strongest row of the scalogram, 0.1 … 1.9 s", ""], [[k, f"{v:.2%}"] for k, v in known["ridge"].items()]
        ),
    }
    rewrite(ROOT / "docs" / "view.md", blocks)


if __name__ == "__main__":
    for section in (rings, leakage, ridge, speed):
        record("view", section.__name__, section())
    tables()
