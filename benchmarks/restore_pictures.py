"""What the benchmarks of `restore` share: pictures, how they are damaged, linear interpolation, and scores."""

import os
from pathlib import Path

import numpy as np
import skimage.data
from scipy.interpolate import griddata
from skimage.metrics import structural_similarity

from undula.data import luminance, read_image

PHOTOGRAPHS = ("camera", "astronaut")
HELD_OUT = 14  # photographs at the end of `photos` on which no network was trained


def photograph(name: str) -> np.ndarray:
    """scikit-image's photographs in grey (h, w); the astronaut's is the mean of her colors."""
    picture = getattr(skimage.data, name)() / 255
    return picture if picture.ndim == 2 else picture.mean(axis=2)


def test_set(name: str, *, every: int = 1) -> dict[str, np.ndarray]:
    """Every n-th picture of Set12, BSD68 or CBSD68: (h, w), or (3, h, w) of the last."""
    files = sorted((_data() / "denoise" / name).glob("*.png"))[::every]
    pictures = {f"{name}/{path.stem}": read_image(path).numpy() for path in files}
    return {key: picture if name == "CBSD68" else picture[0] for key, picture in pictures.items()}


def photos(start: int | None = None, stop: int | None = None) -> list[np.ndarray]:
    """Luminance of photographs of `photos`, in the order of their names."""
    files = sorted((_data() / "photos").glob("*.png"))[start:stop]
    return [luminance(read_image(path).expand(3, -1, -1)).numpy() for path in files]


def held_out() -> list[np.ndarray]:
    """The last photographs of `photos`, which chose what was to be chosen."""
    return photos(-HELD_OUT)


def damaged(clean: np.ndarray, share: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Replace pixels by black and white in all channels at once; what comes of it, and which were replaced (h, w)."""
    generator = np.random.default_rng(seed)
    missing = generator.random(clean.shape[-2:]) < share
    noise = generator.integers(0, 2, clean.shape[-2:])
    return np.where(missing, noise, clean), missing


def middle(picture: np.ndarray, side: int) -> np.ndarray:
    """The square in the middle."""
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + side, left : left + side]


def linear(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """SciPy's linear interpolation between known pixels; outside of their hull the nearest one."""
    return _interpolated(image, missing, "linear")


def cubic(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """The same with SciPy's cubic interpolation."""
    return _interpolated(image, missing, "cubic")


def _interpolated(image: np.ndarray, missing: np.ndarray, method: str) -> np.ndarray:
    planes = image if image.ndim == 3 else image[None]
    places, wanted = np.argwhere(~missing), np.argwhere(missing)
    values = griddata(places, planes[:, ~missing].T, wanted, method=method)
    outside = np.isnan(values).any(1)
    if outside.any():
        values[outside] = griddata(places, planes[:, ~missing].T, wanted[outside], method="nearest")
    filled = planes.astype(float)
    filled[:, missing] = values.clip(0, 1).T
    return filled.reshape(image.shape)


def decibels(image: np.ndarray, clean: np.ndarray) -> float:
    """PSNR over all pixels and channels."""
    return float(-10 * np.log10(np.square(image.astype(float) - clean).mean()))


def likeness(image: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """PSNR and scikit-image's SSIM."""
    ssim = structural_similarity(image.astype(float), clean.astype(float), data_range=1)
    return {"PSNR": round(decibels(image, clean), 2), "SSIM": round(float(ssim), 3)}


def status(line: str) -> float:
    """A size in MB that the kernel knows of this process: VmRSS now, VmHWM at most since `forget_peak`."""
    found = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(line))
    return float(found.split()[1]) / 1e3


def forget_peak() -> float:
    """Let VmHWM begin anew; what is held now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def _data() -> Path:
    return Path(os.environ["UNDULA_DATA"])
