# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on the multilayer perceptron."""

import json
import math

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


def test_losses_are_of_evaluation_mode_where_each_example_is_alone():
    model, x = new(dropout=0.5), torch.randint(27, (5000, 3))
    found = mlp.example_losses(model, (x, x[:, 0]))
    assert model.training and not model.layers[3].num_batches_tracked
    model.eval()
    alone = [F.cross_entropy(model(row), row[:, 0]) for row in x[:50].split(1)]
    torch.testing.assert_close(found[:50].float(), torch.stack(alone))


def test_a_name_costs_the_sum_over_its_letters_and_its_end():
    model, listed = new(), ["emma", "bo", "z"]
    found = mlp.name_losses(model, listed, LETTERS).tolist()
    for name, loss in zip(listed, found, strict=True):
        wanted = mlp.example_losses(model, names.windows([name], LETTERS, 3))
        assert loss == pytest.approx(wanted.sum().item(), rel=1e-5)


def test_names_begin_and_end_as_they_should():
    after = 99 * torch.eye(4).roll(1, 1)  # a, b, c, end
    model = nn.Sequential(nn.Embedding.from_pretrained(after), nn.Flatten())
    model.context = 1

    def drawn(count, prefix=""):
        return mlp.sample(model, "abc", count, torch.manual_seed(0), prefix)

    assert drawn(3) == ["abc"] * 3 and drawn(0) == []
    assert drawn(1, "bb") == ["bbc"]
    after.zero_()  # any letter, or the end
    assert "" not in drawn(99)
    after[:, 1] = 99  # no end
    assert drawn(1) == ["a" * names.LONGEST]


def run(home, name, *words):
    """Train NAME in HOME for 48 steps, on the names there."""
    mlp.main(["--names", f"{home}/names.txt", "--steps", "48", "--quiet",
              "--checkpoint", f"{home}/{name}.pt", "--out", f"{home}/{name}",
              *words])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with 433 names and a run, left in peace."""
    folder = tmp_path_factory.mktemp("names")
    lines = names.NAMES.read_text("utf-8").split()[::75]
    (folder / "names.txt").write_text("\n".join(lines), "utf-8")
    run(folder, "whole")
    return folder


def test_a_stopped_run_goes_on_to_the_same_results(home, monkeypatch):
    def files(name):
        return [(home / name / file).read_bytes()
                for file in ("mlp.json", "mlp.svg")]

    with monkeypatch.context() as patch:
        patch.setattr(mlp, "trange", lambda done, steps, disable: range(30))
        run(home, "half")
    assert files("half") != files("whole")
    run(home, "half", "--resume")
    assert files("half") == files("whole")


def test_another_run_or_one_that_diverges_spoils_no_checkpoint(home,
                                                               monkeypatch):
    before = (home / "whole.pt").read_bytes()
    for option, value, said in (("--dropout", "0.1", "another dropout"),
                                ("--dropout", "1", "below 1"),
                                ("--names", str(names.NAMES), "another")):
        with pytest.raises(options.InputError, match=said):
            run(home, "whole", "--resume", option, value)
    monkeypatch.setattr(mlp, "LR", 1e30)
    with pytest.raises(options.RunError, match="the loss after"):
        run(home, "whole")
    assert (home / "whole.pt").read_bytes() == before


def test_the_tool_prints_names_and_nothing_else(home, capsys):
    def said(*words):
        run(home, "whole", "--sample", "20", "--prefix", *words)
        return capsys.readouterr().out.splitlines()

    found = said("An")
    assert len(found) == 20 and all(name.startswith("an") for name in found)
    assert found == said("an") != said("an", "--seed", "2")


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
    share = network["share"]
    assert 0.6 < share["new"] < 0.85 and 0.15 < share["in_train"] < 0.35
    unseen = share["in_dev"] + share["in_test"]
    assert 0.01 < unseen < share["in_train"] / 3


def test_the_map_has_the_vowels_on_one_side():
    place = results.load("mlp_inside")["place"]
    order = "".join(sorted(place, key=lambda letter: place[letter][0]))
    assert set("aeiouy") in (set(order[:6]), set(order[-6:]))


@pytest.mark.slow
def test_without_dropout_twice_the_passes_buy_nothing(tmp_path):
    mlp.main(["--dropout", "0", "--quiet", "--out", str(tmp_path),
              "--checkpoint", str(tmp_path / "mlp.pt")])
    dev = json.loads((tmp_path / "mlp.json").read_text())["dev"]
    rung = results.load("mlp_ladder")["rungs"][7]
    assert dev == pytest.approx(rung["dev"], abs=3 * mlp.SPREAD)


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
