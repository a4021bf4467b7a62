"""Several files of one form are fitted together, and what is written does not depend on it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from undula.cli import main
from undula.jobs.estimate.command import batches, typed

TIMES = np.arange(160) / 100


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes that were fitted."""
    seen: list[tuple[int, ...]] = []
    whole = typed.estimate

    def watched(signal: Any, **known: Any) -> Any:
        seen.append(tuple(signal.shape))
        return whole(signal, **known)

    monkeypatch.setattr(typed, "estimate", watched)
    return seen


def _write(number: int, *, modes: int = 1, samples: int = 160) -> list[str]:
    rng, names = np.random.default_rng(5), []
    for k in range(number):
        t = TIMES[:samples]
        clean = sum(np.exp(-t / 0.4) * np.cos(2 * np.pi * (9 + 7 * mode + k) * t + k) for mode in range(modes))
        names.append(f"{modes}-{samples}-{k}.npy")
        np.save(names[-1], clean + 0.05 * rng.standard_normal(samples))
    return names


def _near(a: Any, b: Any, error: float = 1.0) -> bool:
    """Equal but for a hundredth of an error bar."""
    if isinstance(a, dict):
        unit = a.get("error") or error
        return set(a) == set(b) and all(_near(a[key], b[key], unit) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(_near(x, y, error) for x, y in zip(a, b, strict=True))
    return bool(abs(a - b) < 0.01 * error) if isinstance(a, float) and isinstance(b, float) else bool(a == b)


@pytest.mark.parametrize("words", [(), ("--components", "1", "--noise", "0.05", "--start", "0.034", "--offset")])
def test_files_of_one_form_are_fitted_at_once_and_say_what_they_say_alone(calls, words):
    names = _write(2) + _write(2, modes=2)
    assert main(["estimate", *names, "--rate", "100", *words, "-o", "together", "--quiet"]) in (0, 1)
    assert calls == [(4, 160)]
    for name in names:
        main(["estimate", name, "--rate", "100", *words, "-o", "alone", "--quiet"])
    assert calls[1:] == [(160,)] * 4
    for name in names:
        own, one = (
            json.loads(Path(folder, name.replace("npy", "json")).read_text()) for folder in ("together", "alone")
        )
        for key in own:
            # Chances and evidence follow the fit, which ends within a few thousandths of an error bar.
            assert _near(own[key], one[key]), (name, key, own[key], one[key])


def test_other_forms_and_files_that_fail_do_not_keep_the_rest(calls, capsys):
    names = [*_write(3), *_write(2, samples=120)]
    Path("broken.npy").write_text("no array")
    endless = np.ones(160)
    endless[3] = np.inf
    np.save("endless.npy", endless)
    words = [*names[:2], "broken.npy", *names[2:], "endless.npy", "--rate", "100", "--components", "1"]
    assert main(["estimate", *words]) == 1
    assert calls == [(2, 160), (160,), (2, 120)]  # what cannot be read is not fitted
    shown = capsys.readouterr().err
    assert "broken" in shown and "endless" in shown and "infinite values" in shown
    assert len(list(Path("undula-estimate").glob("*.npz"))) == 5


def test_one_that_fails_in_a_batch_fails_by_its_own_name(calls, capsys):
    names = _write(3)
    bad = np.load(names[1])
    bad[3] = np.inf
    np.save(names[1], bad)
    assert main(["estimate", *names, "--rate", "100", "--components", "1"]) == 1
    assert sorted(path.stem for path in Path("undula-estimate").glob("*.npz")) == ["1-160-0", "1-160-2"]
    assert "1-160-1" in capsys.readouterr().err


def test_batches_are_no_larger_than_memory_holds(calls, monkeypatch):
    monkeypatch.setattr(batches, "NUMBERS", 500)
    main(["estimate", *_write(4), "--rate", "100", "--components", "1", "--quiet"])
    assert calls == [(3, 160), (160,)]


def test_finished_items_are_not_read_again(calls):
    names = _write(3)
    main(["estimate", names[1], "--rate", "100", "--components", "1", "--quiet"])
    main(["estimate", *names, "--rate", "100", "--components", "1", "--quiet"])
    assert calls == [(160,), (2, 160)]


def test_intervals_by_the_likelihood_ask_for_one_component(capsys):
    (name,) = _write(1)
    assert main(["estimate", name, "--rate", "100", "--intervals", "likelihood"]) == 2
    assert "expected --components 1" in capsys.readouterr().err
    assert main(["estimate", name, "--rate", "100", "--intervals", "likelihood", "--components", "1"]) == 0
