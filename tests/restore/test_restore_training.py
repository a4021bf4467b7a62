"""What the network learns from: examples by number, what is missing in them, the objective, the judge."""

import pytest
import torch

from undula.data.crops import Crops
from undula.jobs.restore.examples import Examples, Validation, filling, finishing, scattered, strokes
from undula.jobs.restore.smooth import smooth
from undula.nets.filler import Filler


@pytest.fixture
def pictures(generator):
    """Smooth pictures in color."""
    coarse = torch.rand(4, 3, 5, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(48, 56), mode="bicubic").clamp(0, 1)


@pytest.fixture
def batch(pictures):
    return Examples(Crops(list(pictures), size=32))(torch.arange(300))


def test_a_number_has_its_example(pictures, batch):
    examples = Examples(Crops(list(pictures), size=32))
    some = examples(torch.tensor([250, 7]))
    for name, value in some.items():
        for place, number in enumerate((250, 7)):
            exact = name != "filled"  # conjugate gradients round by batch
            assert torch.allclose(value[place], batch[name][number], atol=0 if exact else 1e-3), name
    others = Examples(Crops(list(pictures), size=32, seed=1))(torch.tensor([7]))
    assert not torch.equal(others["missing"][0], batch["missing"][7])
    assert not torch.equal(batch["missing"][6], batch["missing"][7])


def test_what_an_example_holds(batch):
    clean, filled, missing, sigma = (batch[name] for name in ("clean", "filled", "missing", "sigma"))
    assert clean.shape == filled.shape == missing.shape == (300, 1, 32, 32) and sigma.shape == (300,)
    assert clean.min() >= 0 and clean.max() <= 1
    quiet = sigma == 0
    assert 0.75 < quiet.float().mean() < 0.9  # five of six
    assert sigma.max() <= 30 / 255
    error = torch.where(missing, 0, filled - clean)
    assert (error[quiet] == 0).all()
    known = (~missing).flatten(1).sum(1)
    measured = (error.flatten(1).square().sum(1) / known.clamp(min=1)).sqrt()
    enough = ~quiet & (known > 200)
    assert torch.allclose(measured[enough], sigma[enough], rtol=0.25)


def test_smooth_filling_is_what_is_to_be_corrected(batch):
    quiet = batch["sigma"] == 0
    clean, missing = batch["clean"][quiet, 0], batch["missing"][quiet, 0]
    assert torch.allclose(smooth(clean, missing, steps=8, half_steps=0), batch["filled"][quiet, 0], atol=1e-3)


def test_scattered_pixels_are_those_of_their_share():
    share = torch.linspace(0, 1, 9)
    missing = scattered(torch.arange(9), share, size=128).float().mean((1, 2))
    expected = 1 - 0.55 * (0.008 / 0.55) ** share
    assert torch.allclose(missing, expected, atol=4 * 0.5 / 128)  # four deviations of a mean of 128² coins
    assert missing[0] == pytest.approx(0.45, abs=0.02) and missing[-1] == pytest.approx(0.992, abs=0.005)


def test_strokes_cover_something_and_lie_in_one_piece_where_there_is_one(generator):
    drawn = torch.rand(200, 72, generator=generator)
    missing = strokes(drawn, size=64)
    covered = missing.float().mean((1, 2))
    assert covered.max() < 0.9 and (covered > 0).float().mean() > 0.9 and 0.05 < covered.median() < 0.6
    # one horizontal block in the middle: x, y, angle, long, thick, there; the others are not shown
    single = torch.full((1, 12, 6), 0.99)
    single[0, 0] = torch.tensor([0.5, 0.5, 0.0, 0.5, 0.5, 0.2])
    block = strokes(single.reshape(1, 72), size=64)[0]
    half = 4 + 0.12 * 64 * 0.5
    rows, columns = torch.nonzero(block.any(1)).flatten(), torch.nonzero(block.any(0)).flatten()
    assert block.sum() == len(rows) * len(columns) and len(rows) == len(columns) == round(2 * half)
    assert rows[0] + rows[-1] == 63


def test_the_objective_is_zero_for_the_smooth_filling_and_teaches_both_planes(batch):
    part = {name: value[:8] for name, value in batch.items()}
    torch.manual_seed(0)
    network = Filler(widths=(4, 6), blocks=(1, 1))
    _, told = filling(network, part)
    assert float(told["gained"].detach()) == pytest.approx(0, abs=1e-6)  # a new network corrects nothing
    loss, _ = filling(network, part)
    loss.backward()
    tail = network.unet.tail.weight.grad
    assert (tail[:4].abs().sum() > 0) and (tail[4:].abs().sum() > 0)  # correction and width, four places each


class Off(torch.nn.Module):
    """Off by a given part of the smooth filling's error, item by item."""

    def __init__(self, clean, part):
        super().__init__()
        self.clean, self.part = clean, part

    def forward(self, filled, missing, sigma):
        return torch.lerp(self.clean, filled, self.part[:, None, None, None]), torch.ones_like(filled)


def test_at_the_end_of_training_hard_items_count_more(batch):
    clean, before = batch["clean"], (batch["filled"] - batch["clean"]).square().mean((1, 2, 3))
    hardest = torch.arange(len(clean)) == before.argmax()
    parts = [torch.where(better, 0.9, 1.0) for better in (hardest, torch.arange(len(clean)) == before.argmin())]
    even, uneven = ([float(of(Off(clean, part), batch)[0]) for part in parts] for of in (filling, finishing))
    assert even[0] == pytest.approx(even[1], abs=0.02)
    assert uneven[0] < uneven[1]
    kept = float(finishing(Off(clean, parts[0]), batch)[1]["kept"])
    root = before.sqrt()
    assert kept == pytest.approx(float((parts[0] ** 2 * root).sum() / root.sum()), abs=1e-3)


def test_the_quantile_loss_is_least_where_nine_of_ten_errors_lie_within(generator):
    error = torch.randn(1, 1, 200, 200, generator=generator)

    class Told(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.width = width

        def forward(self, filled, missing, sigma):
            return filled, torch.full_like(filled, self.width)

    clean = torch.zeros_like(error)
    given = {"filled": error, "clean": clean, "missing": error > 0, "sigma": torch.zeros(1)}
    losses = {width: float(filling(Told(width), given)[1]["intervals"]) for width in (1.3, 1.5, 1.645, 1.8, 2.0)}
    assert min(losses, key=losses.get) == 1.645  # of normal errors


def test_the_judge_is_the_same_every_time(pictures):
    judge = Validation.of([picture.mean(0, keepdim=True) for picture in pictures], shares=(0.5, 0.9), size=32)
    assert {share: float(gone.float().mean()) for share, gone in judge.missing.items()} == pytest.approx(
        {0.5: 0.5, 0.9: 0.9}, abs=0.03
    )
    value, parts = judge(Filler(widths=(4, 6), blocks=(1, 1)))
    assert value == pytest.approx(0) and parts == pytest.approx({"gain at 50 %": 0, "gain at 90 %": 0})
