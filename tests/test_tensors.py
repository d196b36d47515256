# Generated from README.org by tangle.el; edit README.org instead.
"""Tensors as the text has them; the book's autograd against PyTorch's."""

import json

import pytest
import torch

import autograd
from autograd import Scalar
from common import options
from common.line import least_squares
from experiments import strides


def test_the_drawing_of_memory_has_three_tables(tmp_path):
    strides.main(["--quiet", "--out", str(tmp_path)])
    drawing = (tmp_path / "strides.svg").read_text("utf-8")
    assert all(drawing.count(f">{n}</text>") == 3 for n in range(12))
    content = json.loads((tmp_path / "strides.json").read_text("utf-8"))
    assert (content["table"], content["T"]) == ([4, 1], [1, 4])


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
    lambda a: a + a * 3, lambda a: 1 + a - 2 * a * a, lambda a: a ** 3 * a,
    lambda a: a ** -1, lambda a: (a * a).tanh()])
@pytest.mark.parametrize("at", [-1.5, 0.3, 2.0])
def test_slopes_are_those_of_central_differences(rule, at):
    a = Scalar(at)
    autograd.backward(rule(a))
    h = 1e-5
    slope = (rule(Scalar(at + h)).value - rule(Scalar(at - h)).value) / (2 * h)
    assert a.grad == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_a_long_chain_is_no_trouble():
    total = a = Scalar(1.0)
    for _ in range(10_000):
        total = total + a
    autograd.backward(total)
    assert total.value == a.grad == 10_001


def test_a_number_passes_on_its_gradient_when_it_has_all_of_it():
    a = Scalar(3.0)
    b = a * 1
    loss = b + (b * 1 + b)
    for _ in range(2):  # and a second sweep starts anew
        autograd.backward(loss)
        assert (b.grad, a.grad) == (3, 3)


@pytest.mark.parametrize("seed", range(5))
def test_the_network_learns_whether_the_switches_differ(seed):
    p, history = autograd.train(seed=seed)
    assert history[-1] < 0.01 and len(history) == 101
    assert all((autograd.network(p, *x).value > 0) == (y > 0)
               for x, y in autograd.EXAMPLES)


def test_the_graph_has_room_for_every_number():
    loss = autograd.two_examples()
    autograd.backward(loss)
    place = autograd.layout(loss)
    assert len(set(place.values())) == len(place) == 12
    assert all(place[parent][0] < place[node][0]
               for node in place for parent, _ in node.parents)
    w, = (node for node in place if node.name == "$w$")
    assert (loss.value, w.grad) == (10, 28)


def test_the_program_writes_its_graph(tmp_path, monkeypatch, capsys):
    argv = ["--quiet", "--steps", "3", "--out", str(tmp_path)]
    autograd.main(argv)
    assert ">28</text>" in (tmp_path / "autograd.svg").read_text("utf-8")
    content = json.loads((tmp_path / "autograd.json").read_text("utf-8"))
    assert content["parameters"] == 13 and content["steps"] == 3
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(options.InputError, match="cpu"):
        autograd.main([*argv, "--device", "cuda"])
    assert capsys.readouterr().out == ""


def test_a_column_against_a_row_rewards_the_constant():
    generator = torch.Generator().manual_seed(0)
    y, y_hat = torch.randn(2, 50, generator=generator)
    pairs = ((y_hat[:, None] - y) ** 2).mean()
    apart = (y_hat.mean() - y.mean()) ** 2
    torch.testing.assert_close(
        pairs, y_hat.var(correction=0) + y.var(correction=0) + apart)


def test_no_line_tells_whether_the_switches_differ():
    x, y = map(torch.tensor, zip(*autograd.EXAMPLES))
    assert least_squares(x.float(), y.float()).abs().max() < 1e-6


def test_writing_past_the_counter_is_not_noticed():
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    y = x.exp()
    y.data.mul_(10)
    y.sum().backward()
    torch.testing.assert_close(x.grad, 10 * x.detach().exp())
