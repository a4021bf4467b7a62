"""The picture of a training: how the loss fell, and how often the result is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from undula.show import Axis, Lines, draw_panels

if TYPE_CHECKING:
    from undula.jobs.estimate.autoencoder.model import DampedAutoencoder


def draw_training(autoencoder: DampedAutoencoder) -> Image.Image:
    """Draw loss and errors against steps, outliers against noise.

    Args:
        autoencoder: One that `fit` has just trained.

    Returns:
        The figure.
    """
    looks = autoencoder.history
    judged = [look for look in looks if look.validation is not None]
    curves: dict[str, list[tuple[Any, Any]]] = {
        "training": [(look.step, look.loss) for look in looks],
        "validation": [(look.step, look.validation) for look in judged],
    }
    parts: dict[str, list[tuple[Any, Any]]] = {
        name: [(look.step, look.validation_parts[name]) for look in judged] for name in ("parameters", "waveform")
    }
    records = autoencoder.facts["validation"]
    shares: dict[str, list[tuple[Any, Any]]] = {
        "alone": [(record["snr"], 100 * record["outliers"]) for record in records],
        "after the polish": [(record["snr"], 100 * record["outliers_polished"]) for record in records],
        "waveforms that differ": [(record["snr"], 100 * (1 - record["match"])) for record in records],
    }
    panels = [
        [_lines(curves, "steps", "Loss"), _lines(parts, "steps", "Errors: parameters, waveform")],
        [
            _lines(
                shares, "signal-to-noise ratio in dB", "Percent off by more than five deviations; 1 - match", log=False
            )
        ],
    ]
    prior = autoencoder.prior
    return draw_panels(
        panels,
        title="An autoencoder of damped waves",
        subtitle=f"{prior.components} components  ·  {prior.samples} samples  ·  {prior.kind} prior  ·  "
        f"{autoencoder.facts['training']['steps']:,} steps",
    )


def _lines(curves: dict[str, list[tuple[Any, Any]]], across: str, title: str, *, log: bool = True) -> Lines:
    points = {name: np.array(pairs, dtype=np.float64) for name, pairs in curves.items()}
    every = np.concatenate(list(points.values()))
    low, high = float(every[:, 0].min()), float(every[:, 0].max())
    least, most = float(every[:, 1].min()), float(every[:, 1].max())
    side = Axis(0.8 * least, 1.25 * most, log=True) if log and least > 0 else Axis(0.0, 1.05 * most or 1.0)
    return Lines(points, Axis(low, high if high > low else low + 1, across), side, title)
