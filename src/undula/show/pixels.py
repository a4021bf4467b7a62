"""From tensors to Pillow images: checked, stretched for display, and brought to the size of the sheet."""

from math import log1p

import torch
from PIL import Image
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError

_STRETCH = 100.0  # of 30, 100, 300 and 1000: digits show their rings and keep a dark ground
_ROUNDING = 1e-4  # less than a fortieth of a gray level: float32 arithmetic may leave [0, 1] by this much


def to_display(magnitudes: Tensor, *, power: int | float | None = None, centered: bool = False) -> Tensor:
    """Stretch non-negative values to [0, 1], so that faint magnitudes can be seen beside strong ones.

    With m the values divided by the greatest of their item, it shows `log(1 + 100 m) / log(101)`, or
    `m ** power`. Zero stays black; an item of zeros stays zero.

    Args:
        magnitudes: Non-negative values `(h, w)`, `(n, h, w)` or `(n, c, h, w)`; each item by itself.
        power: Exponent of a power stretch; `None` takes the logarithm.
        centered: Move frequency zero from the corner to the middle (`fftshift`).

    Returns:
        Float32 values in [0, 1] of the same shape on the same device.

    Raises:
        ShapeError: If there are not two to four dimensions, or none of one of them.
        RangeError: If a value is negative, NaN or infinite.
        OptionError: If `power` is not positive.

    Example:
        >>> to_display(torch.tensor([[0.0, 1.0, 16.0]]), power=0.5)
        tensor([[0.0000, 0.2500, 1.0000]])
    """
    if power is not None and not 0 < power < float("inf"):
        raise OptionError(f"got power={power}, expected a positive number: try power=0.25")
    values = _non_negative(magnitudes)
    items = values.flatten(1) if values.ndim > 2 else values.reshape(1, -1)
    greatest = items.amax(dim=1, keepdim=True)
    share = items / torch.where(greatest > 0, greatest, torch.ones_like(greatest))
    shown = torch.log1p(_STRETCH * share) / log1p(_STRETCH) if power is None else share**power
    shown = shown.reshape(values.shape).clamp(0, 1).float()
    return torch.fft.fftshift(shown, dim=(-2, -1)) if centered else shown


def to_pictures(images: Tensor, name: str) -> list[Image.Image]:
    """Turn `(n, h, w)`, `(n, 1, h, w)` or `(n, 3, h, w)` floats in [0, 1] into RGB images.

    Args:
        images: The batch.
        name: What it is called in the error.

    Returns:
        One image per item.

    Raises:
        ShapeError: If the shape is another one, or empty.
        RangeError: If values are no floats in [0, 1].
    """
    images = torch.as_tensor(images).detach().cpu()
    batch = images.unsqueeze(1) if images.ndim == 3 else images
    if batch.ndim != 4 or batch.shape[1] not in (1, 3) or 0 in batch.shape:
        raise ShapeError(
            f"got shape {tuple(images.shape)} for '{name}', expected (n, h, w) or (n, 3, h, w), "
            "none of them 0: reshape to one image per item"
        )
    _check_range(batch, name)
    levels = (batch.float().clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    return [Image.fromarray(item.permute(1, 2, 0).contiguous().numpy()) for item in levels]


def fit(picture: Image.Image, *, enlarge: int, widest: int | None) -> Image.Image:
    """Enlarge a picture pixel by pixel, or shrink one wider or higher than `widest` smoothly."""
    width, height = picture.size
    if widest is not None and max(width, height) > widest:
        ratio = widest / max(width, height)
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        return picture.resize(size, Image.Resampling.LANCZOS)
    return picture.resize((width * enlarge, height * enlarge), Image.Resampling.NEAREST)


def _non_negative(magnitudes: Tensor) -> Tensor:
    values = torch.as_tensor(magnitudes).detach()
    if values.ndim not in (2, 3, 4) or 0 in values.shape:
        raise ShapeError(
            f"got magnitudes of shape {tuple(values.shape)}, expected (h, w), (n, h, w) or (n, c, h, w), "
            "none of them 0: reshape to one image per item"
        )
    if values.is_complex():
        raise RangeError("got complex values, expected non-negative magnitudes: take .abs() first")
    values = values.double()
    if not bool(torch.isfinite(values).all()) or bool((values < 0).any()):
        raise RangeError(
            f"got magnitudes {_span(values)}, expected non-negative finite values: take .abs(), or mask bad pixels"
        )
    return values


def _check_range(batch: Tensor, name: str) -> None:
    if not batch.is_floating_point():
        raise RangeError(
            f"got type {batch.dtype} for '{name}', expected floats in [0, 1]: divide by the greatest level, such as 255"
        )
    if not bool(torch.isfinite(batch).all()) or float(batch.min()) < -_ROUNDING or float(batch.max()) > 1 + _ROUNDING:
        raise RangeError(
            f"got values {_span(batch)} for '{name}', expected floats in [0, 1]: "
            "use to_display for magnitudes, or clamp images to [0, 1]"
        )


def _span(values: Tensor) -> str:
    if not bool(torch.isfinite(values).all()):
        return "with NaN or infinity"
    return f"{float(values.min()):g}…{float(values.max()):g}"
