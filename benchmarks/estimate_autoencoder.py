"""Figures on the autoencoder: python benchmarks/estimate_autoencoder.py [SECTION…] [--signals N] [--work FOLDER].

What the seed of the job claims, measured: `components` (match of waveforms and errors of parameters for 1 to 5 components),
`weak` (a component ten times weaker), `opposite` (phases that nearly cancel), `priors` (Gaussian and uniform training, each
tested on both), `decoders` (a network, or the waves themselves), `extra` (whether a further start of the autoencoder mends
outliers of the classical search). Everywhere side by side: the autoencoder alone, polished, and the classical search.
`components` and `extra` take the weights that ship; the others train small networks in FOLDER, half a minute of a core each.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from measuring import RESULTS, ROOT, record, results, rewrite, table
from torch import Tensor

import undula
from undula.jobs.estimate import Prior
from undula.jobs.estimate.autoencoder.examination import errors, match, outlier_share, poles_of, record_of
from undula.jobs.estimate.autoencoder.prior import Drawn, waves
from undula.jobs.estimate.measured import measure
from undula.jobs.estimate.starts import best_of, find_starts

NAMES = ("frequency", "decay_time", "amplitude", "phase")
FIRST = 2**38  # number of the first signal, which no training has seen
SMALL: dict[str, Any] = {"widths": (128, 128, 128), "steps": 3000, "batch": 256}
COLUMNS = ("match", "match > 0.98", "outliers", "strong lost", "weak lost", "frequency, bins", "decay time", "amplitude",
           "phase, rad", "classical", "classical + autoencoder", "autoencoder", "from the truth")  # fmt: skip
SUBJECTS = {
    "components": "components", "weak": "noise", "opposite": "frequencies", "priors": "training, test", "decoders": "decoder",
    "extra": "noise",
}  # fmt: skip
WAYS = ("autoencoder alone", "autoencoder + polish", "classical + polish")


def draw(prior: Prior, signals: int, snr: float, *, change: Callable[[Tensor], Tensor] | None = None) -> Drawn:
    """Signals of a prior at one level of noise, their parameters changed where asked for."""
    drawn = prior.draw(torch.arange(signals) + FIRST, seed=3, snr=snr)
    if change is None:
        return drawn
    truth = change(drawn.truth.clone())
    clean = waves(truth, prior.samples)
    deviation = (clean.square().mean(dim=1) * 10 ** (-snr / 10)).sqrt()
    noise = (drawn.signal - drawn.clean) / drawn.deviation[:, None]
    return Drawn(truth, clean, clean + deviation[:, None] * noise, deviation)


def found_by(way: str, drawn: Drawn, autoencoder: undula.DampedAutoencoder) -> tuple[Tensor, Tensor]:
    """Parameters (n, P, 4) and waveforms of one of the ways."""
    if way == WAYS[0]:
        return autoencoder.decode(drawn.signal)
    options: dict[str, Any] = {"method": "autoencoder", "weights": autoencoder} if way == WAYS[1] else {}
    modes = undula.estimate(drawn.signal, components=drawn.truth.shape[1], **options)
    return torch.stack([getattr(modes, name) for name in NAMES], dim=2), modes.waveform


def scores(drawn: Drawn, found: Tensor, wave: Tensor) -> dict[str, Any]:
    """Match, outliers, and the median error of every parameter."""
    order = found[..., 0].argsort(dim=1)
    off = (found.gather(1, order[..., None].expand(-1, -1, 4)) - drawn.truth).abs()
    off[..., 3] = torch.remainder(off[..., 3] + math.pi, 2 * math.pi) - math.pi
    middle = off.abs().flatten(0, 1).double()
    middle[:, 1:3] /= drawn.truth.flatten(0, 1)[:, 1:3]
    one = middle.median(dim=0).values.tolist()
    matches = match(wave, drawn.clean)
    return {
        "match": round(float(matches.mean()), 4),
        "match > 0.98": f"{float((matches > 0.98).double().mean()):.1%}",
        "outliers": f"{outlier_share(errors(drawn, found)):.1%}",
        "frequency, bins": float(f"{one[0] * drawn.signal.shape[1]:.2g}"),
        "decay time": f"{one[1]:.1%}",
        "amplitude": f"{one[2]:.1%}",
        "phase, rad": float(f"{one[3]:.2g}"),
    }


def side_by_side(drawn: Drawn, autoencoder: undula.DampedAutoencoder) -> dict[str, Any]:
    """The scores of all ways."""
    return {way: scores(drawn, *found_by(way, drawn, autoencoder)) for way in WAYS}


def trained(work: Path, name: str, **options: Any) -> undula.DampedAutoencoder:
    """A small network, trained where it is not yet."""
    return undula.DampedAutoencoder().fit(folder=work / name, **SMALL, **options)


def components(signals: int, work: Path) -> None:
    """One to five components, the weights that ship."""
    figures: dict[str, Any] = {"signals": signals}
    for count in range(1, 6):
        autoencoder = undula.DampedAutoencoder.pretrained(count)
        for snr in (0.0, 10.0, 20.0):
            figures[f"{count}, {snr:.0f} dB"] = side_by_side(draw(autoencoder.prior, signals, snr), autoencoder)
            print(count, snr, figures[f"{count}, {snr:.0f} dB"], flush=True)
    record("estimate_autoencoder", "components", figures)


def weak(signals: int, work: Path) -> None:
    """Amplitudes 1 and 1/10; the network has seen amplitudes from 1/20 to 1."""
    autoencoder = trained(work, "weak", components=2, amplitude=(0.05, 1.0))

    def ten_to_one(truth: Tensor) -> Tensor:
        strong = (torch.arange(len(truth)) % 2)[:, None] == torch.arange(2)
        truth[..., 2] = torch.where(strong, 1.0, 0.1)
        return truth

    figures: dict[str, Any] = {"signals": signals}
    for snr in (10.0, 20.0, 30.0):
        drawn, lines = draw(autoencoder.prior, signals, snr, change=ten_to_one), {}
        for way in WAYS:
            found, wave = found_by(way, drawn, autoencoder)
            off = errors(drawn, found).abs()
            strong = drawn.truth[..., 2] == 1.0
            lost = {
                name: f"{float((off[kind].amax(dim=1) > 5).double().mean()):.1%}"
                for name, kind in (("strong lost", strong), ("weak lost", ~strong))
            }
            lines[way] = {**scores(drawn, found, wave), **lost}
        figures[f"{snr:.0f} dB"] = lines
    record("estimate_autoencoder", "weak", figures)


def opposite(signals: int, work: Path) -> None:
    """Equal amplitudes and decays, frequencies 2/128 and 1/128 apart, phases opposite to within 0.1 rad."""
    autoencoder = trained(work, "uniform", components=2, prior="uniform")
    figures: dict[str, Any] = {"signals": signals}
    for apart in (2.0, 1.0):

        def cancel(truth: Tensor, apart: float = apart) -> Tensor:
            first = truth[:, 0].clone()
            first[:, 0] = first[:, 0].clamp(max=0.43)
            second = first.clone()
            second[:, 0] += apart / 128
            second[:, 3] = (
                torch.remainder(first[:, 3] + 0.2 * (truth[:, 1, 2] - 0.5) + 2 * math.pi, 2 * math.pi) - math.pi
            )
            return torch.stack([first, second], dim=1)

        for snr in (10.0, 20.0):
            drawn = draw(autoencoder.prior, signals, snr, change=cancel)
            figures[f"{apart:.0f}/128 apart, {snr:.0f} dB"] = side_by_side(drawn, autoencoder)
    record("estimate_autoencoder", "opposite", figures)


def priors(signals: int, work: Path) -> None:
    """Two components, trained on each prior and tested on both, at 10 dB."""
    known = {kind: trained(work, kind, components=2, prior=kind) for kind in ("gaussian", "uniform")}
    figures: dict[str, Any] = {"signals": signals}
    for test in known:
        drawn = draw(known[test].prior, signals, 10.0)
        for taught, autoencoder in known.items():
            ways = {way: scores(drawn, *found_by(way, drawn, autoencoder)) for way in WAYS[:2]}
            figures[f"trained {taught}, tested {test}"] = ways
        figures[f"not trained, tested {test}"] = {WAYS[2]: scores(drawn, *found_by(WAYS[2], drawn, autoencoder))}
    record("estimate_autoencoder", "priors", figures)


def decoders(signals: int, work: Path) -> None:
    """Two components at 10 dB: the decoder a network, with and without dropout, or the waves themselves."""
    kinds: dict[str, dict[str, Any]] = {
        "physics": {"prior": "uniform"},
        "network": {"prior": "uniform", "decoder": "network"},
        "network, dropout 0.1": {"prior": "uniform", "decoder": "network", "dropout": 0.1},
    }
    figures: dict[str, Any] = {"signals": signals}
    for name, options in kinds.items():
        folder = "uniform" if name == "physics" else name.replace(", ", "-").replace(" ", "-")
        autoencoder = trained(work, folder, components=2, **options)
        drawn = draw(autoencoder.prior, signals, 10.0)
        found, wave = autoencoder.decode(drawn.signal)
        line = scores(drawn, found, wave)
        figures[name] = line | {
            "match of its parameters' waves": round(float(match(waves(found, 128), drawn.clean).mean()), 4)
        }
    record("estimate_autoencoder", "decoders", figures)


def extra(signals: int, work: Path) -> None:
    """Two components, 0 and 5 dB: outliers of the classical search, with the autoencoder's start added, and alone."""
    autoencoder = undula.DampedAutoencoder.pretrained(2)
    figures: dict[str, Any] = {"signals": signals}
    for snr in (0.0, 5.0):
        drawn = draw(autoencoder.prior, signals, snr)
        rows = record_of(drawn.signal)
        rows = replace(rows, values=rows.values / rows.energy[:, None, None].sqrt() * drawn.signal.shape[1] ** 0.5)
        classical = find_starts(rows, components=2, method="auto")
        learned = poles_of(autoencoder.encode(drawn.signal), rows.span)[:, None]
        line = {}
        for name, sets in {
            "classical": classical, "classical + autoencoder": torch.cat([classical, learned], dim=1),
            "autoencoder": learned,
        }.items():  # fmt: skip
            line[name] = f"{outlier_share(errors(drawn, _measured(drawn, best_of(rows, sets)))):.2%}"
        line["from the truth"] = f"{outlier_share(errors(drawn, _measured(drawn, _from_truth(drawn)))):.2%}"
        figures[f"{snr:.0f} dB"] = line
        print(snr, line, flush=True)
    record("estimate_autoencoder", "extra", figures)


def _from_truth(drawn: Drawn) -> Tensor:
    rows = record_of(drawn.signal)
    return best_of(rows, poles_of(drawn.truth, rows.span)[:, None])


def _measured(drawn: Drawn, poles: Tensor) -> Tensor:
    """Parameters (n, P, 4) of poles as `estimate` gives them: amplitudes by least squares, decay times without their bias."""
    rows = record_of(drawn.signal)
    number = len(poles)
    count = torch.full((number,), poles.shape[1])
    found = measure(rows, poles, count, scale=torch.ones(number).double())
    rate = found.waves.decay_rate
    variance = found.covariance.diagonal(dim1=1, dim2=2).reshape(number, -1, 4)[..., 2]
    decay = rate / (rate.square() + variance)
    return torch.stack([found.waves.frequency, decay, found.waves.amplitude[:, 0], found.waves.phase[:, 0]], dim=2)


def tables() -> None:
    """Bring the records into docs/estimate.md; a section without one keeps what stands there."""
    known, blocks = results("estimate_autoencoder"), {}
    for section, figures in known.items():
        rows, header = [], []
        for key, entry in figures.items():
            if key == "signals":
                continue
            several = entry if isinstance(next(iter(entry.values())), dict) else {"": entry}
            for way in sorted(several, key=lambda way: WAYS.index(way) if way in WAYS else 0):
                cells = several[way]
                names = sorted(cells, key=lambda name: COLUMNS.index(name) if name in COLUMNS else len(COLUMNS))
                header = [SUBJECTS[section], *(["by"] if way else []), *names]
                rows.append([key, *([way] if way else []), *(cells[name] for name in names)])
        blocks[f"autoencoder-{section}"] = table(header, rows)
    rewrite(ROOT / "docs" / "estimate.md", blocks)


SECTIONS = {
    "components": components, "weak": weak, "opposite": opposite, "priors": priors, "decoders": decoders, "extra": extra,
}  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), choices=[*SECTIONS, "tables", []])
    parser.add_argument("--signals", type=int, default=300)
    parser.add_argument("--work", type=Path, default=Path("undula-estimate-autoencoder"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    for section in given.sections:
        if section != "tables":
            SECTIONS[section](given.signals, given.work)
    if (RESULTS / "estimate_autoencoder.json").exists():
        tables()
