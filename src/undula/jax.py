"""The transforms for JAX: the same functions, of which lists and NumPy arrays come back as JAX arrays.

    >>> from undula.jax import wavelets  # doctest: +SKIP
    >>> jax.jit(lambda x: wavelets.wavedec(x, "db4", level=3))(x)  # doctest: +SKIP

`jax.jit`, `jax.grad` and `jax.vmap` work on all of them. JAX is an extra: `pip install 'undula[jax]'`.
"""

from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from types import ModuleType, SimpleNamespace
from typing import Any

from undula.errors import MissingExtra
from undula.spectra import wavelets as _wavelets
from undula.spectra.arrays import read_with

try:
    import jax.numpy as _numpy
except ImportError as error:
    raise MissingExtra("jax", extra="jax") from error


def _for_jax(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        with read_with(_numpy.asarray):
            return function(*arguments, **options)

    return call


def _room(module: ModuleType) -> SimpleNamespace:
    """The names that a room hands out, its functions reading for JAX."""
    names = {name: getattr(module, name) for name in module.__all__}
    return SimpleNamespace(**{name: _for_jax(each) if isfunction(each) else each for name, each in names.items()})


wavelets = _room(_wavelets)

__all__ = ["wavelets"]
