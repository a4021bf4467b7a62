"""The weights of a network by plain names, whatever wraps it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from undula.errors import DataError

Weights = dict[str, Tensor]


def bare(network: nn.Module) -> nn.Module:
    """Return the network inside `torch.compile`, DataParallel and DistributedDataParallel.

    Args:
        network: Any module.

    Returns:
        The module whose names have no prefix.

    Example:
        >>> inner = nn.Linear(2, 1)
        >>> bare(nn.DataParallel(inner)) is inner
        True
    """
    wrapped = isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel)
    inner = getattr(network, "module" if wrapped else "_orig_mod", None)
    return bare(inner) if isinstance(inner, nn.Module) else network


def live_weights(network: nn.Module) -> Weights:
    """Weights and kept buffers of a network by plain names, sharing its memory.

    Args:
        network: Any module.

    Returns:
        What `state_dict` returns; parts that were compiled on their own have no prefix either.
    """
    return {plain_name(name): value for name, value in bare(network).state_dict().items()}


def trained_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that are not frozen by plain names; tied ones once.

    Args:
        network: Any module.

    Returns:
        The parameters, in the order of the network.
    """
    named = bare(network).named_parameters()
    return {plain_name(name): value for name, value in named if value.requires_grad}


def frozen_names(network: nn.Module) -> set[str]:
    """Names of the parameters that training leaves alone.

    Args:
        network: Any module.

    Returns:
        Plain names.
    """
    named = bare(network).named_parameters(remove_duplicate=False)
    return {plain_name(name) for name, value in named if not value.requires_grad}


def plain_name(name: str) -> str:
    """Return a name without what `torch.compile` puts into it.

    Args:
        name: A name of a parameter.

    Returns:
        The name that it has in the network as written.

    Example:
        >>> plain_name("encoder._orig_mod.0.weight")
        'encoder.0.weight'
    """
    return name.replace("_orig_mod.", "")


def copied(weights: Mapping[str, Tensor]) -> Weights:
    """Return copies that later steps do not change, on the same device.

    Args:
        weights: Tensors by name.

    Returns:
        Copies by name.
    """
    return {name: value.detach().clone() for name, value in weights.items()}


@torch.no_grad()
def copy_into(targets: Mapping[str, Tensor], values: Mapping[str, Tensor], *, whole: bool = True) -> None:
    """Write values into tensors in place, so that whoever holds them sees the new ones.

    Args:
        targets: Tensors by name.
        values: New values by name.
        whole: Whether every target must have a value.

    Raises:
        DataError: Names or shapes do not match; nothing was written then.
    """
    missing = sorted(targets.keys() - values.keys()) if whole else []
    unknown = sorted(values.keys() - targets.keys())
    other = sorted(name for name in values.keys() & targets.keys() if values[name].shape != targets[name].shape)
    for names, what in ((missing, "no values for"), (unknown, "values for the unknown"), (other, "other shapes for")):
        if names:
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise DataError(
                f"got {what} {listed}, expected the weights of this network: take the network they belong to"
            )
    for name, value in values.items():
        targets[name].copy_(value)
