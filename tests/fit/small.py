"""Small things to train, for the tests and for the processes that they start."""

import torch
from torch import Tensor, nn

from undula.data import normal
from undula.fit import Plan

torch.set_num_threads(1)  # two busy threads wait for each other


def line() -> nn.Linear:
    """Three weights and a bias."""
    torch.manual_seed(3)
    return nn.Linear(3, 1)


def points(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Points and the plane that they lie on, up to noise."""
    drawn = normal(numbers, torch.zeros_like(numbers), (4,), dtype=torch.float32)
    x = drawn[:, :3]
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3 + 0.1 * drawn[:, 3:]


def squared(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared error."""
    x, y = batch
    return (network(x) - y).square().mean()


def denoiser() -> nn.Module:
    """A network with all that makes resuming hard: dropout, batch statistics, a tied and a frozen layer."""
    torch.manual_seed(1)
    first, last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 3, padding=1)
    middle, fixed = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
    fixed.requires_grad_(False)
    chain = nn.Sequential(first, nn.BatchNorm2d(4), nn.ReLU(), middle, nn.Dropout(0.2), fixed, nn.ReLU(), middle, last)
    return chain.to(memory_format=torch.channels_last)


def pictures(numbers: Tensor) -> dict[str, Tensor]:
    """Waves and noise."""
    noise = normal(numbers, torch.zeros_like(numbers), (1, 8, 8), dtype=torch.float32)
    clean = torch.sin(torch.arange(8) + numbers[:, None, None, None]).repeat(1, 1, 8, 1)
    return {"noisy": clean + 0.3 * noise, "clean": clean}


def error(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean squared error, and the mean absolute one beside it."""
    difference = network(batch["noisy"]) - batch["clean"]
    return difference.square().mean(), {"absolute": difference.detach().abs().mean()}


def error_of_others(network: nn.Module) -> float:
    """The error on pictures that are not trained on."""
    return error(network, pictures(torch.arange(10_000, 10_016)))[0].item()


def plain_denoiser() -> nn.Module:
    """A network whose items do not know each other, so that a batch may be cut anywhere."""
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


# No two of its rhythms agree.
UNEVEN = Plan(
    steps=40,
    batch=4,
    rate=0.01,
    warmup=4,
    weight_decay=0.01,
    clip=1.0,
    ema=0.95,
    check_every=6,
    validate_every=10,
    save_every=8,
)

SHARED = Plan(
    steps=50, batch=8, rate=0.02, warmup=5, clip=0.5, ema=0.9, check_every=1, validate_every=10, save_every=25
)  # of one process; two take half the batch each
