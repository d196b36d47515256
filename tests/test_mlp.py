# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on the multilayer perceptron."""

import itertools
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import mlp
from common import checkpoint, names, options, results
from experiments import mlp_ladder

LETTERS = "abcdefghijklmnopqrstuvwxyz"
torch.set_num_threads(1)


def new(dropout=0.0):
    """Return a small network with scores of size 1 and more."""
    torch.manual_seed(0)
    model = mlp.MLP(27, 3, 50, dropout)
    nn.init.normal_(model.layers[-1].weight)
    return model


def trained(seed, done=0):
    """Return the weights of a small network after 20 steps, and the steps."""
    model, seen = new(dropout=0.2), []
    x = torch.randint(27, (99, 3))
    mlp.train(model, torch.optim.SGD(model.parameters(), 0.1), (x, x[:, 0]),
              20, 16, torch.manual_seed(seed), done=done, watch=seen.append)
    return nn.utils.parameters_to_vector(model.parameters()), seen


def test_a_run_depends_on_its_generator_alone():
    assert torch.equal(trained(1)[0], trained(1)[0])
    assert not torch.equal(trained(1)[0], trained(2)[0])
    assert trained(1)[1] == list(range(1, 21))
    assert trained(1, done=18)[1] == [19, 20]


def test_losses_are_of_evaluation_mode_and_leave_the_model_as_it_was():
    model, x = new(dropout=0.5), torch.randint(27, (5000, 3))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = mlp.example_losses(model, (x, x[:, 0]))
    assert model.training and found.shape == (5000,)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    wanted = F.cross_entropy(model.eval()(x), x[:, 0]).item()
    assert found.mean().item() == pytest.approx(wanted, rel=1e-4)


def test_a_name_costs_the_sum_over_its_letters_and_its_end():
    model, listed = new(), ["emma", "bo", "z"]
    found = mlp.name_losses(model, listed, LETTERS).tolist()
    for name, loss in zip(listed, found, strict=True):
        x, y = names.windows([name], LETTERS, 3)
        wanted = mlp.example_losses(model, (x, y))
        assert len(wanted) == len(name) + 1
        assert loss == pytest.approx(wanted.sum().item(), rel=1e-5)


@pytest.fixture(scope="module")
def short_list(tmp_path_factory):
    """Return a folder with a list of 433 names."""
    folder = tmp_path_factory.mktemp("names")
    lines = names.NAMES.read_text("utf-8").split()[::75]
    (folder / "names.txt").write_text("\n".join(lines), "utf-8")
    return folder


@pytest.fixture
def run(short_list, monkeypatch):
    """Return a function that runs mlp for 48 steps on the short list."""
    monkeypatch.chdir(short_list)

    def call(kept, folder, *words):
        mlp.main(["--names", "names.txt", "--steps", "48", "--quiet",
                  "--checkpoint", kept, "--out", folder, *words])

    return call


@pytest.fixture
def whole(run):
    """Return the results of a run that was left in peace."""
    if not Path("whole").exists():
        run("whole.pt", "whole")
    return json.loads(Path("whole/mlp.json").read_text())


def files(folder):
    """Return what the files of FOLDER hold, by name."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


class Fixed(nn.Module):
    """A model whose logits are a function of the last letter."""

    def __init__(self, *logits):
        super().__init__()
        self.context, self.logits = 2, nn.Parameter(torch.tensor(logits))

    def forward(self, x):
        return self.logits[x[:, -1]]


def drawn(model, count, prefix="", letters=LETTERS, seed=0):
    """Return COUNT names that MODEL makes up in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    return mlp.sample(model.eval(), letters, count, generator, prefix)


def test_names_begin_and_end_as_they_should():
    after = Fixed(*(99 * torch.eye(4).roll(1, 1)).tolist())  # a, b, c, end
    assert drawn(after, 3, letters="abc") == ["abc"] * 3
    assert drawn(after, 1, "bb", "abc") == ["bbc"]
    assert drawn(after, 0, letters="abc") == []
    halves = drawn(Fixed([0.0, 0.0], [0.0, 0.0]), 2000, letters="a")
    lengths = torch.tensor([float(len(name)) for name in halves])
    assert lengths.min() == 1 and lengths.mean() == pytest.approx(2, abs=0.1)
    never, = drawn(Fixed([0.0, 99.0], [0.0, 99.0]), 1, letters="a")
    assert len(never) == names.LONGEST


def test_letters_come_as_often_as_the_model_says():
    model = new()
    with torch.no_grad():
        model.layers[-1].weight /= 5
        model.layers[-1].bias[0] = 2.0  # every name ends
    x, y = names.windows(drawn(model, 3000), LETTERS, 3)
    p = model(x).softmax(1).detach()
    p[(x == 0).all(1), 0] = 0  # no name is empty
    expected = (p / p.sum(1, keepdim=True)).sum(0)
    counted = torch.bincount(y, minlength=27)
    assert ((counted - expected) / expected.sqrt()).abs().max() < 5


def test_the_first_loss_is_that_of_a_guess():
    x = torch.randint(27, (100, 3))
    loss = mlp.example_losses(mlp.MLP(27, 3, 50), (x, x[:, 0])).mean().item()
    assert loss == pytest.approx(math.log(27), abs=1e-5)


def test_batch_norm_does_not_mind_the_size_of_the_weights():
    model, x = new(), torch.randint(27, (64, 3))
    before = model(x)
    with torch.no_grad():
        model.layers[2].weight *= 10
    torch.testing.assert_close(model(x), before, atol=0.02, rtol=0.02)


def test_a_prediction_does_not_depend_on_its_neighbours_in_the_batch():
    model, x = new(dropout=0.5), torch.randint(27, (30, 3))
    assert not torch.allclose(model(x)[:15], model(x[:15]))
    model.eval()
    alone = torch.cat([model(row) for row in x.split(1)])
    torch.testing.assert_close(model(x), alone)


def test_the_error_of_a_gain_is_its_spread_between_lists():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 12, (400, 500), generator=generator).double()
    fall = lengths * 0.02 + torch.randn(400, 500, generator=generator)
    found = [mlp_ladder.gain(f, 0 * f, n) for f, n in zip(fall, lengths)]
    gains = torch.tensor([row["gain"] for row in found])
    assert gains.mean().item() == pytest.approx(0.02, abs=0.001)
    assert found[0]["error"] == pytest.approx(gains.std().item(), rel=0.2)


def test_what_buys_something_and_what_does_not():
    found = results.load("mlp_ladder")  # spread of a gain: 0.01
    log = {row["change"]: row for row in found["rungs"]}
    gains = {change: row.get("gain", 0) for change, row in log.items()}
    assert gains["initialisation"] > sum(gains.values()) / 2
    assert max(gains["batch norm"], gains["weight decay"]) < 0.04
    assert gains["wider, longer"] > 0.03
    assert log["wider, longer"]["dev"] < log["ReLU"]["dev"] - 0.1
    assert found["any_start"] < 2.7  # spread 0.05; plain, 0.4


def test_a_stopped_run_goes_on_to_the_same_results(whole, run, monkeypatch):
    save = checkpoint.save

    def save_and_stop(path, program, about, step, **parts):
        save(path, program, about, step=step, **parts)
        if step == 30:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "save", save_and_stop)
        run("half.pt", "half")
    assert not Path("half").exists()
    run("half.pt", "half", "--resume")
    assert files("half") == files("whole")


@pytest.mark.parametrize("words, said", [
    (["--steps", "49"], "another steps: 48, not 49"),
    (["--seed", "2"], "another seed: 1, not 2"),
    (["--dropout", "0.1"], "another dropout: 0.5, not 0.1"),
    (["--context", "3"], "another context: 5, not 3"),
    (["--names", str(names.NAMES)], "another")])
def test_another_run_is_not_resumed(words, said, whole, run):
    before = Path("whole.pt").read_bytes()
    with pytest.raises(options.InputError, match=said):
        run("whole.pt", "none", "--resume", *words)
    assert Path("whole.pt").read_bytes() == before
    assert not Path("none").exists()


def failure(words, monkeypatch, capsys):
    """Return the exit status of mlp with WORDS, and what it says."""
    monkeypatch.setattr(sys, "argv", ["mlp.py", *words])
    with pytest.raises(SystemExit) as end:
        options.run(mlp.main)
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return end.value.code, line


@pytest.mark.parametrize("content, said", [
    (None, "no checkpoint here"), (b"text", "damaged"), ("half", "bad.pt"),
    ({"program": "deep"}, "not a checkpoint of mlp"),
    ({"model": {}}, "do not fit")])
def test_a_bad_checkpoint_is_one_line(content, said, whole, tmp_path,
                                      monkeypatch, capsys):
    path = tmp_path / "bad.pt"
    if isinstance(content, dict):
        torch.save(torch.load("whole.pt", weights_only=True) | content, path)
    elif content:
        half = Path("whole.pt").read_bytes()[:20_000]
        path.write_bytes(half if content == "half" else content)
    words = ["--sample", "1", "--checkpoint", str(path)]
    status, line = failure(words, monkeypatch, capsys)
    assert status == 2 and said in line


@pytest.mark.parametrize("words", [
    ["--names", "missing.txt"], ["--context", "0"], ["--dropout", "1"],
    ["--resume", "--checkpoint", "missing.pt"]])
def test_bad_input_is_one_line_and_writes_nothing(words, tmp_path,
                                                  monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert failure([*words, "--out", "."], monkeypatch, capsys)[0] == 2
    assert not list(tmp_path.iterdir())


def test_a_run_that_diverges_spoils_no_checkpoint(whole, run, monkeypatch):
    before = Path("whole.pt").read_bytes()
    monkeypatch.setattr(mlp, "LR", 1e30)
    with pytest.raises(options.RunError, match="the loss after"):
        run("whole.pt", "none")
    assert Path("whole.pt").read_bytes() == before


def test_results_are_of_the_model_on_disk(whole, short_list):
    model, letters = mlp.load(short_list / "whole.pt")
    assert not model.training
    corpus = names.load(short_list / "names.txt")
    for split in "train", "dev", "test":
        listed = getattr(corpus, split)
        nats = mlp.name_losses(model, listed, letters).sum().item()
        characters = sum(len(name) + 1 for name in listed)
        assert whole[split] == pytest.approx(nats / characters, rel=1e-4)
    assert whole["names"] == drawn(model, 1000, "", letters, seed=1)[:20]


def test_the_tool_prints_names_and_nothing_else(whole, capsys):
    def said(*words):
        mlp.main(["--checkpoint", "whole.pt", "--sample", *words])
        return capsys.readouterr().out.splitlines()

    found = said("20", "--prefix", "An")
    assert len(found) == 20 and all(name.startswith("an") for name in found)
    assert found == said("20", "--prefix", "an")
    assert found != said("20", "--prefix", "an", "--seed", "2")
    with pytest.raises(options.InputError, match="no name of the list has"):
        said("1", "--prefix", "an9")


@pytest.mark.parametrize("letters", ["αβγδεζηθικλμνξοπρ", "王李张刘陈杨黄赵"])
def test_ten_names_in_any_script_are_enough(letters, tmp_path):
    path = tmp_path / "own.txt"
    pairs = itertools.islice(itertools.combinations(letters, 2), 10)
    path.write_text("\n".join(map("".join, pairs)), "utf-8")
    mlp.main(["--names", str(path), "--out", str(tmp_path), "--quiet",
              "--checkpoint", str(tmp_path / "own.pt")])
    found = json.loads((tmp_path / "mlp.json").read_text("utf-8"))
    assert set("".join(found["names"])) <= set(letters)
    assert found["dev"] < 10


def test_a_run_of_no_steps_is_a_guess(run):
    run("none.pt", "guess", "--steps", "0")
    found = json.loads(Path("guess/mlp.json").read_text())
    assert found["dev"] == pytest.approx(math.log(found["vocabulary"]))


def test_the_rule_follows_the_size_of_the_list():
    rules = [mlp.settings(10**power) for power in range(1, 10)]
    for less, more in itertools.pairwise(rules):
        assert less["dropout"] >= more["dropout"] > 0
        for key in "hidden", "steps", "batch_size":
            assert less[key] <= more[key]
    for examples in 10_000, 100_000, 190_000:
        rule = mlp.settings(examples)
        passes = rule["steps"] * rule["batch_size"] / examples
        assert passes == pytest.approx(12, rel=0.01)


def test_the_network_beats_counting():
    network, counting = results.load("mlp"), results.load("ngram")
    for split in "dev", "test":
        assert network[split] < counting[split] - 3 * mlp.SPREAD
    assert network["train"] < network["dev"] - 0.05


def test_most_names_are_new_and_some_are_in_dev_and_test():
    share = results.load("mlp")["share"]
    assert 0.6 < share["new"] < 0.85 and 0.15 < share["in_train"] < 0.35
    unseen = share["in_dev"] + share["in_test"]
    assert 0.01 < unseen < share["in_train"] / 3


def test_the_map_has_the_vowels_on_one_side():
    place = results.load("mlp_inside")["place"]
    order = "".join(sorted(place, key=lambda letter: place[letter][0]))
    assert set("aeiouy") in (set(order[:6]), set(order[-6:]))


@pytest.mark.slow
def test_another_seed_moves_dev_by_little(tmp_path):
    mlp.main(["--seed", "7", "--out", str(tmp_path), "--quiet",
              "--checkpoint", str(tmp_path / "mlp.pt")])
    dev = json.loads((tmp_path / "mlp.json").read_text())["dev"]
    found = results.load("mlp")["dev"]
    assert dev == pytest.approx(found, abs=3 * mlp.SPREAD)


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
    weight = linear.weight.view(50, 3, mlp.EMBEDDING)  # (H, T, E)
    tables = torch.einsum("ve,hte->tvh", embedding.weight, weight)
    rows = sum(table[x[:, t]] for t, table in enumerate(tables))
    torch.testing.assert_close(rows, model.layers[:3](x))


def test_solution_a_network_that_learned_by_heart_is_too_sure():
    corpus = names.load()
    data = [names.windows(listed, corpus.letters, 5)
            for listed in (corpus.train[:300], corpus.dev[:300])]
    generator = torch.manual_seed(0)
    model = mlp.MLP(27, 5, 128)
    mlp.train(model, torch.optim.AdamW(model.parameters(), 0.01), data[0],
              400, 64, generator)
    best, grid = [], torch.linspace(0.5, 4, 36).tolist()
    for x, y in data:
        z = model.eval()(x).detach()
        loss = [F.cross_entropy(z / tau, y).item() for tau in grid]
        best.append(grid[loss.index(min(loss))])
    assert best[0] < 1 and best[1] > 1.5
