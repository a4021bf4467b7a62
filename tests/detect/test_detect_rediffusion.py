"""Pictures noised and brought back: where the noise is known exactly, they come back exactly."""

import pytest
import torch
from makers import drawn

from undula.errors import DataError
from undula.jobs.detect import Detector, rediffused, rediffusion, train_denoiser
from undula.jobs.detect.reading import Source


def images(count, side, seed=0, blur=1.0):
    return torch.from_numpy(drawn(count, side, seed, blur)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(rediffusion, "_STEPS", 100)
    monkeypatch.setattr(rediffusion, "_WIDTH", 12)
    monkeypatch.setattr(rediffusion, "_BATCH", 16)


def test_who_knows_the_noise_brings_the_picture_back(generator):
    flat = torch.full((3, 3, 20, 24), 100 / 255)
    found = rediffused(flat, denoiser=lambda x, deviation: (x - 100 / 255) / deviation, generator=generator)
    assert torch.allclose(found, flat, atol=1e-6)


def test_who_names_no_noise_leaves_all_of_it():
    """Four steps that take nothing away: only what leaves [0, 1] on the way is lost."""
    grey = torch.full((200, 3, 16, 16), 0.5)
    found = rediffused(
        grey, denoiser=lambda x, deviation: torch.zeros_like(x), generator=torch.Generator().manual_seed(0)
    )
    deviation = (found - 0.5).flatten(1).std(dim=1)
    assert 0.02 < deviation.min() < 0.06 and 0.24 < deviation.max() < 0.29
    assert (found.flatten(1) - 0.5).mean(dim=1).abs().max() < 0.05


def test_copies_are_those_of_the_seed_cut_and_compressed_last(hurried):
    denoiser = rediffusion.Denoiser(8)
    wide = images(1, 304)[:, :, :24]
    one, again, jpeg = (
        rediffused(wide, denoiser=denoiser, generator=torch.Generator().manual_seed(2), quality=quality)
        for quality in (None, None, 60)
    )
    assert one.shape == (1, 3, 24, 256) and torch.equal(one, again)
    assert 0 < float((one - jpeg).abs().mean()) < 0.2
    assert float((one * 255 - (one * 255).round()).abs().max()) < 1e-4


def test_the_denoiser_learns_and_is_that_of_the_seed(hurried):
    pictures = images(60, 40)
    said = []
    first, again = (train_denoiser(pictures, seed=5, callback=said.append) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert said[-1] <= 100 and said == sorted(said[: len(said) // 2]) * 2
    unseen, generator = images(20, 40, 7), torch.Generator().manual_seed(0)
    for size, missed in ((0.05, 0.9), (0.2, 0.6)):  # who names none misses 1
        noise = torch.randn(unseen.shape, generator=generator)
        named = first(unseen + size * noise, torch.full((20, 1, 1, 1), size))
        assert float((named - noise).square().mean()) < missed


def test_small_pictures_are_learned_and_none_is_an_error(hurried, tmp_path):
    train_denoiser(images(8, 20))
    with pytest.raises(DataError, match=r"no picture of 1 that can be read"):
        train_denoiser([Source(str(tmp_path / "none.png"))])


def test_a_detector_makes_them_of_a_part_of_the_real_pictures(hurried, tmp_path):
    told = set()
    detector = Detector(features="spectra", guard="off", robust=False, softened=True, rediffused=True, level=2).fit(
        images(90, 32), images(40, 32, 1, 0.7), callback=lambda what, _: told.add(what)
    )
    assert detector.facts["card"]["pictures"] == {"real": 30, "generated": 40, "softened": 30, "rediffused": 30}
    assert {"rediffusion", "rediffused", "learning"} <= told and len(detector.members) == 6
    again = Detector.load(detector.save(tmp_path / "model"))
    assert again.rediffused and again.predict(images(4, 32, 3)) == detector.predict(images(4, 32, 3))
