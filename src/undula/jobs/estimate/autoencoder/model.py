"""`undula.DampedAutoencoder`: an autoencoder whose latent space is the space of the parameters."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.data.refusal import reading
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.fit import Check, Progress
from undula.jobs.estimate.autoencoder.examination import examine
from undula.jobs.estimate.autoencoder.latent import LatentSpace, brought_to_size, features
from undula.jobs.estimate.autoencoder.prior import Kind, Prior
from undula.jobs.estimate.autoencoder.training import Halves, Recipe, train_halves
from undula.nets import Perceptron
from undula.nets.storage import read_model, write_model


@dataclass(frozen=True)
class Encoded:
    """What an autoencoder says of signals, the strongest component first; tensors, or arrays where arrays came in.

    Attributes:
        frequency: f in Hz (…, P).
        decay_time: τ in seconds (…, P).
        amplitude: A at the first sample, in the signal's units (…, P).
        phase: φ in radians at the first sample (…, P).
        quality_factor: Q = π f τ (…, P).
        waveform: The decoded signal (…, T).
    """

    frequency: Any
    decay_time: Any
    amplitude: Any
    phase: Any
    quality_factor: Any
    waveform: Any


class DampedAutoencoder:
    """Encoder → frequency, decay time, amplitude and phase of every component → decoder.

    The encoder is a perceptron of a signal and its spectrum, with a frequency in every component's place. The decoder is the
    sum of damped waves itself, or a perceptron that learns it.

    Args:
        halves: Encoder and decoder; None until `fit`.
        prior: What they were trained for.
        facts: What else is to be known of them, in plain values.

    When it fails: its errors have a floor, about a tenth of a bin of the spectrum, however low the noise; outside of its
    prior it says something anyway. `undula.estimate(signal, method="autoencoder")` polishes what it says, and knows error
    bars.

    Reference: Iida, Motohashi and Takahashi, Autoencoder-based parameter estimation for superposed multi-component damped
    sinusoidal signals, 2026.

    Example:
        >>> t = torch.arange(128)
        >>> encoded = DampedAutoencoder.pretrained(1).transform(torch.exp(-t / 30) * torch.cos(2 * torch.pi * 0.2 * t))
        >>> round(float(encoded.frequency[0]), 2)
        0.2
    """

    def __init__(
        self, halves: Halves | None = None, *, prior: Prior | None = None, facts: dict[str, Any] | None = None
    ) -> None:
        self.halves = None if halves is None else halves.eval()
        self._prior = prior
        self.facts: dict[str, Any] = dict(facts or {})
        self.history: tuple[Check, ...] = ()

    @property
    def prior(self) -> Prior:
        """What it was trained for.

        Raises:
            OptionError: Nothing was fitted yet.
        """
        if self._prior is None or self.halves is None:
            raise OptionError("got an autoencoder without networks, expected a trained one: fit it, or load one")
        return self._prior

    def fit(
        self,
        *,
        prior: Kind | Prior = "uniform",
        snr: tuple[float, float] | None = None,
        folder: str | Path | None = None,
        device: torch.device | str | None = None,
        callback: Callable[[int, Progress], object] | None = None,
        **options: Any,
    ) -> "DampedAutoencoder":
        """Train on signals that are drawn as they are needed, no two alike.

        Args:
            prior: "gaussian" or "uniform", or a `Prior`.
            snr: Lowest and highest mean power of the signals over the variance of the noise, in decibels; 0 and 30 if None.
            folder: Where checkpoints are kept: the same call goes on there, bit for bit on a CPU.
            device: Where to train.
            callback: Called with (step, progress) after every step.
            **options: Fields of `Prior` (components, samples, frequency, decay_time, amplitude, apart) and of `Recipe`
                (decoder, widths, dropout, waveform, steps, batch, rate, seed).

        Returns:
            This autoencoder; `facts["validation"]` says how often it is wrong.

        Raises:
            OptionError: An option makes no sense.
            RangeError: A range makes no sense.
            DataError: The folder holds another training, or cannot be written.
            TrainingError: The loss became NaN or infinite.

        Example:
            >>> tiny = DampedAutoencoder().fit(steps=2, batch=4, widths=(8,), samples=32)
            >>> tiny.transform(torch.rand(5, 32)).frequency.shape
            torch.Size([5, 1])
        """
        wanted, recipe = _read_options(prior, options)
        wanted = wanted if snr is None else replace(wanted, snr=snr)
        done = train_halves(wanted, recipe, folder=folder, device=device, callback=callback)
        assert isinstance(done.network, Halves)
        self.halves, self._prior, self.history = done.network, wanted, done.history
        self.facts = {
            "decoder": recipe.decoder,
            "training": {"steps": done.steps, "batch": recipe.batch, "rate": recipe.rate, "seed": recipe.seed},
            "loss": done.best_value,
            "validation": examine(self.decode, wanted, seed=recipe.seed + 2),
        }
        return self

    def transform(self, signal: Any, *, rate: float = 1.0) -> Encoded:
        """Encode signals, and decode what was found.

        Args:
            signal: Real (…, T) with as many samples as the prior has; a tensor, or an array.
            rate: Samples per second.

        Returns:
            Parameters, and the decoded signals.

        Raises:
            OptionError: Nothing was fitted yet.
            ShapeError: Another number of samples.
            RangeError: Complex signals, NaN or infinite values, or a rate that is not positive.
        """
        rows = _read_rows(signal, self.prior.samples)
        if not 0 < rate < float("inf"):
            raise RangeError(f"got rate={rate}, expected samples per second, above 0")
        truth, waveform = self.decode(rows.reshape(-1, rows.shape[-1]))
        order = truth[..., 2].argsort(dim=1, descending=True, stable=True)
        frequency, decay, amplitude, phase = truth.gather(1, order[..., None].expand(-1, -1, 4)).unbind(dim=2)
        found = (
            frequency * rate,
            decay / rate,
            amplitude,
            phase,
            torch.pi * frequency * decay,
            waveform,
        )
        kind = signal.dtype if isinstance(signal, Tensor) and signal.is_floating_point() else torch.float64
        shaped = [each.to(kind).reshape(*rows.shape[:-1], -1) for each in found]
        return Encoded(*(shaped if isinstance(signal, Tensor) else [each.cpu().numpy() for each in shaped]))

    def encode(self, signal: Float[Tensor, "n t"]) -> Float[Tensor, "n p 4"]:
        """Frequency in cycles per sample, decay time in samples, amplitude and phase, by ascending frequency.

        Args:
            signal: Signals of as many samples as the prior has.
        """
        return self.decode(signal)[0]

    @torch.no_grad()
    def decode(self, signal: Float[Tensor, "n t"]) -> tuple[Float[Tensor, "n p 4"], Float[Tensor, "n t"]]:
        """What `encode` gives, and what the decoder makes of it.

        Args:
            signal: Signals of as many samples as the prior has.
        """
        space = LatentSpace(self.prior)
        assert self.halves is not None
        encoder, decoder = self.halves.encoder, self.halves.decoder
        there = encoder.mean.device
        rows, size = brought_to_size(signal.to(there).float())
        latent = encoder(features(rows))
        truth = space.parameters(latent, size)
        wave = space.physics(latent, size) if decoder is None else size * decoder(latent)
        return truth.to(signal.device), wave.to(signal.device)

    def save(self, folder: str | Path, *, half: bool = False) -> Path:
        """Write `model.safetensors` and `config.json`, which holds the prior, the sizes and the validation.

        Args:
            folder: The folder; it is made if it is not there.
            half: Whether the weights are rounded to half precision, which halves the file.

        Returns:
            The folder.

        Raises:
            OptionError: Nothing was fitted yet.
            DataError: It cannot be written.
        """
        prior = self.prior.facts()
        assert self.halves is not None
        networks: dict[str, nn.Module] = {"encoder": self.halves.encoder}
        if self.halves.decoder is not None:
            networks["decoder"] = self.halves.decoder
        return write_model(folder, networks, {"job": "estimate", "prior": prior, **self.facts}, half=half)

    @classmethod
    def load(cls, folder: str | Path) -> "DampedAutoencoder":
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Returns:
            The autoencoder.

        Raises:
            DataError: A file is missing, damaged, of another version, or holds no autoencoder of damped waves.
        """
        networks, facts = read_model(folder)
        encoder, decoder = networks.get("encoder"), networks.get("decoder")
        if facts.pop("job", None) != "estimate" or not isinstance(encoder, Perceptron):
            raise DataError(
                f"got a model of another job in {str(folder)!r}, expected an autoencoder of damped waves: train one with "
                "undula estimate train"
            )
        with reading(Path(folder) / "config.json", "the prior of an autoencoder"):
            prior = Prior.from_facts(facts.pop("prior"))
        space = LatentSpace(prior)
        sizes = encoder.settings["inputs"], encoder.settings["outputs"]
        if sizes != (space.inputs, space.size):
            raise DataError(
                f"got an encoder of {sizes[0]} inputs and {sizes[1]} outputs in {str(folder)!r}, expected {space.inputs} and "
                f"{space.size} for its prior: the files belong to different models"
            )
        return cls(Halves(encoder, decoder if isinstance(decoder, Perceptron) else None), prior=prior, facts=facts)

    @classmethod
    def pretrained(cls, components: int = 1) -> "DampedAutoencoder":
        """The autoencoder that comes with Undula: 128 samples, the uniform prior, 0 to 30 dB, decoded by the exact waves.

        Args:
            components: Number of components.

        Returns:
            The autoencoder; `facts` says how it was trained, and how often it is wrong.

        Raises:
            OptionError: No weights ship for this number.
        """
        folder = files("undula.jobs.estimate") / "weights"
        known = [count for count in range(1, 6) if (folder / str(count)).is_dir()]
        if components not in known:
            raise OptionError(
                f"got components={components!r}, expected one of {', '.join(map(str, known))}, for which weights come with "
                "Undula: say one of these, or train others with undula estimate train and name their folder as weights"
            )
        return _shipped(components)


@cache
def _shipped(components: int) -> DampedAutoencoder:
    with as_file(files("undula.jobs.estimate") / "weights" / str(components)) as folder:
        return DampedAutoencoder.load(folder)


def _read_options(prior: Kind | Prior, options: dict[str, Any]) -> tuple[Prior, Recipe]:
    ranges, ways = ([field.name for field in fields(kind)] for kind in (Prior, Recipe))
    known = [*(name for name in ranges if name not in ("kind", "snr")), *ways]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=2, cutoff=0.4)
            hint = f": did you mean {' or '.join(near)}?" if near else ""
            raise OptionError(f"got the option {name!r}, expected one of {', '.join(known)}{hint}")
    own = {name: value for name, value in options.items() if name in ranges}
    recipe = Recipe(**{name: value for name, value in options.items() if name in ways})
    return (replace(prior, **own) if isinstance(prior, Prior) else Prior(kind=prior, **own)), recipe


def _read_rows(signal: Any, samples: int) -> Tensor:
    values = signal.detach() if isinstance(signal, Tensor) else torch.from_numpy(np.ascontiguousarray(signal))
    if values.ndim < 1 or values.shape[-1] != samples or values.numel() == 0:
        raise ShapeError(
            f"got a signal of shape {tuple(values.shape)}, expected (…, {samples}), for which this autoencoder was trained: "
            f"cut it, or train another one (samples={values.shape[-1] if values.ndim else 0})"
        )
    if values.is_complex() or not bool(torch.isfinite(values).all()):
        raise RangeError("got complex, NaN or infinite values, expected real numbers without gaps")
    return values.double()
