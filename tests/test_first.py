# Generated from README.org by tangle.el; edit README.org instead.
"""The first program finds the spring, and keeps the house's manners."""

import json

import pytest
import torch

import first
from common import options
from common.line import least_squares


@pytest.mark.parametrize("seed", range(5))
def test_descent_ends_at_least_squares(seed):
    (x, y), _, history = first.fit(seed=seed, quiet=True)
    w, b = history[-1]
    best = least_squares(x, y[:, 0]).tolist()
    assert [b, w] == pytest.approx(best, abs=0.03)
    assert abs(w - 3) < 0.4 and abs(b - 12) < 0.5  # over 4 standard errors


def test_the_first_step_is_the_one_in_the_text():
    (x, y), _, history = first.fit(steps=1, quiet=True)
    w, b = history[1]
    assert b == pytest.approx(0.2 * 2 * y.mean().item())
    assert w == pytest.approx(0.2 * 2 * (x * y).mean().item())


def test_program_writes_the_same_results_twice(tmp_path, capsys):
    for folder in "one", "two":
        first.main(["--quiet", "--out", str(tmp_path / folder)])
    assert capsys.readouterr().out == ""
    for name in "first.svg", "first.json":
        one, two = ((tmp_path / folder / name).read_bytes()
                    for folder in ("one", "two"))
        assert one == two
    content = json.loads((tmp_path / "one/first.json").read_text())
    assert content["train"] < 0.35 and content["steps"] == 100


def test_what_cannot_be_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for argv in ["--device", "cuda"], ["--steps", "-1"], ["--lr", "1"]:
        with pytest.raises(options.InputError):
            first.main(argv)
