from pathlib import Path

import pytest

from undula.data.names import safe_name, unique_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scan 3", "scan_3"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "item"),
        (".hidden", "hidden"),
        ("", "item"),
        ("größe", "größe"),
        ("gro\u0308ße", "größe"),
        ("a\n\tb\0c", "a_b_c"),
        ("\udcff", "item"),
        ("x" * 500, "x" * 120),
        ("ü" * 500, "ü" * 60),
    ],
)
def test_safe_names(text, expected):
    assert safe_name(text) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/x.png", "a/y.png"], ["x", "y"]),
        (["a/x.png", "a/x.jpg"], ["x-png", "x-jpg"]),
        (["a/x.png", "b/x.png"], ["a-x", "b-x"]),
        (["a/x.png", "b/x.jpg"], ["x-png", "x-jpg"]),
        (["a/x.png", "a/x.jpg", "b/x.png"], ["a-x", "x-jpg", "b-x"]),
        (["c/a/x.png", "d/a/x.png"], ["a-x-png", "a-x-png-2"]),
        (["x.png", "X.png"], None),
        (["a/x.png"] * 3 + ["a/x-2.png"], None),
    ],
)
def test_unique_names(paths, expected):
    names = unique_names([(Path(path), "") for path in paths])
    assert len({name.casefold() for name in names}) == len(paths)
    assert names == unique_names([(Path(path), "") for path in paths])
    if expected is not None:
        assert names == expected


def test_keys():
    found = [(Path("a.h5"), "strain/Strain"), (Path("a.h5"), "quality"), (Path("a.h5"), "")]
    assert unique_names(found) == ["a-strain_Strain", "a-quality", "a"]
