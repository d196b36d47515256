# Generated from README.org by tangle.el; edit README.org instead.
"""The checks that stand in the chapter on linear regression."""

import itertools
import json
import math

import pytest
import torch
from torch import nn
from torch.distributions import Laplace, Normal

import linear_autograd
import linear_dataloader
import linear_module
from known_line import INTERCEPT, NOISE, SLOPE, known_line
from least_squares import least_squares


def double_line(seed=0):
    """Return the x and y of the known line in double precision."""
    x, y = known_line(seed)
    return x.double(), y.double()


def test_log_likelihood_is_the_mse_but_for_constants():
    x, y = double_line()
    for w, b in [(SLOPE, INTERCEPT), (-1.0, 5.0), (0.0, 0.0)]:
        y_hat = linear_autograd.predict(x, w, b)
        density = Normal(y_hat, NOISE).log_prob(y).sum()
        constant = len(x) / 2 * math.log(2 * math.pi * NOISE**2)
        scaled = len(x) / (2 * NOISE**2) * linear_autograd.mse(y_hat, y)
        torch.testing.assert_close(-density, constant + scaled)


@pytest.mark.parametrize("sigma", [1.0, NOISE])
def test_mse_minimiser_is_most_likely(sigma):
    def log_likelihood(weights):
        y_hat = weights[0] + weights[1] * x
        return Normal(y_hat, sigma).log_prob(y).sum()

    x, y = double_line()
    best = least_squares(x[:, None], y).requires_grad_()
    (slope_there,) = torch.autograd.grad(log_likelihood(best), best)
    assert slope_there.abs().max() < 1e-6
    for move in torch.tensor([[1, 0], [-1, 0], [0, 0.1], [0, -0.1]]):
        assert log_likelihood(best + move) < log_likelihood(best)


def test_a_cubic_is_a_linear_regression():
    x = torch.linspace(-2, 2, 50, dtype=torch.float64)
    powers = torch.stack([x, x**2, x**3], 1)  # (N, 3)
    y = 5 - 4 * x + 3 * x**2 - 2 * x**3
    expected = torch.tensor([5, -4, 3, -2], dtype=torch.float64)
    torch.testing.assert_close(least_squares(powers, y), expected)


def test_there_are_n_times_n_plus_one_over_two_products():
    x = torch.tensor([2.0, 3.0, 5.0, 7.0])  # products of primes differ
    pairs = itertools.combinations_with_replacement(x, 2)
    products = {(a * b).item() for a, b in pairs}
    assert products == {(a * b).item() for a in x for b in x}
    assert len(products) == 4 * 5 / 2


def test_useless_features_lower_the_training_loss_alone():
    x, y = double_line()
    z = linear_autograd.standardise(x)
    powers = torch.stack([z**k for k in range(1, 9)], 1)  # (N, 8)
    train, off = [], []
    for n in range(1, 9):
        weights = least_squares(powers[:, :n], y)
        line = weights[0] + powers[:, :n] @ weights[1:]
        train.append(linear_autograd.mse(line, y).item())
        off.append(linear_autograd.mse(line, SLOPE * x + INTERCEPT).item())
    assert train == sorted(train, reverse=True) and off == sorted(off)


def test_dependent_features_have_no_unique_minimiser():
    x, y = double_line()
    design = torch.stack([torch.ones_like(x), x, 2 * x + 1], 1)  # (N, 3)
    assert torch.linalg.matrix_rank(design.T @ design) == 2
    best = least_squares(design[:, 1:2], y)
    weights = torch.cat([best, torch.zeros(1)])
    direction = torch.tensor([1, 2, -1], dtype=torch.float64)
    moved = design @ (weights + 7 * direction)
    torch.testing.assert_close(moved, design @ weights)


def test_the_data_are_the_line_that_the_text_describes():
    x, y = known_line(0)
    assert x.shape == y.shape == (100,)
    assert (x[0], x[-1]) == (-100, 100) and (x.diff() > 0).all()
    assert torch.equal(y, known_line(0)[1])
    assert not torch.equal(y, known_line(1)[1])
    x, y = known_line(0, size=100_000)
    noise = y - (3 * x + 20)
    assert abs(noise.mean()) < 0.5 and abs(noise.std() - 30) < 0.5


@pytest.mark.parametrize(
    "start", [(0.0, 0.0), (SLOPE, INTERCEPT), (-7.0, 400.0)])
def test_hand_gradient_is_autograds(start):
    x, y = double_line()
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    w, b = weights
    linear_autograd.mse(linear_autograd.predict(x, w, b), y).backward()
    r = start[0] * x + start[1] - y
    by_hand = 2 / len(x) * torch.stack([(r * x).sum(), r.sum()])
    torch.testing.assert_close(weights.grad, by_hand, rtol=1e-6, atol=0)


def test_a_small_step_against_the_gradient_lowers_the_loss():
    x, y = known_line(0)

    def loss_after(lr):
        (w, b), _ = linear_autograd.train(x, y, lr=lr, steps=1)
        return linear_autograd.evaluate(x, y, w, b)

    assert loss_after(1e-6) < loss_after(0.0) < loss_after(-1e-6)


def test_a_local_minimum_need_not_be_the_lowest():
    def descend(w):
        for _ in range(200):
            w -= 0.01 * (4 * w**3 - 6 * w + 1)
        return w, w**4 - 3 * w**2 + w

    (left, low), (right, high) = descend(-2.0), descend(2.0)
    assert (round(left, 2), round(right, 2)) == (-1.30, 1.13)
    assert low < high


def test_the_hessian_is_the_same_everywhere_and_positive():
    x, y = double_line()
    design = torch.stack([x, torch.ones_like(x)], 1)  # (N, 2)
    expected = 2 / len(x) * design.T @ design
    for place in ([0.0, 0.0], [-50.0, 1000.0]):
        hessian = torch.autograd.functional.hessian(
            lambda weights: linear_autograd.mse(design @ weights, y),
            torch.tensor(place, dtype=torch.float64))
        torch.testing.assert_close(hessian, expected)
        assert (torch.linalg.eigvalsh(hessian) > 0).all()


@pytest.mark.parametrize("size", [2, 100])
def test_least_squares_solves_the_normal_equations(size):
    x, y = (t.double() for t in known_line(0, size))
    design = torch.stack([torch.ones_like(x), x], 1)  # (N, 2)
    solution = torch.linalg.solve(design.T @ design, design.T @ y)
    torch.testing.assert_close(least_squares(x[:, None], y), solution)
    residual = y - design @ solution
    assert (design.T @ residual).abs().max() < 1e-9 * y.abs().sum() * 100
    assert (residual.abs().max() > 1) == (size > 2)


def test_an_update_that_is_recorded_is_refused():
    w = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="in-place"):
        w -= 0.1
    with torch.no_grad():
        w -= 0.1
    assert w.item() == pytest.approx(0.9) and w.requires_grad


def test_backward_adds_to_the_gradient():
    w = torch.tensor(5.0, requires_grad=True)
    (w**2).backward()
    assert w.grad == 10
    (w**2).backward()
    assert w.grad == 20
    w.grad = None
    (w**2).backward()
    assert w.grad == 10


@pytest.mark.parametrize("start", [(0.0, 0.0), (-900.0, 5e3), (1e4, -1e4)])
def test_long_training_is_least_squares_from_every_start(start):
    x, y = double_line()
    z = linear_autograd.standardise(x)
    (w, b), _ = linear_autograd.train(z, y, lr=0.25, steps=80, start=start)
    best = least_squares(x[:, None], y)
    torch.testing.assert_close(w * z + b, best[0] + best[1] * x)


@pytest.mark.parametrize("start", [(0.0, 0.0), (-50.0, 1000.0)])
@pytest.mark.parametrize("louder", [1, 10])
def test_descent_diverges_above_the_limit_and_not_below(start, louder):
    x, y = double_line()
    y = SLOPE * x + INTERCEPT + louder * (y - SLOPE * x - INTERCEPT)
    limit = 2 / linear_autograd.curvatures(x)[-1].item()
    assert limit == pytest.approx(2 / 6801, rel=1e-3)
    _, best = least_squares(x[:, None], y).tolist()
    for share, shrinks in [(0.99, True), (1.01, False)]:
        (w, _), _ = linear_autograd.train(
            x, y, lr=share * limit, steps=500, start=start)
        ratio = abs(w.item() - best) / abs(start[0] - best)
        assert ratio < 1e-4 if shrinks else ratio > 1e4


def test_at_half_the_limit_one_step_finds_the_slope():
    x, y = double_line()
    lr = 1 / linear_autograd.curvatures(x)[-1].item()
    (w, _), _ = linear_autograd.train(x, y, lr=lr, steps=1)
    assert w.item() == pytest.approx(least_squares(x[:, None], y)[1].item())


def test_a_rate_above_the_limit_ends_in_nan():
    x, y = known_line(0)
    limit = 2 / linear_autograd.curvatures(x)[-1].item()
    assert linear_autograd.LR / limit == pytest.approx(0.17, abs=0.001)
    (w, _), _ = linear_autograd.train(x, y, lr=2 * limit, steps=200)
    assert math.isnan(w.item())


def test_the_condition_number_limits_the_best_rate():
    x, y = double_line()
    low, high = linear_autograd.curvatures(x).tolist()
    assert low == pytest.approx(2) and high / low == pytest.approx(3400, 1e-3)
    (w, b), _ = linear_autograd.train(x, y, lr=2 / (low + high), steps=1000)
    error = torch.stack([b, w]) - (best := least_squares(x[:, None], y))
    factor = (high / low - 1) / (high / low + 1)
    left = (error / best).abs().tolist()
    assert left == pytest.approx([factor**1000] * 2, rel=1e-6)


def test_standard_units_learn_slope_and_bias_alike():
    x, y = double_line()
    z = linear_autograd.standardise(x)
    for off_centre in (0, 40):
        two = linear_autograd.curvatures(
            linear_autograd.standardise(x + off_centre))
        assert two.tolist() == pytest.approx([2, 2])
    slope, bias = linear_autograd.relative_errors(z, y)
    assert slope == pytest.approx([0.66**t for t in range(31)], rel=1e-6)
    assert bias == pytest.approx(slope, rel=1e-6)
    slope, bias = linear_autograd.relative_errors(x, y)
    assert slope[-1] < 1e-5 and bias[-1] > 0.99


@pytest.mark.parametrize("m, lr, low, high", [
    (1, 2e-3, 0.1996, 0.2004), (2, 0.1, 0.3199, 0.3201), (4, 0.5, 0.4, 0.5)])
def test_exponents_seek_median_mean_and_middle(m, lr, low, high):
    y = torch.tensor([0.0, 0.1, 0.2, 0.3, 1.0], dtype=torch.float64)
    (_, b), _ = linear_autograd.train(
        torch.zeros_like(y), y, lr=lr, steps=500,
        loss_fn=linear_autograd.power_loss(m))
    assert low < b < high
    balance = (b - y).abs() ** (m - 1) * (b - y).sign()
    assert abs(balance.sum()) < 1e-6 or m == 1


def test_standard_units_tame_the_fourth_power():
    def curvature(x, y):
        hessian = torch.autograd.functional.hessian(
            lambda weights: linear_autograd.power_loss(4)(
                linear_autograd.predict(x, *weights), y),
            torch.zeros(2, dtype=torch.float64))
        return torch.linalg.eigvalsh(hessian)[-1]

    x, y = double_line()
    y = linear_autograd.with_outliers(y)
    assert curvature(x, y) > 1e9
    standard = linear_autograd.standardise
    assert curvature(standard(x), standard(y)) < 30


def test_exponent_one_is_the_best_line_through_two_points():
    x, y = double_line()
    y = linear_autograd.with_outliers(y)
    i, j = torch.combinations(torch.arange(len(x))).T  # (4950,), (4950,)
    w = (y[j] - y[i]) / (x[j] - x[i])
    lines = y[i, None] + w[:, None] * (x - x[i, None])  # (4950, N)
    exact = (lines - y).abs().mean(1).min()
    found = (linear_autograd.fit_power(x, y, 1) - y).abs().mean()
    assert exact <= found < exact * 1.001


def test_exponents_two_and_four_balance_their_residuals():
    x, y = double_line()
    y = linear_autograd.with_outliers(y)
    for m in (2, 4):
        r = linear_autograd.fit_power(x, y, m) - y
        pull = r.abs() ** (m - 1) * r.sign()
        for weight in (torch.ones_like(x), x / 100):
            assert abs((pull * weight).sum()) < 1e-6 * pull.abs().sum()
    best_b, best_w = least_squares(x[:, None], y)
    two = linear_autograd.fit_power(x, y, 2)
    torch.testing.assert_close(two, best_b + best_w * x)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_larger_the_exponent_the_more_outliers_count(seed):
    x, y = known_line(seed)
    y = linear_autograd.with_outliers(y)
    one, two, four = (linear_autograd.describe(
        x, y, linear_autograd.fit_power(x, y, m)) for m in (1, 2, 4))
    assert one["slope"] > two["slope"] > four["slope"]
    assert abs(one["slope"] - SLOPE) < 0.2 < SLOPE - two["slope"]
    assert one["median"] < two["median"] < four["median"]
    assert one["largest"] > two["largest"] > four["largest"]
    assert four["largest"] < 0.65 * one["largest"]


def test_exponent_one_is_the_likelihood_of_laplace_noise():
    x, y = double_line()
    for w, b in [(SLOPE, INTERCEPT), (-1.0, 5.0), (0.0, 0.0)]:
        y_hat = linear_autograd.predict(x, w, b)
        density = Laplace(y_hat, NOISE).log_prob(y).mean()
        scaled = linear_autograd.power_loss(1)(y_hat, y) / NOISE
        torch.testing.assert_close(-density, math.log(2 * NOISE) + scaled)


PROGRAMS = [linear_autograd, linear_dataloader, linear_module]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.usefixtures("undrawn")
def test_no_steps_leave_the_starting_model(program, tmp_path):
    program.main(["--steps", "0", "--quiet", "--out", str(tmp_path)])
    name = program.__name__
    results = json.loads((tmp_path / f"{name}.json").read_text())
    x, y = known_line(0)
    assert results["train"] == pytest.approx((y**2).mean().item(), rel=1e-5)
    assert results["baseline"]["train"] < results["train"]
    assert (tmp_path / f"{name}.svg").exists()


def test_an_epoch_holds_every_example_once():
    data = linear_dataloader.standard_line(0)
    loader = linear_dataloader.make_loader(data, 0, batch_size=30)
    first, second = ([x for x, _ in loader] for _ in range(2))
    assert [len(x) for x in first] == [30, 30, 30, 10]
    assert torch.equal(torch.cat(first).sort().values, data.x)
    assert not torch.equal(torch.cat(first), torch.cat(second))
    again = linear_dataloader.make_loader(data, 0, batch_size=30)
    assert torch.equal(next(iter(again))[0], first[0])


def test_one_batch_of_everything_is_the_first_program():
    data = linear_dataloader.standard_line(0)
    loader = linear_dataloader.make_loader(
        data, 0, batch_size=len(data), shuffle=False)
    _, ours = linear_dataloader.train(loader, steps=12)
    _, theirs = linear_autograd.train(data.x, data.y, lr=0.05, steps=12)
    assert ours == theirs


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mini_batches_end_near_least_squares(seed):
    data = linear_dataloader.standard_line(seed)
    best = least_squares(data.x[:, None], data.y)
    floor = linear_dataloader.evaluate(data, best[1], best[0])
    loader = linear_dataloader.make_loader(data, seed + 2)
    _, history = linear_dataloader.train(loader, steps=400)
    late = linear_dataloader.curve(data, history[100:])
    assert floor <= min(late) and max(late) < 1.02 * floor
    assert sum(late) / len(late) > 1.0001 * floor


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mini_batches_win_per_epoch_and_not_per_step(seed):
    data = linear_dataloader.standard_line(seed)
    losses = linear_dataloader.compare_batches(data, seed + 2)
    mini, full = losses["mini"], losses["full"]
    assert mini[2 * 5] < 0.25 * full[2]
    ratios = torch.tensor(mini) / torch.tensor(full)
    assert 0.8 < ratios.min() and ratios.max() < 1.25
    assert full == sorted(full, reverse=True)  # full batches never rise


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sorted_batches_cost_most_while_the_bias_is_wrong(seed):
    x, y = known_line(seed)
    data = linear_dataloader.Points(x, y)
    best_b, best_w = least_squares(x[:, None], y).tolist()
    cold, warm = (linear_dataloader.order_costs(
        data, linear_dataloader.compare_orders(
            data, seed + 2, lr=1e-4, start=start))
        for start in [(0.0, 0.0), (best_w, best_b)])
    assert cold["sorted"] > 5 * cold["shuffled"]
    assert cold["sorted"] > 2 * warm["sorted"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_standard_units_the_order_costs_little(seed):
    data = linear_dataloader.standard_line(seed)
    costs = linear_dataloader.order_costs(
        data, linear_dataloader.compare_orders(
            data, seed + 2, lr=0.05, steps=200))
    assert 0 <= costs["sorted"] < 5 and 0 <= costs["shuffled"] < 5


def test_a_module_registers_its_parameters():
    model = linear_module.LinearRegression(3)
    shapes = {name: tuple(p.shape) for name, p in model.state_dict().items()}
    assert shapes == {"linear.weight": (1, 3), "linear.bias": (1,)}
    assert all(p.requires_grad for p in model.parameters())
    assert all((p == 0).all() for p in model.parameters())
    assert model(torch.ones(5, 3)).shape == (5,)


def test_a_column_against_a_row_is_a_wrong_loss():
    _, y = known_line(0)
    column = SLOPE * known_line(0)[0][:, None] + INTERCEPT  # (N, 1)
    right = nn.MSELoss()(column.squeeze(1), y)
    mean = torch.full_like(column, y.mean().item())
    with pytest.warns(UserWarning, match="broadcast"):
        wrong, of_mean = (nn.MSELoss()(c, y) for c in (column, mean))
    pairs = (column - y) ** 2  # (N, N)
    torch.testing.assert_close(wrong, pairs.mean())
    assert wrong > 20 * right and wrong > 1.9 * of_mean


def test_same_batches_same_weights_in_all_three_programs():
    data = linear_dataloader.standard_line(0)
    batches = list(linear_dataloader.make_loader(data, 2)) * 6
    first = (0.0, 0.0)
    for x, y in batches:
        _, (_, first) = linear_autograd.train(
            x, y, lr=0.05, steps=1, start=first)
    _, second = linear_dataloader.train(batches, steps=30)
    columns = [(x[:, None], y) for x, y in batches]
    third, history = linear_module.train(
        linear_module.LinearRegression(), columns, steps=30)
    assert first == second[-1]
    assert not any(p.any() for p in history[0].parameters())
    third = [p.item() for p in third.parameters()]
    assert third == pytest.approx(first, rel=1e-6)


def test_the_figures_show_the_start_and_every_epoch():
    x, y = known_line(0)
    loader = list(linear_dataloader.make_loader(
        linear_dataloader.standard_line(0), 2))
    columns = [(z[:, None], y) for z, y in loader]
    one, two, three = (linear_autograd.train(x, y)[1],
                       linear_dataloader.train(loader)[1],
                       linear_module.train(
                           linear_module.LinearRegression(), columns)[1])
    for figure in (linear_autograd.plot(x, y, one, 900.0),
                   linear_dataloader.plot(0, two, 900.0),
                   linear_module.plot(0, three, 900.0)):
        (_, *lines), (curve, floor) = (axes.lines for axes in figure.axes)
        ends = torch.tensor([line.get_ydata().tolist() for line in lines])
        heights = torch.lerp(ends[:, :1], ends[:, 1:],
                             (x - x[0]) / (x[-1] - x[0]))  # (13, N)
        assert len(lines) == 13 and not heights[0].any()
        assert curve.get_ydata() == pytest.approx(
            ((heights - y) ** 2).mean(1))
        assert [text.get_text() for text in figure.axes[0].texts] == [
            "epoch 0", "epoch 12"] and {*floor.get_ydata()} == {900.0}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_product_feature_is_learned_by_the_same_code(seed):
    (observed, y), (fresh, y2) = (linear_module.crossed(seed + k)
                                  for k in (0, 1))
    errors = []
    for make in (lambda columns: columns, linear_module.with_product):
        model = linear_module.fit(make(observed), y, seed + 2)
        bias, *weights = least_squares(make(observed), y).tolist()
        assert model.linear.bias.item() == pytest.approx(bias, abs=0.2)
        assert model.linear.weight[0].tolist() == pytest.approx(
            weights, abs=0.2)
        errors.append(linear_module.evaluate(model, make(fresh), y2))
        assert not model.training
        assert linear_module.train(model, [], steps=0)[0].training
    assert errors[0] > 2 and errors[1] == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("program, low, high", [
    (linear_autograd, 1.2, 2), (linear_dataloader, 1, 1.01),
    (linear_module, 1, 1.01)])
@pytest.mark.usefixtures("undrawn")
def test_programs_reach_what_the_text_says(program, low, high, tmp_path):
    program.main(["--quiet", "--out", str(tmp_path)])
    text = (tmp_path / f"{program.__name__}.json").read_text()
    results = json.loads(text)
    ratio = results["train"] / results["baseline"]["train"]
    assert low <= ratio <= high


def raw_weights(w, b, mean, deviation):
    """Return slope and bias for x from those for (x - mean) / deviation."""
    return w / deviation, b - w * mean / deviation


def test_weights_in_standard_units_convert_to_raw_ones():
    x, y = double_line()
    x = x + 40
    mean, deviation = x.mean(), x.std(correction=0)
    best = least_squares(((x - mean) / deviation)[:, None], y)
    w, b = raw_weights(best[1], best[0], mean, deviation)
    expected = least_squares(x[:, None], y)
    torch.testing.assert_close(torch.stack([b, w]), expected)


def steps_needed(lr, curvature, share):
    """Return how many steps bring an error down to SHARE of its size."""
    return math.ceil(math.log(share) / math.log(abs(1 - lr * curvature)))


def test_the_bias_takes_as_long_as_its_curvature_says():
    assert steps_needed(5e-5, 2, 0.1) == 23025
    assert steps_needed(5e-5, 6801, 0.1) == 6
    x, y = double_line()
    best_b, best_w = least_squares(x[:, None], y).tolist()
    needed = steps_needed(2.9e-4, 2, 0.1)
    _, history = linear_autograd.train(
        x, y, lr=2.9e-4, steps=needed, start=(best_w, 0.0))
    (_, before), (_, after) = history[-2:]
    assert abs(after / best_b - 1) <= 0.1 < abs(before / best_b - 1)


def batch_gradients(x, y, size):
    """Return the gradient (w, b) of every batch at w = b = 0, (K, 2)."""
    gradients = [2 * torch.stack([(-b * a).mean(), (-b).mean()])
                 for a, b in zip(x.split(size), y.split(size))]
    return torch.stack(gradients)


def test_equal_batches_average_to_the_full_gradient():
    x, y = double_line()
    full = batch_gradients(x, y, 100)[0]
    mean = batch_gradients(x, y, 20).mean(0)
    torch.testing.assert_close(mean, full)
    unequal = batch_gradients(x, y, 30).mean(0)
    assert ((unequal - full).abs() > 0.01 * full.abs()).all()


def huber(delta):
    """Return the loss that is square near zero and linear beyond DELTA."""
    def loss(y_hat, y):
        r = (y_hat - y).abs()
        far = delta * (r - delta / 2)
        return torch.where(r <= delta, r**2 / 2, far).mean()

    return loss


def test_hubers_loss_is_torchs_and_resists_outliers():
    x, y = double_line()
    y = linear_autograd.with_outliers(y)
    z, t = linear_autograd.standardise(x), linear_autograd.standardise(y)
    ours, theirs = huber(0.1), nn.HuberLoss(delta=0.1)
    torch.testing.assert_close(ours(z, t), theirs(z, t))
    (w, _), _ = linear_autograd.train(z, t, lr=0.5, steps=500, loss_fn=ours)
    slope = w.item() * y.std(correction=0) / x.std(correction=0)
    assert abs(slope - SLOPE) < 0.2
    assert SLOPE - least_squares(x[:, None], y)[1] > 0.3


def condition_number(features):
    """Return the condition number of the Hessian, bias included."""
    design = torch.cat([torch.ones(len(features), 1), features], 1)
    return torch.linalg.cond(2 / len(features) * design.T @ design).item()


def test_legendre_polynomials_are_better_conditioned():
    x = torch.linspace(-1, 1, 100, dtype=torch.float64)
    powers = torch.stack([x, x**2, x**3], 1)
    legendre = torch.stack([x, (3*x**2 - 1) / 2, (5*x**3 - 3*x) / 2], 1)
    standard = (legendre - legendre.mean(0)) / legendre.std(0, correction=0)
    assert condition_number(powers) == pytest.approx(65, abs=0.5)
    assert condition_number(legendre) == pytest.approx(6.6, abs=0.05)
    assert condition_number(standard) == pytest.approx(1.1, abs=0.05)
    y = x.exp()
    one, two = (f @ least_squares(f, y)[1:] for f in (powers, standard))
    torch.testing.assert_close(one - one.mean(), two - two.mean())
