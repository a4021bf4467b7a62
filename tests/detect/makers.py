"""Pictures that are drawn: noise through two blurs stands for two makers."""

from io import BytesIO

import numpy as np
import scipy.ndimage
from PIL import Image


def drawn(count, side, seed, blur=1.0):
    """Textures (n, side, side, 3) in bytes."""
    chance = np.random.default_rng(seed)
    noise = scipy.ndimage.gaussian_filter(chance.normal(size=(count, side, side, 3)), (0, blur, blur, 0))
    noise /= noise.std(axis=(1, 2, 3), keepdims=True)
    return np.clip(128 + 40 * noise, 0, 255).astype(np.uint8)


def jpeg(pixels, quality):
    """Pixels after JPEG."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))
