"""Textures without terms: the CC0 photographs that lie inside scikit-image."""

from importlib.util import find_spec
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from undula.data.images import luminance, read_image
from undula.errors import MissingExtra

CC0_TEXTURES = ("brick", "grass", "gravel")


def cc0_textures() -> dict[str, Float[Tensor, "1 h w"]]:
    """Read scikit-image's textures brick, grass and gravel, which their authors gave away (CC0).

    They come with its wheel: nothing is downloaded, and scikit-image itself is not imported.

    Returns:
        Name → grey picture, float32 in [0, 1] of shape (1, 512, 512).

    Raises:
        MissingExtra: scikit-image is not installed.
        DataError: It was installed without its pictures.

    Example:
        >>> {name: tuple(texture.shape) for name, texture in cc0_textures().items()}  # doctest: +SKIP
        {'brick': (1, 512, 512), 'grass': (1, 512, 512), 'gravel': (1, 512, 512)}
    """
    found = find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("scikit-image", extra="science")
    folder = Path(found.submodule_search_locations[0]) / "data"
    return {name: luminance(read_image(folder / f"{name}.png"))[None] for name in CC0_TEXTURES}
