# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on convolutional networks."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import cnn
from common import digits, results
from experiments import convolution


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 4), (5, 5)])
def test_convolution_four_ways(shape):
    x, w = torch.rand(5, 6), torch.rand(*shape)
    y = convolution.by_loops(x, w)
    flat = convolution.as_matrix(w, 5, 6) @ x.flatten()
    for other in (convolution.by_unfolding(x, w), flat.reshape(y.shape),
                  F.conv2d(x[None, None], w[None, None])[0, 0]):
        torch.testing.assert_close(other, y)


@pytest.mark.parametrize("layers", [
    [(3, 1)], [(3, 1), (3, 1)], convolution.STAGES, [(5, 2), (3, 2), (2, 2)]])
def test_receptive_field_by_gradients(layers):
    net = nn.Sequential(*(nn.Conv2d(1, 1, *layer) for layer in layers))
    for weight in net.parameters():
        nn.init.ones_(weight)  # no derivative cancels another
    x = torch.zeros(1, 1, 60, 60, requires_grad=True)
    net(x)[0, 0, 3, 3].backward()
    side = convolution.receptive_field(layers)
    assert (x.grad != 0).sum() == side**2


@pytest.fixture(scope="module")
def halves():
    return digits.split(*digits.load())


def test_one_batch_can_be_learned_by_heart(halves):
    batch = tuple(part[:32] for part in halves[0])
    model = cnn.new_model("cnn", 0)
    losses = cnn.train(model, batch, steps=40, strength=0.0)
    assert losses[0] == pytest.approx(math.log(10))
    assert 0.5 < losses[-1] < 0.55 and cnn.error_rate(model, batch) == 0


def test_the_results_keep_what_the_chapter_says():
    rates = {row["method"]: row["test"]
             for row in results.load("cnn")["rivals"]}
    own = rates["convolutional network"]  # 0.010; spread of seeds 0.003
    assert own < 0.022
    for rival in "SVC, published", "nearest neighbour", "softmax regression":
        assert own < rates[rival]  # 0.031, 0.039 and 0.093


def test_two_kernels_make_one():
    slide, x = convolution.by_loops, torch.rand(9, 9)
    one, two = torch.rand(2, 3, 3)
    joined = slide(F.pad(one, (2, 2, 2, 2)), two.flip(0, 1))
    torch.testing.assert_close(slide(x, joined), slide(slide(x, one), two))


def test_the_gradient_of_a_convolution_is_a_convolution():
    x = torch.rand(1, 1, 6, 7, requires_grad=True)
    w, slope = torch.rand(1, 1, 3, 3), torch.rand(1, 1, 4, 5)
    back, = torch.autograd.grad(F.conv2d(x, w), x, slope)
    matrix = convolution.as_matrix(w[0, 0], 6, 7).to_dense()
    torch.testing.assert_close(matrix.T @ slope.flatten(), back.flatten())
    mirrored = F.conv2d(F.pad(slope, (2, 2, 2, 2)), w.flip(2, 3))
    torch.testing.assert_close(mirrored, back)
