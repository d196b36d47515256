# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on one softmax layer."""

import json
import math
import pickle

import pytest
import torch

import bigram
from common.names import load
from common.options import InputError


@pytest.fixture(scope="module")
def pairs():
    corpus = load()
    return bigram.count_pairs(corpus.train, corpus.letters)


def test_trained_layer_is_the_table_of_counts(pairs):
    model, f = bigram.Bigram(27), bigram.frequencies(pairs).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=bigram.LR)
    bigram.train(model, optimizer, pairs, 300)
    p = bigram.probabilities(model)
    assert 0 < bigram.table_loss(p, pairs) - bigram.table_loss(f, pairs) < 1e-3
    assert (p - f).abs().max() < 0.01


def test_program_without_a_step_guesses_and_spells(tmp_path, capsys):
    there = ["--out", str(tmp_path), "--quiet"]
    bigram.main([*there, "--steps", "0"])
    found = json.loads((tmp_path / "bigram.json").read_text())
    assert found["dev"] == pytest.approx(math.log(27), abs=1e-5)
    bigram.main([*there, "--sample", "20", "--prefix", "AN"])
    names = capsys.readouterr().out.split()
    assert len(names) == 20 and all(name.startswith("an") for name in names)
    with pytest.raises(InputError, match="has 'é'"):
        bigram.main([*there, "--sample", "1", "--prefix", "é"])


def test_the_poor_loss_makes_a_poor_model(pairs):
    model, f = bigram.Bigram(27), bigram.frequencies(pairs)
    optimizer = torch.optim.Adam(model.parameters(), lr=bigram.LR)
    share = pairs.sum(1) / pairs.sum()
    for _ in range(300):
        p = model.table.weight.softmax(1)
        optimizer.zero_grad()
        (share @ (2 - 2 * (f * p).sum(1))).backward()
        optimizer.step()
    assert bigram.table_loss(p.detach(), pairs) > math.log(27) + 1
    assert p[0, 1] > 0.95 and p[1, 0] > 0.95  # start, a, end


def test_logits_are_logarithms_of_counts(pairs):
    p = (pairs + 1).log().softmax(1)
    torch.testing.assert_close(p, bigram.frequencies(pairs + 1))


class Hostile:
    def __reduce__(self):
        return print, ("any function can be called here",)


def test_only_weights_are_read(tmp_path, capsys):
    torch.save(Hostile(), tmp_path / "gift.pt")
    torch.load(tmp_path / "gift.pt", weights_only=False)
    assert "any function" in capsys.readouterr().out
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "gift.pt", weights_only=True)
