# Generated from README.org by tangle.el; edit README.org instead.
"""The first program finds the spring."""

import first


def test_five_times_a_hundred_measurements_show_the_spring():
    for seed in range(5):
        _, _, history = first.fit(seed=seed, quiet=True)
        w, b = history[-1]
        assert abs(w - 3) < 0.4 and abs(b - 12) < 0.5  # > 4 std errors
