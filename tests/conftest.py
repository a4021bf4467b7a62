"""What all tests share: where real data is, and where chance comes from."""

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

torch.set_num_threads(1)


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


@pytest.fixture(scope="session")
def loaded_anew() -> Callable[..., dict[str, ModuleType]]:
    """Import rooms a second time, with all that they stand on but the errors, without the checks of types that pytest adds.

    `loaded_anew("undula.losses")` gives all modules by name; those that pytest checks stand under their names again.
    """

    def ours() -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "undula"}

    def load(*rooms: str) -> dict[str, ModuleType]:
        before, finders = ours(), list(sys.meta_path)
        for name in before.keys() - {"undula", "undula.errors"}:
            del sys.modules[name]
        sys.meta_path[:] = [finder for finder in finders if not type(finder).__module__.startswith("jaxtyping")]
        try:
            for room in rooms:
                import_module(room)
            return ours()
        finally:
            sys.meta_path[:] = finders
            for name in ours():
                del sys.modules[name]
            sys.modules.update(before)
            for name, module in before.items():
                parent, _, child = name.rpartition(".")
                if parent:
                    setattr(before[parent], child, module)

    return load


@pytest.fixture(scope="session")
def unhooked(loaded_anew) -> dict[str, ModuleType]:
    """Losses and metrics, of one import, without those checks."""
    return loaded_anew("undula.losses", "undula.metrics")


# The one table of tolerances: largest difference relative to the largest value expected. A looser one (`times`) carries its
# reason where it is used.
TOLERANCES = {
    torch.float32: 3e-6,
    torch.float64: 1e-13,
    torch.complex64: 3e-6,
    torch.complex128: 1e-13,
}


@pytest.fixture(scope="session")
def close() -> Callable[..., None]:
    """Assert that a tensor equals what an oracle says (a tensor or an array): `close(got, want)`."""

    def check(got: torch.Tensor, want: Any, *, times: float = 1.0) -> None:
        expected = torch.as_tensor(want).detach()
        assert got.shape == expected.shape, f"got shape {tuple(got.shape)}, expected {tuple(expected.shape)}"
        assert got.is_complex() == expected.is_complex()
        wide = torch.complex128 if got.is_complex() else torch.float64
        difference = (got.detach().to(wide) - expected.detach().to(wide)).abs().max()
        size = max(1.0, float(expected.abs().max()))
        assert difference <= times * TOLERANCES[got.dtype] * size, f"differs by {float(difference):.3g}"

    return check


@pytest.fixture(scope="session")
def unchecked() -> Iterator[Callable[[str], ModuleType]]:
    """A copy of a module without the run-time checks of shapes that pytest adds: `unchecked("undula.spectra.fourier")`.

    torch.compile and vmap cannot see through them, and they forestall the errors that users see.
    """
    copies: dict[str, ModuleType] = {}

    def load(name: str) -> ModuleType:
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin is not None
        own = f"unchecked_{name.replace('.', '_')}"
        if own not in copies:
            loader = importlib.machinery.SourceFileLoader(own, found.origin)
            spec = importlib.util.spec_from_file_location(own, found.origin, loader=loader)
            assert spec is not None
            copies[own] = sys.modules[own] = importlib.util.module_from_spec(spec)
            loader.exec_module(copies[own])
        return copies[own]

    yield load
    for own in copies:
        del sys.modules[own]
