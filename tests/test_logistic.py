# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on logistic regression."""

import json
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
    w = torch.tensor(0.7, requires_grad=True)
    b = torch.tensor(-0.4, requires_grad=True)
    p = torch.sigmoid(w * x + b)
    F.binary_cross_entropy(p, y).backward()
    torch.testing.assert_close(w.grad, ((p - y) * x).mean().detach())
    torch.testing.assert_close(b.grad, (p - y).mean().detach())


def test_decision_is_the_sign_of_the_line():
    x = torch.linspace(-4, 4, 100)
    z = 2 * x - 3
    p = torch.sigmoid(z)
    torch.testing.assert_close(torch.log(p / (1 - p)), z, rtol=0, atol=1e-3)
    assert torch.equal(p > 0.5, z > 0) and torch.equal(p > 0.5, x > 1.5)


def test_cross_entropy_is_the_negative_log_likelihood():
    p = torch.tensor([0.9, 0.2, 0.6, 0.5])
    y = torch.tensor([1.0, 0.0, 0.0, 1.0])
    loss = F.binary_cross_entropy(p, y)
    assert loss.item() == pytest.approx(-math.log(0.9 * 0.8 * 0.4 * 0.5) / 4)
    torch.testing.assert_close(loss, -Bernoulli(p).log_prob(y).mean())


def test_posterior_of_two_normals_is_a_sigmoid():
    x = torch.linspace(-8, 10, 50, dtype=torch.float64)
    zero, one = (Normal(mean, 2.0).log_prob(x).exp() for mean in (-3.0, 5.0))
    torch.testing.assert_close(one / (zero + one), torch.sigmoid(2 * x - 2))
    assert logistic.bayes() == (2.0, -2.0)


def test_no_model_beats_the_true_probability():
    best, accuracy = logistic.expected(2.0, -2.0)
    phi = Normal(0.0, 1.0).cdf(torch.tensor(2.0)).item()
    assert accuracy == pytest.approx(phi, abs=1e-3)
    for w, b in (1.9, -2.0), (2.1, -2.0), (2.0, -2.1), (2.0, -1.9), (4, 0):
        assert logistic.expected(w, b)[0] > best


def test_newton_is_where_long_descent_ends():
    x, y = (part.double() for part in logistic.two_normals(0))
    theta, _ = logistic.newton(x, y)
    w = b = torch.zeros(()).double()
    for _ in range(4000):
        error = torch.sigmoid(w * x + b) - y
        w, b = w - 0.5 * (error * x).mean(), b - 0.5 * error.mean()
    assert (w.item(), b.item()) == pytest.approx(theta, abs=1e-3)


def test_program_without_a_step(tmp_path):
    logistic.main(["--steps", "0", "--quiet", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "logistic.json").read_text())
    assert results["train"] == pytest.approx(math.log(2), abs=1e-5)
    assert results["boundary"] is None
    assert results["baseline"]["train"] < results["train"]
    assert len(list(tmp_path.glob("*.svg"))) == 2


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("formula", [
    logistic_nan.robust_loss, nn.BCEWithLogitsLoss(reduction="none")])
def test_loss_from_logits_is_right_everywhere(formula, label):
    z = torch.tensor([-1e4, -100, -20, -1, 0, 1, 20, 100, 1e4])
    losses, slopes = logistic_nan.curve(formula, z, label)
    exact = F.softplus((1 - 2 * label) * z.double())
    torch.testing.assert_close(losses.double(), exact, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(slopes, torch.sigmoid(z) - label)


def test_naive_training_is_lost_and_training_with_logits_is_not():
    x, y = logistic.two_normals(0)
    naive, sound = (torch.tensor(logistic.train(x, y, criterion=loss)[1])
                    for loss in (lambda z, y: logistic_nan.naive_loss(z, y)
                                 .mean(), nn.BCEWithLogitsLoss()))
    lost = naive.isnan().any(1).nonzero()[0, 0]
    assert 450 < lost < 750 and naive[lost:].isnan().all()
    w, b = naive[lost - 1]
    assert (w * x + b).max().item() == pytest.approx(24 * math.log(2), abs=1)
    torch.testing.assert_close(naive[:450], sound[:450], rtol=0, atol=1e-3)
    assert sound.isfinite().all()


def test_replacing_the_nan_does_not_save_the_gradient():
    _, slope = logistic_nan.curve(
        lambda z, y: torch.nan_to_num(logistic_nan.naive_loss(z, y)),
        torch.tensor([20.0]), 1.0)
    assert slope.isnan()


def test_bce_loss_clamps_the_logarithm_and_loses_the_gradient():
    for z, y, loss in (20.0, 0.0, 100), (20.0, 1.0, 0), (-50.0, 1.0, 50):
        losses, slopes = logistic_nan.curve(logistic_nan.clamped_loss,
                                            torch.tensor([z]), y)
        assert losses.item() == pytest.approx(loss)
        assert abs(slopes.item()) < 1e-6


def test_newton_runs_off_exactly_on_separable_data():
    lost = 0
    for seed in range(300):
        x, y = logistic.two_normals(seed)
        theta, steps = logistic.newton(x, y)
        assert (steps == 25) == (x[y == 0].max() < x[y == 1].min())
        assert all(map(math.isfinite, theta))
        lost += steps == 25
    assert lost / 300 == pytest.approx(0.2, abs=0.07)  # spread 0.023


def test_boundary_with_unequal_costs():
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    missed, alarm = Normal(5.0, 2.0).cdf(x), 1 - Normal(-3.0, 2.0).cdf(x)
    for cost in 0.2, 1.0, 10.0:
        cheapest = x[(cost * missed + alarm).argmin()].item()
        assert cheapest == pytest.approx((2 - math.log(cost)) / 2, abs=2e-3)


def test_square_feature_gives_two_boundaries():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(50_000, 1, generator=generator)
    y = torch.arange(50_000)[:, None] % 2.0
    x = torch.where(y > 0, 3 * noise, noise)
    theta, _ = logistic.newton(torch.cat([x**2, x], 1), y)
    assert theta == pytest.approx([4 / 9, 0.0, -math.log(3)], abs=0.04)


def test_sigmoid_is_the_softmax_of_two():
    z = torch.linspace(-10, 10, 21)
    two = torch.stack([torch.zeros_like(z), z], 1)  # (N, 2)
    p, y = two.softmax(1), torch.arange(21) % 2
    torch.testing.assert_close(p[:, 1], torch.sigmoid(z))
    assert 0 < p.min() and p.max() < 1
    assert torch.equal(two.argmax(1), (z > 0).long())
    torch.testing.assert_close(
        F.cross_entropy(two, y),
        F.binary_cross_entropy_with_logits(z, y.float()))
