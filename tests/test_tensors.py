# Generated from README.org by tangle.el; edit README.org instead.
"""Tensors as the text has them; the book's autograd against PyTorch's."""

import pytest
import torch

import autograd
from autograd import Scalar


@pytest.mark.parametrize("seed", range(3))
def test_our_gradients_are_those_of_pytorch(seed):
    p, _ = autograd.train(steps=10, seed=seed)
    q = torch.tensor([scalar.value for scalar in p], dtype=torch.float64,
                     requires_grad=True)
    autograd.backward(autograd.mse(p))
    autograd.mse(q).backward()
    ours = torch.tensor([scalar.grad for scalar in p], dtype=torch.float64)
    torch.testing.assert_close(ours, q.grad)


@pytest.mark.parametrize("rule", [
    lambda a: 1 + a - 2 * a * a, lambda a: a ** -1, lambda a: (a * a).tanh()])
@pytest.mark.parametrize("at", [-1.5, 0.3])
def test_slopes_are_those_of_central_differences(rule, at):
    a = Scalar(at)
    autograd.backward(rule(a))
    h = 1e-5
    slope = (rule(Scalar(at + h)).value - rule(Scalar(at - h)).value) / (2 * h)
    assert a.grad == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_a_number_passes_on_its_gradient_when_it_has_all_of_it():
    total = a = Scalar(3.0)
    for _ in range(10_000):
        total = total + a
    b = total * 1
    loss = b + (b * 1 + b)
    for _ in range(2):  # and a second sweep starts anew
        autograd.backward(loss)
        assert (b.grad, a.grad) == (3, 30_003)


@pytest.mark.parametrize("seed", range(5))
def test_the_network_learns_whether_the_switches_differ(seed):
    _, history = autograd.train(seed=seed)
    assert history[-1] < 0.01
