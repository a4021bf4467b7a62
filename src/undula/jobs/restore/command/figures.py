"""The sheet of a picture: as it came, what was missing, repaired, how sure, and the original where it is known."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from undula.jobs.restore.command.film import middle
from undula.jobs.restore.command.settings import GREY_LEVELS
from undula.show import Axis, Plane, draw_panels, save_picture

_BARE = Axis(0.0, 1.0, ticked=False)
_ROOM, _DETAIL = 620, 144  # pixels of a panel, and of a piece of a picture that is shown pixel by pixel
_LEAST = 1.0  # grey levels: where all is surer than that, the colors begin there


def write_sheet(
    path: Path,
    *,
    damaged: Float[Tensor, "c h w"],
    missing: Bool[Tensor, "c h w"],
    repaired: Float[Tensor, "c h w"],
    interval: Float[Tensor, "c h w"] | None,
    original: Float[Tensor, "c h w"] | None,
    descended: Float[Tensor, "c h w"] | None,
    title: str,
    subtitle: str,
) -> None:
    """Draw all that is known of a picture.

    Args:
        path: The file.
        damaged: As it came.
        missing: What was not trusted.
        repaired: What came out.
        interval: Half widths of intervals, where the method gives them.
        original: What it was before it was damaged, where that is known.
        descended: What the seed's method makes of it, where that was done.
        title: Line above.
        subtitle: Smaller line below the title.
    """
    shown = {
        "original": original, "damaged": damaged, "missing, in white": missing.any(0, keepdim=True).float(),
        "gradient descent": descended, "repaired": repaired,
    }  # fmt: skip
    panels = [_panel(picture, name) for name, picture in shown.items() if picture is not None]
    if interval is not None:
        panels.append(_widths(interval))
    if original is not None and len(panels) == 5:
        panels.append(_panel((repaired - original) * 2 + 0.5, "error, × 2 around grey"))
    across = 3 if len(panels) % 3 == 0 else 2
    rows = [panels[first : first + across] for first in range(0, len(panels), across)]
    if max(damaged.shape[1:]) > _ROOM:
        rows.append(_details(damaged, repaired, original)[-across:])
    save_picture(path, draw_panels(rows, title=title, subtitle=subtitle))


def _details(damaged: Tensor, repaired: Tensor, original: Tensor | None) -> list[Plane]:
    """The middle of a large picture, pixel by pixel."""
    part = (slice(None), *middle(damaged.shape[1], damaged.shape[2], _DETAIL))
    pictures = {"the middle, damaged": damaged, "the middle, repaired": repaired, "the middle, original": original}
    return [_panel(picture[part], name) for name, picture in pictures.items() if picture is not None]


def _panel(picture: Tensor, name: str) -> Plane:
    pixels = _reduced(picture.detach().cpu().nan_to_num(0.0)).clamp(0, 1)
    colors = pixels if len(pixels) == 3 else pixels.mean(0, keepdim=True).expand(3, -1, -1)
    return Plane(colors.permute(1, 2, 0).numpy(), _BARE, _BARE, name, square=True)


def _widths(interval: Tensor) -> Plane:
    widths = _reduced(interval.detach().cpu()).mean(0).numpy() * GREY_LEVELS
    high = max(_LEAST, float(np.quantile(widths, 0.995)))
    scale = Axis(0.0, high, "± grey levels")
    return Plane(widths, _BARE, _BARE, "nine of ten true values lie within", scale=scale, square=True)


def _reduced(picture: Tensor) -> Float[Tensor, "c h w"]:
    """Means over squares, where a picture has more than twice the pixels of its panel."""
    step = max(picture.shape[1:]) // _ROOM
    if step < 2:
        return picture.float()
    size = [max(1, side // step) for side in picture.shape[1:]]
    return torch.as_tensor(interpolate(picture[None].float(), size=size, mode="area")[0])
