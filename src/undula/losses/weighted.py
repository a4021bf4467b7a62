"""Mixes of losses, which keep what each of them was."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError, ShapeError
from undula.losses.pairs import ItemLoss, Reduction


class Weighted(ItemLoss):
    """Weighted sum of losses, Σ w L(output, target), that keeps the value of each for the log.

    Args:
        terms: Weight and loss by name: {"mse": (0.8, MeanSquaredError()), "fourier": (0.2, FourierMagnitudeLoss())}.
            Besides the losses of this room any module does that takes (output, target) and gives one number, which then
            counts for every item, or one per item; those calculate in the precision they are given.
        reduction: "mean" or "sum" over the items, or "none"; that of the terms does not matter.

    Attributes:
        parts: After a call the mean over the items of each unweighted loss, by name, detached and not yet read: nothing
            waits for the device until you call `.item()`. Empty before the first call.

    Raises:
        OptionError: No terms, or a weight that is negative or not finite.

    Example:
        >>> from undula.losses import MeanAbsoluteError, MeanSquaredError
        >>> mix = Weighted({"mse": (0.8, MeanSquaredError()), "l1": (0.2, MeanAbsoluteError())})
        >>> mix(torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 2.0))
        tensor(3.6000)
        >>> mix.parts
        {'mse': tensor(4.), 'l1': tensor(2.)}
    """

    parts: dict[str, Tensor]

    def __init__(self, terms: Mapping[str, tuple[float, nn.Module]], *, reduction: Reduction = "mean") -> None:
        dims = next((loss.dims for _, loss in terms.values() if isinstance(loss, ItemLoss)), 2)
        super().__init__(dims=dims, reduction=reduction)
        if not terms:
            raise OptionError('got no terms, expected at least one: {"mse": (1.0, MeanSquaredError())}')
        for name, (weight, _) in terms.items():
            if not 0 <= weight < math.inf:
                raise OptionError(f"got the weight {weight} of {name!r}, expected a number from 0 on")
        self.weights = {name: float(weight) for name, (weight, _) in terms.items()}
        self.losses = nn.ModuleList(loss for _, loss in terms.values())
        self.parts = {}

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        values = {
            name: loss.items(output, target) if isinstance(loss, ItemLoss) else _foreign(name, loss, output, target)
            for name, loss in zip(self.weights, self.losses, strict=True)
        }
        self.parts = {name: value.detach().mean() for name, value in values.items()}
        return torch.stack([self.weights[name] * value for name, value in values.items()]).sum(0)

    @property
    def shares(self) -> dict[str, Float[Tensor, ""]]:
        """Share of each term in the last total, w L / Σ w L, by name, detached; NaN where that is 0."""
        if not self.parts:
            return {}
        scaled = torch.stack([weight * self.parts[name] for name, weight in self.weights.items()])
        return dict(zip(self.weights, scaled / scaled.sum(), strict=True))

    def extra_repr(self) -> str:
        """What print shows."""
        mix = " + ".join(f"{weight:g} {name}" for name, weight in self.weights.items())
        return f"{mix}, reduction={self.reduction!r}"


def _foreign(name: str, loss: nn.Module, output: Tensor, target: Tensor) -> Tensor:
    """One value per item of a loss that is not of this room."""
    value = loss(output, target)
    batch = output.shape[0]
    if value.ndim > 1 or value.numel() not in (1, batch):
        raise ShapeError(
            f"got values of shape {tuple(value.shape)} from {name!r}, expected one number or {batch}, one per item: "
            "take its mean over the other axes"
        )
    return value.reshape(-1).expand(batch)
