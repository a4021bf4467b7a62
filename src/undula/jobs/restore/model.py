"""The networks that come with Undula, and what is known of them."""

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import DataError
from undula.nets.filler import Filler
from undula.nets.storage import read_model, write_model
from undula.nets.unet import UNet


@dataclass(frozen=True)
class Model:
    """A network that fills, how its intervals are widened, and a network that finds what is to be filled.

    Attributes:
        network: The network that fills.
        areas: The network that tells black and white areas from corrupted pixels.
        facts: What is to be known of the weights, in plain values: licence, pictures, "widening".
    """

    network: Filler
    areas: UNet
    facts: dict[str, Any]

    def widening(self, share: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Factors on the half widths that make nine of ten true values lie inside in every picture held out.

        Args:
            share: Shares of missing pixels; between those that were measured the logarithm of what is left counts.
        """
        measured = self.facts.get("widening", {"0.9": 1.0})
        known, factors = zip(*sorted((math.log(1 - float(key)), value) for key, value in measured.items()), strict=True)
        left = (1 - share.double()).clamp(min=1e-9).log()
        return torch.from_numpy(np.interp(left.cpu(), known, factors)).to(share)

    def save(self, folder: str | Path, *, half: bool = False) -> Path:
        """Write `model.safetensors` and `config.json`.

        Args:
            folder: The folder; it is made if it is not there.
            half: Whether the weights are rounded to half precision.
        """
        return write_model(folder, {"filler": self.network, "areas": self.areas}, self.facts, half=half)

    @classmethod
    def load(cls, folder: str | Path) -> "Model":
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Raises:
            DataError: A file is missing or damaged, of another version, or one of the networks is not there.
        """
        networks, facts = read_model(folder)
        network, areas = networks.get("filler"), networks.get("areas")
        if not isinstance(network, Filler) or not isinstance(areas, UNet):
            raise DataError(f"got a model with {', '.join(networks)} in {str(folder)!r}, expected filler and areas")
        return cls(network, areas, facts)


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that comes with Undula."""
    with as_file(files("undula.jobs.restore") / "weights") as folder:
        return Model.load(folder)
