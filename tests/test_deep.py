# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on deep networks."""

import json
import math
from itertools import islice

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import deep
from common import names, options
from common.files import ROOT
from experiments import loss_log, towers


@pytest.fixture(scope="module")
def corpus():
    return names.load()


@pytest.fixture(scope="module")
def measured(corpus):
    x, y = names.windows(corpus.train[:150], corpus.letters, towers.CONTEXT)
    return {kind: towers.measure(
        towers.build(corpus.vocabulary, kind, seed=0), x, y)
        for kind in towers.KINDS}


@pytest.mark.parametrize("kind, what, factor", [
    ("normal", "signal", 32**0.5), ("He", "signal", 1),
    ("default", "variation", 6**-0.5)])
def test_the_signal_follows_the_recursion(measured, kind, what, factor):
    size = measured[kind][what]
    assert (size[19] / size[0]) ** (1 / 19) == pytest.approx(factor, rel=0.12)


def test_default_loses_the_names_and_keeps_the_signal(measured):
    found = measured["default"]
    assert found["signal"][19] == pytest.approx(160**-0.5, rel=0.4)
    assert found["variation"][19] < 1e-6 * found["signal"][19]
    rate = (found["gradient"][0] / found["gradient"][19]) ** (1 / 19)
    assert rate == pytest.approx(6**-0.5, rel=0.12)


def test_glorot_and_he_keep_signal_and_gradient(measured):
    for kind in "Glorot", "He":
        for what in "variation", "gradient":
            size = measured[kind][what]
            assert 0.1 < size[19] / size[0] < 10


def test_normalisation_tames_any_start(measured):
    tamed = measured["normalised"]
    assert tamed["signal"] == pytest.approx([32**0.5] * 20, rel=0.3)
    assert max(tamed["gradient"]) < 30 * min(tamed["gradient"])
    assert min(measured["normal"]["gradient"]) > 1e12


@pytest.mark.parametrize("dilation", [1, 2, 5, 40])
def test_convolution_is_that_of_torch_on_each_name(corpus, dilation):
    x, _, age = deep.pack(deep.tabulate(corpus.dev[:9], corpus.letters))
    h = torch.randn(len(x), 6, generator=torch.Generator().manual_seed(0))
    ours = deep.CausalConvolution(6, 7, dilation)
    torchs = nn.Conv1d(6, 7, kernel_size=2, dilation=dilation)
    weight = ours.linear.weight.view(7, 2, 6).transpose(1, 2)
    torchs.load_state_dict({"weight": weight, "bias": ours.linear.bias})
    name = (age == 0).cumsum(0)
    for one in range(1, 10):
        padded = F.pad(h[name == one].T, (dilation, 0))
        torch.testing.assert_close(ours(h, age)[name == one],
                                   torchs(padded).T)


def scrambled(context=16, letters="abcdefghijklmnopqrstuvwxyz"):
    """Return a network whose weights are all random, none zero."""
    model = deep.Stack(len(letters) + 1, context)
    g = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=g)
    return model.eval()


def test_a_later_letter_never_changes_an_earlier_prediction(corpus):
    rows = deep.tabulate(["katherine", "maximilian", "bo"], corpus.letters)
    (x, _, age), model = deep.pack(rows), scrambled()
    name, before = (age == 0).cumsum(0), model(x, age)
    for place in range(len(x)):
        other = x.clone()
        other[place] = (other[place] + 13) % 27
        changed = (model(other, age) != before).any(1)
        later = torch.arange(len(x)) >= place
        assert torch.equal(changed, later & (name == name[place]))


def test_a_batch_is_its_names_end_to_end():
    rows = deep.tabulate(["anna", "bo"], "abno")
    assert rows.tolist() == [[0, 1, 3, 3, 1, 0], [0, 2, 4, 0, -1, -1]]
    x, y, age = deep.pack(rows)
    assert x.tolist() == [0, 1, 3, 3, 1, 0, 2, 4]
    assert y.tolist() == [1, 3, 3, 1, 0, 2, 4, 0]
    assert age.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


def test_evaluation_is_without_dropout_and_keeps_the_mode(corpus):
    model = scrambled()
    expected = deep.evaluate(model, corpus.dev[:50], corpus.letters)
    model.train().dropout.p = 0.9
    found = deep.evaluate(model, corpus.dev[:50], corpus.letters)
    assert found == expected and model.training


def test_blocks_begin_as_the_identity_and_the_loss_as_ln_v(corpus):
    model = deep.initialise(deep.Stack(27, 16), torch.Generator())
    h, age = torch.randn(10, deep.CHANNELS), torch.arange(10)
    assert all(torch.equal(block(h, age), h) for block in model.blocks)
    loss = deep.evaluate(model, corpus.dev[:50], corpus.letters)
    assert loss == pytest.approx(math.log(27))


def test_every_name_is_dealt_once_in_each_epoch():
    dealt = torch.cat(list(islice(deep.deal(20, 8, seed=3), 5)))
    epochs = dealt.view(2, 20)
    assert torch.equal(epochs.sort(1)[0], torch.arange(20).repeat(2, 1))
    assert not torch.equal(epochs[0], epochs[1])


def about(**changes):
    return {"letters": "abcdeilnort", "context": 8, "steps": 60,
            "batch_size": 16, "dropout": 0.0, "seed": 0} | changes


def trained(path, words=("anna", "bob", "carol", "dieter"), resume=False,
            **changes):
    """Return a network trained on WORDS, and its losses on the way."""
    few = names.Corpus("abcdeilnort", list(words), ["bob"], ["anna"])
    generator = torch.Generator().manual_seed(changes.get("seed", 0))
    model = deep.initialise(
        deep.Stack(12, 8, changes.get("dropout", 0.0)), generator)
    history = deep.train(model, few, about(**changes), path, resume)
    return model, history


def test_four_names_can_be_learned_by_heart(tmp_path):
    _, history = trained(tmp_path / "m.pt")
    certain = 4 * math.log(4) / (4 + 3 + 5 + 6 + 4)  # the first letters
    assert history["train"][-1] == pytest.approx(certain, abs=0.05)


def test_weights_depend_on_the_seed_alone(tmp_path):
    def weights(seed):
        model, _ = trained(tmp_path / "m.pt", steps=6, dropout=0.5, seed=seed)
        return nn.utils.parameters_to_vector(model.parameters())

    torch.manual_seed(1)
    first = weights(0)
    torch.manual_seed(2)
    assert torch.equal(first, weights(0))
    assert not torch.allclose(first, weights(1), atol=0.1)


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    changes = {"steps": 8, "dropout": 0.5}
    whole, history = trained(tmp_path / "whole.pt", **changes)
    save, parts = deep.checkpoint.save, tmp_path / "parts.pt"

    def stop(*args, step, **kwargs):
        save(*args, step=step, **kwargs)
        if step == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(deep.checkpoint, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        trained(parts, **changes)
    monkeypatch.undo()
    again, went_on = trained(parts, resume=True, **changes)
    assert went_on == history
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, whole.state_dict()[name])
    with pytest.raises(options.InputError, match="another steps: 8, not 9"):
        trained(parts, resume=True, steps=9, dropout=0.5)


def run(tmp_path, *more):
    """Run the program for a few steps on a short list; return its results."""
    (tmp_path / "names.txt").write_text("\n".join(
        ["anna", "hannah", "otto", "a" * 90] +
        [f"{a}{b}a" for a in "bdk" for b in "ei"]))
    deep.main(["--names", str(tmp_path / "names.txt"), "--out", str(tmp_path),
               "--checkpoint", str(tmp_path / "m.pt"), "--quiet",
               "--steps", "4", *more])
    return json.loads((tmp_path / "deep.json").read_text())


def test_program_trains_resumes_and_samples(tmp_path, capsys):
    found = run(tmp_path)
    assert found["steps"] == 4 and math.isfinite(found["train"])
    assert len(found["names"]) == 20 and 0 <= found["share"]["new"] <= 1
    assert run(tmp_path, "--resume") == found
    model, letters = deep.load(tmp_path / "m.pt")
    assert letters == "abdehiknot" and not model.training
    ask = ["--sample", "4", "--prefix", "an", "--checkpoint",
           str(tmp_path / "m.pt"), "--quiet"]
    outputs = []
    for _ in range(2):
        deep.main(ask)
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert [name[:2] for name in outputs[0].split()] == ["an"] * 4


@pytest.mark.parametrize("more, said", [
    (["--context", "0"], "at least 1"),
    (["--resume", "--context", "5"], "another context"),
    (["--sample", "2", "--prefix", "q"], "'q'"),
    (["--names", "missing.txt"], "missing.txt")])
def test_bad_input_is_one_line(tmp_path, more, said):
    run(tmp_path)
    with pytest.raises(options.InputError, match=said):
        run(tmp_path, *more)


def test_sampling_with_a_window_is_sampling_with_the_whole():
    model, letters = scrambled(context=5), "abcdefghijklmnopqrstuvwxyz"
    short = deep.sample(model, letters, 40, torch.Generator().manual_seed(0))
    model.context = 200  # now every letter so far is handed over
    whole = deep.sample(model, letters, 40, torch.Generator().manual_seed(0))
    assert short == whole and max(map(len, short)) > 5


def committed(program):
    return json.loads((ROOT / f"figs/{program}.json").read_text())


def test_the_stack_reaches_what_the_text_says():
    found = committed("deep")
    assert found["dev"] < 1.915 + 3 * found["spread"]
    assert found["train"] < found["dev"] - 0.05
    assert 0.4 < found["share"]["new"] < 0.95


def test_the_stack_leads_counting_by_five_errors_on_test():
    rows = {row["model"]: row for row in committed("loss_log")["rungs"]}
    deep_row, pairs = rows["deep"], rows["letter pairs"]
    for split in "dev", "test":
        assert deep_row[f"lead_{split}"] > 5 * deep_row[f"error_{split}"]
        assert pairs[f"lead_{split}"] < -0.1


def test_each_repair_buys_what_the_text_says():
    dev = {row["start"]: row["dev"] for row in committed("towers")["rungs"]}
    gap = 3 * committed("towers")["spread"]
    assert dev["zero"] < dev["He"] - gap
    assert dev["He"] < dev["default"] - gap
    assert dev["normal"] < dev["default"] - gap


def test_compare_pairs_the_names():
    few = names.Corpus("ab", ["a"], ["a", "abba"], ["b"])
    n = {"a": 2.0, "b": 2.0, "abba": 5.0}
    flat, better = (
        (1, lambda words, c=c: c * torch.tensor([n[w] for w in words]), ["a"])
        for c in (1.0, 0.9))
    rival, row = loss_log.compare({loss_log.RIVAL: flat, "new": better}, few)
    assert rival["dev"] == pytest.approx(1) and rival["dev_lead"] == ""
    assert row["dev"] == pytest.approx(0.9)
    assert row["lead_dev"] == pytest.approx(0.1)
    assert row["error_dev"] == pytest.approx(0, abs=1e-6)


def test_glorot_under_relu_loses_a_thousandth(corpus, monkeypatch):
    x, y = names.windows(corpus.train[:150], corpus.letters, towers.CONTEXT)
    monkeypatch.setitem(towers.KINDS, "exercise", {"start": "Glorot"})
    model = towers.build(corpus.vocabulary, "exercise", seed=0)
    signal = towers.measure(model, x, y)["signal"]
    assert math.log2(signal[19] / signal[0]) == pytest.approx(-9.5, abs=2)


def test_zero_weights_before_a_relu_stay_zero():
    z = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    for branch, learns in (
            (lambda w: torch.relu(z @ w), False),
            (lambda w: torch.relu(z) @ w, True)):
        w = torch.zeros(5, 5, requires_grad=True)
        out = z + branch(w)
        assert torch.equal(out, z)
        out.square().sum().backward()
        assert w.grad.any() == learns


def test_batch_norm_breaks_causality_when_training(corpus):
    x, _, age = deep.pack(deep.tabulate(corpus.dev[:40], corpus.letters))
    other = x.clone()
    other[-1] = (other[-1] + 13) % 27
    for norm, training, kept in ((nn.LayerNorm(64), True, True),
                                 (nn.BatchNorm1d(64), True, False),
                                 (nn.BatchNorm1d(64), False, True)):
        model = scrambled()
        model.norm = norm
        model.train(training)
        with torch.no_grad():
            change = (model(other, age) - model(x, age))[:-1].abs().max()
        assert (change < 1e-5) == kept
