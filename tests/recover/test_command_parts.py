"""The parts behind `undula recover`, each against an oracle."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from undula.errors import OptionError
from undula.jobs.recover.command.film import Film, window
from undula.jobs.recover.command.inputs import find_entries
from undula.jobs.recover.command.patterns import read_pattern
from undula.jobs.recover.command.settings import (
    default_settings,
    in_words_of_the_command,
    read_mask_file,
    read_noise_option,
    read_support_option,
)
from undula.jobs.recover.command.solving import resolution
from undula.jobs.recover.found import Found, Progress
from undula.session import Options, Session

_SESSION = Session(Options(quiet=True))


def _settings(**changes: object):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(default_settings(0), **changes)


def _pattern(values: np.ndarray, folder: Path, **changes: object):  # type: ignore[no-untyped-def]
    np.save(folder / "pattern.npy", values)
    settings = _settings(given="intensities", dims=values.ndim, **changes)
    entries, dims = find_entries([str(folder / "pattern.npy")], settings, _SESSION)
    return read_pattern(entries[0], settings, dims, _SESSION)


@pytest.mark.parametrize("side", [6, 7, 24])
@pytest.mark.parametrize("shape", [(11, 12), (9, 10, 11)])
def test_crop_is_numpys_around_the_brightest(side: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(shape)
    peak = tuple(length - 3 for length in shape)
    values[peak] = 5.0
    pattern = _pattern(values, tmp_path, crop=side, centered=True)
    wide = np.pad(values, side)  # oracle: zeros all around, then NumPy's slices
    expected = wide[tuple(slice(p + side - side // 2, p + side - side // 2 + side) for p in peak)]
    np.testing.assert_array_equal(pattern.values.numpy(), expected)
    assert pattern.centered and pattern.values.numpy()[(side // 2,) * len(shape)] == 5.0


def test_crop_of_a_pattern_with_its_zero_in_the_corner(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((8, 10))
    values[0, 0] = 5.0
    pattern = _pattern(values, tmp_path, crop=4)
    np.testing.assert_array_equal(pattern.values.numpy(), np.fft.fftshift(values)[2:6, 3:7])


@pytest.mark.parametrize("shape", [(40, 40), (41, 38)])
@pytest.mark.parametrize("centered", [False, True])
def test_held_out_pairs_of_a_real_object(shape: tuple[int, int], centered: bool, tmp_path: Path) -> None:
    pattern = _pattern(np.ones(shape), tmp_path, hold_out=0.2, centered=centered)
    held = pattern.held.numpy()
    plain = np.fft.ifftshift(held) if centered else held
    mirrored = plain[np.ix_(-np.arange(shape[0]) % shape[0], -np.arange(shape[1]) % shape[1])]  # k → -k
    np.testing.assert_array_equal(plain, mirrored)
    assert abs(held.mean() - 0.2) < 4 * math.sqrt(0.2 * 0.8 / (held.size / 2))
    np.testing.assert_array_equal(pattern.measured.numpy(), ~held)


def test_seeds_and_held_out_voxels_depend_on_the_name_only(tmp_path: Path) -> None:
    one = _pattern(np.ones((6, 6)), tmp_path, hold_out=0.3)
    other = _pattern(np.ones((6, 6)), tmp_path, hold_out=0.3)
    assert one.seed == other.seed and torch.equal(one.held, other.held)


def test_resolution_of_an_exponential() -> None:
    # exp(-r / 10) is 1/e at ring 10: a period of 64 / 10 pixels.
    assert resolution([math.exp(-r / 10) for r in range(33)], side=64) == pytest.approx(6.4, rel=1e-3)
    assert resolution([1.0] * 33, side=64) is None
    assert resolution([1.0, 1.0, math.nan, 0.0], side=8) == pytest.approx(8 / (1 + 2 * (1 - math.exp(-1))))


@pytest.mark.parametrize(
    ("text", "support"),
    [(None, None), ("none", None), ("20", 20), ("20x24", (20, 24)), ("4×5×6", (4, 5, 6)), ("Shrinkwrap", "shrinkwrap")],
)
def test_support_as_typed(text: str | None, support: object) -> None:
    assert read_support_option(text) == support


def test_mask_files(tmp_path: Path) -> None:
    from undula.data import write_image

    mask = np.random.default_rng(0).random((5, 6)) > 0.5
    np.save(tmp_path / "mask.npy", mask)
    write_image(tmp_path / "mask.png", mask.astype(np.float32))
    for name in ("mask.npy", "mask.png"):
        np.testing.assert_array_equal(read_mask_file(tmp_path / name).numpy(), mask)


def test_noise_as_typed() -> None:
    assert read_noise_option("gaussian:0.5").deviation == 0.5  # type: ignore[union-attr]
    assert read_noise_option("poisson").counts is None  # type: ignore[union-attr]
    assert read_noise_option("POISSON:1e5").counts == 1e5  # type: ignore[union-attr]
    for text in ("gaussian", "gaussian:", "poisson:", "salt"):
        with pytest.raises(OptionError, match=r"--noise gaussian:0\.05"):
            read_noise_option(text)


@pytest.mark.parametrize(
    ("library", "command"),
    [
        ("got runs=0, expected at least 1", "got --runs 0, expected at least 1"),
        ("(max_transforms=…)", "(--max-transforms …)"),
        ("(measured=…)", "(--measured FILE)"),
        ("bounds=(0.0, None)", "--bounds 0.0 none"),
        ("say intensities=True", "say --given intensities"),
        ('got field="complex", support=None', "got --field complex, --support none"),
        ("a = b and x=3 stay", "a = b and x=3 stay"),
    ],
)
def test_sentences_of_the_library_in_words_of_the_command(library: str, command: str) -> None:
    assert in_words_of_the_command(library) == command


def test_arguments_tell_masks_apart() -> None:
    one = _settings(measured=torch.tensor([True, False])).arguments()
    other = _settings(measured=torch.tensor([False, True])).arguments()
    assert one != other and one == _settings(measured=torch.tensor([True, False])).arguments()


def _progress(trials: list[int], pictures: torch.Tensor) -> Progress:
    empty = torch.zeros(0)
    found = Found(empty, empty, empty.bool(), empty.long(), empty.long(), None)
    return Progress(0, 2, 0, torch.tensor(trials), lambda: pictures, found)


def test_a_film_moves_every_item_as_a_whole() -> None:
    answers = torch.rand(2, 8, 9, generator=torch.Generator().manual_seed(0))
    moved = torch.stack([answers[0].roll((2, 3), (0, 1)), answers[1].flip((0, 1)).roll((1, 1), (0, 1))])
    film = Film(2, 1, (8, 9))
    film.take(1, _progress([0], moved[:1]))
    film.take(2, _progress([0, 1], moved))
    film.take(3, _progress([1], moved[1:]))
    reel = film.develop(list(answers))
    assert reel is not None
    assert not reel.frames[0, 1].any()  # the second item had not begun
    for frame in reel.frames[1:]:
        torch.testing.assert_close(frame, answers)
    assert reel.steps == [1, 2, 3, 3] and reel.solved == [0, 0, 1, 2]


def test_a_film_has_at_most_sixty_frames_of_sixteen_items() -> None:
    film = Film(100, 1, (4, 4))
    picture = torch.rand(16, 4, 4, generator=torch.Generator().manual_seed(0))
    for step in range(1, 20_000):
        film.take(step, _progress(list(range(16)), picture))
    reel = film.develop([*picture, *picture])
    assert reel is not None and reel.frames.shape == (60, 16, 4, 4)
    assert reel.steps[:3] == sorted(reel.steps[:3]) and reel.steps[-1] > 15_000


def test_window_holds_a_small_object_and_leaves_a_large_one_alone() -> None:
    picture = torch.zeros(64, 60)
    picture[2:10, 40:52] = 1.0
    down, right = window(picture)
    assert picture[down, right].sum() == picture.sum() and picture[down, right].shape == (20, 20)
    assert window(torch.ones(8, 8)) == (slice(None), slice(None))
    assert window(torch.zeros(8, 8)) == (slice(None), slice(None))
