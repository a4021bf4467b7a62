"""A convolutional network as a detector: crops of any size, robust training."""

import pytest
import torch
from makers import drawn

from undula.errors import DataError, OptionError
from undula.jobs.detect import Detector
from undula.jobs.detect.degradations import as_bytes, copies_to_learn
from undula.jobs.detect.features import Pieces, read_features, side_for
from undula.jobs.detect.saliency import packet_saliency


def tensors(count, seed, blur, side=32):
    return torch.from_numpy(drawn(count, side, seed=seed, blur=blur)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def convolved():
    real, made = tensors(24, 0, 0.6, 40), tensors(24, 1, 1.0, 40)
    return Detector(model="cnn", level=2, epochs=1, rate=0.05, guard="off").fit(real, made)


def test_a_network_tells_makers_apart(convolved, tmp_path):
    real, made = tensors(20, 2, 0.6), tensors(20, 3, 1.0, 70)
    assert convolved.evaluate(real, made).accuracy > 0.85
    assert convolved.facts["features"] == {"side": 32, "most": 16, "mirrored": True}
    again = Detector.load(convolved.save(tmp_path / "model"))
    assert torch.equal(again.predict_proba(made), convolved.predict_proba(made))
    assert "no side below 32" in next(iter(convolved.judge(torch.rand(1, 3, 16, 50)))).note
    mirrored = convolved.predict_proba(real.flip(-1))
    torch.testing.assert_close(mirrored, convolved.predict_proba(real), atol=1e-4, rtol=1e-3)
    assert packet_saliency(convolved, real[:2], level=2).shape == (2, 16, 8, 8)


def test_squares_cover_a_picture():
    """Every pixel of a picture of up to 16 squares is seen, and logits need not know how many there are."""
    places = torch.arange(50 * 90).reshape(1, 1, 50, 90).expand(1, 3, 50, 90).float()
    seen = Pieces(side=32)(places)
    assert seen.shape == (1, 6, 3, 32, 32) and len(seen.unique()) == 50 * 90
    assert Pieces(side=16)(torch.zeros(1, 3, 400, 900)).shape[1] <= 16
    assert Pieces(side=16, mirrored=True)(torch.zeros(2, 3, 16, 16)).shape == (2, 2, 3, 16, 16)
    assert read_features(Pieces(side=48).facts()) == Pieces(side=48)


def test_sides_of_squares():
    assert side_for([(40, 90)] * 30 + [(8, 8)]) == 32
    with pytest.raises(DataError, match="at least 16"):
        side_for([(15, 90)])
    with pytest.raises(OptionError, match="multiple of 16"):
        Pieces(side=20)
    with pytest.raises(OptionError, match="'packets' or 'pixels'"):
        Detector(model="cnn", features="dct").fit(torch.rand(9, 3, 16, 16), torch.rand(9, 3, 16, 16))


def test_two_copies_of_every_picture_are_learned():
    images, numbers = as_bytes(tensors(9, 0, 0.6)), torch.arange(9)
    found = list(copies_to_learn(images, numbers, seed=0))
    for copy in (0, 1):
        places = torch.cat([one for which, one, _ in found if which == copy])
        assert sorted(places.tolist()) == numbers.tolist()
    assert {tuple(made.shape[1:]) for _, _, made in found} == {(3, 32, 32), (3, 25, 23), (3, 16, 16)}
