# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on logistic regression."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.nn import functional as F

import logistic


def test_hand_gradient_is_the_one_of_autograd():
    x, y = logistic.two_normals(0)
    w, b = (torch.tensor(value, requires_grad=True) for value in (0.7, -0.4))
    p = torch.sigmoid(w * x + b)
    loss = -Bernoulli(p).log_prob(y).mean()  # the likelihood itself
    torch.testing.assert_close(F.binary_cross_entropy(p, y), loss)
    loss.backward()
    torch.testing.assert_close(w.grad, ((p - y) * x).mean().detach())
    torch.testing.assert_close(b.grad, (p - y).mean().detach())


def test_boundary_with_unequal_costs():
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    missed, alarm = Normal(5.0, 2.0).cdf(x), 1 - Normal(-3.0, 2.0).cdf(x)
    for cost in 0.2, 1.0, 10.0:
        cheapest = x[(cost * missed + alarm).argmin()].item()
        assert cheapest == pytest.approx((2 - math.log(cost)) / 2, abs=2e-3)


def test_sigmoid_is_the_softmax_of_two():
    z = torch.linspace(-10, 10, 21)
    two = torch.stack([torch.zeros_like(z), z], 1)  # (N, 2)
    torch.testing.assert_close(two.softmax(1)[:, 1], torch.sigmoid(z))
