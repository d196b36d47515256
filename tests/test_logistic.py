# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on logistic regression."""

import json
import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn import functional as F

import command_line
import logistic


def test_easy_example_moves_a_line_fitted_to_labels():
    def crossing(x, y):
        columns = torch.stack([x, torch.ones_like(x)], dim=1)
        w, b = torch.linalg.lstsq(columns, y[:, None]).solution[:, 0]
        return ((0.5 - b) / w).item()

    x = torch.tensor([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    y = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    assert crossing(x, y) == pytest.approx(0, abs=1e-5)
    easy = torch.cat([x, torch.tensor([30.0])]), torch.cat([y, y[-1:]])
    assert crossing(*easy) > 1


def test_number_of_mistakes_has_no_slope():
    data = logistic.TwoNormals(0)

    def mistakes(w, b):
        return ((w * data.x + b > 0) != (data.y > 0)).sum()

    assert mistakes(2.0, 1.0) > 0
    for change in -1e-4, 1e-4:
        assert mistakes(2.0 + change, 1.0) == mistakes(2.0, 1.0)
        assert mistakes(2.0, 1.0 + change) == mistakes(2.0, 1.0)
    w = torch.tensor(2.0, requires_grad=True)
    assert not mistakes(w, 1.0).requires_grad


def test_sigmoid_and_its_slope():
    z = torch.linspace(-8, 8, 33, requires_grad=True)
    p = torch.sigmoid(z)
    torch.testing.assert_close(p, 1 / (1 + torch.exp(-z)))
    torch.testing.assert_close(torch.sigmoid(-z), 1 - p)
    p.sum().backward()
    torch.testing.assert_close(z.grad, (p * (1 - p)).detach())
    assert z.grad.max() == 0.25 and z.grad.min() > 0


def test_decision_boundary_and_sharpness():
    w, b = 2.0, -3.0
    x = torch.linspace(-4, 4, 100)
    p = torch.sigmoid(w * x + b)
    torch.testing.assert_close(torch.log(p / (1 - p)), w * x + b,
                               rtol=1e-3, atol=1e-3)
    assert torch.equal(p > 0.5, w * x + b > 0)
    assert torch.equal(p > 0.5, x > -b / w)
    assert torch.equal(p > 0.5, torch.sigmoid(2 * (w * x + b)) > 0.5)
    one = torch.sigmoid(torch.tensor(1.0)).item()
    assert one == pytest.approx(0.731, abs=1e-3)


def test_cross_entropy_is_the_negative_log_likelihood():
    p = torch.tensor([0.9, 0.2, 0.6, 0.5])
    y = torch.tensor([1.0, 0.0, 0.0, 1.0])
    likelihood = 0.9 * 0.8 * 0.4 * 0.5
    expected = -math.log(likelihood) / 4
    assert F.binary_cross_entropy(p, y).item() == pytest.approx(expected)
    ours = -torch.distributions.Bernoulli(p).log_prob(y).mean()
    assert ours.item() == pytest.approx(expected)
    half = F.binary_cross_entropy(torch.full((4,), 0.5), y)
    assert half.item() == pytest.approx(math.log(2))


def test_hand_gradient_is_the_one_of_autograd():
    data = logistic.TwoNormals(0)
    model = logistic.LogisticRegression(0.7, -0.4)
    logits = model(data.x)
    F.binary_cross_entropy(torch.sigmoid(logits), data.y).backward()
    error = (torch.sigmoid(logits) - data.y).detach()
    torch.testing.assert_close(model.linear.weight.grad[0, 0],
                               (error * data.x).mean())
    torch.testing.assert_close(model.linear.bias.grad[0], error.mean())


def test_squared_error_ignores_sure_mistakes():
    z = torch.tensor([-10.0], requires_grad=True)
    one = torch.ones(1)
    squared, = torch.autograd.grad((torch.sigmoid(z) - one).square(), z)
    entropy, = torch.autograd.grad(
        F.binary_cross_entropy(torch.sigmoid(z), one), z)
    assert abs(squared.item()) < 1e-4
    assert entropy.item() == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("theta", [(0.0, 0.0), (1.0, -2.0), (-1.0, 0.5)])
def test_hessian_is_the_formula_and_positive(theta):
    x, y = logistic.columns(logistic.TwoNormals(0))

    def loss(theta):
        return F.binary_cross_entropy(torch.sigmoid(x @ theta), y)

    theta = torch.tensor(theta, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(loss, theta)
    p = torch.sigmoid(x @ theta)
    terms = [q * (1 - q) * torch.outer(v, v) for q, v in zip(p, x)]
    torch.testing.assert_close(hessian, sum(terms) / len(x))
    assert torch.linalg.eigvalsh(hessian).min() > 0


def test_posterior_of_two_normals_is_a_sigmoid():
    x = torch.linspace(-8, 10, 50, dtype=torch.float64)
    density_0 = Normal(-3.0, 2.0).log_prob(x).exp()
    density_1 = Normal(5.0, 2.0).log_prob(x).exp()
    posterior = density_1 / (density_0 + density_1)
    torch.testing.assert_close(posterior, torch.sigmoid(2 * x - 2))
    assert logistic.bayes() == (2.0, -2.0)


def test_data_are_two_normal_classes():
    data = logistic.TwoNormals(5, 100_000)
    assert data.x.shape == data.y.shape == (100_000, 1)
    assert data.y.mean().item() == pytest.approx(0.5, abs=0.01)
    for y, mean in (0, -3.0), (1, 5.0):
        own = data.x[data.y == y]
        assert own.mean().item() == pytest.approx(mean, abs=0.03)
        assert own.std().item() == pytest.approx(2.0, abs=0.03)
    assert torch.equal(data.x, logistic.TwoNormals(5, 100_000).x)
    assert not torch.equal(data.x, logistic.TwoNormals(6, 100_000).x)


def test_untrained_model_has_loss_ln_2():
    data = logistic.TwoNormals(0)
    model, history = logistic.train(data, steps=0)
    assert history == [(0.0, 0.0)]
    loss, _ = logistic.evaluate(model, data)
    assert loss == pytest.approx(math.log(2))
    assert logistic.LogisticRegression(2.0, -3.0).line() == (2.0, -3.0)


def test_evaluate_against_a_hand_calculation():
    data = logistic.TwoNormals(0, 3)
    data.x = torch.tensor([[-1.0], [2.0], [3.0]])
    data.y = torch.tensor([[0.0], [1.0], [0.0]])
    loss, accuracy = logistic.evaluate(logistic.LogisticRegression(1, 0), data)
    terms = [1 + math.exp(-1), 1 + math.exp(-2), 1 + math.exp(3)]
    assert loss == pytest.approx(sum(map(math.log, terms)) / 3)
    assert accuracy == pytest.approx(2 / 3)


def test_newton_finds_where_the_gradient_is_zero():
    x, y = logistic.columns(logistic.TwoNormals(0))
    theta, steps = logistic.newton(x, y)
    gradient = x.T @ (torch.sigmoid(x @ theta) - y) / len(y)
    assert gradient.abs().max() < 1e-12
    assert 5 < steps < 20


def test_no_model_beats_the_bayes_model_on_average():
    best_loss, best_accuracy = logistic.expected(*logistic.bayes())
    phi = Normal(0.0, 1.0).cdf(torch.tensor(2.0)).item()
    assert best_accuracy == pytest.approx(phi, abs=1e-4)
    for w in 0.5, 1.0, 1.9, 2.0, 2.1, 4.0:
        for b in -4.0, -2.1, -2.0, -1.9, 0.0:
            loss, accuracy = logistic.expected(w, b)
            assert (w, b) == (2.0, -2.0) or loss > best_loss
            assert accuracy < best_accuracy + 1e-4
    sample = logistic.TwoNormals(9, 200_000)
    sampled = logistic.evaluate(logistic.LogisticRegression(1.0, 0.5), sample)
    assert sampled == pytest.approx(logistic.expected(1.0, 0.5), abs=2e-3)


@pytest.mark.parametrize("steps, epochs", [
    (0, 0), (1, 1), (7, 2), (30, 3), (130, 4)])
def test_figure_has_a_sigmoid_for_each_epoch_drawn(steps, epochs):
    data, test = logistic.TwoNormals(0), logistic.TwoNormals(1)
    model, history = logistic.train(data, steps=steps)
    panel, losses = logistic.plot(history, data, test).axes
    curves = [line for line in panel.lines if len(line.get_xdata()) == 401]
    assert len(curves) == 1 + epochs + 1
    words = [text.get_text() for text in panel.texts]
    assert ("boundary" in words) == (steps > 0)
    assert losses.get_yscale() == "log"
    zero, one, *_ = (line.get_ydata() for line in panel.lines)
    assert max(zero) < 0 and min(one) > 1
    weights, _ = logistic.newton(*logistic.columns(data))
    best = logistic.LogisticRegression(*weights.tolist())
    for line, ours, split in zip(
            losses.lines, [model, model, best], [test, data, data]):
        loss, _ = logistic.evaluate(ours, split)
        assert line.get_ydata()[-1] == pytest.approx(loss)


def test_curvature_falls_on_the_way_to_the_minimum():
    x, y = logistic.columns(logistic.TwoNormals(0))
    theta, _ = logistic.newton(x, y)
    for point, low, high in (0 * theta, 5, 6), (theta, 0, 0.01):
        p = torch.sigmoid(x @ point)
        hessian = (x.T * (p * (1 - p))) @ x / len(y)
        assert low < torch.linalg.eigvalsh(hessian).max() < high


def test_long_training_ends_at_newtons_weights():
    data = logistic.TwoNormals(0)
    theta, _ = logistic.newton(*logistic.columns(data))
    _, history = logistic.train(data, steps=2000, lr=0.3, batch_size=100)
    away = [math.dist(line, theta.tolist()) for line in history[::500]]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 0.05


def test_newton_wins_on_train_and_loses_on_average():
    data = logistic.TwoNormals(0)
    model, _ = logistic.train(data)
    w, b = logistic.newton(*logistic.columns(data))[0].tolist()
    ours, _ = logistic.evaluate(model, data)
    best, _ = logistic.evaluate(logistic.LogisticRegression(w, b), data)
    assert best < ours < best + 0.01
    lines = logistic.bayes(), model.line(), (w, b)
    averages = [logistic.expected(*line)[0] for line in lines]
    assert averages == sorted(averages)


def test_accuracy_is_near_and_below_the_bayes_accuracy():
    model, _ = logistic.train(logistic.TwoNormals(0))
    _, accuracy = logistic.expected(*model.line())
    _, best = logistic.expected(*logistic.bayes())
    assert best - 0.005 < accuracy < best
    _, sampled = logistic.evaluate(model, logistic.TwoNormals(1, 10_000))
    assert sampled == pytest.approx(accuracy, abs=0.005)


def test_where_the_nan_comes_from():
    assert torch.sigmoid(torch.tensor(16.0)) < 1
    assert torch.sigmoid(torch.tensor(17.5)) == 1
    assert torch.sigmoid(torch.tensor([36.0, 38.0]).double())[1] == 1
    assert torch.sigmoid(torch.tensor([36.0, 38.0]).double())[0] < 1
    assert math.isnan(0.0 * torch.log(torch.tensor(0.0)).item())
    z = torch.tensor(20.0, requires_grad=True)
    loss = logistic.naive_loss(z, torch.tensor(1.0))
    assert loss.isnan()
    torch.nan_to_num(loss).backward()
    assert z.grad.isnan()


@pytest.mark.parametrize("z, y", [(20.0, 0.0), (-110.0, 1.0)])
def test_sure_mistake_makes_the_naive_loss_infinite(z, y):
    z = torch.tensor(z, requires_grad=True)
    loss = logistic.naive_loss(z, torch.tensor(y))
    loss.backward()
    assert loss == torch.inf
    assert z.grad.isnan()


def test_naive_training_is_lost_and_training_with_logits_is_not():
    data = logistic.TwoNormals(0)
    lost = logistic.naive_run(data, seed=0)
    assert 0 < lost["step"] < logistic.STEPS
    assert lost["logit"] == pytest.approx(24 * math.log(2), abs=0.8)
    _, history = logistic.train(data)
    assert torch.tensor(history).isfinite().all()
    beyond = 1 - Normal(5.0, 2.0).cdf(torch.tensor(9.3))
    assert beyond > 0.01


def test_bce_loss_clamps_the_logarithm_and_loses_the_gradient():
    zero, one = torch.tensor([0.0]), torch.tensor([1.0])
    assert nn.BCELoss()(zero, one) == 100  # not infinite
    assert nn.BCELoss()(one, one) == 0  # not NaN
    for z, y, loss, true in (20.0, zero, 100, 1), (-50.0, one, 50, -1):
        z = torch.tensor([z], requires_grad=True)
        clamped = logistic.clamped_loss(z, y)
        clamped.backward()
        assert clamped.item() == pytest.approx(loss)
        assert abs(z.grad.item()) < 1e-6
        assert (torch.sigmoid(z) - y).item() == pytest.approx(true)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("formula", [
    logistic.robust_loss, nn.BCEWithLogitsLoss(reduction="none")])
def test_loss_from_logits_is_right_everywhere(formula, label):
    z = torch.tensor([-1e4, -100, -20, -1, 0, 1, 20, 100, 1e4],
                     requires_grad=True)
    losses = formula(z, torch.full_like(z, label))
    losses.sum().backward()
    exact = F.softplus((1 - 2 * label) * z.detach().double())
    torch.testing.assert_close(losses.double(), exact, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(z.grad, torch.sigmoid(z.detach()) - label)


def test_corners_and_small_losses():
    z, one = torch.tensor([0.0, 20.0], requires_grad=True), torch.ones(2)
    small = logistic.robust_loss(z, one)[1].item()
    assert small == pytest.approx(2.061e-9, rel=1e-3)
    assert torch.log(1 + torch.exp(-z[1])) == 0  # without log1p
    rest = torch.log1p(torch.exp(-z.abs()))
    corner, _ = torch.autograd.grad((torch.relu(z) + rest).sum(), z)[0]
    assert corner == 0
    ours = logistic.robust_loss(z, 0 * one).sum()
    corner, _ = torch.autograd.grad(ours, z)[0]
    assert corner == 0.5


def test_newton_runs_off_exactly_on_separable_data():
    separable = []
    for seed in range(300):
        data = logistic.TwoNormals(seed)
        lowest_1 = data.x[data.y == 1].min()
        separable.append((data.x[data.y == 0].max() < lowest_1).item())
        theta, steps = logistic.newton(*logistic.columns(data))
        assert separable[-1] == (steps == 25)
        assert theta.isfinite().all()
    assert sum(separable) / 300 == pytest.approx(0.2, abs=0.07)


def test_descend_takes_the_steps_of_train():
    data = logistic.TwoNormals(0)
    _, history = logistic.train(data, steps=50, batch_size=len(data))
    ours = logistic.descend(*logistic.columns(data), 50)
    torch.testing.assert_close(torch.tensor(history), ours.float(),
                               rtol=1e-4, atol=1e-5)


def test_descend_ends_at_newtons_weights():
    points = logistic.columns(logistic.TwoNormals(0))
    theta, _ = logistic.newton(*points)
    end = logistic.descend(*points, 20_000, lr=0.3)[-1]
    torch.testing.assert_close(end, theta, rtol=0, atol=1e-6)


def test_separating_weights_grow_like_the_logarithm_of_the_steps():
    w, b = logistic.descend(*logistic.four_points(), 20_000).T
    assert b.abs().max() < 1e-12
    assert (w.diff() > 0).all()
    for step in 10_000, 20_000:
        assert w[step].item() == pytest.approx(math.log(0.05 * step), abs=0.02)


def test_growth_is_along_the_largest_margin():
    x, y = logistic.four_points()
    x[:, 0] = torch.tensor([-3.0, 0.0, 2.0, 5.0])
    history = logistic.descend(x, y, 20_000)
    growth = (history[20_000] - history[10_000]) / math.log(2)
    torch.testing.assert_close(growth, torch.tensor([1.0, -1.0]).double(),
                               rtol=0.05, atol=0)


def test_weight_decay_settles_and_is_the_one_of_sgd():
    x, y = logistic.four_points()
    history = logistic.descend(x, y, 10_000, decay=0.01)
    w = history[-1, 0]
    assert (w - history[5_000, 0]).abs() < 1e-8
    assert history[:, 1].abs().max() < 1e-12  # the boundary stays at 0
    force = (torch.sigmoid(-w) + 2 * torch.sigmoid(-2 * w)) / 2
    assert force.item() == pytest.approx(0.01 * w.item())
    theta = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=logistic.LR, weight_decay=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(x @ theta, y).backward()
        optimizer.step()
    torch.testing.assert_close(theta.detach(), history[100])


def test_figures_mark_the_breaks_and_the_law():
    naive = logistic.plot_nan().axes[0]
    crosses = [line.get_xdata()[0] for line in naive.lines
               if line.get_marker() == "x"]
    assert crosses == pytest.approx([-88.7, 16.6], abs=0.1)
    run = logistic.descend(*logistic.four_points(), 10_000)
    law = logistic.plot_separable({0.0: run}).axes[0].lines[-1]
    assert law.get_ydata()[-1].item() == pytest.approx(run[-1, 0].item(), 0.01)


@pytest.mark.usefixtures("undrawn")
def test_program_without_a_step(tmp_path):
    argv = ["--steps", "0", "--quiet", "--out", str(tmp_path)]
    assert logistic.main(argv) == 0
    results = json.loads((tmp_path / "logistic.json").read_text())
    assert results["train"] == pytest.approx(math.log(2), abs=1e-5)
    assert results["boundary"] is None
    assert results["baseline"]["train"] < results["train"]
    assert len(list(tmp_path.glob("*.svg"))) == 3


def test_divergence_is_one_clear_line(tmp_path, monkeypatch):
    lost = logistic.LogisticRegression(math.nan, 0.0)
    monkeypatch.setattr(logistic, "train", lambda *_, **__: (lost, []))
    with pytest.raises(command_line.RunError, match="diverged"):
        logistic.main(["--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def boundary_for_cost(w, b, cost):
    return -(b + math.log(cost)) / w


def test_boundary_with_unequal_costs():
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    missed, alarm = Normal(5.0, 2.0).cdf(x), 1 - Normal(-3.0, 2.0).cdf(x)
    for cost in 0.2, 1.0, 10.0:
        cheapest = x[(cost * missed + alarm).argmin()].item()
        ours = boundary_for_cost(*logistic.bayes(), cost)
        assert cheapest == pytest.approx(ours, abs=2e-3)
    assert ours == pytest.approx(-0.15, abs=0.005)


def with_share(w, b, share):
    return w, b + math.log(share / (1 - share))


def test_posterior_with_a_rare_class():
    x = torch.linspace(-8, 10, 50, dtype=torch.float64)
    rare = 0.1 * Normal(5.0, 2.0).log_prob(x).exp()
    common = 0.9 * Normal(-3.0, 2.0).log_prob(x).exp()
    w, b = with_share(*logistic.bayes(), 0.1)
    posterior = rare / (rare + common)
    torch.testing.assert_close(posterior, torch.sigmoid(w * x + b))


def test_square_feature_gives_two_boundaries():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(50_000, dtype=torch.float64, generator=generator)
    y = torch.arange(50_000) % 2.0
    x = torch.where(y > 0, 3 * noise, noise)
    columns = torch.stack([x**2, x, torch.ones_like(x)], dim=1)
    theta, _ = logistic.newton(columns, y.double())
    true = torch.tensor([4 / 9, 0.0, -math.log(3)]).double()
    torch.testing.assert_close(theta, true, rtol=0, atol=0.04)
    assert 1.5 * math.sqrt(math.log(3)) == pytest.approx(1.57, abs=0.005)


def newton_with_decay(x, y, decay, steps=25):
    theta = torch.zeros(x.shape[1], dtype=x.dtype)
    for _ in range(steps):
        p = torch.sigmoid(x @ theta)
        gradient = x.T @ (p - y) / len(y) + decay * theta
        hessian = (x.T * (p * (1 - p))) @ x / len(y)
        hessian = hessian + decay * torch.eye(len(theta))
        theta = theta - torch.linalg.solve(hessian, gradient)
    return theta


@pytest.mark.parametrize("decay", [0.01, 0.1])
def test_newton_with_decay_settles_where_descent_does(decay):
    points = logistic.four_points()
    slow = logistic.descend(*points, 10_000, decay=decay)[-1]
    torch.testing.assert_close(newton_with_decay(*points, decay), slow)
