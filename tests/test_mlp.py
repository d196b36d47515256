# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on the multilayer perceptron."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import mlp
from common import names, options, results

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def new(dropout=0.0):
    """Return a small network with scores of size 1 and more."""
    torch.manual_seed(0)
    model = mlp.MLP(27, 3, 50, dropout)
    nn.init.normal_(model.layers[-1].weight)
    return model


def test_a_name_costs_what_its_letters_and_its_end_cost_in_evaluation():
    model, listed = new(dropout=0.5), ["emma", "bo", "z"]
    found = mlp.name_losses(model, listed, LETTERS)
    assert model.training and not model.layers[3].num_batches_tracked
    model.eval()
    for name, loss in zip(listed, found, strict=True):
        x, y = names.windows([name], LETTERS, 3)
        wanted = F.cross_entropy(model(x), y, reduction="sum")
        assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_names_begin_and_end_as_they_should():
    after = 99 * torch.eye(4).roll(1, 1)  # a, b, c, end
    model = nn.Sequential(nn.Embedding.from_pretrained(after), nn.Flatten())
    model.context, some = 1, torch.manual_seed(0)
    assert mlp.sample(model, "abc", 2, some) == ["abc", "abc"]
    assert mlp.sample(model, "abc", 1, some, prefix="bb") == ["bbc"]
    after.zero_()  # any letter, or the end
    assert "" not in mlp.sample(model, "abc", 99, some)
    after[:, 1] = 99  # no end
    assert mlp.sample(model, "abc", 1, some) == ["a" * names.LONGEST]


def test_a_stopped_run_goes_on_to_the_same_weights(run, resumed):
    assert run(mlp) == resumed(mlp)


def test_a_run_that_diverges_spoils_no_checkpoint(run, monkeypatch):
    run(mlp)
    before = Path("mlp.pt").read_bytes()
    monkeypatch.setattr(mlp, "LR", 1e30)
    with pytest.raises(options.RunError, match="the loss after"):
        run(mlp)
    assert Path("mlp.pt").read_bytes() == before


def test_what_buys_something_and_what_does_not():
    rungs = results.load("mlp_ladder")["rungs"]  # spread of a gain: 0.007
    gains = {row["change"]: row.get("gain", 0) for row in rungs}
    assert float(rungs[0]["dev"]) > math.log(27) + 3 * 0.2
    assert gains["initialisation"] > sum(gains.values()) / 2
    assert max(gains["batch norm"], gains["weight decay"]) < 0.03
    assert min(gains["ReLU"], gains["one cycle"]) > 0.02
    assert gains["wider, longer"] > gains["AdamW"] + 0.02 > 0.06


def test_the_network_beats_counting_and_makes_up_new_names():
    network, counting = results.load("mlp"), results.load("ngram")
    for split in "dev", "test":
        assert network[split] < counting[split] - 3 * mlp.SPREAD
    assert network["train"] < network["dev"] - 0.05
    assert 0.6 < network["share"]["new"] < 0.85


def test_the_map_has_the_vowels_on_one_side():
    place = results.load("mlp_inside")["place"]
    order = "".join(sorted(place, key=lambda letter: place[letter][0]))
    assert set("aeiouy") in (set(order[:6]), set(order[-6:]))


def test_solution_batch_norm_folds_into_the_layer_before_it():
    model, e = new(), torch.randn(20, 3 * mlp.EMBEDDING)
    model(torch.randint(27, (50, 3)))  # moves the running statistics
    model.eval()
    linear, norm = model.layers[2:4]
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - scale * norm.running_mean
    folded = F.linear(e, scale[:, None] * linear.weight, bias)
    torch.testing.assert_close(folded, model.layers[2:4](e))


def test_solution_hidden_layer_is_a_sum_of_table_rows():
    model, x = new(), torch.randint(27, (20, 3))
    embedding, _, linear = model.layers[:3]
    parts = linear.weight.split(mlp.EMBEDDING, dim=1)  # T of (H, E)
    rows = sum(F.embedding(x[:, t], embedding.weight @ part.T)
               for t, part in enumerate(parts))
    torch.testing.assert_close(rows, model.layers[:3](x))


@pytest.mark.slow
def test_solution_without_dropout_more_passes_buy_nothing(tmp_path):
    mlp.main(["--dropout", "0", "--quiet", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "mlp.json").read_text())
    rung = results.load("mlp_ladder")["rungs"][7]
    assert found["dev"] == pytest.approx(rung["dev"], abs=3 * mlp.SPREAD)
    assert found["train"] < results.load("mlp")["train"] - 0.03
