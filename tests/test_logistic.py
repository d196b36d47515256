# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on logistic regression."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal
from torch.nn import functional as F

import logistic
from experiments import logistic_nan


def test_hand_gradient_is_the_one_of_autograd():
    x, y = logistic.two_normals(0)
    w, b = (torch.tensor(value, requires_grad=True) for value in (0.7, -0.4))
    p = torch.sigmoid(w * x + b)
    loss = -Bernoulli(p).log_prob(y).mean()  # the likelihood itself
    torch.testing.assert_close(F.binary_cross_entropy(p, y), loss)
    loss.backward()
    torch.testing.assert_close(w.grad, ((p - y) * x).mean().detach())
    torch.testing.assert_close(b.grad, (p - y).mean().detach())


def test_no_model_beats_the_true_probability():
    x = torch.linspace(-8, 10, 50, dtype=torch.float64)
    zero, one = (Normal(mean, 2.0).log_prob(x).exp() for mean in (-3.0, 5.0))
    torch.testing.assert_close(one / (zero + one), torch.sigmoid(2 * x - 2))
    best, accuracy = logistic.expected(*logistic.bayes())
    phi = Normal(0.0, 1.0).cdf(torch.tensor(2.0)).item()
    assert accuracy == pytest.approx(phi, abs=1e-3)
    for w, b in (1.9, -2.0), (2.1, -2.0), (2.0, -2.1), (2.0, -1.9), (4, 0):
        assert logistic.expected(w, b)[0] > best


def test_newton_runs_off_exactly_on_separable_data():
    for seed in range(100):
        x, y = logistic.two_normals(seed)
        (w, b), steps = logistic.newton(x, y)
        assert (steps == 25) == (x[y == 0].max() < x[y == 1].min())
        error = torch.sigmoid(w * x.double() + b) - y  # zero at the minimum
        assert abs(error.mean()) + abs((error * x).mean()) < 1e-6


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("formula", [
    logistic_nan.robust_loss, nn.BCEWithLogitsLoss(reduction="none")])
def test_loss_from_logits_is_right_everywhere(formula, label):
    z = torch.tensor([-1e4, -100, -20, -1, 0, 1, 20, 100, 1e4])
    losses, slopes = logistic_nan.curve(formula, z, label)
    exact = F.softplus((1 - 2 * label) * z.double())
    torch.testing.assert_close(losses.double(), exact, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(slopes, torch.sigmoid(z) - label)


def test_replacing_the_nan_leaves_its_gradient():
    _, slope = logistic_nan.curve(
        lambda z, y: torch.nan_to_num(logistic_nan.naive_loss(z, y)),
        torch.tensor([20.0]), 1.0)
    assert slope.isnan()


def test_boundary_with_unequal_costs():
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    missed, alarm = Normal(5.0, 2.0).cdf(x), 1 - Normal(-3.0, 2.0).cdf(x)
    for cost in 0.2, 1.0, 10.0:
        cheapest = x[(cost * missed + alarm).argmin()].item()
        assert cheapest == pytest.approx((2 - math.log(cost)) / 2, abs=2e-3)


def test_sigmoid_is_the_softmax_of_two():
    z = torch.linspace(-10, 10, 21)
    two = torch.stack([torch.zeros_like(z), z], 1)  # (N, 2)
    y = torch.arange(21) % 2
    torch.testing.assert_close(two.softmax(1)[:, 1], torch.sigmoid(z))
    torch.testing.assert_close(
        F.cross_entropy(two, y),
        F.binary_cross_entropy_with_logits(z, y.float()))
