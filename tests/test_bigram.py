# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on one softmax layer."""

import json
import math

import pytest
import torch
from torch.nn import functional as F

import bigram
from common.names import load, windows
from common.options import InputError


@pytest.fixture(scope="module")
def corpus():
    return load()


@pytest.fixture(scope="module")
def pairs(corpus):
    return bigram.count_pairs(corpus.train, corpus.letters)


def trained(pairs, steps=300):
    model = bigram.Bigram(len(pairs))
    optimizer = torch.optim.Adam(model.parameters(), lr=bigram.LR)
    return model, bigram.train(model, optimizer, pairs, steps)


def test_step_on_the_counts_is_the_step_on_all_examples(corpus, pairs):
    x, y = windows(corpus.train, corpus.letters, 1)
    model = trained(pairs, 3)[0]
    loss = F.cross_entropy(model(x[:, 0]), y)
    slope, = torch.autograd.grad(loss, model.table.weight)
    before = model.table.weight.detach().clone()
    plain = torch.optim.SGD(model.parameters(), lr=1.0)
    assert bigram.train(model, plain, pairs, steps=1)[0] == pytest.approx(
        loss.item(), abs=1e-4)
    torch.testing.assert_close(before - model.table.weight, slope,
                               rtol=1e-3, atol=1e-6)


def test_trained_layer_is_the_table_of_counts(pairs):
    f = bigram.frequencies(pairs).double()
    p = bigram.probabilities(trained(pairs)[0])
    assert 0 < bigram.table_loss(p, pairs) - bigram.table_loss(f, pairs) < 1e-3
    assert (p - f).abs().max() < 0.01


def test_program_without_a_step_guesses_and_spells(tmp_path, capsys):
    there = ["--checkpoint", str(tmp_path / "b.pt"), "--quiet"]
    bigram.main([*there, "--out", str(tmp_path), "--steps", "0"])
    found = json.loads((tmp_path / "bigram.json").read_text())
    assert found["dev"] == pytest.approx(math.log(27), abs=1e-5)
    said = []
    for words in [], [], ["--seed", "2"], ["--prefix", "AN"]:
        bigram.main([*there, "--sample", "20", *words])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2] and said[0].count("\n") == 20
    assert all(line.startswith("an") for line in said[3].splitlines())
    with pytest.raises(InputError, match="has 'é'"):
        bigram.main([*there, "--sample", "1", "--prefix", "é"])


def test_trained_temperature_is_one(pairs):
    w = trained(pairs)[0].table.weight.detach().double()
    losses = {t: bigram.table_loss((w / t).softmax(1), pairs)
              for t in (0.5, 0.9, 1.0, 1.1, 2.0)}
    assert min(losses, key=losses.get) == 1.0
    cold = (w / 0.005).softmax(1)
    assert cold[0, 1] > 0.99 and cold[1, 0] > 0.99  # start, a, end


def test_newton_needs_ten_steps(pairs):
    f, w = bigram.frequencies(pairs.double()), torch.zeros(27, 27).double()
    bound, excess = bigram.table_loss(f, pairs), []
    for _ in range(16):
        p = w.softmax(1)
        excess.append(bigram.table_loss(p, pairs) - bound)
        hessian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
        step = 1 - f / p
        torch.testing.assert_close((hessian @ step[:, :, None])[..., 0], p - f)
        w -= step.clamp(-1, 1)
    assert excess[10] < 1e-3 < trained(pairs, 50)[1][-1] - bound
    assert excess[15] / excess[14] == pytest.approx(1 / math.e, rel=0.1)
