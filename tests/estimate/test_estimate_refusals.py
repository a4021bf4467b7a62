"""Wrong input: one line that holds what was got, what was expected, what to do next."""

import math
import sys
from importlib import import_module

import numpy as np
import pytest

from undula.errors import OptionError, RangeError, ShapeError, UndulaError

WAVE = np.cos(np.arange(64.0))


@pytest.fixture(scope="module")
def unhooked_estimate():
    """`estimate` without the run-time checks of types that pytest adds: as users call it."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "undula"}
    finders = list(sys.meta_path)
    for name in before.keys() - {"undula", "undula.errors"}:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in finders if not type(finder).__module__.startswith("jaxtyping")]
    try:
        yield import_module("undula.jobs.estimate.call").estimate
    finally:
        sys.meta_path[:] = finders
        for name in [name for name in sys.modules if name.partition(".")[0] == "undula"]:
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(before[parent], child, module)


CASES = {
    "too short": (ShapeError, WAVE[:7], {"components": 2}, r"got 7 samples to use, expected at least 9 for 2 components"),
    "nothing": (ShapeError, WAVE[:0], {}, r"got a signal of shape \(0,\), expected \(…, samples\)"),
    "channels": (ShapeError, WAVE, {"shared": True}, r"expected \(…, channels, samples\)"),
    "infinite": (RangeError, np.append(WAVE, math.inf), {}, r"got infinite values in the signal.*NaN where there is a gap"),
    "words": (RangeError, np.array(["a", "b"]), {}, r"expected numbers: convert"),
    "rate": (RangeError, WAVE, {"rate": 0.0}, r"got rate=0.0, expected samples per second, above 0"),
    "times": (RangeError, WAVE, {"times": np.zeros(64)}, r"got times that do not ascend.*sort"),
    "few times": (ShapeError, WAVE, {"times": np.arange(3.0)}, r"got times of shape \(3,\), expected one per sample, \(64,\)"),
    "start": (RangeError, WAVE, {"start": 99.0}, r"got start=99.0, expected a moment of the record, 0 … 63 s"),
    "components": (OptionError, WAVE, {"components": 6}, r'got components=6, expected 1 … 5, or "auto"'),
    "method": (OptionError, WAVE, {"method": "fft"}, r"got method='fft', expected one of auto, sweep, esprit, matrix-pencil"),
    "Nyquist": (RangeError, WAVE, {"band": (0.1, 0.6)}, r"up to half the sampling rate, 0.5 Hz"),
    "empty band": (RangeError, WAVE, {"band": (0.3, 0.1)}, r"got band=.*the lower first"),
    "noise": (RangeError, WAVE, {"noise": 0.0}, r"got the noise 0.0, expected a standard deviation above 0, or None"),
    "many noises": (ShapeError, WAVE, {"noise": np.ones((3, 1))}, r"got 3 deviations of the noise for 1 signals"),
    "density": (ShapeError, WAVE, {"noise": (np.arange(3.0), np.ones(2))}, r"expected \(frequencies in Hz, density\)"),
    "uneven pencil": (
        OptionError, WAVE, {"times": np.arange(64.0) ** 1.1, "method": "esprit"}, r"with uneven sampling, expected \"sweep\"",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_refused_in_one_line(unhooked_estimate, case):
    kind, signal, options, text = CASES[case]
    with pytest.raises(UndulaError, match=text) as raised:
        unhooked_estimate(signal, **options)
    assert type(raised.value).__name__ == kind.__name__
    assert "\n" not in str(raised.value) and str(raised.value).startswith("got ")
