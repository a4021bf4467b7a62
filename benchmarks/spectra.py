"""Figures of the wavelet transforms: `python benchmarks/spectra.py [section …]`, or `tables` to rewrite the documentation.

Every rival does the same work in the same process by turns, one thread, float32, fresh outputs on both sides; outputs are
checked equal. Ratios of medians; "copies" is the time as a multiple of a plain copy of the input.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import statistics
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jaxwt
import numpy as np
import ptwt
import pywt
import torch
from measuring import ROOT, interleaved, record, results, rewrite, table
from spectra_extended import wavedecn_smooth
from torch import Tensor

from undula import wavelets
from undula.jax import wavelets as for_jax
from undula.spectra.wavelets import native

WAVELETS = {"haar": 3, "db2": 3, "db4": 4, "sym8": 3}
SHAPES = ((96, 256, 256), (24, 512, 512))
LENGTHS = (*range(1, 18), 31, 33, 64, 100, 255)


def leaves(coefficients: Any) -> Iterator[Any]:
    """The arrays of any container, in its order; of dicts by their keys."""
    if isinstance(coefficients, dict):
        for key in sorted(coefficients):
            yield from leaves(coefficients[key])
    elif isinstance(coefficients, list | tuple):
        for each in coefficients:
            yield from leaves(each)
    elif coefficients is not None:
        yield coefficients


def differ(got: Any, want: Any) -> float:
    """Largest difference relative to the largest value expected; infinite when shapes differ."""
    pairs = list(zip(leaves(got), leaves(want), strict=True))
    if any(tuple(one.shape) != tuple(other.shape) for one, other in pairs):
        return float("inf")
    size = max(float(np.abs(np.asarray(other)).max()) for _, other in pairs)
    return max(float(np.abs(np.asarray(one) - np.asarray(other)).max()) for one, other in pairs) / max(size, 1e-300)


def parity() -> None:
    """Every discrete wavelet, nine modes, all lengths, several levels, one to three dimensions, there and back."""
    warnings.simplefilter("ignore")
    chance = np.random.default_rng(0)
    cases, refused, worst = 0, 0, {"forward": 0.0, "inverse": 0.0, "first n samples": 0.0}
    beyond: Counter[str] = Counter()
    for name in pywt.wavelist(kind="discrete"):
        for mode in pywt.Modes.modes:
            for shape, level in _sizes():
                x = chance.standard_normal(shape)
                try:
                    theirs = pywt.wavedecn(x, name, mode, level=level)
                except ValueError:  # PyWavelets reflects no single sample
                    refused += 1
                    continue
                errors = _there_and_back(x, theirs, name, mode, level)
                cases += 1
                worst = {key: max(worst[key], errors[key]) for key in worst}
                if max(errors.values()) > 1e-13:
                    beyond.update(_beyond(x, theirs, name, mode, level))
    figures = {"cases": cases, "refused by pywt": refused, "beyond 1e-13": dict(beyond)}
    record("spectra", "parity", {**figures, **{f"worst {key}": value for key, value in worst.items()}})


def _beyond(x: np.ndarray, theirs: Any, name: str, mode: str, level: int) -> list[str]:
    """What to count of a case whose difference is above 1e-13."""
    words = [mode]
    if level <= pywt.dwtn_max_level(x.shape, name):
        words.append(f"{mode}, at a level that dwtn_max_level advises")
    if mode == "smooth":
        truth = wavedecn_smooth(x, name, level)
        pywt_errs, undula_errs = differ(theirs, truth), differ(wavelets.wavedecn(x, name, mode, level=level), truth)
        words += ["smooth, pywt errs beyond 1e-13"] * (pywt_errs > 1e-13)
        words += ["smooth, undula errs less than pywt"] * (undula_errs < pywt_errs)
    return words


def _sizes() -> Iterator[tuple[tuple[int, ...], int]]:
    for n in LENGTHS:
        for level in (1, 2, 4):
            yield (n,), level
            if n <= 100:
                yield (n, n + 1), level
            if n <= 17 and level < 4:
                yield (n, n + 1, 3), level


def _there_and_back(x: np.ndarray, theirs: Any, name: str, mode: str, level: int) -> dict[str, float]:
    ours = wavelets.wavedecn(x, name, mode, level=level)
    back, again = pywt.waverecn(theirs, name, mode), wavelets.waverecn(theirs, name, mode)
    size = max(float(np.abs(each).max()) for each in leaves(theirs))
    inside = tuple(slice(0, n) for n in x.shape)
    excess = np.abs(again[inside] - x).max() - np.abs(back[inside] - x).max()
    inverse = float("inf") if again.shape != back.shape else float(np.abs(again - back).max()) / size
    return {"forward": differ(ours, theirs), "inverse": inverse, "first n samples": max(0.0, float(excess) / size)}


def compare(functions: dict[str, Callable[[], Any]], *, rounds: int = 9) -> dict[str, float]:
    """How many times longer each rival takes than "undula", and that in copies."""
    times = {name: statistics.median(each) for name, each in interleaved(functions, rounds=rounds).items()}
    own = times.pop("undula")
    bound = times.pop("copy", None)
    figures = {name: round(each / own, 2) for name, each in times.items()}
    return figures if bound is None else {**figures, "copies": round(own / bound, 2)}


def planes() -> None:
    """wavedec2, waverec2, and wavedec2 with its gradient."""
    rows: dict[str, Any] = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for mode in ("symmetric", "periodization"):
            for name, level in WAVELETS.items():
                for shape in SHAPES:
                    key = f"{name}, level {level}, {'×'.join(map(str, shape))}, {mode}"
                    rows[key + (f", {threads} threads" if threads > 1 else "")] = _plane(name, mode, level, shape)
    torch.set_num_threads(1)
    record("spectra", "planes", rows)


def _plane(name: str, mode: str, level: int, shape: tuple[int, ...]) -> dict[str, Any]:
    x, room = torch.randn(*shape), torch.empty(*shape)
    array, other = x.numpy(), "periodic" if mode == "periodization" else mode
    forward = {
        "undula": lambda: wavelets.wavedec2(x, name, mode, level),
        "pywt": lambda: pywt.wavedec2(array, name, mode, level),
        "ptwt": lambda: ptwt.wavedec2(x, name, mode=other, level=level),
        "copy": lambda: room.copy_(x),
    }
    ours, theirs, third = forward["undula"](), forward["pywt"](), forward["ptwt"]()
    assert differ(ours, theirs) < 1e-5
    assert mode == "periodization" or differ(ours, third) < 1e-5
    inverse = {
        "undula": lambda: wavelets.waverec2(ours, name, mode),
        "pywt": lambda: pywt.waverec2(theirs, name, mode),
        "ptwt": lambda: ptwt.waverec2(third, name),
        "copy": lambda: room.copy_(x),
    }
    assert differ(inverse["undula"](), inverse["pywt"]()) < 1e-5
    training = {
        "undula": _step(x, lambda y: wavelets.wavedec2(y, name, mode, level)),
        "ptwt": _step(x, lambda y: ptwt.wavedec2(y, name, mode=other, level=level)),
    }
    return {
        "wavedec2": compare(forward),
        "waverec2": compare(inverse),
        "with gradient": compare(training, rounds=5),
    }


def _step(x: Tensor, transform: Callable[[Tensor], Any]) -> Callable[[], Tensor]:
    """Forward, a sum of squares, and backward."""

    def run() -> Tensor:
        leaf = x.detach().requires_grad_()
        torch.stack([band.square().sum() for band in leaves(transform(leaf))]).sum().backward()
        assert leaf.grad is not None
        return leaf.grad

    return run


def lines() -> None:
    """wavedec and waverec of 64 signals of 2^16 samples, and the overhead of a small call."""
    torch.set_num_threads(1)
    x = torch.randn(64, 2**16)
    room, rows = torch.empty_like(x), {}
    for mode in ("symmetric", "periodization"):
        for name in WAVELETS:
            rows[f"{name}, level 8, 64×2^16, {mode}"] = _line(x, room, name, mode)
    small, few = torch.randn(1, 64), 200
    calls = {
        "undula": lambda: [wavelets.wavedec(small, "db2", level=2) for _ in range(few)],
        "pywt": lambda: [pywt.wavedec(small.numpy(), "db2", level=2) for _ in range(few)],
        "ptwt": lambda: [ptwt.wavedec(small, "db2", mode="symmetric", level=2) for _ in range(few)],
    }
    rows["db2, level 2, 1×64, symmetric: overhead"] = {"wavedec": compare(calls)}
    record("spectra", "lines", rows)


def _line(x: Tensor, room: Tensor, name: str, mode: str) -> dict[str, Any]:
    array = x.numpy()
    forward = {
        "undula": partial(wavelets.wavedec, x, name, mode, 8),
        "pywt": partial(pywt.wavedec, array, name, mode, 8),
        "copy": partial(room.copy_, x),
    }
    ours, theirs = forward["undula"](), forward["pywt"]()
    inverse = {
        "undula": partial(wavelets.waverec, ours, name, mode),
        "pywt": partial(pywt.waverec, theirs, name, mode),
        "copy": partial(room.copy_, x),
    }
    assert differ(ours, theirs) < 1e-5
    if mode == "symmetric":
        forward["ptwt"] = partial(ptwt.wavedec, x, name, mode=mode, level=8)
        inverse["ptwt"] = partial(ptwt.waverec, forward["ptwt"](), name)
    return {"wavedec": compare(forward), "waverec": compare(inverse)}


def packets() -> None:
    """Haar packets of level 3 in frequency order, re-ordering and stacking included, and the step of a training."""
    torch.set_num_threads(1)
    x = torch.randn(64, 3, 128, 128)
    rows = {f"{name}, level 3, 64×3×128×128, frequency order": _packets(x, name) for name in ("haar", "db4")}
    record("spectra", "packets", rows)


def _packets(x: Tensor, name: str) -> dict[str, Any]:
    ours = partial(wavelets.wpdec2, wavelet=name, mode="periodization", maxlevel=3)
    theirs = partial(_pywt_packets, x.numpy(), name)
    third = partial(_ptwt_packets, name=name)
    assert differ(ours(x), theirs()) < 1e-5
    assert name != "haar" or differ(ours(x), third(x)) < 1e-5
    room = torch.empty_like(x)
    functions = {"undula": partial(ours, x), "pywt": theirs, "ptwt": partial(third, x), "copy": partial(room.copy_, x)}
    training = {"undula": _step(x, ours), "ptwt": _step(x, third)}
    return {"wpdec2": compare(functions), "with gradient": compare(training, rounds=5)}


def _pywt_packets(array: np.ndarray, name: str) -> np.ndarray:
    tree = pywt.WaveletPacket2D(array, name, "periodization", maxlevel=3, axes=(-2, -1))
    return np.stack([node.data for row in tree.get_level(3, "freq") for node in row], axis=-3)


def _ptwt_packets(y: Tensor, name: str) -> Tensor:
    """Of haar, whose filters never meet the ends, every mode gives the same."""
    tree = ptwt.WaveletPacket2D(y, name, mode="zero" if name == "haar" else "periodic", maxlevel=3)
    return torch.stack([tree["".join(path)] for row in tree.get_freq_order(3) for path in row], dim=-3)


def continuous() -> None:
    """Stationary and continuous transforms, and how near `icwt` comes to a chirp in its middle half."""
    torch.set_num_threads(1)
    chance = np.random.default_rng(0)
    rows: dict[str, Any] = {}
    for name in ("haar", "db4"):
        x = chance.standard_normal((64, 2**14), dtype=np.float32)
        y = torch.from_numpy(x)
        ways = {"undula": partial(wavelets.swt, y, name, 4), "pywt": partial(pywt.swt, x, name, 4)}
        assert differ(ways["undula"](), ways["pywt"]()) < 1e-5
        rows[f"swt, {name}, level 4, 64×2^14"] = compare(ways)
    scales = np.geomspace(2, 64, 32)
    time_axis = np.arange(2**13) / 2**13
    chirp = np.sin(2 * np.pi * (200 * time_axis + 700 * time_axis**2))
    y = torch.from_numpy(chirp)
    middle = slice(2**11, 3 * 2**11)
    for name in ("mexh", "morl", "cmor1.5-1.0"):
        ways = {
            "undula": partial(wavelets.cwt, y, scales, name),
            "pywt, fft": partial(pywt.cwt, chirp, scales, name, method="fft"),
            "pywt, conv": partial(pywt.cwt, chirp, scales, name),
        }
        coefficients = wavelets.cwt(y, scales, name)[0]
        assert differ(coefficients, ways["pywt, conv"]()[0]) < 1e-9
        back = wavelets.icwt(coefficients, scales, name).numpy()
        error = float(np.linalg.norm((back - chirp)[middle]) / np.linalg.norm(chirp[middle]))
        rows[f"cwt, {name}, 32 scales, 2^13"] = {**compare(ways), "icwt errs by": f"{100 * error:.2f} %"}
    record("spectra", "continuous", rows)


def frameworks() -> None:
    """JAX under jit on one thread, and PyTorch compiled by inductor."""
    torch.set_num_threads(1)
    chance = np.random.default_rng(0)
    x = chance.standard_normal((64, 2**16), dtype=np.float32)
    images = chance.standard_normal((96, 256, 256), dtype=np.float32)
    rows = {}
    for name in WAVELETS:
        bank = pywt.Wavelet(name)
        rows[f"JAX, {name}, level 8, 64×2^16"] = _jitted(
            x,
            partial(for_jax.wavedec, wavelet=name, level=8),
            partial(jaxwt.wavedec, wavelet=bank, mode="symmetric", level=8),
            partial(pywt.wavedec, wavelet=name, level=8),
        )
        rows[f"JAX, {name}, level 3, 96×256×256"] = _jitted(
            images,
            partial(for_jax.wavedec2, wavelet=name, level=3),
            partial(jaxwt.wavedec2, wavelet=bank, mode="symmetric", level=3),
            partial(pywt.wavedec2, wavelet=name, level=3),
        )
    for name in ("haar", "db4"):
        rows[f"inductor, {name}, level 3, 96×256×256"] = _inductor(images, name)
    record("spectra", "frameworks", rows)


def _jitted(x: np.ndarray, ours: Any, theirs: Any, pywavelets: Any) -> dict[str, float]:
    own, rival, y = jax.jit(ours), jax.jit(theirs), jnp.asarray(x)
    assert differ(own(y), pywavelets(x)) < 1e-4
    return compare(
        {
            "undula": lambda: jax.block_until_ready(own(y)),
            "jaxwt": lambda: jax.block_until_ready(rival(y)),
            "pywt": lambda: pywavelets(x),
        }
    )


def _inductor(images: np.ndarray, name: str) -> dict[str, float]:
    tensor = torch.from_numpy(images)
    began = time.perf_counter()
    compiled = torch.compile(lambda y: wavelets.wavedec2(y, name, level=3), fullgraph=True)
    first = compiled(tensor)
    seconds = time.perf_counter() - began
    theirs = partial(pywt.wavedec2, images, name, level=3)
    assert differ(first, theirs()) < 1e-5
    return {**compare({"undula": lambda: compiled(tensor), "pywt": theirs}), "seconds to compile": round(seconds)}


def uncompiled() -> None:
    """The same without the kernel, as on a machine without a compiler: in a process of its own."""
    if native.available():
        environment = {**os.environ, "UNDULA_NATIVE": "0"}
        subprocess.run([sys.executable, __file__, "uncompiled"], check=True, env=environment)
        return
    torch.set_num_threads(1)
    rows = {}
    for name, level in WAVELETS.items():
        rows[f"{name}, level {level}, 96×256×256, symmetric"] = _plane(name, "symmetric", level, SHAPES[0])
    record("spectra", "uncompiled", rows)


def tables() -> None:
    """Rewrite the tables of docs/spectra.md from the results."""
    known = results("spectra")
    blocks = {"parity": _parity_table(known["parity"])} if "parity" in known else {}
    for section, columns in (
        ("planes", ("wavedec2", "waverec2", "with gradient")),
        ("lines", ("wavedec", "waverec")),
        ("packets", ("wpdec2", "with gradient")),
        ("uncompiled", ("wavedec2", "waverec2", "with gradient")),
    ):
        blocks[section] = table(
            ["transform", *columns],
            [[key, *(_words(row.get(column, {})) for column in columns)] for key, row in known[section].items()],
        )
    for section in ("continuous", "frameworks"):
        rows = [[key, _words(row)] for key, row in known[section].items()]
        blocks[section] = table(["transform", "time of the rivals"], rows)
    rewrite(ROOT / "docs" / "spectra.md", blocks)


def _words(row: dict[str, Any]) -> str:
    """`pywt 6.9×, ptwt 16.4×; 3.5 copies`."""
    parts = [
        f"{name} {value}×"
        for name, value in row.items()
        if name not in ("copies", "seconds to compile", "icwt errs by")
    ]
    extra = [f"{row['copies']} copies"] if "copies" in row else []
    extra += [f"compiled in {row['seconds to compile']} s"] if "seconds to compile" in row else []
    extra += [f"icwt errs by {row['icwt errs by']}"] if "icwt errs by" in row else []
    return "; ".join([", ".join(parts), *extra])


def _parity_table(figures: dict[str, Any]) -> str:
    rows = [[key, value] for key, value in figures.items() if key != "beyond 1e-13"]
    rows += [[f"beyond 1e-13: {words}", count] for words, count in figures["beyond 1e-13"].items()]
    return table(["parity with PyWavelets, float64", ""], rows)


SECTIONS = {
    "parity": parity,
    "planes": planes,
    "lines": lines,
    "packets": packets,
    "continuous": continuous,
    "frameworks": frameworks,
    "uncompiled": uncompiled,
    "tables": tables,
}

if __name__ == "__main__":
    for section in sys.argv[1:] or SECTIONS:
        SECTIONS[section]()
