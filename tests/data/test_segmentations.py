"""Run lengths of segmentations, against a plain loop over the runs; wrong files fail in one line."""

import numpy as np
import pytest
import torch

from undula.data import luminance, read_image, read_segmentation
from undula.errors import DataError

HEADER = "image C:\\data\\data\nwidth 4\nheight 3\nsegments 3\ngray 1\ninvert 0\nflipflop 0\nformat ascii cr\ndata\n"
RUNS = ["0 0 0 3", "1 1 0 1", "2 1 2 2", "0 1 3 3", "2 2 0 3"]


def written(folder, text):
    path = folder / "mask.seg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_runs_in_any_order(tmp_path):
    expected = torch.tensor([[0, 0, 0, 0], [1, 1, 2, 0], [2, 2, 2, 2]])
    for runs in (RUNS, RUNS[::-1]):
        labels = read_segmentation(written(tmp_path, HEADER + "\n".join(runs) + "\n"))
        assert torch.equal(labels, expected) and labels.dtype == torch.int64
    windows = (HEADER + "\n".join([*RUNS, "", ""])).replace("\n", "\r\n")
    assert torch.equal(read_segmentation(written(tmp_path, windows)), expected)


def test_headers(tmp_path):
    """Comments, other orders, names of any encoding (0x85 ends a line of str), and only what is needed."""
    header = b"# drawn by hand\nimage \xc1\xd1\x85 data\nsegments 3 # of them\nheight 3\nwidth 4\ndata\n"
    assert read_segmentation(written(tmp_path, header + "\n".join(RUNS).encode())).max() == 2


def test_real_masks(data_set):
    files = sorted((data_set("cracks") / "masks").glob("*.seg"))
    assert len(files) == 118
    shares = []
    for file in files:
        labels = read_segmentation(file)
        assert labels.shape == (320, 480) and labels.min() == 0
        shares.append([(labels % 2 == 1).double().mean().item(), (labels == 2).double().mean().item()])
    cracks, enclosed = zip(*shares, strict=True)
    assert min(cracks) > 0.003 and max(cracks) < 0.07 and 0.29 < max(enclosed) < 0.3
    for file in files[::30]:
        lines = file.read_text().split("\ndata\n")[1].split("\n")
        expected = np.full((320, 480), -1)
        for label, row, first, last in (map(int, line.split()) for line in lines if line):
            expected[row, first : last + 1] = label
        np.testing.assert_array_equal(read_segmentation(file).numpy(), expected)


@pytest.mark.parametrize(
    ("name", "dark", "others"), [("093", [1], [0, 2]), ("101", [1], [0, 2]), ("117", [1, 3], [0, 2])]
)
def test_odd_labels_of_crackforest_are_cracks(data_set, name, dark, others):
    """The photographs tell: they are darker there."""
    labels = read_segmentation(data_set("cracks") / "masks" / f"{name}.seg")
    grey = luminance(read_image(data_set("cracks") / "images" / f"{name}.jpg"))
    means = [((grey[labels == one].mean() - grey.mean()) / grey.std()).item() for one in range(int(labels.max()) + 1)]
    assert sorted(dark + others) == list(range(len(means)))
    assert max(means[one] for one in dark) < min(means[one] for one in others) - 0.3


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no line that is exactly 'data'"),
        (HEADER.replace("\ndata\n", "\ndata \n"), "no line that is exactly 'data'"),
        (HEADER, "nothing follows its line 'data'"),
        (HEADER + "\n".join(RUNS[:-1]), "leaves out the pixel in row 2, column 0.*truncated"),
        (HEADER + "\n".join(RUNS[1:]), "leaves out the pixel in row 0, column 0"),
        (HEADER + "\n".join([*RUNS[:2], *RUNS[3:]]), "leaves out the pixel in row 1, column 2"),
        (HEADER + "\n".join([*RUNS, "1 1 1 1"]), "names twice the pixel in row 1, column 1"),
        (HEADER + "\n".join([*RUNS, "0 0 0 3"]), "names twice the pixel in row 0, column 0"),
        (HEADER + "\n".join([*RUNS, "2 2 3 3"]), "names twice the pixel in row 2, column 3"),
        (HEADER + "\n".join(RUNS)[:-4], "is not 'segment row first last'"),
        (HEADER + "\n".join([*RUNS, "a b c d"]), "'a b c d' is not 'segment row first last'"),
        (HEADER + "\n".join([*RUNS, "0 0 -1 3"]), "is not 'segment row first last'"),
        (HEADER + "\n".join([*RUNS, "0 0 0 " + "9" * 5000]), "is not 'segment row first last'"),
        (HEADER + "\n".join([*RUNS[:-1], "3 2 0 3"]), "its run '3 2 0 3' leaves its 3 segments"),
        (HEADER + "\n".join([*RUNS[:-1], "2 2 0 4"]), "leaves its 3 segments or its 4 × 3 pixels"),
        (HEADER + "\n".join([*RUNS[:-1], "2 3 0 3"]), "leaves its 3 segments or its 4 × 3 pixels"),
        (HEADER + "\n".join([*RUNS[:-1], "2 2 3 0"]), "leaves its 3 segments or its 4 × 3 pixels"),
        (HEADER.replace("width 4\n", "") + "0 0 0 0", "its header has no width"),
        (HEADER.replace("width 4\n", "width\n").replace("segments 3\n", "") + "0 0 0 0", "no width and no segments"),
        (HEADER.replace("width 4", "width four") + "0 0 0 0", "invalid literal"),
        (HEADER.replace("width 4", "width 0") + "0 0 0 0", "promises 3 segments in 0 × 3 pixels"),
        (HEADER.replace("width 4", "width 99999999") + "0 0 0 99999998", "promises 3 segments in 99999999 × 3 pixels"),
        (HEADER.replace("segments 3", "segments 13") + "\n".join(RUNS), "promises 13 segments"),
        (HEADER.replace("ascii cr", "binary map") + "\n".join(RUNS), "its format is 'binary map', not 'ascii cr'"),
        (bytes(range(256)) * 9, "no line that is exactly 'data'"),
    ],
)
def test_wrong_files(tmp_path, text, match):
    with pytest.raises(DataError, match=match) as caught:
        read_segmentation(written(tmp_path, text))
    assert "mask.seg" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_huge_files_are_not_read(tmp_path):
    path = tmp_path / "huge.seg"
    with path.open("wb") as file:
        file.truncate(1 << 33)  # sparse: it takes no room on the disk
    with pytest.raises(DataError, match=r"of 8192 MB, expected a segmentation .* at most 32 MB"):
        read_segmentation(path)
    with pytest.raises(DataError, match="does not exist"):
        read_segmentation(tmp_path / "none.seg")
    with pytest.raises(DataError, match="which is a folder"):
        read_segmentation(tmp_path)
