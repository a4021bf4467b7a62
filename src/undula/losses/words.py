"""Mixes of losses as text, for commands and configuration files: 0.8*mse+0.2*fourier."""

import re
from collections.abc import Callable
from difflib import get_close_matches

from undula.errors import OptionError
from undula.losses.bands import BandEnergyLoss
from undula.losses.details import WaveletLoss
from undula.losses.fourier import FocalFrequencyLoss, FourierLoss
from undula.losses.magnitudes import FourierMagnitudeLoss
from undula.losses.pairs import ItemLoss, Reduction
from undula.losses.pixels import Charbonnier, MeanAbsoluteError, MeanSquaredError
from undula.losses.regional import RegionalSharpnessLoss
from undula.losses.weighted import Weighted

LOSS_SCALES: dict[str, float] = {
    "mse": 1.0,
    "l1": 0.05,
    "charbonnier": 0.05,
    "fourier": 0.224,
    "fourier-weighted": 0.224,
    "fourier-complex": 0.224,
    "focal": 3.0,
    "wavelet": 0.05,
    "wavelet-energy": 0.05,
    "bands": 0.002,
    "regional": 0.001,
}
"""What each word of `loss_from_text` is multiplied by. Not fitted: the 0.224 of the Fourier losses is the division by 1000
of unnormalized transforms at 224 × 224 with which they were published, and 0.001 that of the regional one; the others
are those with which the losses were compared at equal weights."""

_MAKERS: dict[str, Callable[..., ItemLoss]] = {
    "mse": MeanSquaredError,
    "l1": MeanAbsoluteError,
    "charbonnier": Charbonnier,
    "fourier": FourierMagnitudeLoss,
    "fourier-weighted": lambda **options: FourierMagnitudeLoss(high_frequency_weight=2.0, **options),
    "fourier-complex": FourierLoss,
    "focal": FocalFrequencyLoss,
    "wavelet": WaveletLoss,
    "wavelet-energy": lambda **options: WaveletLoss(distance="energy", **options),
    "bands": BandEnergyLoss,
    "regional": RegionalSharpnessLoss,
}
_TERM = re.compile(r"(?:(?P<weight>[^*]+)\*)?(?P<word>[^*]+)")


def loss_from_text(text: str, *, dims: int = 2, reduction: Reduction = "mean") -> Weighted:
    """The mix that a text names: terms `weight*word` or `word`, joined by "+".

    Words, with the losses that they stand for and the scale that brings them near the size of the squared error:

    - `mse`: `MeanSquaredError`; `l1`: 0.05 `MeanAbsoluteError`; `charbonnier`: 0.05 `Charbonnier` (the scale of l1)
    - `fourier`: 0.224 `FourierMagnitudeLoss`; `fourier-weighted`: the same with `high_frequency_weight=2.0`
    - `fourier-complex`: 0.224 `FourierLoss`; `focal`: 3 `FocalFrequencyLoss`
    - `wavelet`: 0.05 `WaveletLoss`; `wavelet-energy`: the same with `distance="energy"`
    - `bands`: 0.002 `BandEnergyLoss`; `regional`: 0.001 `RegionalSharpnessLoss`, windows of 8, step 4

    The classes themselves have no scale. `weights` of the mix are weight times scale, `parts` the values of the classes.

    Args:
        text: For instance "0.8*mse+0.2*fourier".
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Returns:
        The mix.

    Raises:
        OptionError: A word that is none of these (the nearest ones are told) or stands twice, or a weight that is no
            number from 0 on.

    Example:
        >>> loss_from_text("0.75*mse + 0.25*focal").weights
        {'mse': 0.75, 'focal': 0.75}
    """
    terms = {}
    # The sign of an exponent, as in 1e+3, joins nothing.
    for piece in re.split(r"(?<![0-9.][eE])\+", re.sub(r"\s", "", text)):
        weight, word = _read_term(piece, text)
        if word in terms:
            raise OptionError(f"got {word!r} twice in {text!r}, expected every word once: add the weights")
        terms[word] = (weight * LOSS_SCALES[word], _MAKERS[word](dims=dims, reduction=reduction))
    return Weighted(terms, reduction=reduction)


def _read_term(piece: str, text: str) -> tuple[float, str]:
    match = _TERM.fullmatch(piece)
    if match is None:
        raise OptionError(f"got {piece!r} in {text!r}, expected terms such as 0.8*mse joined by +")
    word = match["word"]
    if word not in LOSS_SCALES:
        near = get_close_matches(word, LOSS_SCALES, n=3, cutoff=0.4)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise OptionError(f"got the loss {word!r} in {text!r}, expected one of {', '.join(LOSS_SCALES)}{hint}")
    try:
        weight = float(match["weight"] or 1)
    except ValueError:
        raise OptionError(f"got the weight {match['weight']!r} in {text!r}, expected a number, as in 0.8*mse") from None
    return weight, word
