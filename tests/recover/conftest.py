"""Objects to recover, and problems made of them."""

from collections.abc import Callable, Iterator

import pytest
import torch

from undula import Recovery
from undula.jobs.recover.problem import Problem, read_problem


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Small arrays on one thread: on a busy machine two wait for each other, 53 s instead of 2 s for the pool's tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def problem_of() -> Callable[..., Problem]:
    """The problem that known items (n, space) pose: `problem_of(x, bounds=(0.0, 1.0), measured=mask)`."""

    def make(
        x: torch.Tensor,
        *,
        bounds: tuple[float | None, float | None] = (0.0, 1.0),
        measured: torch.Tensor | None = None,
    ) -> Problem:
        axes = tuple(range(1, x.ndim))
        return read_problem(
            torch.fft.fftn(x, dim=axes).abs(),
            intensities=False,
            centered=False,
            norm="backward",
            real=not x.is_complex(),
            bounds=(None, None) if x.is_complex() else bounds,
            measured=measured,
        )

    return make


@pytest.fixture(scope="session")
def drawn() -> Callable[..., torch.Tensor]:
    """Random bounded items, a third of their pixels at either bound: `drawn((3, 6, 7))`; complex ones are normal."""

    def make(shape: tuple[int, ...], *, dtype: torch.dtype = torch.float64, seed: int = 0) -> torch.Tensor:
        chance = torch.Generator().manual_seed(seed)
        if dtype.is_complex:
            return torch.randn(*shape, dtype=dtype, generator=chance)
        return (3 * torch.rand(*shape, dtype=dtype, generator=chance) - 1).clamp(0, 1)

    return make


@pytest.fixture(scope="session")
def pairs() -> Callable[..., torch.Tensor]:
    """A mask (1, space) of which a share of the pairs ±k is False, zero frequency kept: `pairs((6, 7), share=0.1)`."""

    def make(shape: tuple[int, ...], *, share: float = 0.1, seed: int = 0) -> torch.Tensor:
        noise = torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed))
        axes = tuple(range(1, noise.ndim))
        mirrored = noise.flip(axes).roll((1,) * len(axes), axes)
        mask = torch.minimum(noise, mirrored) > share / 2
        mask[(0, *[0] * len(shape))] = True
        return mask

    return make


@pytest.fixture(scope="session")
def recover_unchecked(loaded_anew) -> Callable[..., Recovery]:
    """`recover` without the run-time checks of types that pytest adds to every module: as users call it.

    The checks forestall the errors that users see. The errors are those of the tests, all else is a second import.
    """
    return loaded_anew("undula.jobs.recover.call")["undula.jobs.recover.call"].recover
