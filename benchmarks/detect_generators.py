"""Own generators for docs/detect.md: python benchmarks/detect_generators.py FOLDER [upsampler] [vae] [gan] [diffusion].

Each is trained on the 10,000 real training pictures of CIFAKE and makes 3,000, the first 2,000 for training a detector,
the last 1,000 for its test. FOLDER gets `<name>.npy`, bytes (3000, 32, 32, 3) before any JPEG, and `<name>.json`; what is there
is not made again. The diffusion model, which is slow, makes 1,500, two thirds of them for
training. Nothing of it is to be committed: the pictures are made from CIFAR-10.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from undula.data.cifake import cifake
from undula.fit import Plan, train

COUNT, TRAINING = 3000, 2000
SAMPLING_STEPS = 50
_CODE = 64


def real_pictures(split: str = "train") -> Tensor:
    """Real pictures in [-1, 1], as fast convolutions want them in memory."""
    pictures, _ = cifake(split, "real")  # type: ignore[arg-type]
    return (pictures * 2 - 1).contiguous(memory_format=torch.channels_last)


def _chosen(pictures: Tensor, seed: int) -> Callable[[Tensor], Tensor]:
    """Pictures by the number of an example: every pass in an order of its own."""
    orders: dict[int, Tensor] = {}

    def examples(numbers: Tensor) -> Tensor:
        rounds, places = numbers // len(pictures), numbers % len(pictures)
        for one in set(rounds.tolist()) - set(orders):
            orders[one] = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed * 1000 + one))
        return torch.stack([pictures[orders[int(a)][b]] for a, b in zip(rounds, places, strict=True)])

    return examples


def _trained(
    network: nn.Module, objective: Callable[..., Tensor], pictures: Tensor, *, steps: int, rate: float
) -> None:
    plan = Plan(
        steps=steps, batch=64, rate=rate, warmup=min(200, steps // 4), clip=1.0, ema=0.999, precision="bfloat16",
        check_every=200, validate_every=steps, save_every=steps,
    )  # fmt: skip
    told = lambda step, now: step % 100 or print(step, now, round(time.process_time()), flush=True)  # noqa: E731
    train(network, _chosen(pictures, 0), objective, plan=plan, callback=told)


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Module:
    return nn.Conv2d(before, after, 3 if stride == 1 else 4, stride=stride, padding=1)


class UpSampler(nn.Module):
    """Copies pictures through 8 × 8 × 32 numbers; the decoder grows by transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(3, 48, stride=2), nn.SiLU(), _convolution(48, 96, stride=2), nn.SiLU(), _convolution(96, 32),
            _convolution(32, 96), nn.SiLU(), nn.ConvTranspose2d(96, 48, 4, stride=2, padding=1), nn.SiLU(),
            nn.ConvTranspose2d(48, 3, 4, stride=2, padding=1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Copy pictures."""
        copied: Tensor = self.layers(images)
        return copied


def upsampler(pictures: Tensor, steps: int) -> tuple[nn.Module, Tensor]:
    """An autoencoder whose copies of real pictures keep the content and carry the traces of its decoder.

    The first 2,000 are copies of training pictures, the last 1,000 of test pictures, which it never saw.
    """
    network = UpSampler().to(memory_format=torch.channels_last)
    _trained(
        network, lambda model, some: functional.mse_loss(model(some).float(), some), pictures, steps=steps, rate=2e-3
    )
    originals = torch.cat([pictures[:TRAINING], real_pictures("test")[: COUNT - TRAINING]])
    return network, torch.cat([network(some) for some in originals.split(500)])


class Variational(nn.Module):
    """A variational autoencoder of 128 numbers; the decoder repeats pixels and convolves."""

    code = 128

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            _convolution(3, 32, stride=2), nn.SiLU(), _convolution(32, 64, stride=2), nn.SiLU(),
            _convolution(64, 128, stride=2), nn.SiLU(), nn.Flatten(), nn.Linear(2048, 2 * self.code),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(self.code, 2048), nn.SiLU(), nn.Unflatten(1, (128, 4, 4)),
            nn.Upsample(scale_factor=2), _convolution(128, 64), nn.SiLU(),
            nn.Upsample(scale_factor=2), _convolution(64, 32), nn.SiLU(),
            nn.Upsample(scale_factor=2), _convolution(32, 32), nn.SiLU(), _convolution(32, 3),
        )  # fmt: skip

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Copy pictures through codes with noise."""
        mean, log_variance = self.encoder(images).float().chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(code), mean, log_variance


def vae(pictures: Tensor, steps: int) -> tuple[nn.Module, Tensor]:
    """Pictures of a variational autoencoder from random codes."""
    network = Variational().to(memory_format=torch.channels_last)

    def objective(model: nn.Module, some: Tensor) -> Tensor:
        copied, mean, log_variance = model(some)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        # A deviation of 0.15 of what the decoder leaves unexplained, which it comes near to.
        return (copied.float() - some).square().sum(dim=(1, 2, 3)).mean() / (2 * 0.15**2 * 3072) + divergence / 3072

    _trained(network, objective, pictures, steps=steps, rate=1e-3)
    return network, torch.cat([network.decoder(torch.randn(500, network.code)) for _ in range(COUNT // 500)])


def gan(pictures: Tensor, steps: int) -> tuple[nn.Module, Tensor]:
    """A DCGAN: transposed convolutions with batch norm against strided ones with spectral norm."""
    made = nn.Sequential(
        nn.Linear(_CODE, 128 * 16), nn.Unflatten(1, (128, 4, 4)), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1), nn.Tanh(),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    judge = nn.Sequential(
        spectral_norm(_convolution(3, 32, stride=2)), nn.LeakyReLU(0.2),
        spectral_norm(_convolution(32, 64, stride=2)), nn.LeakyReLU(0.2),
        spectral_norm(_convolution(64, 128, stride=2)), nn.LeakyReLU(0.2),
        nn.Flatten(), spectral_norm(nn.Linear(128 * 16, 1)),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    average = torch.optim.swa_utils.AveragedModel(
        made, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999)) for network in (judge, made)]
    examples = _chosen(pictures, 0)
    for step in range(steps):
        some = examples(torch.arange(step * 64, step * 64 + 64))
        with torch.autocast("cpu", torch.bfloat16):
            forged = made(torch.randn(64, _CODE))
            wrong = functional.relu(1 - judge(some)).mean() + functional.relu(1 + judge(forged.detach())).mean()
        _stepped(optimizers[0], wrong)
        with torch.autocast("cpu", torch.bfloat16):
            caught = -judge(forged).mean()
        _stepped(optimizers[1], caught)
        average.update_parameters(made)
        if step % 100 == 99:
            print(step + 1, round(float(wrong), 3), round(float(caught), 3), round(time.process_time()), flush=True)
    average.eval()
    return made, torch.cat([average(torch.randn(500, _CODE)) for _ in range(COUNT // 500)])


def _stepped(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


class Timed(nn.Module):
    """A residual block that is told the time."""

    def __init__(self, width: int, clock: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)
        self.norm, self.last_norm = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.told = nn.Linear(clock, 2 * width)
        nn.init.zeros_(self.second.weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor, clock: Tensor) -> Tensor:
        """Add two convolutions."""
        scale, shift = self.told(clock)[:, :, None, None].chunk(2, dim=1)
        inner = self.last_norm(self.first(functional.silu(self.norm(x)))) * (1 + scale) + shift
        return x + self.second(functional.silu(inner))


class Diffuser(nn.Module):
    """A U-Net on squares of 2 × 2 pixels, told the time."""

    def __init__(self, width: int = 40, clock: int = 64) -> None:
        super().__init__()
        self.clock = nn.Sequential(nn.Linear(32, clock), nn.SiLU(), nn.Linear(clock, clock), nn.SiLU())
        self.head, self.tail = _convolution(12, width), _convolution(width, 12)
        self.down, self.up = Timed(width, clock), Timed(width, clock)
        self.coarser = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.finer = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.inner = nn.ModuleList(Timed(2 * width, clock) for _ in range(2))

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """The velocity cos(πt/2) noise - sin(πt/2) picture."""
        waves = times[:, None] * torch.logspace(0, 2, 16)
        clock = self.clock(torch.cat([waves.sin(), waves.cos()], dim=1))
        above = self.down(self.head(functional.pixel_unshuffle(x, 2)), clock)
        below = self.coarser(above)
        for block in self.inner:
            below = block(below, clock)
        velocity: Tensor = self.tail(functional.silu(self.up(self.finer(below) + above, clock)))
        return functional.pixel_shuffle(velocity, 2).float()


def diffusion(pictures: Tensor, steps: int) -> tuple[nn.Module, Tensor]:
    """Pictures of a diffusion model, sampled without noise (DDIM) in 50 steps."""
    network = Diffuser().to(memory_format=torch.channels_last)

    def objective(model: nn.Module, some: Tensor) -> Tensor:
        times, noise = torch.rand(len(some)), torch.randn_like(some)
        cosine, sine = _angles(times)
        return functional.mse_loss(model(cosine * some + sine * noise, times), cosine * noise - sine * some)

    _trained(network, objective, pictures, steps=steps, rate=2e-3)
    print("sampling", round(time.process_time()), flush=True)
    return network, torch.cat([_sampled(network, 250) for _ in range(COUNT // 500)])


def _angles(times: Tensor) -> tuple[Tensor, Tensor]:
    angle = (times * math.pi / 2)[:, None, None, None]
    return angle.cos(), angle.sin()


@torch.no_grad()
def _sampled(network: nn.Module, count: int) -> Tensor:
    x = torch.randn(count, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    for step in range(SAMPLING_STEPS):
        times = torch.full((count,), 1 - step / SAMPLING_STEPS)
        cosine, sine = _angles(times)
        with torch.autocast("cpu", torch.bfloat16):
            velocity = network(x, times)
        picture, noise = (cosine * x - sine * velocity).clamp(-1, 1), sine * x + cosine * velocity
        cosine, sine = _angles(times - 1 / SAMPLING_STEPS)
        x = cosine * picture + sine * noise
    return x


GENERATORS: dict[str, tuple[Callable[[Tensor, int], tuple[nn.Module, Tensor]], int]] = {
    "upsampler": (upsampler, 800),
    "vae": (vae, 900),
    "gan": (gan, 600),
    "diffusion": (diffusion, 5000),
}
"""Function and steps of every generator."""


def make(folder: Path, name: str, steps: int | None = None) -> None:
    """Train one generator and keep its pictures."""
    if (folder / f"{name}.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    function, usual = GENERATORS[name]
    torch.manual_seed(sum(name.encode()))
    began = time.process_time()
    network, pictures = _detached(function(real_pictures(), steps or usual))
    made = ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    np.save(folder / f"{name}.npy", made.contiguous().numpy())
    facts = {
        "steps": steps or usual,
        "parameters": sum(value.numel() for value in network.parameters()),
        "CPU seconds": round(time.process_time() - began),
    }
    (folder / f"{name}.json").write_text(json.dumps(facts))
    print(name, facts, flush=True)


def _detached(found: tuple[nn.Module, Tensor]) -> tuple[nn.Module, Tensor]:
    network, pictures = found
    return network, pictures.detach().float()


if __name__ == "__main__":
    torch.set_num_threads(1)
    place, *names = sys.argv[1:]
    for word in names or GENERATORS:
        kind, _, wanted = word.partition("=")
        make(Path(place), kind, int(wanted) if wanted else None)
