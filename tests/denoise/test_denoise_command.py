"""`undula denoise`: files in and out, the sample, training, what is skipped, and what fails."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from undula.cli import main
from undula.data import read_image, write_image


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def noisy(generator):
    """A picture of two halves with noise of 20 grey levels."""
    clean = torch.full((1, 48, 64), 0.3)
    clean[..., 32:] = 0.7
    return clean, (clean + 20 / 255 * torch.randn(clean.shape, generator=generator)).clamp(0, 1)


def test_the_sample_gains_and_is_not_done_twice(capsys, tmp_path):
    assert main(["denoise", "--json", "-o", "out"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (item,) = answer["items"]
    assert item["psnr"] > item["psnr_before"] + 4 and item["sigma"] == pytest.approx(15, rel=0.05) and item["white"]
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"asphalt.png", "asphalt-figure.png", "index.html", "items", "run.json"}
    assert main(["denoise", "--json", "-o", "out"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == 1


def test_pictures_keep_their_bits_and_their_transparency(noisy, capsys):
    _, picture = noisy
    write_image("grey16.png", picture, bits=16)
    pixels = (picture[0].numpy() * 255).round().astype(np.uint8)
    alpha = np.zeros_like(pixels)
    alpha[10:20] = 200
    Image.fromarray(np.stack([pixels, pixels, pixels, alpha], axis=-1)).save("alpha.png")
    assert main(["denoise", "grey16.png", "alpha.png", "--sigma", "20", "-o", "out"]) == 0
    assert "denoised 2 of 2" in capsys.readouterr().out
    with Image.open("out/grey16.png") as image:
        assert image.mode.startswith("I;16")
    with Image.open("out/alpha.png") as image:
        assert image.mode == "RGBA" and np.array_equal(np.asarray(image)[..., 3], alpha)
    clean, _ = noisy
    assert (read_image("out/grey16.png") - clean).square().mean() < 0.1 * (picture - clean).square().mean()


def test_what_cannot_be_read_is_named_and_the_others_stay(noisy, tmp_path, capsys):
    folder = tmp_path / "scans"
    folder.mkdir()
    write_image(folder / "a.png", noisy[1])
    (folder / "b.png").write_bytes(b"no picture")
    assert main(["denoise", "scans", "-o", "out"]) == 1
    shown = capsys.readouterr()
    assert "b.png" in shown.err and "denoised 1 of 2 (1 failed)" in shown.out


def test_a_model_is_trained_used_and_asked_for_again(noisy, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place in range(3):
        write_image(folder / f"{place}.png", noisy[0].roll(place * 5, -1))
    call = ["denoise", "train", "pictures", "--steps", "4", "--size", "32", "--batch", "2", "-o", "model"]
    assert main([*call, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["training"]["steps"] == 4 and answer["levels"] == pytest.approx([5 / 255, 55 / 255])
    assert {"model.safetensors", "config.json", "metrics.jsonl"} <= {
        path.name for path in (tmp_path / "model").iterdir()
    }
    assert main([*call, "--quiet"]) == 0  # finished: nothing to do, nothing lost
    write_image("noisy.png", noisy[1])
    assert main(["denoise", "noisy.png", "--model", "model", "--sigma", "20", "-o", "out"]) == 0
    assert main(["denoise", "noisy.png", "--model", "model", "-o", "measured"]) == 0
    assert json.loads(Path("measured/items/noisy.json").read_text())["sigma"] == pytest.approx(20, rel=0.15)
    assert main([*call, "--loss", "mse"]) == 2
    assert "loss" in capsys.readouterr().err
