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
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 6, generator=generator)
    w = torch.randn(*shape, generator=generator)
    y = convolution.by_loops(x, w)
    torch.testing.assert_close(convolution.by_unfolding(x, w), y)
    torch.testing.assert_close(F.conv2d(x[None, None], w[None, None])[0, 0], y)
    matrix = convolution.as_matrix(w, 5, 6)
    torch.testing.assert_close((matrix @ x.flatten()).reshape(y.shape), y)


def test_channels_are_added_up():
    layer = nn.Conv2d(3, 4, 2)
    x = torch.randn(1, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    assert layer.weight.shape == (4, 3, 2, 2) and layer.bias.shape == (4,)
    for o, y in enumerate(layer(x)[0]):
        parts = [convolution.by_loops(x[0, c], layer.weight[o, c])
                 for c in range(3)]
        torch.testing.assert_close(y, layer.bias[o] + sum(parts))


@pytest.mark.parametrize("layers", [
    [(3, 1)], [(3, 1), (3, 1)], convolution.STAGES, [(5, 2), (3, 2), (2, 2)]])
def test_receptive_field_by_gradients(layers):
    net = nn.Sequential(*(nn.Conv2d(1, 1, *layer) for layer in layers))
    for weight in net.parameters():
        nn.init.ones_(weight)  # no derivative cancels another
    x = torch.zeros(1, 1, 60, 60, requires_grad=True)
    net(x)[0, 0, 3, 3].backward()
    seen = (x.grad[0, 0] != 0).any(0).sum()
    assert seen == convolution.receptive_field(layers)
    assert (x.grad != 0).sum() == seen**2


def test_the_framed_number():
    edge = torch.tensor([[-1.0, 0, 1]] * 3)
    assert convolution.by_loops(16 * digits.load()[0][0, 0], edge)[1, 0] == 40


@pytest.mark.parametrize("k, p, s", [(3, 1, 1), (3, 1, 2), (2, 0, 2),
                                     (5, 2, 3)])
def test_size_of_a_map_and_what_a_stride_leaves_out(k, p, s):
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(1, 1, k, k, generator=generator)
    for side in 5, 8, 9:
        x = torch.randn(1, 1, side, side, generator=generator)
        y = F.conv2d(x, w, padding=p, stride=s)
        assert y.shape[-1] == (side + 2 * p - k) // s + 1
        everywhere = F.conv2d(x, w, padding=p)
        torch.testing.assert_close(y, everywhere[..., ::s, ::s])


@pytest.fixture(scope="module")
def halves():
    torch.set_num_threads(1)
    return digits.split(*digits.load())


def test_one_batch_can_be_learned_by_heart(halves):
    batch = tuple(part[:32] for part in halves[0])
    model = cnn.new_model("cnn", 0)
    losses = cnn.train(model, batch, steps=40, strength=0.0)["loss"]
    assert losses[0] == pytest.approx(math.log(10))
    assert 0.5 < losses[-1] < 0.55 and cnn.error_rate(model, batch) == 0


def test_the_network_by_hand():
    model = cnn.new_model("cnn", 0)
    assert sum(p.numel() for p in model.parameters()) == (
        9 * 32 + 9 * 32 * 32 + 9 * 32 * 64 + 9 * 64 * 64
        + 2 * (32 + 32 + 64 + 64) + 256 * 10 + 10)
    kernels = model.stages[1][1][0].weight
    assert kernels.var().item() == pytest.approx(2 / (9 * 64), rel=0.05)
    assert [len(cnn.ConvNet(*size).stages)
            for size in ((28, 28), (8, 40), (6, 9), (4, 4))] == [3, 3, 2, 1]


def test_maps_that_are_known(halves):
    images = halves[0][0][:20]
    still = cnn.random_maps(20, torch.Generator().manual_seed(0), 0.0)
    torch.testing.assert_close(cnn.warp(images, still), images)
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0]]).expand(20, 2, 3)
    torch.testing.assert_close(cnn.warp(images, quarter),
                               images.rot90(1, (2, 3)))
    right = torch.tensor([[1.0, 0, 2 / 8], [0, 1, 0]]).expand(20, 2, 3)
    torch.testing.assert_close(cnn.warp(images, right),
                               F.pad(images, (0, 1))[..., 1:])


def test_random_maps_are_the_formula():
    maps = cnn.random_maps(9, torch.Generator().manual_seed(0))
    drawn = torch.rand(6, 9, generator=torch.Generator().manual_seed(0))
    for a, t, s, r, *_, found in zip(*(2 * drawn - 1), maps):
        a, t = cnn.TURN * a, torch.tensor([[1, cnn.SHEAR * t], [0, 1]])
        turn = torch.tensor([[a.cos(), -a.sin()], [a.sin(), a.cos()]])
        stretch = torch.diag(1 + cnn.STRETCH * torch.stack([s, r]))
        torch.testing.assert_close(found[:, :2], turn @ t @ stretch)


def test_evaluation_does_not_depend_on_company(halves):
    model = cnn.new_model("cnn", 1)
    nn.init.normal_(model.head.weight)
    together, alone = (cnn.predict(model, halves[0][0][:n]) for n in (300, 3))
    torch.testing.assert_close(together[:3], alone)


def test_wilson_by_its_definition():
    for bound in cnn.interval(9, 899):  # the rates 1.96 deviations away
        gap = abs(9 / 899 - bound)
        assert gap == pytest.approx(1.96 * (bound * (1 - bound) / 899)**0.5)


def test_the_results_keep_what_the_chapter_says():
    found = results.load("cnn")
    rates = {row["method"]: row["test"] for row in found["rivals"]}
    own = rates["convolutional network"]  # 0.010; spread of seeds 0.003
    assert own == found["test"] < 0.022
    for rival in "SVC, published", "nearest neighbour", "softmax regression":
        assert own < rates[rival]  # 0.031, 0.039 and 0.093
    for rung in results.load("cnn_hands")["rungs"]:
        hands = list(map(int, rung["wrong_by_hand"].split()))
        assert hands.index(max(hands)) == 3  # the fourth


def test_two_kernels_make_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(9, 9, generator=generator)
    one, two = torch.randn(2, 3, 3, generator=generator)
    by_loops = convolution.by_loops
    joined = by_loops(F.pad(one, (2, 2, 2, 2)), two.flip(0, 1))
    torch.testing.assert_close(by_loops(x, joined),
                               by_loops(by_loops(x, one), two))


def test_the_gradient_of_a_convolution_is_a_convolution():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 6, 7, generator=generator, requires_grad=True)
    w = torch.randn(1, 1, 3, 3, generator=generator)
    slope = torch.randn(1, 1, 4, 5, generator=generator)
    back, = torch.autograd.grad(F.conv2d(x, w), x, slope)
    matrix = convolution.as_matrix(w[0, 0], 6, 7).to_dense()
    torch.testing.assert_close(matrix.T @ slope.flatten(), back.flatten())
    mirrored = F.conv2d(F.pad(slope, (2, 2, 2, 2)), w.flip(2, 3))
    torch.testing.assert_close(mirrored, back)
    torch.testing.assert_close(F.conv_transpose2d(slope, w), back)


def test_a_dense_layer_does_not_see_that_pixels_are_shuffled(halves):
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    images, labels = halves[0]
    mixed = images.flatten(1)[:, order].reshape(images.shape)
    plain, other = (cnn.new_model("softmax", 0) for _ in range(2))
    cnn.train(plain, (images, labels), steps=60, strength=0.0)
    cnn.train(other, (mixed, labels), steps=60, strength=0.0)
    with torch.no_grad():  # Adam magnifies rounding, in pixels seldom inked
        gap = (plain(images) - other(mixed)).abs()
    assert gap.max() < 0.05 and gap.mean() < 1e-3
