# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on convolutional networks."""

import math

import pytest
import torch
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


def test_the_results_keep_what_the_chapter_says():
    rates = {row["method"]: row["test"]
             for row in results.load("cnn")["rivals"]}
    own = rates["convolutional network"]  # 0.010; spread of seeds 0.003
    assert own < 0.022
    for rival in "SVC, published", "nearest neighbour", "softmax regression":
        assert own < rates[rival]  # 0.031, 0.039 and 0.093


def test_only_convolution_needs_pixels_in_their_places():
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    images, labels = digits.load()
    shuffled = images.flatten(2)[..., order].reshape(images.shape)

    def rate(kind, x):
        model = cnn.new_model(kind, 0)
        cnn.train(model, (x[:516], labels[:516]), steps=60, strength=0.0)
        return cnn.error_rate(model, (x[516:898], labels[516:898]))

    assert abs(rate("mlp", shuffled) - rate("mlp", images)) < 0.03  # 0.015
    assert rate("cnn", shuffled) > rate("cnn", images) + 0.02  # 0.04 to 0.10


def test_one_batch_can_be_learned_by_heart():
    batch = tuple(part[:32] for part in digits.load())
    model = cnn.new_model("cnn", 0)
    losses = cnn.train(model, batch, steps=40, strength=0.0)
    assert losses[0] == pytest.approx(math.log(10))
    assert 0.5 < losses[-1] < 0.55 and cnn.error_rate(model, batch) == 0


def test_two_kernels_make_one():
    slide, x = convolution.by_loops, torch.rand(9, 9)
    one, two = torch.rand(2, 3, 3)
    joined = slide(F.pad(one, (2, 2, 2, 2)), two.flip(0, 1))
    torch.testing.assert_close(slide(x, joined), slide(slide(x, one), two))
