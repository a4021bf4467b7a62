"""The transforms without the run-time checks of types that pytest adds."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from torch._dynamo import symbolic_convert

import undula
import undula.spectra

ROOM = "undula.spectra.wavelets"


@pytest.fixture(scope="session")
def unhooked(loaded_anew) -> dict[str, ModuleType]:
    """The modules of the ground floor, loaded anew without those checks."""
    return {name: module for name, module in loaded_anew(ROOM).items() if name.startswith("undula.spectra")}


@pytest.fixture
def plain(unhooked: dict[str, ModuleType]) -> Iterator[ModuleType]:
    """`undula.wavelets` of those modules, which stand under their own names while a test runs.

    torch.compile cannot see through the checks, and they take most of a long grid's time.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, module in unhooked.items():
            patch.setitem(sys.modules, name, module)
        patch.setattr(undula, "spectra", unhooked["undula.spectra"])
        _forget_imports()
        yield unhooked[ROOM]
    _forget_imports()


def _forget_imports() -> None:
    """The compiler remembers the modules that it imported by name."""
    remembered = getattr(symbolic_convert, "_import_module", None)
    if remembered is not None:
        remembered.cache_clear()
