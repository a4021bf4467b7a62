"""What all tests share: where real data is, and where chance comes from."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

torch.set_num_threads(2)


def _missing(what: str) -> None:
    """Skip at home, fail in CI, where a missing set is a broken build."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data that UNDULA_DATA names."""
    named = os.environ.get("UNDULA_DATA", "")
    if not named or not Path(named).is_dir():
        _missing(f"UNDULA_DATA={named!r} is no folder")
    return Path(named)


@pytest.fixture(scope="session")
def data_set(data_folder: Path) -> Callable[[str], Path]:
    """The folder of one set of real data: `data_set("mnist")`."""

    def find(name: str) -> Path:
        if not (data_folder / name).is_dir():
            _missing(f"UNDULA_DATA holds no set {name!r}")
        return data_folder / name

    return find


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
