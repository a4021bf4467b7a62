"""Soft copies: SciPy's cosine transform sees only gains between 0 and 1 that fall with frequency."""

import numpy as np
import pytest
import scipy.fft
import torch
from makers import drawn
from PIL import Image

from undula.errors import OptionError
from undula.jobs.detect import Detector, softened
from undula.jobs.detect.degradations import blurred_by


def images(count, side, seed=0, blur=1.0):
    return torch.from_numpy(drawn(count, side, seed, blur)).permute(0, 3, 1, 2).float() / 255


def test_gains_fall_with_frequency():
    x = images(3, 24)
    found = softened(x, generator=torch.Generator().manual_seed(0))
    before, after = (scipy.fft.dctn(one[:, 0].numpy(), axes=(1, 2), norm="ortho") for one in (x, found))
    gray = [np.abs(some)[:, :4, :4].sum() for some in (before, after)]
    high = [np.abs(some)[:, 12:, 12:].sum() for some in (before, after)]
    assert 0.9 < gray[1] / gray[0] < 1.02 and high[1] / high[0] < 0.9
    assert float((found * 255 - (found * 255).round()).abs().max()) < 1e-4


def test_copies_are_those_of_the_seed_and_differ():
    x = images(1, 16).expand(4, -1, -1, -1)
    first, again = (softened(x, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and not torch.equal(first[0], first[1])


def test_jpeg_comes_last():
    x = images(2, 16)
    plain, jpeg = (softened(x, generator=torch.Generator().manual_seed(0), quality=q) for q in (None, 75))
    assert 0 < float((plain - jpeg).abs().mean()) < 0.1


def test_a_detector_of_sharp_pictures_takes_soft_ones_for_real_unless_it_saw_soft_copies():
    """Unseen are Gaussian blurs, learned are sharper pictures: with soft copies beside them both sides are told."""
    real, sharp, unseen = images(120, 32, 0), images(120, 32, 1, 0.7), images(60, 32, 2)
    soft = torch.stack([blurred_by((one * 255).to(torch.uint8), 0.9) for one in unseen]).float() / 255
    alone = Detector(features="radial", model="mlp", guard="off", robust=False).fit(real, sharp)
    copies = softened(images(120, 32, 4), generator=torch.Generator().manual_seed(0))
    both = Detector(features="radial", model="mlp", guard="off", robust=False).fit(
        real, {"sharp": sharp, "soft": copies}
    )
    missed, found = (float((one.predict_proba(soft)[:, 0] < 0.5).double().mean()) for one in (alone, both))
    assert missed < 0.2 and found > 0.7


def test_the_detector_makes_its_own_soft_copies(tmp_path):
    """As above, from JPEG files, every second of which is learned as a soft copy."""
    unseen = torch.stack([blurred_by((one * 255).to(torch.uint8), 0.9) for one in images(60, 32, 2)]).float() / 255
    for name, some in (("real", images(240, 32, 0)), ("sharp", images(120, 32, 1, 0.7)), ("unseen", unseen)):
        folder = tmp_path / name
        folder.mkdir()
        for place, one in enumerate((some * 255).round().to(torch.uint8)):
            Image.fromarray(one.permute(1, 2, 0).numpy()).save(folder / f"{place:03d}.jpg", quality=90)
    options = {"features": "radial", "model": "mlp", "robust": False}
    detector = Detector(**options, softened=True).fit(tmp_path / "real", tmp_path / "sharp")
    assert detector.classes_ == ("real", "generated", "softened")
    assert detector.facts["card"]["pictures"] == {"real": 120, "generated": 120, "softened": 120}
    rows = list(detector.judge(tmp_path / "unseen"))
    assert sum(row.p_generated > 0.5 for row in rows) > 0.7 * len(rows)
    assert Detector.load(detector.save(tmp_path / "model")).softened


def test_both_copies_share_the_real_pictures():
    real, sharp = images(90, 32, 0), images(40, 32, 1, 0.7)
    detector = Detector(guard="off", robust=False, softened=True, sharpened=True).fit(real, sharp)
    assert detector.facts["card"]["pictures"] == {"real": 30, "generated": 40, "softened": 30, "sharpened": 30}
    with pytest.raises(OptionError, match=r"called 'softened', expected another name"):
        Detector(softened=True).fit(real, {"softened": sharp})
