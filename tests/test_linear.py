# Generated from README.org by tangle.el; edit README.org instead.
"""The checks that stand in the chapter on linear regression."""

import json
import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal

import linear_autograd
import linear_dataloader
import linear_module
from common import options, results
from common.line import INTERCEPT, NOISE, SLOPE, known_line, least_squares
from experiments import curvature, exponent, shuffling


def double_line(seed=0):
    """Return the known line in double precision, as reference."""
    x, y = known_line(seed)
    return x.double(), y.double()


@pytest.mark.parametrize("w, b", [(0, 0), (SLOPE, INTERCEPT), (-7, 400)])
def test_hand_gradient_is_autograds(w, b):
    x, y = double_line()
    weights = torch.tensor([w, b], dtype=torch.float64, requires_grad=True)
    linear_autograd.mse(linear_autograd.predict(x, *weights), y).backward()
    r = w * x + b - y
    by_hand = 2 / len(x) * torch.stack([(r * x).sum(), r.sum()])
    torch.testing.assert_close(weights.grad, by_hand, rtol=1e-6, atol=0)


@pytest.mark.parametrize("start", [(0.0, 0.0), (-900.0, 5e3), (1e4, -1e4)])
def test_long_training_is_least_squares_from_every_start(start):
    x, y = double_line()
    z = curvature.standardise(x)
    (w, b), _ = linear_autograd.train(z, y, lr=0.25, steps=80, start=start)
    best = least_squares(x[:, None], y)
    torch.testing.assert_close(w * z + b, best[0] + best[1] * x)


@pytest.mark.parametrize("start", [(0.0, 0.0), (-50.0, 1000.0)])
@pytest.mark.parametrize("louder", [1, 10])
def test_descent_diverges_above_the_limit_and_not_below(start, louder):
    x, y = double_line()
    y = SLOPE * x + INTERCEPT + louder * (y - SLOPE * x - INTERCEPT)
    limit = 2 / curvature.curvatures(x)[-1].item()
    assert limit == pytest.approx(2 / 6801, rel=1e-3)
    _, best = least_squares(x[:, None], y).tolist()
    for share, shrinks in [(0.99, True), (1.01, False)]:
        (w, _), _ = linear_autograd.train(
            x, y, lr=share * limit, steps=300, start=start)
        ratio = abs(w.item() - best) / abs(start[0] - best)
        assert ratio < 1e-2 if shrinks else ratio > 1e2


def test_half_the_limit_finds_the_slope_in_a_step_and_twice_is_nan():
    x, y = known_line(0)
    limit = 2 / curvature.curvatures(x)[-1].item()
    assert linear_autograd.LR / limit == pytest.approx(0.17, abs=0.001)
    (w, _), _ = linear_autograd.train(x, y, lr=limit / 2, steps=1)
    best = least_squares(x[:, None], y)[1].item()
    assert w.item() == pytest.approx(best, rel=1e-5)
    (w, _), _ = linear_autograd.train(x, y, lr=2 * limit, steps=200)
    assert math.isnan(w.item())


def test_standard_units_learn_slope_and_bias_alike():
    x, y = double_line()
    for centre in (0, 40):
        z = curvature.standardise(x + centre)
        assert curvature.curvatures(z).tolist() == pytest.approx([2, 2])
    _, slope, bias = curvature.errors(z, y, 30)
    assert slope == pytest.approx([0.66**t for t in range(31)], rel=1e-6)
    assert bias == pytest.approx(slope, rel=1e-6)
    _, slope, bias = curvature.errors(x, y, 30)
    assert slope[-1] < 1e-5 and bias[-1] > 0.99


@pytest.mark.parametrize("sigma", [1.0, NOISE])
def test_least_squares_is_most_likely_whatever_sigma(sigma):
    def log_likelihood(weights):
        return Normal(weights[0] + weights[1] * x, sigma).log_prob(y).sum()

    x, y = double_line()
    best = least_squares(x[:, None], y).requires_grad_()
    (gradient,) = torch.autograd.grad(log_likelihood(best), best)
    assert gradient.abs().max() < 1e-6
    for move in torch.tensor([[1, 0], [-1, 0], [0, 0.1], [0, -0.1]]):
        assert log_likelihood(best + move) < log_likelihood(best)


def test_exponent_one_is_the_best_line_through_two_points():
    x, y = double_line()
    y = exponent.with_outliers(y)
    i, j = torch.combinations(torch.arange(len(x))).T  # (4950,), (4950,)
    w = (y[j] - y[i]) / (x[j] - x[i])
    lines = y[i, None] + w[:, None] * (x - x[i, None])  # (4950, N)
    exact = (lines - y).abs().mean(1).min()
    found = (exponent.fit(x, y, 1) - y).abs().mean()
    assert exact <= found < exact * 1.001


def test_one_batch_of_everything_is_the_first_program():
    data = linear_dataloader.standard_line(0)
    loader = linear_dataloader.make_loader(data, 0, len(data), shuffle=False)
    _, ours = linear_dataloader.train(loader, steps=12)
    _, theirs = linear_autograd.train(data.x, data.y, lr=0.05, steps=12)
    assert ours == theirs


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mini_batches_end_near_least_squares_and_not_on_it(seed):
    data = linear_dataloader.standard_line(seed)
    b, w = least_squares(data.x[:, None], data.y)
    _, history = linear_dataloader.train(
        linear_dataloader.make_loader(data, seed + 2), steps=200)
    late = torch.tensor([linear_dataloader.evaluate(data, *weights)
                         for weights in history[100:]])
    late /= linear_dataloader.evaluate(data, w, b)
    assert late.min() >= 1 and late.max() < 1.02 and late.mean() > 1.0001


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sorted_batches_cost_most_while_the_bias_is_wrong(seed):
    x, y = known_line(seed)
    best_b, best_w = least_squares(x[:, None], y).tolist()
    cold, warm = (shuffling.excess(shuffling.compare(
        linear_dataloader.Points(x, y), seed + 2, lr=1e-4, start=start))
        for start in [(0.0, 0.0), (best_w, best_b)])
    assert cold["sorted"] > 5 * cold["shuffled"]
    assert cold["sorted"] > 2 * warm["sorted"]


def test_same_batches_same_weights_in_all_three_programs():
    data = linear_dataloader.standard_line(0)
    batches = list(linear_dataloader.make_loader(data, 2)) * 6
    first = (0.0, 0.0)
    for x, y in batches:
        _, (_, first) = linear_autograd.train(
            x, y, lr=0.05, steps=1, start=first)
    _, second = linear_dataloader.train(batches, steps=30)
    columns = [(x[:, None], y) for x, y in batches]
    _, third = linear_module.train(
        linear_module.LinearRegression(), columns, steps=30)
    assert first == second[-1]
    assert third[-1] == pytest.approx(first, rel=1e-6)


def test_dependent_features_leave_the_weights_undecided():
    x, y = double_line()
    design = torch.stack([torch.ones_like(x), x, 2 * x + 1], 1)  # (N, 3)
    assert torch.linalg.matrix_rank(design.T @ design) == 2
    weights = torch.cat([least_squares(design[:, 1:2], y), torch.zeros(1)])
    moved = weights + 7 * torch.tensor([1, 2, -1])
    torch.testing.assert_close(design @ moved, design @ weights)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs a program and returns its results."""
    def run_program(program, *argv):
        program.main([*argv, "--quiet", "--out", str(tmp_path)])
        name = program.__name__.split(".")[-1]
        return json.loads((tmp_path / f"{name}.json").read_text())

    monkeypatch.setattr(results, "to_svg", lambda *_: "<svg/>")
    return run_program


@pytest.mark.parametrize("program, low, high", [
    (linear_autograd, 1.2, 2), (linear_dataloader, 1, 1.01),
    (linear_module, 1, 1.01)])
def test_programs_reach_what_the_text_says(program, low, high, run):
    done = run(program)
    assert low <= done["train"] / done["baseline"]["train"] <= high


@pytest.mark.parametrize("program", [
    linear_autograd, linear_dataloader, linear_module])
def test_no_steps_leave_the_starting_model(program, run):
    done = run(program, "--steps", "0", "--seed", "5")
    _, y = known_line(5)
    assert done["train"] == pytest.approx((y**2).mean().item(), rel=1e-5)


@pytest.mark.parametrize("experiment", [curvature, exponent, shuffling])
def test_experiments_take_steps_and_seed(experiment, run):
    done = run(experiment, "--steps", "9", "--seed", "3")
    assert (done["steps"], done["seed"]) == (9, 3)


@pytest.mark.parametrize("argv", [["--steps", "-1"], ["--seed", "x"],
                                  ["--lr", "1"]])
def test_bad_options_are_one_line(argv):
    with pytest.raises(options.InputError, match=r"\A.+\Z"):
        linear_autograd.main(argv)


def test_a_run_that_diverges_says_so_and_writes_nothing(
        run, monkeypatch, tmp_path):
    monkeypatch.setitem(linear_autograd.train.__kwdefaults__, "lr", 1.0)
    with pytest.raises(options.RunError, match="diverged"):
        run(linear_autograd, "--steps", "50")
    assert not list(tmp_path.iterdir())


def raw_weights(w, b, mean, deviation):
    """Return slope and bias for x from those for (x - mean) / deviation."""
    return w / deviation, b - w * mean / deviation


def test_weights_in_standard_units_convert_to_raw_ones():
    x, y = double_line()
    x = x + 40
    b, w = least_squares(curvature.standardise(x)[:, None], y)
    w, b = raw_weights(w, b, x.mean(), x.std(correction=0))
    expected = least_squares(x[:, None], y)
    torch.testing.assert_close(torch.stack([b, w]), expected)


def huber(y_hat, y, delta=0.3):
    """Return the loss that is square near zero and linear beyond DELTA."""
    r = (y_hat - y).abs()
    return torch.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean()


def test_hubers_loss_is_torchs_and_resists_outliers():
    x, y = (t / 100 for t in double_line())
    y = exponent.with_outliers(100 * y) / 100
    torch.testing.assert_close(huber(x, y), nn.HuberLoss(delta=0.3)(x, y))
    (w, _), _ = linear_autograd.train(x, y, lr=1.0, steps=300, loss_fn=huber)
    assert abs(w.item() - SLOPE) < 0.3
    assert SLOPE - least_squares(x[:, None], y)[1] > 0.6
