"""Signals from files against scipy.io.wavfile, the standard library, NumPy, and real recordings."""

import io
import struct
import wave

import numpy as np
import pytest
import scipy.io.wavfile
import torch

from undula.data import Signal, read_signal
from undula.errors import DataError, RangeError, ShapeError

SCALES = {"uint8": 128, "int16": 2**15, "int32": 2**31, "int64": 2**63}


def refused(path, match="", error=DataError, **options):
    with pytest.raises(error, match=match) as caught:
        read_signal(path, **options)
    assert "\n" not in str(caught.value)


def written(tmp_path, text, name="a.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def drawn(dtype, shape):
    """Values of the whole range, both ends included."""
    chance = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return chance.normal(size=shape).astype(dtype)
    ends = np.iinfo(dtype)
    values = chance.integers(ends.min, ends.max, shape, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
    values.flat[:2] = ends.min, ends.max
    return values.astype(dtype)


@pytest.mark.parametrize("channels", [None, 1, 2, 5])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
def test_wav_files_that_scipy_writes(tmp_path, dtype, order, channels):
    values = drawn(np.dtype(dtype).newbyteorder(order), (31,) if channels is None else (31, channels))
    scipy.io.wavfile.write(tmp_path / "a.wav", 22050, values)
    _, want = scipy.io.wavfile.read(tmp_path / "a.wav")
    signal = read_signal(tmp_path / "a.wav")
    assert isinstance(signal, Signal) and signal.rate == 22050 and signal.name == "a"
    wide = torch.float32 if dtype in ("uint8", "int16", "float32") else torch.float64
    assert signal.samples.dtype == wide and signal.samples.is_contiguous()
    exact = (want.astype(np.float64) - (dtype == "uint8") * 128) / SCALES.get(dtype, 1)
    np.testing.assert_array_equal(signal.samples.numpy(), np.atleast_2d(exact.T))
    assert dtype not in SCALES or (signal.samples.min() == -1 and signal.samples.max() <= 1)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_wav_files_that_the_standard_library_writes(tmp_path, width):
    content = np.random.default_rng(0).integers(0, 256, 3 * 2 * width, np.uint8).tobytes()
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, width, 8000, 0, "NONE", ""))
        file.writeframes(content)
    want = [
        (content[start] - 128) / 128
        if width == 1
        else int.from_bytes(content[start : start + width], "little", signed=True) / 2 ** (8 * width - 1)
        for start in range(0, len(content), width)
    ]
    signal = read_signal(tmp_path / "a.wav")
    np.testing.assert_array_equal(signal.samples.numpy(), np.array(want).reshape(3, 2).T)


def wav(fmt, data, *, before=b"", size=None, form=b"RIFF"):
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return form + struct.pack("<I", len(body)) + body


def form(kind=1, channels=1, rate=8000, bits=16, block=None):
    block = channels * bits // 8 if block is None else block
    return struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)


@pytest.mark.parametrize(("kind", "bits", "code"), [(1, 16, "<i2"), (1, 32, "<i4"), (3, 32, "<f4"), (3, 64, "<f8")])
def test_extensible_files_and_other_chunks(tmp_path, kind, bits, code):
    """As scipy reads them: a sub-format in place of the format, and an odd chunk before it."""
    tail = b"\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    fmt = form(0xFFFE, 2, bits=bits) + struct.pack("<HHII", 22, bits, 3, kind) + tail
    data = np.array([[1, -2], [3, 4]], code)
    odd = b"note" + struct.pack("<I", 3) + b"abc\0"
    (tmp_path / "a.wav").write_bytes(wav(fmt, data.tobytes(), before=odd) + b"LIST")
    with pytest.warns(scipy.io.wavfile.WavFileWarning):  # of chunks that it does not know
        _, want = scipy.io.wavfile.read(tmp_path / "a.wav")
    got = read_signal(tmp_path / "a.wav").samples
    np.testing.assert_array_equal(got.numpy(), want.T / (2 ** (bits - 1) if kind == 1 else 1))


def test_24_bits_big_endian_and_20_bits_of_24(tmp_path):
    content = bytes([0x40, 0, 0, 0xC0, 0, 1])
    fmt = struct.pack(">HHIIHH", 1, 1, 8000, 24000, 3, 24)
    body = b"WAVEfmt " + struct.pack(">I", 16) + fmt + b"data" + struct.pack(">I", 6) + content
    (tmp_path / "a.wav").write_bytes(b"RIFX" + struct.pack(">I", len(body)) + body)
    want = [0.5, -0.5 + 2**-23]
    assert read_signal(tmp_path / "a.wav").samples.tolist() == [want]
    (tmp_path / "b.WAV").write_bytes(wav(form(bits=20, block=3), content[2::-1] + content[:2:-1]))
    assert read_signal(tmp_path / "b.WAV").samples.tolist() == [want]


def test_recorded_and_vocoded_sentences(data_set):
    paths = sorted(data_set("wavefake").rglob("*.wav"))
    assert len(paths) == 10
    for path in paths:
        rate, want = scipy.io.wavfile.read(path)
        signal = read_signal(path)
        assert (signal.rate, signal.name, want.dtype) == (rate, path.stem, np.int16) and rate == 22050
        np.testing.assert_array_equal(signal.samples[0].numpy(), want / 2**15)


def test_truncated_wav_files(tmp_path):
    whole = wav(form(), np.arange(40, dtype="<i2").tobytes())
    for length in range(len(whole)):
        (tmp_path / "a.wav").write_bytes(whole[:length])
        refused(tmp_path / "a.wav", r"'.*a\.wav', which cannot be read \(.*\), expected a WAV file")
    refused(tmp_path / "a.wav", r"ends after 79 of 80 bytes of samples")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "does not begin as a WAV file"),
        (b"RIFF\0\0\0\0AVI ", "does not begin as a WAV file"),
        (wav(form(), b""), "it holds no samples"),
        (wav(form(), b"abc"), "3 bytes of samples end inside one"),
        (wav(form(), b"ab", size=2**32 - 1), "ends after 2 of 4294967295 bytes"),
        (wav(form(), b"ab", form=b"RF64"), "does not begin as a WAV file"),
        (wav(form(channels=0), b"ab"), "0 channels of 16 bits in 0 bytes at 8000 Hz have no meaning"),
        (wav(form(rate=0), b"ab"), "at 0 Hz have no meaning"),
        (wav(form(block=3), b"ab"), "1 channels of 16 bits in 3 bytes"),
        (wav(form(bits=40), b"abcde"), "1 channels of 40 bits"),
        (wav(form(3, bits=16), b"ab"), "1 channels of 16 bits"),
        (wav(form()[:10], b"ab"), "requires a buffer of 16 bytes"),
        (wav(form(7, bits=8), b"ab"), "got µ-law samples in .*a.wav', expected integers or floats: convert it"),
        (wav(form(999), b"ab"), "got format 999 samples"),
        (wav(form(), b"ab")[:12] + wav(form(), b"ab")[36:], "its samples come before their format"),
        (wav(form(), b"ab")[:36], "it holds no samples"),
    ],
)
def test_wav_files_that_are_refused(tmp_path, content, match):
    (tmp_path / "a.wav").write_bytes(content)
    refused(tmp_path / "a.wav", match)


def test_damaged_wav_files_raise_one_line_or_are_read(tmp_path):
    chance = np.random.default_rng(0)
    whole = np.frombuffer(wav(form(), np.arange(40, dtype="<i2").tobytes()), np.uint8)
    for _ in range(300):
        damaged = whole.copy()
        damaged[chance.integers(0, 44, 3)] = chance.integers(0, 256, 3)
        (tmp_path / "a.wav").write_bytes(damaged.tobytes())
        try:
            read_signal(tmp_path / "a.wav")
        except (DataError, RangeError) as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite(tmp_path, value):
    values = np.zeros((5, 2), np.float32)
    values[3, 1] = values[4, 0] = value
    scipy.io.wavfile.write(tmp_path / "a.wav", 8000, values)
    np.save(tmp_path / "a.npy", values.T)
    for name in ("a.wav", "a.npy"):
        match = rf"got {value} at sample 3 of channel 1 in '.*{name}', expected finite numbers \(2 are not\)"
        refused(tmp_path / name, match, RangeError)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [None, ["volt", "amp"], ["# volt", " amp "]])
@pytest.mark.parametrize("sign", [",", ";", "\t", ", "])
def test_columns_are_numpys(tmp_path, sign, header, end):
    values = np.random.default_rng(0).normal(size=(20, 2))
    table = io.StringIO()
    np.savetxt(table, values, fmt="%.17g", delimiter=sign, newline=end)
    text = (sign.join(header) + end if header else "") + table.getvalue()
    path = written(tmp_path, text, encoding="utf-8-sig")
    signal = read_signal(path)
    assert signal.samples.dtype == torch.float64 and signal.rate == 1 and signal.name == "a"
    want = np.loadtxt(io.StringIO(table.getvalue()), delimiter=sign.strip(" ") or None)
    np.testing.assert_array_equal(signal.samples.numpy(), want.T)
    assert read_signal(path, rate=50.0).rate == 50


def test_one_column_and_blank_lines(tmp_path):
    assert read_signal(written(tmp_path, "\n1\n\n2.5\n  \n-3e-2")).samples.tolist() == [[1, 2.5, -0.03]]
    assert read_signal(written(tmp_path, '"1";"2"\n3;4\n', "a.tsv")).samples.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("name", "unit"), [("t", 1), ("Time", 1), ("time (s)", 1), ("t [ms]", 1e-3), ("time_us", 1e-6), ("t/µs", 1e-6)]
)
def test_a_column_of_times_gives_the_rate(tmp_path, name, unit):
    path = written(tmp_path, f"{name},x\n" + "".join(f"{5 + 0.25 * k},{k}\n" for k in range(9)))
    signal = read_signal(path)
    assert signal.rate == pytest.approx(4 / unit) and signal.samples.tolist() == [list(range(9))]
    assert read_signal(path, rate=7.0).rate == 7


@pytest.mark.parametrize("name", ["tension", "x", "timer", "t2"])
def test_other_first_columns_are_channels(tmp_path, name):
    assert read_signal(written(tmp_path, f"{name},x\n1,2\n3,5\n")).samples.tolist() == [[1, 3], [2, 5]]


def test_times_written_with_few_digits(tmp_path):
    """44.1 kHz in microseconds strays by two percent of a step; a quarter of a step is refused."""
    path = written(tmp_path, "t,x\n" + "".join(f"{k / 44100:.6f},0\n" for k in range(1000)))
    assert read_signal(path).rate == pytest.approx(44100, rel=1e-4)
    refused(written(tmp_path, "t,x\n0,1\n1,1\n2.25,1\n3,1\n4,1\n"), r"got a step of 1.25 s before line 4, column 1")


@pytest.mark.parametrize(
    ("times", "match"),
    [
        ("0 1 2 4 5", r"got a step of 2 s before line 5, column 1 \('t'\) of '.*a.csv', .*most are 1 s\): resample it"),
        ("0 1 2 2 3", "got a step of 0 s before line 5"),
        ("4 3 2 1 0", "expected even ones"),
        ("1 1 1", "got a step of 0 s"),
        ("1", "got a single time in .*, expected two or more"),
    ],
)
def test_times_that_give_no_rate(tmp_path, times, match):
    path = written(tmp_path, "t,x\n" + "".join(f"{time},0\n" for time in times.split()))
    refused(path, match)
    assert read_signal(path, rate=2.0).samples.shape == (1, len(times.split()))


def test_hours_of_a_transformer(data_set):
    """Real dates, hour by hour over two years: the rate is 1/3600 hertz."""
    path = data_set("ett") / "ETTh1.csv"
    signal = read_signal(path)
    assert signal.rate == pytest.approx(1 / 3600, rel=1e-12) and signal.name == "ETTh1"
    want = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, 8))
    np.testing.assert_array_equal(signal.samples.numpy(), want.T)
    assert signal.samples.shape == (7, 17420)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "it holds no numbers"),
        ("\n \n", "it holds no numbers"),
        ("x\n", "it holds no numbers"),
        ("x,y\n1,2\n\n3,oops\n", r"got 'oops' in line 4, column 2 \('y'\) of '.*a.csv', expected a number: correct it"),
        ("1,2\n3,\n", r"got '' in line 2, column 2 of "),
        ("1;2\n3;4,5\n", "got '4,5' in line 2, column 2 .*: write decimal points"),
        ("2\n1_000\n", "got '1_000' in line 2, column 1 of"),
        ("2016-07-01,5.8\n2016-07-02,5.9\n", "got '2016-07-01' in line 1, column 1 of"),
        ("date,x\nyesterday,1\n", r"got 'yesterday' in line 2, column 1 \('date'\).*, expected seconds or an ISO date"),
        ("1,2\n3\n", "got 1 cells in line 2 of .*, expected 2 as in the first line"),
        ("x,y\n1,2,3\n", "got 3 cells in line 2 of .*, expected 2"),
        ("t\n1\n2\n", "got nothing but times in"),
        ("x\n" + 50 * "a" + "\n", "got '" + 39 * "a" + "…' in line 2"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, match):
    refused(written(tmp_path, text), match)


@pytest.mark.parametrize(("cell", "shown"), [("nan", "nan"), ("-inf", "-inf"), ("1e999", "inf")])
def test_cells_that_are_not_finite(tmp_path, cell, shown):
    path = written(tmp_path, f"x,y\n1,2\n\n3,{cell}\n4,nan\n")
    refused(path, rf"got {shown} in line 4, column 2 \('y'\) of .*, expected finite numbers \(2 are not\)", RangeError)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"1\n\xff\xfe\n")
    refused(tmp_path / "a.csv", "which cannot be read .* expected a CSV file of numbers")


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [("bool", "float64"), ("int16", "float64"), ("float16", "float32"), (">f4", "float32"), ("float64", "float64")],
)
@pytest.mark.parametrize("shape", [(6,), (1, 6), (2, 3)])
def test_arrays(tmp_path, dtype, wide, shape):
    values = np.arange(6).reshape(shape).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "b.npz", counts=values, other=values + values)
    one, two = read_signal(tmp_path / "a.npy", rate=50.0), read_signal(f"{tmp_path}/b.npz:counts")
    assert (one.name, one.rate, two.name, two.rate) == ("a", 50, "b-counts", 1)
    for signal in (one, two):
        assert signal.samples.dtype == getattr(torch, wide)
        np.testing.assert_array_equal(signal.samples.numpy(), np.atleast_2d(values))


def test_measured_strain(data_set):
    path = data_set("gw150914") / "H-H1_LOSC_4_V2-1126259446-32.hdf5"
    signal = read_signal(f"{path}:strain/Strain", rate=4096.0)
    assert signal.samples.shape == (1, 32 * 4096) and signal.name.endswith("-strain-Strain")


def test_arrays_that_are_refused(tmp_path):
    np.save(tmp_path / "c.npy", np.ones(3, complex))
    refused(tmp_path / "c.npy", "got complex numbers in .*: save their real part or magnitude")
    np.save(tmp_path / "d.npy", np.ones((2, 3, 4)))
    refused(tmp_path / "d.npy", r"got shape \(2, 3, 4\) in .*, expected \(time,\) or \(channels, time\)", ShapeError)
    np.save(tmp_path / "e.npy", np.ones((2, 0)))
    refused(tmp_path / "e.npy", r"got shape \(2, 0\) in .*, expected at least one sample")
    np.savez(tmp_path / "two.npz", a=np.ones(3), b=np.ones(3))
    refused(tmp_path / "two.npz", r"name one as two.npz:a")
    refused(f"{tmp_path}/two.npz:c", r"got the key 'c'")


def test_names_that_are_refused(tmp_path):
    refused("song.mp3", r"got 'song.mp3', expected a name that ends in one of .wav, .csv, .tsv, .npy, .npz")
    for name in ("a.wav", "a.csv", "a.npy"):
        refused(tmp_path / name, "which does not exist")
    (tmp_path / "folder.wav").mkdir()
    refused(tmp_path / "folder.wav", "which is a folder")


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_that_are_refused(tmp_path, rate):
    refused(
        tmp_path / "a.wav", r"got rate=.*, expected a positive number of samples in a second", RangeError, rate=rate
    )
