"""Sums by short tables of powers against sums over all samples."""

from dataclasses import replace

import pytest
import torch

from undula.jobs.estimate.powers import grid, powers
from undula.jobs.estimate.projection import project


@pytest.mark.parametrize("samples", [16, 40, 121, 128])
@pytest.mark.parametrize("real", [True, False])
def test_products_and_sums_are_those_of_the_columns(ringing, samples, real):
    drawn = ringing(3, 2, samples=samples, real=real)
    poles = drawn.poles.clone()
    poles[0] += 4 * poles[0].real.abs()  # growing ones are scaled to 1 at the end
    record = drawn.record
    columns = record.columns(poles)
    cells = grid(samples, record.step, torch.float64, record.values.device)
    waves, rows = powers(cells, poles), cells.rows(drawn.signal[:, None])
    assert torch.allclose(waves.gram(real=real), columns @ columns.mT, rtol=1e-11, atol=1e-11)
    assert torch.allclose(torch.cat(waves.products(rows), dim=2), record.values @ columns.mT, atol=1e-10)
    linear = torch.randn(3, 1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fitted = waves.sum(linear, real=real).flatten(2)[:, :, :samples]
    fitted = fitted if real else torch.cat([fitted.real, fitted.imag], dim=2)
    assert torch.allclose(fitted, linear @ columns[:, :4], atol=1e-11)


@pytest.mark.parametrize("components", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_projection_does_not_depend_on_how_it_is_summed(ringing, components, dtype):
    drawn = ringing(4, components, decibels=10.0)
    record, kind = drawn.record.to(dtype), torch.complex64 if dtype == torch.float32 else torch.complex128
    short = project(record, drawn.poles.to(kind))
    whole = project(replace(record, weights=torch.ones_like(record.times)), drawn.poles.to(kind))
    bound = 3e-4 if dtype == torch.float32 else 1e-11
    for name in ("left", "linear", "cost", "gradient", "curvature", "gram"):
        got, want = getattr(short, name), getattr(whole, name)
        assert (got - want).abs().max() < bound * want.abs().max(), name
    assert torch.equal(project(record, drawn.poles.to(kind), slopes=False).left, short.left)
