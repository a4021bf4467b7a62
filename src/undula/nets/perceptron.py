"""A classifier of feature vectors: standardized, then any number of hidden layers; none is a linear classifier."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError, ShapeError

_LIMIT = 6.0  # deviations: a feature of a picture unlike all others may not decide alone


class Perceptron(nn.Module):
    """Logits of feature vectors: x → (x - mean) / deviation, cut at ± 6, then layers with ReLU and dropout between them.

    Args:
        inputs: Number of features.
        outputs: Number of classes.
        widths: Widths of the hidden layers.
        dropout: Share of hidden values that training leaves out.

    Raises:
        OptionError: A number that is not positive, or a dropout outside [0, 1).

    Example:
        >>> Perceptron(5, 2, widths=(8,))(torch.rand(3, 5)).shape
        torch.Size([3, 2])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, inputs: int, outputs: int, *, widths: Sequence[int] = (), dropout: float = 0.0) -> None:
        super().__init__()
        if min(inputs, outputs, *widths) < 1 or not 0 <= dropout < 1:
            raise OptionError(
                f"got inputs={inputs}, outputs={outputs}, widths={tuple(widths)}, dropout={dropout}, expected positive numbers "
                "and a dropout in [0, 1)"
            )
        self.settings: dict[str, Any] = {
            "inputs": inputs,
            "outputs": outputs,
            "widths": list(widths),
            "dropout": dropout,
        }
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        sides = [inputs, *widths]
        hidden = [
            layer
            for before, after in pairwise(sides)
            for layer in (nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout))
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(sides[-1], outputs))

    @torch.no_grad()
    def standardize(self, features: Float[Tensor, "n inputs"]) -> "Perceptron":
        """Take mean and deviation from examples; a feature that never changes keeps its scale.

        Args:
            features: Examples.

        Returns:
            This network.
        """
        deviation, mean = torch.std_mean(features.double(), dim=0, correction=0)
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 1e-6, deviation, 1.0))
        return self

    @torch.no_grad()
    def widened(self, inputs: int, *, start: int = 0) -> "Perceptron":
        """The same network for vectors that hold others before and after its features, which it does not see.

        Args:
            inputs: Number of features of the whole vectors.
            start: Where its own begin.

        Returns:
            Another network, or this one if nothing is added.

        Raises:
            OptionError: Its features do not fit.

        Example:
            >>> network, x = Perceptron(2, 2).eval(), torch.rand(3, 5)
            >>> bool(torch.allclose(network.widened(5, start=1)(x), network(x[:, 1:3])))
            True
        """
        own = len(self.mean)
        if not 0 <= start <= inputs - own:
            raise OptionError(f"got inputs={inputs}, start={start}, expected room for {own} features")
        if inputs == own:
            return self
        made = Perceptron(**{**self.settings, "inputs": inputs}).train(self.training)
        known, state = self.state_dict(), made.state_dict()
        for name, value in known.items():
            if value.shape == state[name].shape:
                state[name].copy_(value)
            else:  # the mean, the deviation and the first layer
                if value.ndim == 2:
                    state[name].zero_()
                state[name][..., start : start + own] = value
        return made

    def standard(self, features: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """What the first layer sees.

        Args:
            features: Feature vectors.

        Raises:
            ShapeError: Another number of features.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ShapeError(
                f"got features of shape {tuple(features.shape)}, expected (n, {len(self.mean)}): make them as for the training"
            )
        return ((features - self.mean) / self.deviation).clamp(-_LIMIT, _LIMIT)

    def forward(self, features: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """Classify.

        Args:
            features: Feature vectors.

        Returns:
            One logit per class.

        Raises:
            ShapeError: Another number of features.
        """
        return self.layers(self.standard(features))
