"""What the tests of restore share: the seed's damage, small networks instead of the one that ships."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from undula.jobs.restore.model import Model, shipped
from undula.nets.filler import Filler


@pytest.fixture
def damage() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """The seed's damage as the issue draws it: `damaged, missing = damage(picture, share=0.9)`."""

    def make(picture: torch.Tensor, *, share: float = 0.9, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        r = np.random.default_rng(seed)
        known = torch.from_numpy(r.random(tuple(picture.shape[-2:])) >= share)
        noise = torch.from_numpy(r.integers(0, 2, tuple(picture.shape[-2:]))).to(picture)
        return torch.where(known, picture, noise), ~known

    return make


def small_filler(*, tail: float = 0.1) -> Filler:
    """A small network that does something, or with `tail=0` nothing."""
    torch.manual_seed(0)
    network = Filler(widths=(6, 8), blocks=(1, 1))
    torch.nn.init.normal_(network.unet.tail.weight, std=tail)
    return network


@pytest.fixture
def network() -> Filler:
    """A small network that does something."""
    return small_filler()


@pytest.fixture
def use_network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    """Put a small network in the place of the one that ships."""

    def use(*, tail: float = 0.1, widening: float = 1.0) -> Model:
        model = Model(small_filler(tail=tail), shipped().areas, {"widening": {"0.9": widening}})
        monkeypatch.setattr("undula.jobs.restore.call.shipped", lambda: model)
        return model

    return use


@pytest.fixture(autouse=True, scope="session")
def _forget_the_model():
    yield
    shipped.cache_clear()
