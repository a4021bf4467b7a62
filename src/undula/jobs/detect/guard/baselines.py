"""Baselines that see no trace of a generator: colors of 8 × 8 blocks, and where the grid of a JPEG lies."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from undula.jobs.detect.linear import fit_logistic

_MOST = 3000  # examples of each class: enough to tell accuracies apart by a point
_PENALTY = 10.0
_COARSE = 64  # pixels


def block_colors(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 384"]:
    """Mean of every color in 8 × 8 blocks of the picture, and its deviation between quarters of a block: content, no detail.

    Quarters of less than four pixels would see blur and noise, which are traces: of pictures below 64 pixels the deviations
    are zero.

    Args:
        images: Pictures in [0, 1], of any size.
    """
    cells = functional.adaptive_avg_pool2d(images, 16 if min(images.shape[-2:]) >= _COARSE else 8)
    mean = functional.adaptive_avg_pool2d(cells, 8)
    square = functional.adaptive_avg_pool2d(cells * cells, 8)
    return torch.cat([mean, (square - mean * mean).clamp_min(0).sqrt()], dim=1).flatten(1)


def grid_phases(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 8"]:
    """Size of the steps between columns, and rows, at four places of a JPEG grid against those half a block on: crops move it.

    What repeats after two or four pixels falls out: up-sampling leaves it, a trace of generators.

    Args:
        images: Pictures in [0, 1], of any size.
    """
    grey = images.mean(dim=1)
    found = []
    for plane in (grey, grey.mT):
        steps = (plane[..., 1:] - plane[..., :-1]).abs().mean(dim=-2) + 1e-4
        padded = functional.pad(steps, (0, -steps.shape[-1] % 8), value=torch.nan)
        phases = padded.reshape(len(padded), -1, 8).nanmean(dim=-2).nan_to_num(1e-4)
        found.append((phases[:, :4] / phases[:, 4:]).log())
    return torch.cat(found, dim=1)


def crossed_accuracy(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> float:
    """Balanced accuracy of logistic regression, each half of the examples classified by what the other half taught.

    Args:
        first: Features of one class.
        second: Features of the other.

    Returns:
        The accuracy; 0.5 where a class has fewer than four examples.
    """
    sides = [side[torch.linspace(0, len(side) - 1, min(len(side), _MOST)).long()] for side in (first, second)]
    if min(map(len, sides)) < 4:
        return 0.5
    rates = []
    for half in (0, 1):
        teaching = [side[1 - half :: 2] for side in sides]
        labels = torch.cat([torch.full((len(side),), place) for place, side in enumerate(teaching)])
        model = fit_logistic(torch.cat(teaching), labels, classes=2, penalty=_PENALTY)
        with torch.no_grad():
            rates += [(model(side[half::2]).argmax(1) == place).float().mean() for place, side in enumerate(sides)]
    return float(torch.stack(rates).mean())
