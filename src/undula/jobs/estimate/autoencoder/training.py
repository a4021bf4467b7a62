"""Training an autoencoder on signals that are drawn as they are needed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from undula.errors import OptionError
from undula.fit import Plan, Progress, Training, train
from undula.jobs.estimate.autoencoder.latent import LatentSpace, brought_to_size, features
from undula.jobs.estimate.autoencoder.prior import Prior
from undula.nets import Perceptron

Decoder = Literal["physics", "network"]

_JUDGED = 2000  # signals of the validation
_JUDGED_SEED = 1  # times 2⁴⁰ beyond those of the training


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an autoencoder is trained.

    Attributes:
        decoder: "physics", the waves of the latent parameters, through which the encoder is judged too; or "network", the
            encoder's mirror, which learns waveforms from true parameters (decoupled: neither sees the other's error).
        widths: Widths of the encoder's hidden layers; with input, latent space and the mirrored decoder nine layers.
        dropout: Share of hidden values that training leaves out.
        waveform: Weight of the waveform's relative error beside that of the parameters, for "physics".
        steps: Steps of the optimizer.
        batch: Signals per step.
        rate: Highest learning rate.
        seed: Seed of the first weights and of the signals.
    """

    decoder: Decoder = "physics"
    widths: tuple[int, ...] = (256, 256, 256)
    dropout: float = 0.0
    waveform: float = 1.0
    steps: int = 8000
    batch: int = 512
    rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.decoder not in ("physics", "network"):
            raise OptionError(f"got decoder={self.decoder!r}, expected 'physics' or 'network'")
        if not 0 <= self.waveform < float("inf"):
            raise OptionError(f"got waveform={self.waveform}, expected a weight from 0 on")

    def plan(self) -> Plan:
        """The plan of the training loop."""
        return Plan(
            steps=self.steps, batch=self.batch, rate=self.rate, warmup=min(200, self.steps // 10), final_rate=0.001,
            clip=1.0, ema=0.99, check_every=50, validate_every=max(50, self.steps // 20),
            save_every=max(50, self.steps // 40), seed=self.seed,
        )  # fmt: skip


class Batch(NamedTuple):
    """Signals of root mean square 1, with what the encoder should say of them.

    Attributes:
        signal: Noisy signals (b, T).
        clean: The same without noise, in the same units (b, T).
        latent: Their parameters (b, 4P).
    """

    signal: Float[Tensor, "b t"]
    clean: Float[Tensor, "b t"]
    latent: Float[Tensor, "b q"]


@dataclass(frozen=True)
class Examples:
    """Signals of a prior by number.

    Attributes:
        space: The latent space of the prior.
        seed: Seed of all of them.
    """

    space: LatentSpace
    seed: int = 0

    def __call__(self, numbers: Int[Tensor, " n"]) -> Batch:
        """Draw the signals of these numbers.

        Args:
            numbers: Numbers (n,).
        """
        drawn = self.space.prior.draw(numbers, seed=self.seed)
        signal, size = brought_to_size(drawn.signal)
        return Batch(signal, drawn.clean / size, self.space.of(drawn.truth, size))


class Halves(nn.Module):
    """Encoder and decoder, side by side.

    Args:
        encoder: Maps features to latent parameters.
        decoder: Maps latent parameters to waveforms; None where physics does.
    """

    def __init__(self, encoder: Perceptron, decoder: Perceptron | None) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, signal: Tensor, latent: Tensor) -> tuple[Tensor, Tensor | None]:
        """Encode signals, and decode latent parameters that are given, not those that the encoder found.

        Args:
            signal: Signals of root mean square 1.
            latent: Their true parameters.
        """
        return self.encoder(features(signal)), None if self.decoder is None else self.decoder(latent)


def parameter_errors(found: Float[Tensor, "b q"], latent: Float[Tensor, "b q"]) -> Float[Tensor, "b q"]:
    """√(1 + e²) - 1 of every latent error e: a parabola below one unit, a straight line above.

    Args:
        found: What the encoder says.
        latent: The truth.
    """
    return (1 + (found - latent).square()).sqrt() - 1


def objective(space: LatentSpace, recipe: Recipe) -> Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]:
    """The loss of both halves.

    Args:
        space: The latent space.
        recipe: The recipe.

    Returns:
        A function of network and batch that gives the loss and its parts.
    """

    def loss(network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        found, decoded = network(batch.signal, batch.latent)
        errors = parameter_errors(found, batch.latent).mean()
        one = torch.ones_like(batch.signal[:, :1])
        wave = space.physics(found, one) if decoded is None else decoded
        missed = ((wave - batch.clean).square().sum(dim=1) / batch.clean.square().sum(dim=1)).mean()
        weight = recipe.waveform if decoded is None else 1.0
        return errors + weight * missed, {"parameters": errors, "waveform": missed}

    return loss


def make_halves(space: LatentSpace, recipe: Recipe) -> Halves:
    """Networks with weights of chance.

    Args:
        space: The latent space.
        recipe: Widths and seed.
    """
    state = torch.random.get_rng_state()
    torch.manual_seed(recipe.seed)
    encoder = Perceptron(space.inputs, space.size, widths=recipe.widths, dropout=recipe.dropout)
    decoder = None
    if recipe.decoder == "network":
        decoder = Perceptron(space.size, space.prior.samples, widths=recipe.widths[::-1], dropout=recipe.dropout)
        decoder.standardize(Examples(space, recipe.seed)(torch.arange(4096)).latent)
    torch.random.set_rng_state(state)
    return Halves(encoder, decoder)


def train_halves(
    prior: Prior,
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    device: torch.device | str | None = None,
    callback: Callable[[int, Progress], object] | None = None,
) -> Training:
    """Train encoder and decoder.

    Args:
        prior: What signals are drawn from.
        recipe: How.
        folder: Where checkpoints are kept; a training found there goes on.
        device: Where to train.
        callback: Told of every step.

    Returns:
        The training; its network is a `Halves`.
    """
    space = LatentSpace(prior)
    loss = objective(space, recipe)
    judged = Examples(space, recipe.seed + _JUDGED_SEED)(torch.arange(_JUDGED))

    @torch.no_grad()
    def validate(network: nn.Module) -> tuple[float, dict[str, float]]:
        there = next(network.parameters()).device
        value, parts = loss(network, Batch(*(each.to(there) for each in judged)))
        return float(value), {name: float(part) for name, part in parts.items()}

    settings = {
        **{key: value for key, value in asdict(recipe).items() if key not in ("steps", "rate")},
        **prior.facts(),
    }
    return train(
        make_halves(space, recipe), Examples(space, recipe.seed), loss, plan=recipe.plan(), folder=folder,
        validate=validate, callback=callback, device=device, settings=settings,
    )  # fmt: skip
