"""The bound against its closed form, against differentiation of the whole model, and where it explodes."""

import math
from dataclasses import replace

import pytest
import torch
from torch.func import jacrev

from undula.jobs.estimate.bound import Waves, cramer_rao
from undula.jobs.estimate.waves import waveform


def of(drawn):
    return Waves(drawn.amplitude[:, None], drawn.frequency, 1 / drawn.decay_time, drawn.phase[:, None])


def test_one_long_ringing_has_the_errors_of_the_thumb_rule(ringing):
    drawn = ringing(1, 1, samples=2048)
    energy = 10.0**2  # ρ²
    variance = drawn.clean.square().sum(dim=1) / energy
    covariance = cramer_rao(drawn.record, of(drawn), variance=variance).covariance[0]
    amplitude, frequency, rate, phase = covariance.diagonal().sqrt().tolist()
    tau, size = float(drawn.decay_time), float(drawn.amplitude)
    # Neglected: the wave's overlap with its mirror image, of the order 1 / (2πfτ).
    assert frequency == pytest.approx(1 / (math.pi * 10 * tau), rel=0.06)
    assert rate == pytest.approx(2 / 10 / tau, rel=0.06)
    assert amplitude / size == pytest.approx(math.sqrt(2) / 10, rel=0.06)
    assert phase == pytest.approx(math.sqrt(2) / 10, rel=0.06)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("degree", [0, 2])
def test_it_is_the_inverse_of_the_differentiated_model(ringing, real, degree):
    drawn = ringing(1, 2, real=real, samples=40)
    record = replace(drawn.record, degree=degree)
    table = torch.stack([drawn.amplitude, drawn.frequency, 1 / drawn.decay_time, drawn.phase], dim=-1)[0].flatten()
    base = degree * (1 if real else 2)

    def model(values):
        a, f, g, p = values[:8].reshape(2, 4).unbind(-1)
        y = waveform(drawn.times, amplitude=a, frequency=f, decay_rate=g, phase=p, real=real)
        line = values[8:].reshape(-1, degree) if degree else values.new_zeros(1, 0)
        slope = torch.stack([torch.ones_like(drawn.times), drawn.times])[:degree]
        parts = [y] if real else [y.real, y.imag]
        return torch.cat([part + (line[k] @ slope if degree else 0) for k, part in enumerate(parts)])

    rows = jacrev(model)(torch.cat([table, torch.zeros(base, dtype=torch.float64)]))
    want = torch.linalg.inv(rows.mT @ rows / 0.09)[:8, :8]
    got = cramer_rao(record, of(drawn), variance=torch.tensor([0.09], dtype=torch.float64)).covariance[0]
    scale = want.diagonal().sqrt()
    assert ((got - want) / scale / scale[:, None]).abs().max() < 1e-8


def test_shared_channels_share_the_information_on_their_pole(ringing):
    drawn = ringing(1, 1)
    one, record = of(drawn), drawn.record
    three = replace(one, amplitude=one.amplitude.expand(1, 3, 1), phase=one.phase.expand(1, 3, 1))
    variance = torch.ones(1, dtype=torch.float64)
    alone = cramer_rao(record, one, variance=variance).covariance[0].diagonal()
    channels = replace(record, values=record.values.expand(1, 3, -1))
    together = cramer_rao(channels, three, variance=variance).covariance[0].diagonal()
    assert together[3:5].tolist() == pytest.approx((alone[1:3] / 3).tolist(), rel=1e-9)


def test_two_waves_near_each_other_spoil_each_other(ringing):
    drawn = ringing(1, 2)
    near = replace(of(drawn), frequency=torch.tensor([[0.2, 0.203]], dtype=torch.float64))
    variance = torch.ones(1, dtype=torch.float64)
    apart, close_ = (cramer_rao(drawn.record, waves, variance=variance) for waves in (of(drawn), near))
    assert apart.inflation.max() < 1.5 and apart.condition < 100
    assert close_.inflation.max() > 5 and close_.condition > 1000
