"""Logistic regression by L-BFGS: the whole set at once, to the minimum."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from undula.nets import Perceptron

_STEPS = 500


def fit_logistic(
    features: Float[Tensor, "n d"], labels: Int[Tensor, " n"], *, classes: int, penalty: float
) -> Perceptron:
    """Minimize the sum of cross-entropies plus penalty ‖w‖² / 2, w without the bias.

    The same minimum as `sklearn.linear_model.LogisticRegression(C=1 / penalty)` on standardized features: one weight vector
    for two classes, one per class for more.

    Args:
        features: Examples.
        labels: Their classes, 0 … classes - 1.
        classes: Number of classes.
        penalty: Weight of the penalty, for all examples together.

    Returns:
        A linear classifier that standardizes by itself.
    """
    made = Perceptron(features.shape[1], classes).standardize(features)
    with torch.inference_mode(False), torch.enable_grad():
        inputs = made.standard(features.detach().clone())
        planes = 1 if classes == 2 else classes
        weight = inputs.new_zeros(planes, inputs.shape[1], requires_grad=True)
        bias = inputs.new_zeros(planes, requires_grad=True)
        _minimize(weight, bias, inputs, labels, penalty)
    _write(made.layers[-1], weight.detach(), bias.detach())
    return made.eval()


def _minimize(weight: Tensor, bias: Tensor, inputs: Tensor, labels: Tensor, penalty: float) -> None:
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=_STEPS, history_size=20, tolerance_grad=1e-6, tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    share = penalty / (2 * len(inputs))

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = inputs @ weight.T + bias
        if len(weight) == 1:
            misfit = functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits))
        else:
            misfit = functional.cross_entropy(logits, labels)
        loss = misfit + share * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _write(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """One weight vector becomes two, so that every classifier has one logit per class."""
    assert isinstance(layer, nn.Linear)
    pair = len(weight) == 1
    layer.weight.copy_(torch.cat([-weight, weight]) / 2 if pair else weight)
    layer.bias.copy_(torch.cat([-bias, bias]) / 2 if pair else bias)
