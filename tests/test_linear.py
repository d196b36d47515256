# Generated from README.org by tangle.el; edit README.org instead.
"""The checks that stand in the chapter on linear regression."""

import pytest
import torch
from torch.distributions import Normal

import linear_autograd
import linear_dataloader
import linear_module
from common.line import INTERCEPT, NOISE, SLOPE, known_line, least_squares
from experiments import curvature


def double_line():
    """Return the known line in double precision, as reference."""
    x, y = known_line(seed=0)
    return x.double(), y.double()


@pytest.mark.parametrize("w, b", [(0, 0), (SLOPE, INTERCEPT), (-7, 400)])
def test_hand_gradient_is_autograds(w, b):
    x, y = double_line()
    weights = torch.tensor([w, b], dtype=torch.float64, requires_grad=True)
    linear_autograd.mse(linear_autograd.predict(x, *weights), y).backward()
    r = w * x + b - y
    by_hand = 2 / len(x) * torch.stack([(r * x).sum(), r.sum()])
    torch.testing.assert_close(weights.grad, by_hand, rtol=1e-6, atol=0)


@pytest.mark.parametrize("start", [(0.0, 0.0), (-50.0, 1000.0)])
@pytest.mark.parametrize("louder", [1, 10])
def test_descent_diverges_above_the_limit_and_not_below(start, louder):
    x, y = double_line()
    y = louder * y
    limit = 1 / (x**2).mean().item()
    assert limit == pytest.approx(2 / 6801, rel=1e-3)
    _, best = least_squares(x[:, None], y).tolist()
    for share, low, high in (0.99, 0, 1e-2), (1.01, 1e2, 1e9):
        (w, _), _ = linear_autograd.train(
            x, y, lr=share * limit, steps=300, start=start)
        assert low <= abs((w.item() - best) / (start[0] - best)) < high


@pytest.mark.parametrize("sigma", [1.0, NOISE])
def test_least_squares_is_most_likely_whatever_sigma(sigma):
    def log_likelihood(weights):
        return Normal(weights[0] + weights[1] * x, sigma).log_prob(y).sum()

    x, y = double_line()
    best = least_squares(x[:, None], y).requires_grad_()
    (gradient,) = torch.autograd.grad(log_likelihood(best), best)
    assert gradient.abs().max() < 1e-6  # and the likelihood is concave


def test_same_batches_same_weights_in_all_three_programs():
    data = linear_dataloader.standard_line(0)
    batches = list(linear_dataloader.make_loader(data, 2))
    first = (0.0, 0.0)
    for x, y in batches * 6:
        _, (_, first) = linear_autograd.train(
            x, y, lr=0.05, steps=1, start=first)
    _, second = linear_dataloader.train(batches, 6)
    columns = [(x[:, None], y) for x, y in batches]
    _, third = linear_module.train(
        linear_module.LinearRegression(), columns, 6)
    assert first == second[-1]
    assert third[-1] == pytest.approx(first, rel=1e-6)


def test_weights_in_standard_units_convert_to_raw_ones():
    x, y = double_line()
    x = x + 40
    b, w = least_squares(curvature.standardise(x)[:, None], y)
    w = w / x.std(correction=0)
    b = b - w * x.mean()
    expected = least_squares(x[:, None], y)
    torch.testing.assert_close(torch.stack([b, w]), expected)
