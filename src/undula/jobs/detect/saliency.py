"""What a detector attends to, on the plane of wavelet packets: the gradient of its score with respect to every coefficient."""

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.features import by_frequency, packet_levels, read_features
from undula.jobs.detect.features.packets import GREY_LEVELS
from undula.jobs.detect.judging import log_odds


def packet_saliency(
    detector: Detector, images: Float[Tensor, "n 3 h w"], *, level: int = 3, wavelet: str = "haar"
) -> Float[Tensor, "n packets rows columns"]:
    """Absolute gradient of the log-odds with respect to the packets of pictures, the mean over colors.

    The packets p = W x of an orthonormal wavelet with periodic boundaries are a rotation of the pixels, so that the gradient
    with respect to them is W ∂s/∂x: it needs no inverse transform, and it is exact for any features of the detector.

    Args:
        detector: A trained one.
        images: Pictures in [0, 1], both sides multiples of 2^level.
        level: Level of the packets.
        wavelet: An orthonormal wavelet.

    Returns:
        Change of the log-odds per grey level of a coefficient, packets by frequency.

    Raises:
        OptionError: Nothing was fitted yet.

    Reference: Simonyan, Vedaldi, Zisserman, Deep inside convolutional networks, 2013.
    """
    if not detector.members:
        raise OptionError("got a detector that has learned nothing, expected a trained one: fit it, or load one")
    features = read_features(detector.facts["features"])
    with torch.inference_mode(False), torch.enable_grad():
        inputs = images.detach().clone().requires_grad_()
        rows = features(inputs)
        logits = torch.stack([member(rows) for member in detector.members]).mean(dim=0) / detector.facts["temperature"]
        (gradient,) = torch.autograd.grad(log_odds(logits).sum(), inputs)
    *_, packets = packet_levels(gradient, levels=level, wavelet=wavelet, mode="periodization")
    return packets[:, :, by_frequency(level)].abs().mean(dim=1) / GREY_LEVELS**2


def diagonal_shares(saliency: Float[Tensor, "packets rows columns"]) -> Float[Tensor, " diagonals"]:
    """Share of the saliency on every diagonal of the packet plane, from low to high frequencies of both axes.

    Args:
        saliency: Of packets by frequency.

    Returns:
        Shares that sum to one; the diagonal in the middle has the most packets.
    """
    side = round(len(saliency) ** 0.5)
    heights = saliency.sum(dim=(-2, -1)).reshape(side, side).flip(1)
    sums = torch.stack([heights.diagonal(side - 1 - step).sum() for step in range(2 * side - 1)])
    return sums / sums.sum()
