"""The names of curves cover no curve where one of the right corners is free."""

import numpy as np
import pytest

from undula.show import Axis
from undula.show.lines import trace
from undula.show.panels import _drop_of_names

RISING, HIGH, LOW = np.array([[0.0, 0], [1, 1]]), np.array([[0.0, 1], [1, 1]]), np.array([[0.0, 0], [1, 0]])


@pytest.mark.parametrize(
    ("curves", "down"), [([RISING, HIGH], 66), ([LOW], 0), ([HIGH], 66), ([HIGH, LOW], 0), ([HIGH / 2], 0)]
)
def test_names_go_where_no_curve_is(curves, down):
    axis = Axis(0, 1)
    masks = [trace(points, axis, axis, 120, 100) for points in curves]
    assert _drop_of_names(masks, (50, 30)) == down
