"""The parity fixture: activations given by a formula, and their gradients for a given output."""

import pytest
import torch


@pytest.fixture
def fixture():
    """Activations and gradients (2, 6, 10, 12), float32."""
    b, c, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (2, 6, 10, 12)), indexing="ij")
    waves = torch.sin(0.7 * (c + 1) * (x + 1) / 12 + 0.3 * b)
    waves = waves + torch.cos(1.1 * (c + 2) * (y + 1) / 10 - 0.2 * b) * ((x + y) % 3) / 2
    activations = (waves + 0.05 * c * x * y / 120).float().requires_grad_()
    weights = torch.linspace(-1, 1, 6)[:, None, None]
    output = (weights * activations * (1 + 0.1 * activations)).mean(dim=(1, 2, 3))
    return activations.detach(), torch.autograd.grad(output.sum(), activations)[0]
