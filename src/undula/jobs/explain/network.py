"""The network that is asked: a module as it is, or the one inside a denoiser, with the noise level that it wants."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from undula.data.given import read_sigma
from undula.data.refusal import one_line
from undula.errors import OptionError, ShapeError, UndulaError


def network_of(model: Any) -> nn.Module:
    """The module that is asked.

    Args:
        model: A module, or an object that has one as `network`, such as a Denoiser.

    Returns:
        The module.

    Raises:
        OptionError: It is neither.
    """
    network = model if isinstance(model, nn.Module) else getattr(model, "network", None)
    if not isinstance(network, nn.Module):
        raise OptionError(
            f"got a model of type {type(model).__name__}, expected a torch.nn.Module, or a denoiser with a network: "
            "wrap the function in a module, or fit the denoiser first"
        )
    return network


def fitted_images(network: nn.Module, images: Tensor) -> Tensor:
    """The images where the network is, in the type of its weights."""
    weights = next((each for each in network.parameters() if each.is_floating_point()), None)
    return images if weights is None else images.to(weights.device, weights.dtype)


def noise_levels(model: Any, images: Tensor, sigma: Any) -> tuple[Tensor, ...]:
    """What the network is told beside the images: nothing, or their noise levels.

    Args:
        model: What the caller brought.
        images: The images, where the network is.
        sigma: Noise level in image units, one for all or one per item; None has a denoiser measure it.

    Returns:
        No argument, or one level per item.

    Raises:
        OptionError: The network wants a level that nobody knows.
        RangeError: A level makes no sense.
    """
    if sigma is not None:
        return (read_sigma(sigma, count=len(images)).to(images),)
    if not isinstance(model, nn.Module) and hasattr(model, "levels_of"):
        return (torch.as_tensor(model.levels_of(images, None)).clone().to(images),)
    if _wants_sigma(network_of(model)):
        raise OptionError(
            f"got no sigma for {type(network_of(model)).__name__}, which wants the noise level of the images, expected "
            "one in image units: sigma=25/255"
        )
    return ()


@contextmanager
def asking(images: Tensor, *, told: bool = False) -> Iterator[None]:
    """Turn whatever a model raises on images into one line that says what it got.

    Args:
        images: What it is asked about.
        told: Whether it gets a noise level or other arguments, which it may not take.

    Raises:
        ShapeError: The model raised something that is not Undula's own.
    """
    try:
        yield
    except UndulaError:
        raise
    except (
        Exception
    ) as error:  # a model is somebody's code: wrong sizes raise RuntimeError, AssertionError, TypeError, …
        count, channels, height, width = images.shape
        beside = ", and no further argument unless it takes one (sigma)" if told else ""
        raise ShapeError(
            f"got {count} × {channels} × {height} × {width} (images, channels, height, width), on which the model fails "
            f"({one_line(error)}), expected the channels and the size that it was made for{beside}: change the images"
        ) from error


def _wants_sigma(network: nn.Module) -> bool:
    known = inspect.signature(network.forward).parameters.get("sigma")
    return known is not None and known.default is inspect.Parameter.empty
