# Generated from README.org by tangle.el; edit README.org instead.
"""The first program finds the spring."""

import pytest

import first
from common.line import least_squares


@pytest.mark.parametrize("seed", range(5))
def test_descent_ends_at_least_squares(seed):
    (x, y), _, history = first.fit(seed=seed, quiet=True)
    w, b = history[-1]
    best = least_squares(x, y[:, 0]).tolist()
    assert [b, w] == pytest.approx(best, abs=0.03)
    assert abs(w - 3) < 0.4 and abs(b - 12) < 0.5  # over 4 standard errors
