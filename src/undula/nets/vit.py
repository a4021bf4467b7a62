"""Vision transformers and where they come from: a seed, a local folder, or the caller."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from undula.data import normal
from undula.data.refusal import quoted, reading
from undula.errors import DataError, MissingExtra, OptionError

ViTSource = nn.Module | str | Path | Mapping[str, Any] | None

# What describes a ViTModel, with the numbers of the small one.
_SMALL: dict[str, Any] = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 768,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "image_size": 224,
    "patch_size": 16,
    "num_channels": 3,
    "qkv_bias": True,
}
BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


def random_vit(*, seed: int = 0, **options: Any) -> nn.Module:
    """Make a Hugging Face ViTModel with random weights, which the seed alone decides.

    They are hashed numbers (`undula.data.normal`), so neither torch's chance nor the version of transformers matters.

    Args:
        seed: Another seed gives other weights.
        **options: Values of a `transformers.ViTConfig`: `hidden_size` (192), `num_hidden_layers` (4),
            `num_attention_heads` (3), `intermediate_size` (768), `hidden_act`, `layer_norm_eps`, `image_size` (224),
            `patch_size` (16), `num_channels` (3), `qkv_bias`; patches and images are squares.

    Returns:
        The model, without a pooler: normal weights of deviation 0.02, biases 0.

    Raises:
        OptionError: An option has another name, or the numbers do not fit one another.
        MissingExtra: The package transformers is not installed.

    Example:
        >>> vit = random_vit(hidden_size=24, num_hidden_layers=1, image_size=32)
        >>> vit(torch.rand(1, 3, 32, 32)).last_hidden_state.shape
        torch.Size([1, 5, 24])
    """
    transformers = _transformers()
    unknown = sorted(options.keys() - _SMALL.keys())
    if unknown:
        raise OptionError(
            f"got {', '.join(unknown)} for a ViT, expected some of {', '.join(_SMALL)}: give any other ViT as a module"
        )
    numbers = {**_SMALL, **options}
    _check_numbers(numbers)
    with torch.random.fork_rng([]):  # its own weights are drawn first: the host's chance stays as it was
        vit: nn.Module = transformers.ViTModel(transformers.ViTConfig(**numbers), add_pooling_layer=False)
    matrices = [weight for weight in vit.parameters() if weight.ndim > 1]  # the others are 1 or 0
    seeds = torch.tensor([seed])
    with torch.no_grad():
        for number, weight in enumerate(matrices):
            drawn = normal(seeds, torch.tensor([number]), tuple(weight.shape), dtype=torch.float32)
            weight.copy_(0.02 * drawn[0])
    return vit.eval()


def local_vit(folder: str | Path) -> nn.Module:
    """Read a Hugging Face ViTModel from a folder; nothing is fetched, nothing is unpickled.

    Args:
        folder: Holds `config.json` and safetensors, as `ViTModel.save_pretrained` writes them or the hub offers them
            (google/vit-base-patch16-224 and its like, in the names of older versions too). A head is left out.

    Returns:
        The model in float32, without a pooler.

    Raises:
        DataError: There is no such folder, it is damaged, or it holds something else.
        MissingExtra: The package transformers is not installed.
    """
    transformers = _transformers()
    path = Path(folder)
    expected = "a folder with config.json and model.safetensors of a ViT"
    if not (path / "config.json").is_file() or not any(path.glob("*.safetensors")):
        raise DataError(f"got {quoted(path)}, expected {expected}: fetch the model into a folder first")
    with reading(path, expected), _silent(), torch.random.fork_rng([]):
        kind = transformers.ViTConfig.get_config_dict(path, local_files_only=True)[0].get("model_type")
        if kind != "vit":
            raise DataError(
                f"got a model of type {kind!r} in {quoted(path)}, expected a 'vit': give others as a module"
            )
        vit, notes = transformers.ViTModel.from_pretrained(
            path,
            local_files_only=True,
            use_safetensors=True,
            add_pooling_layer=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    if notes["missing_keys"]:
        raise DataError(
            f"got no values for {len(notes['missing_keys'])} weights, such as {min(notes['missing_keys'])}, in "
            f"{quoted(path)}, expected all of a ViT: fetch the model again"
        )
    return vit.eval()


def made_vit(vit: ViTSource) -> nn.Module:
    """Return a ViT, wherever it comes from.

    Args:
        vit: A module, which is returned as it is; a folder; settings of a random one; None for the small random one.

    Returns:
        The ViT.

    Raises:
        OptionError: The settings do not describe a ViT, or a module does not say what its tokens are.
        DataError: The folder cannot be read.
        MissingExtra: The package transformers is needed and not installed.
    """
    if isinstance(vit, nn.Module):
        _check_numbers({name: vit_value(vit, name) for name in ("hidden_size", "patch_size")})
        return vit
    if isinstance(vit, str | Path):
        return local_vit(vit)
    return random_vit(**(vit or {}))


def vit_settings(vit: nn.Module, source: ViTSource = None) -> dict[str, Any]:
    """Say how to make a ViT of the same build, in plain values.

    Args:
        vit: The ViT.
        source: What `made_vit` made it from: the settings of a random one hold its seed.

    Returns:
        What `random_vit` takes; of a module that is no ViTModel the name of its class, which has to be made by hand.
    """
    if type(vit).__name__ != "ViTModel":
        return {"class": type(vit).__name__}
    seed = int(source.get("seed", 0)) if isinstance(source, Mapping) else 0
    return {"seed": seed, **{name: vit_value(vit, name) for name in _SMALL}}


def vit_value(vit: nn.Module, name: str) -> Any:
    """Look a value up in the configuration of a ViT.

    Args:
        vit: A module with a `config`.
        name: Name of the value; of a pair of equal sides one is returned.

    Returns:
        The value.

    Raises:
        OptionError: There is none.
    """
    value = getattr(getattr(vit, "config", None), name, None)
    if value is None:
        raise OptionError(
            f"got a {type(vit).__name__} without {name}, expected a ViT whose `config` names hidden_size and patch_size"
        )
    same = isinstance(value, list | tuple) and len(set(value)) == 1
    return value[0] if same else value


def _check_numbers(numbers: Mapping[str, Any]) -> None:
    words = ("hidden_act", "qkv_bias", "layer_norm_eps")
    wrong = {k: v for k, v in numbers.items() if k not in words and (not isinstance(v, int) or v < 1)}
    if wrong or numbers["hidden_size"] % numbers.get("num_attention_heads", 1):
        raise OptionError(
            f"got {dict(numbers)} for a ViT, expected positive whole numbers and a hidden_size that the heads share evenly"
        )


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("transformers", extra="vit") from error
    return transformers


@contextmanager
def _silent() -> Iterator[None]:
    """Reading shows no bar and does not list the weights of a head that is left out."""
    from transformers.utils import logging as words

    level, bars = words.get_verbosity(), words.is_progress_bar_enabled()
    words.set_verbosity(logging.CRITICAL)
    words.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        words.set_verbosity(level)
        if bars:
            words.enable_progress_bar()  # type: ignore[no-untyped-call]
