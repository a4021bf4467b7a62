"""The whiteness test against simulated residuals: it rejects as many good fits as it says."""

import math

import pytest
import torch

from undula.jobs.estimate.advice import whiteness
from undula.jobs.estimate.record import Record


def record_of(rows):
    times = torch.linspace(0, 1, rows.shape[2], dtype=torch.float64)[None]
    return Record(rows, times, None, None, True, 0, 1 / (rows.shape[2] - 1), 1.0, False)


@pytest.mark.parametrize(("samples", "modes"), [(48, 0), (64, 2), (128, 1), (128, 5), (500, 2)])
def test_good_fits_are_rejected_as_often_as_stated(samples, modes, generator):
    """White noise less its projection on the tangents of random modes is what a good fit leaves, to first order."""

    def between(low, high):
        return low + (high - low) * torch.rand(250, modes, 1, generator=generator, dtype=torch.float64)

    noise = torch.randn(250, 32, samples, generator=generator, dtype=torch.float64)
    if modes:
        times = torch.arange(samples, dtype=torch.float64)
        wave = torch.exp(-times / (samples * between(0.08, 0.5))) * torch.exp(
            2j * math.pi * between(0.05, 0.45) * times
        )
        basis = torch.linalg.qr(torch.cat([wave.real, wave.imag, times * wave.real, times * wave.imag], 1).mT).Q
        noise = noise - (noise @ basis) @ basis.mT
    rows = noise.reshape(-1, 1, samples)
    chance = whiteness(record_of(rows), rows, parameters=4 * modes)
    assert 0.035 < float((chance < 0.05).double().mean()) < 0.06
    assert 0.006 < float((chance < 0.01).double().mean()) < 0.014
    assert float((chance < 0.001).double().mean()) < 0.003  # 8,000 rows: 0.0004 is one deviation


def test_what_is_not_white_is_found(generator):
    noise = torch.randn(50, 1, 128, generator=generator, dtype=torch.float64)
    wave = torch.cos(2 * math.pi * 0.11 * torch.arange(128, dtype=torch.float64))
    rows = noise + 1.2 * wave
    assert float((whiteness(record_of(rows), rows, parameters=4) < 1e-3).double().mean()) > 0.9
    pair = torch.cat([noise, torch.randn(50, 1, 128, generator=generator, dtype=torch.float64)], dim=1)
    assert float((whiteness(record_of(pair), pair, parameters=6) > 1e-3).double().mean()) > 0.9
