"""What the tests of the losses share: pairs of images, every loss by name, and a copy without checks of types."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from undula import losses


@pytest.fixture
def plain(unhooked, monkeypatch) -> ModuleType:
    """`undula.losses` as users have it, in place of the one whose types pytest checks.

    The checks forestall the errors that users see, and torch.compile, which looks modules up by name, cannot see through
    them.
    """
    for name, module in unhooked.items():
        monkeypatch.setitem(sys.modules, name, module)
    return unhooked["undula.losses"]


@pytest.fixture(scope="session")
def pair() -> Callable[..., tuple[Tensor, Tensor]]:
    """A noisy batch and the clean one: `pair(2, 3, 9, 8)`."""

    def draw(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
        chance = torch.Generator().manual_seed(seed)
        target = torch.rand(shape, generator=chance, dtype=torch.float64)
        output = target + 0.2 * torch.randn(shape, generator=chance, dtype=torch.float64)
        return output.to(dtype), target.to(dtype)

    return draw


# Every loss and the options that take another way: class and arguments. Images of 12 × 9 samples hold all of them.
EVERY = {
    "mse": ("MeanSquaredError", {}),
    "l1": ("MeanAbsoluteError", {}),
    "charbonnier": ("Charbonnier", {}),
    "fourier": ("FourierMagnitudeLoss", {}),
    "fourier-weighted": ("FourierMagnitudeLoss", {"high_frequency_weight": 2.0, "norm": "backward"}),
    "fourier-windows": ("FourierMagnitudeLoss", {"window": 6, "step": 2, "high_frequency_weight": 1.0}),
    "fourier-complex": ("FourierLoss", {}),
    "focal": ("FocalFrequencyLoss", {}),
    "focal-log": ("FocalFrequencyLoss", {"alpha": 0.5, "log": True}),
    "wavelet": ("WaveletLoss", {}),
    "wavelet-energy": ("WaveletLoss", {"distance": "energy", "cell": 2}),
    "wavelet-packets": ("WaveletLoss", {"transform": "packets", "wavelet": "db2", "level": 1, "distance": "energy"}),
    "bands": ("BandEnergyLoss", {}),
    "regional": ("RegionalSharpnessLoss", {"window": 4, "step": 2}),
    "regional-placed": ("RegionalSharpnessLoss", {"window": 4, "step": 3, "order": "placed"}),
}


@pytest.fixture(params=EVERY)
def make(request) -> Callable[..., torch.nn.Module]:
    """The maker of every loss in turn: `make(dims=1)`."""
    name, options = EVERY[request.param]

    def build(*, room: ModuleType = losses, **further) -> torch.nn.Module:
        return getattr(room, name)(**options, **further)

    build.word = request.param
    return build
