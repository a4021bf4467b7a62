"""A piece of one picture, as it comes out of the networks of a comparison and of the dial."""

from collections.abc import Sequence

import torch
from torch import Tensor

from undula.jobs.denoise.comparison.compare import Comparison, calibrated
from undula.jobs.denoise.comparison.contest import Contest
from undula.jobs.denoise.comparison.contestants import CONTROL, Contestant
from undula.jobs.denoise.comparison.examination import Examination
from undula.jobs.denoise.comparison.standings import Standing
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.sharpness.rings import sharpened
from undula.metrics import psnr

_SIDE, _STEP = 128, 32


def sharpest(comparison: Comparison, count: int) -> list[Standing]:
    """Losses with more high-frequency energy than the control, where the dial reaches it too, from the most on.

    Args:
        comparison: What came out.
        count: How many at most.
    """
    sharper = [one for one in comparison.standings if one.sharpness is not None]
    return sorted(sharper, key=lambda one: -one.mean.energy)[:count]


def specimen(
    contest: Contest, exam: Examination, place: int, *, losses: Sequence[Contestant], sharpness: Sequence[float]
) -> list[tuple[str, Tensor]]:
    """One picture, clean, noisy, and denoised in several ways, by networks of the first seed.

    Args:
        contest: Where the networks were trained.
        exam: Where the picture is.
        place: Which picture.
        losses: Losses besides the control.
        sharpness: Settings of the dial on the control's network.

    Returns:
        Name, with the PSNR of the whole picture, and picture, clipped: the clean one, the noisy one, that of the control,
        those of the losses, those of the settings.
    """
    clean, noisy = exam.clean[place], exam.noisy[place]

    def denoised(network: torch.nn.Module) -> Tensor:
        image = noisy.to(exam.device)[None]
        output: Tensor = Denoiser(network).transform(image, sigma=exam.sigma)[0].cpu()
        return output

    control = contest.network(Contestant.of(CONTROL), 0)
    plain, gain = denoised(control), calibrated(control, contest).gain(exam.sigma)
    made = [("noisy", noisy), (CONTROL, plain)]
    made += [(one.name, denoised(contest.network(one, 0))) for one in losses]
    made += [(f"dial {round(a, 2):g}", sharpened(plain, gain.to(plain) - 1, sharpness=a)) for a in sharpness]
    clipped = [(name, one.clamp(0, 1)) for name, one in made]
    told = [(f"{name}, {float(psnr(one, clean, dims=3)):.2f} dB", one) for name, one in clipped]
    return [("clean", clean), *told]


def typical_window(pictures: Sequence[Tensor], side: int = _SIDE) -> tuple[int, tuple[slice, slice]]:
    """A window to show: in every picture the one with most fine detail, and of these the one with the median of it.

    Args:
        pictures: Pictures (c, h, w).
        side: Side of the window; smaller where a picture is.

    Returns:
        Place of the picture, and its rows and columns.

    Example:
        >>> flat, fine = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
        >>> fine[:, 32::2, 32::2] = 1
        >>> typical_window([flat, fine, flat + fine], side=32)
        (1, (slice(32, 64, None), slice(32, 64, None)))
    """
    found = [_most_detailed(one, side) for one in pictures]
    order = sorted(range(len(found)), key=lambda place: found[place][0])
    place = order[len(order) // 2]
    return place, found[place][1]


def windows(pictures: Sequence[tuple[str, Tensor]], where: tuple[slice, slice]) -> list[tuple[str, Tensor]]:
    """That part of all pictures.

    Args:
        pictures: Names and pictures (c, h, w).
        where: Rows and columns.
    """
    return [(name, one[:, where[0], where[1]]) for name, one in pictures]


def _most_detailed(picture: Tensor, side: int) -> tuple[float, tuple[slice, slice]]:
    grey = picture.mean(0)
    height, width = (min(side, one) for one in grey.shape)
    detail = torch.zeros_like(grey)
    detail[1:, 1:] = (grey[1:, 1:] - grey[:-1, 1:] - grey[1:, :-1] + grey[:-1, :-1]).square()
    pieces = detail.unfold(0, height, _STEP).unfold(1, width, _STEP).mean(dim=(-2, -1))
    row, column = divmod(int(pieces.argmax()), pieces.shape[1])
    top, left = row * _STEP, column * _STEP
    return float(pieces.max()), (slice(top, top + height), slice(left, left + width))
