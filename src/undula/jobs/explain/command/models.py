"""MODEL as it is typed: a folder of Undula, a program of torch.export, a function of the user's, or nothing."""

import sys
import warnings
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from undula.data.entries import file_stamp
from undula.data.refusal import one_line, quoted, reading
from undula.errors import DataError, OptionError
from undula.jobs.explain.command.sample import LineFinder
from undula.nets.storage import read_model

_PROGRAMS = (".pt2",)
_EXPECTED = (
    "expected the folder of a model (model.safetensors and config.json), a .pt2 program of torch.export, or "
    "package.module:function that returns a module"
)
_MIDDLE = 1024  # pixels: enough to measure noise


@dataclass(frozen=True)
class Model:
    """A network, and what is known of it.

    Attributes:
        name: What it is called on the page.
        network: The module.
        noise: Measures noise levels, where the folder has such a network.
        channels: Channels that it wants, where that is known.
        stamp: Sizes and times of its files, so that a changed model is asked again.
        told: Whether it is a program that wants a noise level beside the images.
    """

    name: str
    network: nn.Module
    noise: nn.Module | None = None
    channels: int | None = None
    stamp: str | None = None
    told: bool = False

    @torch.inference_mode()
    def levels_of(self, images: Tensor, sigma: Any) -> Tensor:
        """The noise level of each image, measured.

        Args:
            images: Images.
            sigma: Not used: a level that is known is told to the network as it is.

        Returns:
            One level per image, in image units.

        Raises:
            OptionError: The model cannot measure noise.
        """
        if self.noise is None:
            raise OptionError("got no sigma, and this model cannot measure noise, expected a level: sigma=25/255")
        height, width = images.shape[-2:]
        top, left = max(0, (height - _MIDDLE) // 2), max(0, (width - _MIDDLE) // 2)
        levels: Tensor = self.noise.to(images.device)(images[..., top : top + _MIDDLE, left : left + _MIDDLE].float())
        return levels


def read_model_argument(text: str | None) -> Model:
    """Find the model that was typed.

    Args:
        text: As typed, or None for the network that needs no training.

    Returns:
        The model.

    Raises:
        DataError: There is no such model, or it is damaged, of another version, or none of images.
    """
    if text is None:
        return Model("a finder of dark lines", LineFinder(), channels=1)
    path = Path(text)
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() in _PROGRAMS:
        return _of_program(path)
    module, colon, function = text.partition(":")
    if (
        colon
        and not path.exists()
        and function.isidentifier()
        and all(part.isidentifier() for part in module.split("."))
    ):
        return _of_function(module, function)
    raise DataError(f"got the model {quoted(text)}, {_EXPECTED}: check the name")


def _of_folder(path: Path) -> Model:
    networks, _ = read_model(path)
    if not networks:
        raise DataError(f"got a model without networks in {quoted(path)}, expected one: train it again")
    name = "network" if "network" in networks else next(iter(networks))
    network = networks[name]
    stamps = [file_stamp(str(file)) or "" for file in sorted(path.iterdir()) if file.is_file()]
    noise = networks.get("noise") if name == "network" else None
    return Model(path.name or str(path), network, noise, getattr(network, "channels", None), ", ".join(stamps))


def _of_program(path: Path) -> Model:
    with reading(path, "a program of torch.export"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks to itself while it reads what it wrote
        program = torch.export.load(path)
        network = torch.export.unflatten(program)  # whose layers have the names that they had
    told = len(program.graph_signature.user_inputs) > 1
    return Model(path.name, network, stamp=file_stamp(str(path)), told=told)


def _of_function(module: str, function: str) -> Model:
    """The user named a function of theirs, so it is run, with the current folder before all others."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        invalidate_caches()
        made = getattr(import_module(module), function)
        network = made() if callable(made) and not isinstance(made, nn.Module) else made
    except Exception as error:  # anything at all may go wrong in somebody's code
        raise DataError(
            f"got the model '{module}:{function}', which cannot be made ({type(error).__name__}: {one_line(error)}), "
            "expected a function without arguments that returns a torch.nn.Module: correct it"
        ) from error
    finally:
        sys.path.remove(here)
    if not isinstance(network, nn.Module):
        raise DataError(
            f"got the model '{module}:{function}', which gives {type(network).__name__}, expected a torch.nn.Module: "
            "return one"
        )
    file = getattr(sys.modules[module], "__file__", None)
    return Model(f"{module}:{function}", network, stamp=file_stamp(file) if file else None)
