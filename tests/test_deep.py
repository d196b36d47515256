# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on deep networks."""

import json

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import deep
from common import names, results
from experiments import towers


@pytest.fixture(scope="module")
def corpus():
    return names.load()


@pytest.fixture(scope="module")
def measured(corpus):
    return towers.survey(corpus, seed=0)


@pytest.mark.parametrize("kind, what, factor", [
    ("normal", "signal", 32**0.5), ("He", "signal", 1),
    ("default", "variation", 6**-0.5), ("default", "gradient", 6**0.5)])
def test_towers_follow_the_recursion(measured, kind, what, factor):
    size = measured[kind][what]
    assert (size[19] / size[0]) ** (1 / 19) == pytest.approx(factor, rel=0.13)


def test_the_default_loses_the_names_and_repairs_keep_them(measured):
    signal, variation, _ = measured["default"].values()
    assert signal[19] == pytest.approx(160**-0.5, rel=0.4)
    assert variation[19] < 1e-6 * signal[19]
    assert measured["normalised"]["signal"] == pytest.approx(
        [32**0.5] * 20, rel=0.3)
    for kind, most in ("He", 10), ("normalised", 30), ("residual", 1.1):
        for what in "variation", "gradient":
            size = measured[kind][what]
            assert max(size) < most * min(size)


def test_program_learns_and_samples(run, capsys):
    written, _ = run(deep, "--steps 80 --dropout 0")
    assert json.loads(written)["train"] < 0.5
    run(deep, "--sample 4 --prefix an")
    said = capsys.readouterr().out.split()
    assert [name[:2] for name in said] == ["an"] * 4


def test_a_stopped_run_goes_on_to_the_same_weights(run, resumed):
    assert run(deep) == resumed(deep)


def test_the_stack_leads_counting_by_five_errors():
    found = results.load("deep")
    assert found["train"] < found["dev"] - 0.05
    assert 0.4 < found["share"]["new"] < 0.95
    rows = {row["model"]: row for row in results.load("loss_log")["rungs"]}
    for split in "dev", "test":
        lead = rows["deep"][f"lead_{split}"]
        assert lead > 5 * rows["deep"][f"error_{split}"]


@pytest.mark.parametrize("dilation", [1, 2, 5, 40])
def test_solution_convolution_is_conv1d_on_each_name(corpus, dilation):
    x, _, age = deep.pack(deep.tabulate(corpus.dev[:9], corpus.letters))
    h = torch.randn(len(x), 6, generator=torch.Generator().manual_seed(0))
    ours = deep.CausalConvolution(6, 7, dilation)
    weight = ours.linear.weight.view(7, 2, 6).transpose(1, 2)
    name = (age == 0).cumsum(0)
    for one in range(1, 10):
        padded = F.pad(h[name == one].T, (dilation, 0))
        torchs = F.conv1d(padded, weight, ours.linear.bias, dilation=dilation)
        torch.testing.assert_close(ours(h, age)[name == one], torchs.T)


@pytest.mark.parametrize("context", [2, 4, 6, 8, 16])
def test_a_prediction_depends_on_context_tokens(context):
    model, x = deep.Stack(27, context), torch.arange(20)
    model(x, age=x)[-1].sum().backward()
    felt = model.embedding.weight.grad[:20].any(1)
    assert felt.tolist() == (20 - context) * [False] + context * [True]


def test_batch_norm_breaks_causality_when_training(corpus):
    x, _, age = deep.pack(deep.tabulate(corpus.dev[:40], corpus.letters))
    model, place, other = deep.Stack(27, 16), len(x) // 2, x.clone()
    other[place] = (other[place] + 13) % 27
    for norm, training, leaks in ((nn.LayerNorm, True, False),
                                  (nn.BatchNorm1d, True, True),
                                  (nn.BatchNorm1d, False, False)):
        model.norm = norm(64)
        model.train(training)
        change = (model(other, age) - model(x, age)).abs().amax(1)
        assert change[place] > 1e-5
        assert (change[:place].max() > 1e-5) == leaks
