import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import png
import pytest
import torch
from PIL import Image

from undula.data import image_bits, read_image, write_image
from undula.data.images import is_picture
from undula.errors import DataError, RangeError, ShapeError


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_round_trip(tmp_path, generator, channels, bits, dtype):
    top = 2**bits - 1
    shape = (5, 7) if channels is None else (channels, 5, 7)
    image = torch.randint(0, top + 1, shape, generator=generator).to(dtype) / top
    write_image(tmp_path / "a.png", image, bits=bits)
    read = read_image(tmp_path / "a.png")
    assert read.dtype == torch.float32 and read.is_contiguous()
    expected = image[None] if channels is None else image
    assert torch.equal((read.double() * top).round(), (expected.double() * top).round())
    assert image_bits(tmp_path / "a.png") == bits


def test_deep_color_as_opencv_writes_and_reads_it(tmp_path, generator):
    raw = torch.randint(0, 65536, (3, 6, 4), generator=generator).numpy().astype(np.uint16)
    bgr = np.ascontiguousarray(raw[::-1].transpose(1, 2, 0))
    cv2.imwrite(str(tmp_path / "cv.png"), bgr)
    np.testing.assert_array_equal(read_image(tmp_path / "cv.png").numpy(), raw.astype(np.float32) / np.float32(65535))
    write_image(tmp_path / "ours.png", raw / 65535, bits=16)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED), bgr)


def test_an_sbit_chunk_changes_no_value(tmp_path):
    # pypng's asDirect would shift the values; libpng, Pillow and OpenCV leave them.
    _write_png(tmp_path / "a.png", 1, 1, 16, 2, b"\0" + struct.pack(">3H", 1, 2, 65535), sBIT=bytes([13, 13, 13]))
    assert (read_image(tmp_path / "a.png").double() * 65535).round().flatten().tolist() == [1, 2, 65535]


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (torch.tensor([[0.0, 1.0001]]), "got values 0…1"),
        (torch.tensor([[-1e-6, 1.0]]), "expected floats in"),
        (torch.tensor([[0.0, torch.nan]]), "got NaN"),
        (torch.tensor([[0.0, torch.inf]]), "got values 0…inf"),
        (torch.tensor([[0, 255]]), "torch.int64"),
        (np.array([[0, 255]], dtype=np.uint8), "uint8"),
        (np.array([["a"]]), "expected floats in"),
        (torch.zeros(2, 2, dtype=torch.complex64), "complex64"),
    ],
)
def test_values_out_of_range(tmp_path, image, text):
    with pytest.raises(RangeError, match=text):
        write_image(tmp_path / "a.png", image)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(4,), (5, 2, 2), (1, 1, 2, 2), (0, 3), (0, 3, 3)])
def test_shapes_that_are_no_picture(tmp_path, shape):
    with pytest.raises(ShapeError, match="expected"):
        write_image(tmp_path / "a.png", torch.zeros(shape))


def test_only_png_is_written(tmp_path):
    with pytest.raises(DataError, match=r"ends in \.png"):
        write_image(tmp_path / "a.jpg", torch.zeros(2, 2))


def test_gradients_and_numpy_are_welcome(tmp_path):
    write_image(tmp_path / "a.png", torch.full((2, 2), 0.5, requires_grad=True))
    write_image(tmp_path / "b.png", np.full((2, 4), 0.5, ">f4")[:, ::-2])
    assert read_image(tmp_path / "a.png").equal(read_image(tmp_path / "b.png"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tif", "webp", "png", "16.png"])
def test_exif_orientation_as_pillow_transposes(tmp_path, orientation, suffix):
    ramp = np.add.outer(np.arange(16) * 9, np.arange(24) * 4).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    colored = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], 2)
    options = {"lossless": True} if suffix == "webp" else {}
    if suffix == "16.png":
        _write_deep_with_exif(path, colored, exif)
    else:
        Image.fromarray(colored).save(path, exif=exif, **options)
    turned = [None, None, 0, 3, 1, 5, 4, 6, 2][orientation]  # Image.Transpose, from the table of the EXIF standard
    plain = Image.fromarray(colored) if turned is None else Image.fromarray(colored).transpose(turned)
    expected = np.asarray(plain).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(read_image(path).numpy(), expected, atol=0.05 if suffix == "jpg" else 1e-6)


def _write_deep_with_exif(path, colored, exif):
    rows = b"".join(b"\0" + row.tobytes() for row in (colored.astype(np.uint16) * 257).astype(">u2"))
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    _write_png(path, colored.shape[1], colored.shape[0], 16, 2, rows, eXIf=body)


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [
        ("1", "bmp", 1),
        ("L", "bmp", 1),
        ("RGB", "bmp", 3),
        ("P", "bmp", 3),
        ("L", "jpg", 1),
        ("CMYK", "jpg", 3),
        ("RGBA", "webp", 4),
        ("L", "tif", 1),
        ("LA", "tif", 2),
        ("P", "tif", 3),
        ("CMYK", "tif", 3),
        ("YCbCr", "tif", 3),
        ("PA", "png", 4),
    ],
)
def test_kinds_of_files(tmp_path, mode, suffix, channels):
    grey = np.add.outer(np.arange(16) * 9, np.arange(24) * 4).astype(np.uint8)
    source = Image.fromarray(np.stack([grey, grey[::-1], grey[:, ::-1]], 2))
    path = tmp_path / f"a.{suffix}"
    if mode == "PA":
        source.convert("P").save(path, transparency=0)
    else:
        image = source.convert(mode)
        if mode == "RGBA":
            image.putalpha(200)
        image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(path)
    assert image.shape == (channels, 16, 24)
    assert image.min() >= 0 and image.max() <= 1
    if channels >= 3 and mode not in ("P", "PA"):
        # without a color profile, CMYK and YCbCr come back to within a few levels
        expected = np.asarray(source).transpose(2, 0, 1) / 255
        assert np.abs(image[:3].numpy() - expected).mean() < 0.02
    if mode == "L" and suffix != "jpg":
        np.testing.assert_array_equal(image.numpy()[0], np.asarray(source.convert("L")) / np.float32(255))


def test_a_jpeg_as_opencv_reads_it(tmp_path):
    smooth = (127 + 100 * np.sin(np.add.outer(np.arange(32), np.arange(48)) / 9)).astype(np.uint8)
    Image.fromarray(np.stack([smooth, smooth.T[:32, :].repeat(2, 1)[:, :48], smooth[::-1]], 2)).save(tmp_path / "a.jpg")
    expected = cv2.imread(str(tmp_path / "a.jpg"), cv2.IMREAD_COLOR_RGB).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").numpy(), expected, atol=3 / 255)


def test_deep_grey_tiff(tmp_path):
    raw = np.array([[0, 1, 256], [257, 40000, 65535]], dtype=np.uint16)
    Image.fromarray(raw).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").numpy()[0], raw / np.float32(65535))
    assert image_bits(tmp_path / "a.tif") == 16


@pytest.mark.parametrize(
    "array", [np.zeros((4, 5, 3), np.uint16), np.zeros((4, 5), np.float32), np.zeros((4, 5), np.int16)]
)
def test_tiffs_that_pillow_would_cut_are_refused(tmp_path, array):
    tifffile = pytest.importorskip("tifffile")
    photometric = "rgb" if array.ndim == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", array, photometric=photometric)
    with pytest.raises(DataError, match=r"a\.tif.*read it as an array"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(tmp_path, photometric, dtype):
    tifffile = pytest.importorskip("tifffile")
    raw = np.array([[0, 10], [20, np.iinfo(dtype).max]], dtype)
    tifffile.imwrite(tmp_path / "a.tif", raw, photometric=photometric)
    expected = raw / np.float32(np.iinfo(dtype).max)
    if photometric == "miniswhite" and dtype is np.uint16:
        with pytest.raises(DataError, match="not plain grey"):
            read_image(tmp_path / "a.tif")
    else:
        expected = 1 - expected if photometric == "miniswhite" else expected
        np.testing.assert_allclose(read_image(tmp_path / "a.tif").numpy()[0], expected, atol=1e-7)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_animations_and_stacks_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(np.full((8, 8, 3), 80 * k, np.uint8)) for k in range(3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="3 pictures"):
        read_image(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["png", "16.png", "jpg", "bmp", "webp", "tif"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_truncated(tmp_path, generator, suffix, share):
    path = tmp_path / f"a.{suffix}"
    noise = torch.rand(3, 40, 40, generator=generator)
    write_image(tmp_path / "noise.png", noise, bits=16 if suffix == "16.png" else 8)
    if "png" in suffix:
        whole = (tmp_path / "noise.png").read_bytes()
    else:
        buffer = io.BytesIO()
        Image.open(tmp_path / "noise.png").save(buffer, format={"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix))
        whole = buffer.getvalue()
    path.write_bytes(whole[: int(share * len(whole))])
    _refused(path)


def _refused(path):
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path.name) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("deep", [False, True])
def test_damaged_bytes_raise_one_line_or_are_read(tmp_path, deep):
    chance = np.random.default_rng(0)
    write_image(
        tmp_path / "a.png",
        torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(1)),
        bits=16 if deep else 8,
    )
    whole = np.frombuffer((tmp_path / "a.png").read_bytes(), np.uint8)
    for _ in range(150):
        damaged = whole.copy()
        damaged[chance.integers(0, len(whole), 2)] = chance.integers(0, 256, 2)
        if (damaged == whole).all():
            continue
        (tmp_path / "b.png").write_bytes(damaged.tobytes())
        _refused(tmp_path / "b.png")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "BMP"])
def test_damaged_bytes_of_other_kinds(tmp_path, kind):
    chance = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(chance.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(buffer, format=kind)
    whole = np.frombuffer(buffer.getvalue(), np.uint8)
    for _ in range(100):
        damaged = whole.copy()
        damaged[chance.integers(0, min(len(whole), 200), 3)] = chance.integers(0, 256, 3)
        (tmp_path / "b").write_bytes(damaged.tobytes())
        try:
            image = read_image(tmp_path / "b")
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert image.min() >= 0 and image.max() <= 1


def test_bombs(tmp_path):
    empty = zlib.compress(b"")
    _write_png(tmp_path / "wide.png", 50_000, 50_000, 8, 0, None, idat=empty)
    with pytest.raises(DataError, match=r"wide\.png.*bomb"):
        read_image(tmp_path / "wide.png")
    _write_png(tmp_path / "deep.png", 50_000, 50_000, 16, 2, None, idat=empty)
    with pytest.raises(DataError, match=r"deep\.png.*bomb"):
        read_image(tmp_path / "deep.png")
    _write_png(tmp_path / "long.png", 4, 4, 16, 2, bytes(10**7))
    with pytest.raises(DataError, match="more pixels than its header says"):
        read_image(tmp_path / "long.png")


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize(("bits", "color"), [(8, 0), (16, 0), (16, 2), (8, 2)])
def test_too_few_rows(tmp_path, rows, bits, color):
    row = b"\0" + bytes(4 * bits // 8 * (3 if color == 2 else 1))
    _write_png(tmp_path / "a.png", 4, 4, bits, color, row * rows)
    _refused(tmp_path / "a.png")  # Pillow fills up with black


def test_missing_and_folders(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_image(tmp_path / "no.png")
    with pytest.raises(DataError, match="is a folder"):
        read_image(tmp_path)


def test_a_damaged_exif_does_not_hide_the_picture(tmp_path):
    _write_png(tmp_path / "a.png", 1, 1, 8, 0, b"\0\x33", eXIf=b"MM\0*\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "a.png").item() == pytest.approx(0.2)


def test_which_tiffs_are_pictures(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for name, array in {
        "photo": np.zeros((4, 5, 3), np.uint8),
        "mask": np.zeros((4, 5), np.uint8),
        "counts": np.zeros((4, 5), np.uint16),
        "float": np.zeros((4, 5), np.float32),
        "stack": np.zeros((3, 4, 5), np.uint8),
    }.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", array, photometric="rgb" if name == "photo" else "minisblack")
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    pictures = {path.stem for path in tmp_path.iterdir() if is_picture(path)}
    assert pictures == {"photo", "mask"}


def _write_png(path, width, height, bits, color, rows, *, idat=None, **extra):
    chunks = [("IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)), *extra.items()]
    chunks += [("IDAT", zlib.compress(rows) if idat is None else idat), ("IEND", b"")]
    with path.open("wb") as file:
        png.write_chunks(file, [(kind.encode(), body) for kind, body in chunks])
