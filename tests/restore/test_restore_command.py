"""`undula restore`: the sample, the seed's experiment, masks, formats, what stays, what is skipped, and what fails."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
import torch
from PIL import Image

from undula.cli import main
from undula.data import drawn_leaves, read_image, write_array, write_image
from undula.metrics import psnr


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path, use_network):
    monkeypatch.chdir(tmp_path)
    use_network(tail=0.0)


@pytest.fixture(scope="module")
def leaves():
    return drawn_leaves(1, height=48, width=64)[0]


@pytest.fixture
def grey(leaves):
    return (leaves.mean(0, keepdim=True) * 255).round() / 255


def run(capsys, *words):
    """The answer of a call that works."""
    assert main(["restore", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def files(folder):
    return {path.name for path in Path(folder).iterdir()}


def test_the_sample_gains_is_filmed_and_not_done_twice(capsys):
    (item,) = run(capsys, "-o", "out", "--downsample", "2")["items"]
    assert item["shape"] == [1, 128, 192] and item["share"] == pytest.approx(0.9, abs=0.01) and item["known"] == "made"
    assert item["psnr"] > item["descent_psnr"] > item["psnr_before"] + 10
    assert item["ssim"] > item["ssim_before"] + 0.3 and 0 < item["held"] < 1
    extras = {f"leaves-{word}" for word in ("missing.png", "interval.png", "damaged.png", "sheet.png", "descent.gif")}
    assert files("out") == {"leaves.png", "index.html", "items", "run.json"} | extras
    with Image.open("out/leaves-descent.gif") as film:
        assert film.is_animated and film.n_frames > 20
    repaired, damaged = read_image("out/leaves.png"), read_image("out/leaves-damaged.png")
    known = read_image("out/leaves-missing.png") < 0.5
    assert torch.equal(repaired[known], damaged[known])
    interval = read_image("out/leaves-interval.png")
    assert (interval[known] == 0).all() and torch.allclose(interval[~known], torch.tensor(-3.0).exp(), atol=1e-4)
    assert run(capsys, "-o", "out", "--downsample", "2")["skipped"] == 1
    assert run(capsys, "-o", "out", "--downsample", "2", "--seed", "1")["skipped"] == 0


def test_the_experiment_of_the_seed(capsys):
    camera = skimage.data.camera()
    Image.fromarray(camera).save("camera.png")
    call = ("camera.png", "--corrupt", "0.9", "--downsample", "4", "--method", "descent", "-o", "out")
    (item,) = run(capsys, *call)["items"]
    assert item["psnr"] == pytest.approx(19.63, abs=0.05)  # the figure of the issue: numpy's generator of seed 0
    r = np.random.default_rng(0)
    known, noise = r.random((128, 128)) >= 0.9, r.integers(0, 2, (128, 128))
    damaged = np.where(known, camera[::4, ::4], 255 * noise)
    assert np.array_equal(np.asarray(Image.open("out/camera-damaged.png")), damaged)
    repaired = read_image("out/camera.png")
    original = torch.from_numpy(camera[::4, ::4] / np.float32(255))[None]
    assert float(psnr(repaired, original, dims=3)) == pytest.approx(item["psnr"], abs=0.01)
    assert "descent_psnr" not in item and "camera-descent.gif" in files("out")
    with Image.open("out/camera-descent.gif") as film:
        film.seek(film.n_frames - 1)


def test_only_the_first_picture_is_filmed_and_shards_share_the_work(leaves, capsys):
    folder = Path("pictures")
    folder.mkdir()
    for name in "abc":
        write_image(folder / f"{name}.png", leaves)
    call = ("pictures", "--corrupt", "0.5", "--method", "smooth", "-o", "out")
    assert [item["item"] for item in run(capsys, *call, "--shard", "2/2")["items"]] == ["b"]
    assert not [name for name in files("out") if name.endswith(".gif")]
    answer = run(capsys, *call)
    assert answer["skipped"] == 1 and answer["restored"] == 3
    assert [name for name in files("out") if name.endswith(".gif")] == ["a-descent.gif"]
    assert ["descent_psnr" in item for item in answer["items"]] == [True, False, False]
    assert {"run.json", "run-2-of-2.json"} <= files("out")


def test_what_was_damaged_is_found_and_the_search_scored(leaves, capsys):
    write_image("a.png", leaves)
    (item,) = run(capsys, "a.png", "--corrupt", "0.7", "--find", "--method", "smooth", "-o", "out")["items"]
    assert item["known"] == "found" and item["recall"] > 0.999 and item["good_changed"] < 0.005
    (item,) = run(capsys, "out/a-damaged.png", "--method", "smooth", "-o", "again")["items"]
    assert item["known"] == "found" and torch.equal(read_image("again/a-damaged.png"), read_image("out/a.png"))


def test_a_large_picture_is_filmed_in_part(leaves, capsys, monkeypatch):
    monkeypatch.setattr("undula.jobs.restore.command.repairing.WHOLE", 32 * 32)
    monkeypatch.setattr("undula.jobs.restore.command.repairing.PART", 40)
    write_image("a.png", leaves)
    (item,) = run(capsys, "a.png", "--corrupt", "0.5", "--method", "smooth", "-o", "out")["items"]
    assert item["filmed"] == [40, 40] and "descent_psnr" not in item
    assert "40 × 40 pixels" in Path("out/index.html").read_text()


def masked(picture, capsys, name, *words):
    """Restore a picture of which every second column is missing; the mask."""
    missing = torch.zeros(picture.shape[-2:])
    missing[:, ::2] = 1
    write_image("mask.png", missing)
    run(capsys, name, "--missing", "mask.png", "--method", "smooth", "-o", "out", *words)
    return missing.bool()


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp"])
def test_pictures_keep_their_format_and_known_pixels(ending, leaves, capsys):
    pixels = (leaves * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(f"a.{ending}", **({"lossless": True} if ending == "webp" else {}))
    missing = masked(leaves, capsys, f"a.{ending}").numpy()
    with Image.open(f"out/a.{ending}") as image:
        assert image.mode == "RGB"
        repaired = np.asarray(image)
    assert np.array_equal(repaired[~missing], pixels[~missing]) and not np.array_equal(repaired, pixels)
    assert "a-interval.png" not in files("out")


def test_bits_palettes_and_transparency(grey, leaves, capsys):
    write_image("deep.png", grey, bits=16)
    missing = masked(grey, capsys, "deep.png")
    with Image.open("out/deep.png") as image:
        assert image.mode.startswith("I;16")
    assert torch.equal(read_image("out/deep.png")[0][~missing], grey[0][~missing])
    alpha = torch.linspace(0, 1, 64).expand(1, 48, 64)
    write_image("clear.png", torch.cat([leaves, alpha]))
    write_image("veil.png", torch.cat([grey, alpha]))
    assert main(["restore", "clear.png", "veil.png", "--missing", "mask.png", "-o", "out"]) == 0
    for name, mode in (("clear", "RGBA"), ("veil", "LA")):
        with Image.open(f"out/{name}.png") as image:
            assert image.mode == mode
        assert torch.equal(read_image(f"out/{name}.png")[-1], read_image(f"{name}.png")[-1])
    Image.open("clear.png").convert("RGB").quantize(32).save("palette.png")
    capsys.readouterr()
    assert main(["restore", "palette.png", "--missing", "mask.png", "-o", "out"]) == 0
    assert "its palette becomes full color" in capsys.readouterr().err
    before, after = (np.asarray(Image.open(f"{folder}palette.png").convert("RGB")) for folder in ("", "out/"))
    assert np.array_equal(before[~missing.numpy()], after[~missing.numpy()])


def test_a_jpeg_becomes_a_png_unless_told(leaves, capsys):
    Image.fromarray((leaves * 255).byte().permute(1, 2, 0).numpy()).save("a.jpg")
    known = ~masked(leaves, capsys, "a.jpg")
    assert torch.equal(read_image("out/a.png")[:, known], read_image("a.jpg")[:, known])
    capsys.readouterr()
    assert main(["restore", "a.jpg", "--missing", "mask.png", "--format", "jpeg", "-o", "told"]) == 0
    assert "a JPEG changes known pixels a little" in capsys.readouterr().err
    with Image.open("told/a.jpg") as image:
        assert image.format == "JPEG"
    assert main(["restore", "a.jpg", "-o", "unknown"]) == 0
    shown = capsys.readouterr().err
    assert "a JPEG is written as PNG" in shown and "only exact ones are found" in shown


def test_arrays_keep_their_type_their_axes_and_their_file(grey, leaves, capsys):
    mask = torch.rand(48, 64, generator=torch.Generator().manual_seed(1)) < 0.5
    write_array("mask.npy", mask)
    holes = torch.where(mask, float("nan"), grey[0])
    write_array("holes.npy", holes.double())
    write_array("last.npy", leaves.permute(1, 2, 0))
    write_array("first.npy", leaves)
    write_array("levels.npy", (grey[0] * 65535).round().numpy().astype(np.uint16))
    write_array("stack.npy", torch.stack([grey[0], grey[0].flip(0)] * 3))
    np.savez("many.npz", one=grey[0].numpy(), two=leaves.numpy())
    tifffile.imwrite("deep.tif", (leaves.permute(1, 2, 0).numpy() * 65535).astype(np.uint16), photometric="rgb")
    np.savetxt("table.csv", grey[0].numpy(), delimiter=",")
    names = ["holes.npy", "last.npy", "first.npy", "levels.npy", "stack.npy", "many.npz:two", "deep.tif", "table.csv"]
    answer = run(capsys, *names, "--missing", "mask.npy", "--method", "smooth", "-o", "out")
    assert answer["restored"] == 7 + 6
    for name in ("holes", "last", "first", "levels"):
        before, after = np.load(f"{name}.npy"), np.load(f"out/{name}.npy")
        assert before.dtype == after.dtype and before.shape == after.shape and np.isfinite(after).all()
        known = ~(mask.numpy()[..., None] if name == "last" else mask.numpy())
        assert np.array_equal(np.where(known, after, 0), np.where(known, before, 0))
        assert not np.array_equal(after, before)
    assert np.load("out/stack-3.npy").shape == (48, 64)
    assert np.load("out/many-two.npz")["two"].shape == (3, 48, 64)
    deep, was = tifffile.imread("out/deep.tif"), tifffile.imread("deep.tif")
    assert deep.dtype == np.uint16 and np.array_equal(deep[~mask.numpy()], was[~mask.numpy()])
    assert np.load("out/table.npy").shape == (48, 64)


def test_nan_is_missing_and_told(grey, capsys):
    holes = grey[0].clone() * 0.9 + 0.05
    holes[10:14, 20:30] = float("nan")
    write_array("holes.npy", holes)
    assert main(["restore", "holes.npy", "--format", "png", "-o", "out"]) == 0
    shown = capsys.readouterr().err
    assert "40 values were NaN and taken for missing" in shown and "rounded to 16 bits" in shown
    repaired = read_image("out/holes.png")[0]
    known = ~holes.isnan()
    assert torch.allclose(repaired[known], holes[known], atol=1 / 65535)
    assert torch.equal(read_image("out/holes-missing.png")[0] < 0.5, known)


def test_masks_in_a_folder_belong_to_pictures_of_their_name(grey, capsys):
    for folder in ("pictures", "masks"):
        Path(folder).mkdir()
    for place, name in enumerate(("a", "b", "c")):
        write_image(f"pictures/{name}.png", grey)
        if name != "c":
            mask = torch.zeros(48, 64)
            mask[10 * place : 10 * place + 5] = 1
            write_image(f"masks/{name}.png", mask)
    call = ["restore", "pictures", "--missing", "masks", "--method", "smooth", "-o", "out", "--json"]
    assert main(call) == 1
    shown = capsys.readouterr()
    assert "no mask of 'c'" in shown.err
    assert [item["share"] for item in json.loads(shown.out)["items"]] == pytest.approx([5 / 48, 5 / 48])
    mask[:] = 0
    mask[:2] = 1
    write_image("masks/b.png", mask)  # a mask that changed is another task
    assert main(call) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["skipped"] == 1 and answer["items"][1]["share"] == pytest.approx(2 / 48)


def test_masks_that_are_none(grey, leaves, capsys):
    write_image("a.png", grey)
    write_image("all.png", torch.ones(48, 64))
    write_image("turned.png", torch.zeros(64, 48))
    write_image("small.png", torch.zeros(20, 30))
    write_image("picture.png", leaves)
    write_array("deep.npy", torch.zeros(2, 48, 64))
    Path("broken.png").write_bytes(b"no picture")
    for mask, text in {
        "all": "every pixel is missing, expected some that are known: turn the mask around",
        "turned": "of 48 × 64 pixels for a picture of 64 × 48, expected the same size: make it anew, resized masks miss the "
        "pixels (its sides are swapped: rotate it)",
        "small": "of 30 × 20 pixels for a picture of 64 × 48",
        "picture": "neither black nor white, expected white where pixels are missing and black elsewhere",
        "broken": "broken.png",
        "nowhere": "got --missing 'nowhere.png', which is not there",
    }.items():
        assert main(["restore", "a.png", "--missing", f"{mask}.png", "-o", "out"]) == 2
        shown = capsys.readouterr().err
        assert text in shown and shown.count("\n") == 1, shown
    assert main(["restore", "a.png", "--missing", "deep.npy", "-o", "out"]) == 2
    assert "expected (height, width) of booleans" in capsys.readouterr().err


def test_a_mask_with_soft_edges_and_one_of_nothing(grey, capsys):
    write_image("a.png", grey)
    mask = torch.zeros(48, 64)
    mask[10:20, 10:30] = 1
    mask[9, 10:30], mask[20, 10:30] = 0.7, 0.3
    write_image("soft.png", mask)
    assert main(["restore", "a.png", "--missing", "soft.png", "-o", "out"]) == 0
    assert "1.3% of the mask is grey, and missing where it is half white or more" in capsys.readouterr().err
    assert torch.equal(read_image("out/a-missing.png")[0] > 0.5, mask >= 0.5)
    write_image("empty.png", torch.zeros(48, 64))
    assert main(["restore", "a.png", "--missing", "empty.png", "-o", "empty"]) == 0
    assert "nothing is missing: the image is unchanged" in capsys.readouterr().err
    assert torch.equal(read_image("empty/a.png"), grey)


def test_noise_changes_known_pixels(grey, capsys):
    write_image("a.png", grey)
    missing = torch.rand(48, 64, generator=torch.Generator().manual_seed(0)) < 0.5
    write_image("mask.png", missing.float())
    (item,) = run(capsys, "a.png", "--missing", "mask.png", "--noise", "10", "-o", "out")["items"]
    assert item["noise"] == 10 and item["known"] == "given"
    interval = read_image("out/a-interval.png")
    assert (interval > 0).all()  # of the known pixels, too


def test_what_cannot_be_repaired_is_named_and_the_others_stay(grey, capsys):
    write_image("good.png", grey)
    write_image("one.png", torch.full((1, 1, 1), 0.5))
    write_array("counts.npy", np.arange(12, dtype=np.int32).reshape(3, 4))
    write_array("grey.npy", np.full((9, 9), 80.0))
    write_array("line.npy", np.zeros(9))
    Path("broken.png").write_bytes(b"no picture")
    names = ["good.png", "one.png", "counts.npy", "grey.npy", "line.npy", "broken.png"]
    assert main(["restore", *names, "-o", "out", "--method", "smooth"]) == 1
    shown = capsys.readouterr()
    assert "restored 2 of 6 (4 failed)" in shown.out
    assert "'counts.npy' of type int32, expected floats in [0, 1], or integers of 8 or 16 bits" in shown.err
    assert "got values 80…80, expected [0, 1]: divide by 255" in shown.err
    assert "'line.npy' of shape (9,), expected (height, width)" in shown.err
    assert "broken.png" in shown.err
    assert read_image("out/one.png") == 0.5019608


def test_inputs_are_not_written_over_and_formats_that_lose_transparency_refused(leaves, capsys):
    write_image("a.png", torch.cat([leaves, leaves[:1]]))
    before = Path("a.png").read_bytes()
    assert main(["restore", "a.png", "-o", "."]) == 2
    assert "expected another one, for it would be overwritten" in capsys.readouterr().err
    assert Path("a.png").read_bytes() == before
    assert main(["restore", "a.png", "--format", "jpeg", "-o", "out"]) == 2
    assert "with transparency for a JPEG" in capsys.readouterr().err
    write_array("holes.npy", torch.where(leaves[0] > 0.5, float("nan"), leaves[0]))
    assert main(["restore", "holes.npy", "--corrupt", "0.5", "-o", "out"]) == 2
    assert "expected a whole one" in capsys.readouterr().err


def test_the_page_and_the_table(leaves, capsys):
    write_image("a.png", leaves)
    assert main(["restore", "a.png", "--corrupt", "0.8", "--find", "-o", "out"]) == 0
    shown = capsys.readouterr().out
    for word in (
        "item",
        "64 × 48",
        "missing",
        "before",
        "dB",
        "SSIM",
        "descent",
        "found",
        "changed",
        "restored 1 of 1",
    ):
        assert word in shown
    page = Path("out/index.html").read_text()
    assert (
        "% of the pixels were found to be damaged" in page
        and "gradient descent" in page
        and "How to read it" in page
        and "image/gif" in page
    )
    known = json.loads(Path("out/run.json").read_text())
    assert known["arguments"]["corrupt"] == 0.8 and known["arguments"]["find"] is True


def test_the_section_of_the_demo(tmp_path, capsys, monkeypatch):
    from undula.jobs.restore.command import demonstration
    from undula.session import Options, Session

    monkeypatch.setattr(
        "undula.jobs.restore.command.inputs.drawn_leaves",
        lambda count, color, seed: drawn_leaves(count, height=48, width=64, color=color, seed=seed),
    )
    section = demonstration.demonstrate(Session(Options(quiet=True)), tmp_path / "demo")
    assert len(section.pictures) == 2 and all(Path(picture.source).is_file() for picture in section.pictures)
    assert "undula.restore(image, missing)" in section.code and "dB" in section.paragraphs[0]
