"""What was tried for `restore(method="best")` and lost: python benchmarks/restore_tried.py [WORD …].

Each is a few lines, begins with `smooth`, and takes the best of a few settings on the middles (256 × 256 pixels) of three other
photographs with 90 % missing; then the two scored photographs, once. One thread.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from measuring import record, results
from restore_pictures import PHOTOGRAPHS, damaged, decibels, held_out, likeness, middle, photograph, photos
from torch import Tensor, nn
from torch.nn.functional import fold, mse_loss, pad, unfold

import undula
from undula.jobs.restore.smooth import smooth
from undula.spectra import dct

SHARE, CROP = 0.9, 256
_PATCH = 8


@dataclass(frozen=True)
class Attempt:
    """A way to fill, and the settings of which one is chosen.

    Attributes:
        fill: Called with the damaged image (h, w), True where a pixel is missing, and the smooth filling.
        settings: What to choose from.
    """

    fill: Callable[..., Tensor]
    settings: tuple[dict[str, Any], ...]


def put_back(
    image: Tensor, missing: Tensor, start: Tensor, denoise: Callable[[Tensor, float], Tensor], levels: Iterable[float]
) -> Tensor:
    """Denoise less and less, and put the known pixels back after each round."""
    x = start
    for level in levels:
        x = torch.where(missing, denoise(x, float(level)), image)
    return x


# --- cosine transforms of all patches (Guleryuz 2006)


def sliding_cosines(image: Tensor, missing: Tensor, start: Tensor, *, first: float, last: float, rounds: int) -> Tensor:
    return put_back(image, missing, start, _cosines_above, np.geomspace(first, last, rounds))


def _cosines_above(x: Tensor, threshold: float) -> Tensor:
    """Patches that keep few coefficients count more."""
    basis = dct(torch.eye(_PATCH**2).reshape(-1, _PATCH, _PATCH)).flatten(1).T
    coefficients = basis @ patches(x, stride=2)
    kept = coefficients.abs() > threshold
    kept[0] = True
    weight = 1 / (1 + kept.sum(0))
    return averaged(basis.T @ (coefficients * kept), weight, x.shape, stride=2)


def patches(x: Tensor, *, stride: int) -> Tensor:
    """Patches (64, n) of an image that is mirrored at its borders."""
    around = pad(x[None, None], [_PATCH] * 4, mode="reflect")
    return unfold(around, _PATCH, stride=stride)[0]


def averaged(columns: Tensor, weight: Tensor, shape: torch.Size, *, stride: int) -> Tensor:
    """Put patches back, weighted where they overlap."""
    back = partial(fold, output_size=[side + 2 * _PATCH for side in shape], kernel_size=_PATCH, stride=stride)
    total = back((columns * weight)[None]) / back(weight.expand_as(columns)[None]).clamp(min=1e-9)
    return total[0, 0, _PATCH:-_PATCH, _PATCH:-_PATCH]


# --- wavelets (Donoho and Coifman 1995 for the frame, Elad et al. 2005 for filling with it)


def wavelet_frame(
    image: Tensor,
    missing: Tensor,
    start: Tensor,
    *,
    wavelet: str,
    first: float,
    last: float,
    levels: int = 4,
    rounds: int = 40,
) -> Tensor:
    border = 16 * 2 ** (levels - 4)

    def denoise(x: Tensor, threshold: float) -> Tensor:
        around = pad(x[None, None], [border] * 4, mode="reflect")[0, 0]
        low, *details = undula.wavelets.swt2(around, wavelet, levels, trim_approx=True)
        kept = [tuple(undula.wavelets.threshold(band, threshold, "hard") for band in three) for three in details]
        return undula.wavelets.iswt2([low, *kept], wavelet)[border:-border, border:-border]

    return put_back(image, missing, start, denoise, np.geomspace(first, last, rounds))


def packets(
    image: Tensor,
    missing: Tensor,
    start: Tensor,
    *,
    wavelet: str,
    first: float,
    last: float,
    levels: int = 3,
    rounds: int = 40,
) -> Tensor:
    """Packets of eight shifts, drawn anew in every round."""
    generator, step = torch.Generator().manual_seed(0), 2**levels
    height, width = image.shape

    def denoise(x: Tensor, threshold: float) -> Tensor:
        around = pad(x[None, None], [step] * 4, mode="reflect")[0, 0]
        shifts = torch.randint(0, step, (8, 2), generator=generator).tolist()
        pieces = torch.stack([around[y : y + height + step, z : z + width + step] for y, z in shifts])
        bands = undula.wavelets.wpdec2(pieces, wavelet, "symmetric", levels)
        kept = undula.wavelets.threshold(bands, threshold, "hard")
        kept[:, 0] = bands[:, 0]
        back = undula.wavelets.wprec2(kept, wavelet, "symmetric", shape=pieces.shape[1:])
        seen = [piece[step - y :][:height, step - z :][:, :width] for piece, (y, z) in zip(back, shifts, strict=True)]
        return torch.stack(seen).mean(0)

    return put_back(image, missing, start, denoise, np.geomspace(first, last, rounds))


# --- a mixture of Gaussians for patches (Zoran and Weiss 2011; Yu, Sapiro, Mallat 2012)


def patch_mixture(
    image: Tensor, missing: Tensor, start: Tensor, *, first: float, last: float, rounds: int = 16
) -> Tensor:
    covariances, logs = mixture()

    def denoise(x: Tensor, sigma: float) -> Tensor:
        columns = patches(x, stride=2)
        mean = columns.mean(0)
        columns = columns - mean
        factors = torch.linalg.cholesky(covariances + sigma**2 * torch.eye(_PATCH**2))
        best = torch.stack([_likelihood(columns, each, log) for each, log in zip(factors, logs, strict=True)]).argmax(0)
        for number, (covariance, factor) in enumerate(zip(covariances, factors, strict=True)):
            those = best == number
            columns[:, those] = covariance @ torch.cholesky_solve(columns[:, those], factor)
        return averaged(columns + mean, torch.ones(columns.shape[1]), x.shape, stride=2)

    return put_back(image, missing, start, denoise, np.geomspace(first, last, rounds))


@lru_cache(maxsize=1)
def mixture(components: int = 32, count: int = 50_000, rounds: int = 20) -> tuple[Tensor, Tensor]:
    """Covariances and logarithms of weights, by expectation and maximization on patches of 40 photographs."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.cat([patches(torch.from_numpy(picture), stride=3) for picture in photos(0, 40)], dim=1)
    columns = columns[:, torch.randperm(columns.shape[1], generator=generator)[:count]]
    columns = columns - columns.mean(0)
    chances = torch.rand(components, count, generator=generator) ** 20
    chances /= chances.sum(0)
    for _ in range(rounds):
        weights = chances.sum(1)
        covariances = torch.stack([(columns * each) @ columns.T / each.sum() for each in chances])
        covariances += 1e-5 * torch.eye(_PATCH**2)
        logs = (weights / count).log()
        factors = torch.linalg.cholesky(covariances)
        chances = torch.stack([_likelihood(columns, a, b) for a, b in zip(factors, logs, strict=True)]).softmax(0)
    return covariances, logs


def _likelihood(columns: Tensor, factor: Tensor, log: Tensor) -> Tensor:
    white = torch.linalg.solve_triangular(factor, columns, upper=False)
    return log - factor.diagonal().log().sum() - white.square().sum(0) / 2


# --- groups of alike patches (Dabov et al. 2007)


def collaborative(
    image: Tensor, missing: Tensor, start: Tensor, *, first: float, last: float, rounds: int = 12
) -> Tensor:
    import bm3d

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return torch.from_numpy(bm3d.bm3d(x.double().numpy(), sigma)).float().reshape(x.shape)

    return put_back(image, missing, start, denoise, np.geomspace(first, last, rounds))


# --- second-order total generalized variation (Bredies, Kunisch, Pock 2010), primal-dual


def second_order(image: Tensor, missing: Tensor, start: Tensor, *, ratio: float, rounds: int = 1000) -> Tensor:
    """min |∇u - w| + ratio |E w|, E the symmetrized derivative."""
    u, w = start, torch.zeros(2, *image.shape)
    p, q = torch.zeros_like(w), torch.zeros(3, *image.shape)
    ahead_u, ahead_w, step = u, w, 12**-0.5
    weights = torch.tensor([1.0, 1.0, 2.0])[:, None, None]  # the mixed derivative stands twice in the norm
    for _ in range(rounds):
        p = p + step * (torch.stack([_rise(ahead_u, 0), _rise(ahead_u, 1)]) - ahead_w)
        p = p / p.square().sum(0).sqrt().clamp(min=1)
        mixed = (_rise(ahead_w[0], 1) + _rise(ahead_w[1], 0)) / 2
        q = q + step * torch.stack([_rise(ahead_w[0], 0), _rise(ahead_w[1], 1), mixed])
        q = q / ((weights * q.square()).sum(0).sqrt() / ratio).clamp(min=1)
        next_u = torch.where(missing, u + step * (_fall(p[0], 0) + _fall(p[1], 1)), image)
        next_w = w + step * (p + torch.stack([_fall(q[0], 0) + _fall(q[2], 1), _fall(q[1], 1) + _fall(q[2], 0)]))
        ahead_u, ahead_w, u, w = 2 * next_u - u, 2 * next_w - w, next_u, next_w
    return u


def _rise(x: Tensor, axis: int) -> Tensor:
    return x.diff(dim=axis, append=x.narrow(axis, x.shape[axis] - 1, 1))


def _fall(x: Tensor, axis: int) -> Tensor:
    """The negative adjoint."""
    inner, zero = x.narrow(axis, 0, x.shape[axis] - 1), torch.zeros_like(x.narrow(axis, 0, 1))
    return torch.cat([inner, zero], axis) - torch.cat([zero, inner], axis)


# --- deep image prior (Ulyanov, Vedaldi, Lempitsky 2018)


def image_prior(image: Tensor, missing: Tensor, start: Tensor, *, rate: float, steps: int = 1000) -> Tensor:
    """An untrained hourglass learns the known pixels from noise; the mean of its last outputs."""
    torch.manual_seed(0)
    network = hourglass(16, (16, 32, 64, 128, 128)).to(memory_format=torch.channels_last)
    noise = 0.1 * torch.rand(1, 16, *image.shape)
    optimizer, mean = torch.optim.Adam(network.parameters(), lr=rate), start
    for _ in range(steps):
        out = network(noise + 0.03 * torch.randn_like(noise))[0, 0]
        optimizer.zero_grad()
        mse_loss(out[~missing], image[~missing]).backward()
        optimizer.step()
        mean = 0.98 * mean + 0.02 * out.detach()
    return torch.where(missing, mean, image)


def hourglass(channels: int, widths: Sequence[int]) -> nn.Sequential:
    """Half the size at every width, and back; a U-Net would hand the noise on, and learn the known pixels alone."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [*_convolved(channels, width, stride=2), *_convolved(width, width)]
        channels = width
    for width in (*widths[-2::-1], widths[0]):
        layers += [nn.Upsample(scale_factor=2, mode="bilinear"), nn.BatchNorm2d(channels), *_convolved(channels, width)]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1), nn.Sigmoid())


def _convolved(before: int, after: int, *, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, padding_mode="reflect", bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]


ATTEMPTS = {
    "sliding cosines, 8 × 8": Attempt(
        sliding_cosines,
        tuple({"first": a, "last": b, "rounds": 40} for a in (0.3, 0.6) for b in (0.02, 0.04)),
    ),
    "stationary wavelets": Attempt(
        wavelet_frame, tuple({"wavelet": w, "first": a, "last": 0.02} for w in ("db2", "sym4") for a in (0.1, 0.3))
    ),
    "wavelet packets of all shifts": Attempt(
        packets, tuple({"wavelet": w, "first": a, "last": 0.02} for w in ("db2", "sym4") for a in (0.1, 0.3))
    ),
    "patch mixture of 32 Gaussians": Attempt(
        patch_mixture, tuple({"first": a, "last": b} for a in (0.05, 0.15) for b in (0.005, 0.02))
    ),
    "BM3D (PyPI), known pixels put back": Attempt(
        collaborative, tuple({"first": a, "last": b} for a in (0.1, 0.2) for b in (0.01, 0.03))
    ),
    "second-order total generalized variation": Attempt(second_order, tuple({"ratio": r} for r in (1.0, 2.0, 4.0))),
    "deep image prior, 1,000 steps": Attempt(image_prior, ({"rate": 3e-3}, {"rate": 1e-2})),
}


def tried(*words: str) -> None:
    """Choose the settings of each attempt and score it; words pick attempts whose names hold one of them."""
    torch.set_num_threads(1)
    known: dict[str, Any] = {}
    for name, attempt in ATTEMPTS.items():
        if words and not any(word in name for word in words):
            continue
        try:
            known[name] = _scored(attempt)
        except ImportError as error:
            print(f"{name}: left out, {error}", flush=True)
            continue
        print(name, known[name], flush=True)
    known["smooth, where they begin"] = _scored(Attempt(lambda image, missing, start: start, ({},)))
    if words:
        known = results("restore").get("tried", {}) | known
    record("restore", "tried", known)


def _scored(attempt: Attempt) -> dict[str, Any]:
    setting = max(attempt.settings, key=lambda setting: _mean_decibels(partial(attempt.fill, **setting)))
    row: dict[str, Any] = {"setting": setting}
    for name in PHOTOGRAPHS:
        clean = photograph(name)
        began = time.process_time()
        filled = _filled(partial(attempt.fill, **setting), clean)
        row[name] = likeness(filled, clean) | {"seconds of CPU": round(time.process_time() - began, 1)}
    return row


def _mean_decibels(fill: Callable[..., Tensor]) -> float:
    return float(np.mean([decibels(_filled(fill, clean), clean) for clean in map(_crop, held_out()[:3])]))


def _crop(picture: np.ndarray) -> np.ndarray:
    return middle(picture, CROP)


def _filled(fill: Callable[..., Tensor], clean: np.ndarray) -> np.ndarray:
    image, missing = (torch.from_numpy(each) for each in damaged(clean, SHARE))
    start = smooth(image.float()[None], missing[None])[0]
    return fill(image.float(), missing, start).clamp(0, 1).numpy()


if __name__ == "__main__":
    tried(*sys.argv[1:])
