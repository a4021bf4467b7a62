import io
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch

from undula.data import arrays as arrays_file
from undula.data import read_array, write_array
from undula.errors import DataError, MissingExtra

h5py = pytest.importorskip("h5py")
tifffile = pytest.importorskip("tifffile")

_DTYPES = ["bool", "uint8", "int16", "uint32", "float16", "float32", "float64", "complex64", "complex128"]


def refused(path, match="", **options):
    with pytest.raises(DataError, match=match) as caught:
        read_array(path, **options)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (5,), (0, 3), ()])
def test_npy_as_numpy_reads_it(tmp_path, dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    write_array(tmp_path / "a.npy", array)
    for read in (np.load(tmp_path / "a.npy"), read_array(tmp_path / "a.npy")):
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


def test_odd_layouts(tmp_path):
    array = np.arange(24, dtype=">f4").reshape(4, 6).T
    np.save(tmp_path / "a.npy", array)
    read = read_array(tmp_path / "a.npy")
    assert read.dtype == np.dtype("float32") and read.dtype.isnative
    np.testing.assert_array_equal(read, array)
    torch.from_numpy(read)


def test_tensors_are_written(tmp_path):
    tensor = torch.tensor([1 + 2j, 3j]).conj().requires_grad_()
    write_array(tmp_path / "a.npy", tensor)
    assert read_array(tmp_path / "a.npy").tolist() == [1 - 2j, -3j]


def test_nan_stays(tmp_path):
    write_array(tmp_path / "a.npy", np.array([np.nan, np.inf]))
    np.testing.assert_array_equal(read_array(tmp_path / "a.npy"), [np.nan, np.inf])


@pytest.mark.parametrize("values", [[None, {}], ["a", "b"], np.zeros(2, [("x", "f4")]), np.zeros(2, "datetime64[s]")])
def test_only_numbers(tmp_path, values):
    array = np.array(values)
    with pytest.raises(DataError, match="expected numbers"):
        write_array(tmp_path / "b.npy", array)
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    refused(tmp_path / "a.npy", "expected numbers")
    np.savez(tmp_path / "a.npz", a=array, allow_pickle=True) if array.dtype != object else None
    if array.dtype != object:
        refused(tmp_path / "a.npz", "expected numbers")


def test_pickles_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (sys.exit, (3,))

    np.save(tmp_path / "a.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    refused(tmp_path / "a.npy", "Python objects")
    np.savez(tmp_path / "a.npz", x=np.array([Trap()], dtype=object))
    refused(tmp_path / "a.npz", "Python objects")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
@pytest.mark.parametrize("suffix", ["npy", "npz", "tif", "h5"])
def test_truncated(tmp_path, share, suffix):
    path = tmp_path / f"a.{suffix}"
    _save(path, np.random.default_rng(0).random((3, 30, 40)))
    whole = path.read_bytes()
    assert read_array(path).shape == (3, 30, 40)
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "cannot be read|expected")


def _save(path, array):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".npz":
        np.savez_compressed(path, counts=array)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["counts"] = array
    else:
        tifffile.imwrite(path, array, photometric="minisblack")


def test_damaged_bytes_raise_one_line_or_are_read(tmp_path):
    chance = np.random.default_rng(0)
    for suffix in ("npy", "npz", "tif", "h5"):
        path = tmp_path / f"a.{suffix}"
        _save(path, np.arange(60.0).reshape(6, 10))
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[chance.integers(0, min(300, len(whole)), 3)] = chance.integers(0, 256, 3)
            path.write_bytes(damaged.tobytes())
            try:
                read_array(path)
            except DataError as error:
                assert "\n" not in str(error)


def test_huge_claims(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6, 10**3)}
    )
    (tmp_path / "a.npy").write_bytes(header.getvalue())
    refused(tmp_path / "a.npy", "GB of memory")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("counts.npy", header.getvalue())
    refused(tmp_path / "a.npz", "GB of memory")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("counts", shape=(10**6, 10**6), chunks=(100, 100), dtype="f8")
    refused(tmp_path / "a.h5", "GB of memory")


def test_a_claim_beyond_the_bytes_of_an_npz(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1000, 1000)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("counts.npy", header.getvalue() + bytes(8))
    refused(tmp_path / "a.npz", "promises 8000000 bytes")


def test_keys_of_npz(tmp_path):
    np.savez(tmp_path / "one.npz", counts=np.ones((2, 3)))
    assert read_array(tmp_path / "one.npz").shape == (2, 3)
    np.savez(tmp_path / "two.npz", counts=np.ones((2, 3), "uint16"), mask=np.zeros(4))
    assert read_array(tmp_path / "two.npz", key="mask").shape == (4,)
    refused(tmp_path / "two.npz", r"counts \(2, 3\) uint16, mask \(4,\) float64.*name one as two.npz:counts")
    refused(tmp_path / "two.npz", "got the key 'masks'", key="masks")
    np.savez(tmp_path / "none.npz")
    refused(tmp_path / "none.npz", "none")


def test_keys_of_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["strain/Strain"] = np.arange(4.0)
        file["meta/name"] = "H1"
    for key in (None, "strain/Strain", "/strain/Strain", "strain/Strain/"):
        assert read_array(tmp_path / "a.hdf5", key=key).tolist() == [0, 1, 2, 3]
    refused(tmp_path / "a.hdf5", r"strain/Strain \(4,\) float64", key="strain")
    refused(tmp_path / "a.hdf5", "expected numbers", key="meta/name")
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        file["quality"] = np.arange(3)
    refused(tmp_path / "a.hdf5", r"quality \(3,\) int64, strain/Strain \(4,\) float64")


def test_measured_strain(data_set):
    path = data_set("gw150914") / "H-H1_LOSC_4_V2-1126259446-32.hdf5"
    with h5py.File(path) as file:
        expected = file["strain"]["Strain"][:]
    np.testing.assert_array_equal(read_array(path, key="strain/Strain"), expected)
    assert expected.shape == (32 * 4096,)


def test_missing_sources_of_a_virtual_data_set(tmp_path):
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["x"] = np.ones(3)
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("part.h5", "x", (3,))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("all", layout)
    assert read_array(tmp_path / "a.h5").tolist() == [1, 1, 1]
    (tmp_path / "part.h5").unlink()
    refused(tmp_path / "a.h5", "part.h5 is missing")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_stacks(tmp_path, dtype, compression):
    array = np.random.default_rng(0).integers(0, 200, (3, 6, 8)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", compression=compression)
    np.testing.assert_array_equal(read_array(tmp_path / "a.tif"), array)


def test_tiffs_of_several_stacks(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tiff") as file:
        file.write(np.zeros((4, 5), np.uint8))
        file.write(np.zeros((6, 7), np.uint8))
    refused(tmp_path / "a.tiff", r"2 stacks of shapes \(4, 5\), \(6, 7\)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("time,strain\n1,2\n3,4", [[1, 2], [3, 4]]),
        ("\ufefftime,strain\r\n1,2e-3\r\n", [[1, 2e-3]]),
        ("\n\n1\n\n2\n", [[1], [2]]),
        ("1,nan\n", [[1, np.nan]]),
    ],
)
def test_csv(tmp_path, text, expected):
    (tmp_path / "a.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(read_array(tmp_path / "a.csv"), expected)


@pytest.mark.parametrize("text", ["", "\n", "x,y\n", "1,2\n3\n", "1,2\na,b\n", "x\ny\n1\n", "1,,3\n", "\x00\xff"])
def test_csv_without_a_table(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    refused(tmp_path / "a.csv", "cannot be read")


def test_csv_of_measured_loads_names_the_dates(data_set):
    refused(data_set("ett") / "ETTh1.csv", "2016-07-01")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv", "a.tif", "a.h5"])
def test_missing_and_folders(tmp_path, name):
    refused(tmp_path / name, "does not exist")
    (tmp_path / name).mkdir()
    refused(tmp_path / name, "is a folder")


def test_names(tmp_path):
    refused(tmp_path / "a.txt", "expected a name that ends in one of .npy")
    refused(tmp_path / "a.npy", "only NPZ and HDF5 files have keys", key="x")
    with pytest.raises(DataError, match=r"ends in \.npy"):
        write_array(tmp_path / "a.npz", np.zeros(2))


def test_a_zip_under_another_name(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    refused(tmp_path / "a.npy", "cannot be read")


@pytest.mark.parametrize(("package", "name"), [("h5py", "a.h5"), ("tifffile", "a.tif")])
def test_missing_extras(tmp_path, monkeypatch, package, name):
    _save(tmp_path / name, np.zeros((2, 3)))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"undula\[science\]"):
        read_array(tmp_path / name)


def test_without_enough_memory(tmp_path, monkeypatch):
    write_array(tmp_path / "a.npy", np.zeros((100, 100)))
    monkeypatch.setattr(arrays_file, "_memory", lambda: 1000)
    refused(tmp_path / "a.npy", "cut it into parts")


def test_npy_version_3_is_named(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x03\x00" + struct.pack("<I", 4) + b"    ")
    refused(tmp_path / "a.npy", "version")
