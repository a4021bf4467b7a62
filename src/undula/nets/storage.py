"""The folder of a model: `model.safetensors` and `config.json`."""

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from undula.data.atomic import atomic_text, atomic_write, make_folder
from undula.data.plain import json_text
from undula.data.refusal import quoted, reading
from undula.errors import DataError
from undula.nets.filler import Filler
from undula.nets.noise_level import NoiseLevel
from undula.nets.packet_cnn import PacketCNN
from undula.nets.perceptron import Perceptron
from undula.nets.unet import UNet
from undula.nets.vit_unet import SeedViTUNet, ViTUNet

FORMAT = 1
NETWORKS: dict[str, type[nn.Module]] = {
    "unet": UNet,
    "vit-unet": ViTUNet,
    "seed": SeedViTUNet,
    "noise": NoiseLevel,
    "perceptron": Perceptron,
    "packet-cnn": PacketCNN,
    "filler": Filler,
}
_WEIGHTS, _CONFIG = "model.safetensors", "config.json"


def word_of(network: nn.Module) -> str:
    """The word under which a network is kept.

    Args:
        network: A network.

    Raises:
        DataError: It is none of Undula's.
    """
    for word, kind in NETWORKS.items():
        if type(network) is kind:
            return word
    raise DataError(
        f"got a network of type {type(network).__name__}, expected one of undula.nets: keep its own weights with "
        "safetensors"
    )


def write_model(
    folder: str | Path, networks: Mapping[str, nn.Module], facts: Mapping[str, Any], *, half: bool = False
) -> Path:
    """Write networks and what is to be known of them.

    Args:
        folder: The folder; it is made if it is not there.
        networks: Networks by name.
        facts: Plain values.
        half: Whether the numbers are rounded to half precision.

    Returns:
        The folder.

    Raises:
        DataError: It cannot be written, or a network is none of Undula's.
    """
    path = make_folder(folder)
    made = {name: {"kind": word_of(one), "settings": one.settings} for name, one in networks.items()}
    config = {"format": FORMAT, "undula": metadata.version("undula"), "networks": made, **facts}
    tensors = {
        f"{name}.{key}": (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
        for name, one in networks.items()
        for key, value in one.state_dict().items()
    }
    with atomic_write(path / _WEIGHTS) as file:
        file.write(save(tensors))
    atomic_text(path / _CONFIG, json_text(config))
    return path


def read_model(folder: str | Path) -> tuple[dict[str, nn.Module], dict[str, Any]]:
    """Read what `write_model` wrote.

    Args:
        folder: The folder.

    Returns:
        Networks by name, in evaluation mode, and the facts.

    Raises:
        DataError: A file is missing or damaged, was written by another version, or its weights fit no such network.
    """
    path = Path(folder)
    with reading(path / _CONFIG, "the config.json of a model"):
        config = json.loads((path / _CONFIG).read_bytes())
        known = config["format"] if isinstance(config, dict) else None
    if known != FORMAT:
        raise DataError(
            f"got a model of format {known!r} in {quoted(path)}, expected {FORMAT}: train it again, or take the "
            f"version of Undula that wrote it ({config.get('undula') if isinstance(config, dict) else 'unknown'})"
        )
    tensors = _tensors(path / _WEIGHTS)
    with reading(path / _CONFIG, "the config.json of a model that this version knows"):
        networks = {name: NETWORKS[each["kind"]](**each["settings"]) for name, each in config["networks"].items()}
    for name, network in networks.items():
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        with reading(path / _WEIGHTS, f"the weights of the network {name!r} that config.json describes"):
            network.load_state_dict(own)
        network.eval()
    return networks, {key: value for key, value in config.items() if key not in ("format", "undula", "networks")}


def _tensors(path: Path) -> dict[str, Tensor]:
    with reading(path, "the weights of a model"), safe_open(path, framework="pt") as file:
        return {name: _wide(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118


def _wide(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value  # a batch normalization counts its batches
