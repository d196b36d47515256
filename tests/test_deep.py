# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on deep networks."""

import json
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import command_line
import deep
import name_sampler
import names_corpus
import tower


@pytest.mark.parametrize("variance, factor", [
    (1.0, 500), (1 / 3000, 1 / 6), (2 / 1000, 1)])
def test_relu_layer_multiplies_variances_by_half_n_sigma_squared(
        variance, factor):
    g = torch.Generator().manual_seed(0)
    w = variance**0.5 * torch.randn(1000, 1000, generator=g)
    z = (3 * torch.randn(1000, 1000, generator=g)).requires_grad_()
    out = torch.relu(z) @ w.T
    assert (out.var() / z.var()).item() == pytest.approx(factor, rel=0.06)
    delta = torch.randn(1000, 1000, generator=g)
    back, = torch.autograd.grad(out, z, delta)
    assert (back.var() / delta.var()).item() == pytest.approx(factor, rel=0.06)


@pytest.fixture(scope="module")
def corpus():
    return names_corpus.load()


@pytest.fixture
def figs():
    return names_corpus.NAMES.parent.parent / "figs"


@pytest.fixture(scope="module")
def towers(corpus):
    x, y = names_corpus.windows(corpus.train[:200], corpus.letters, 8)
    return {kind: tower.measure(
        tower.build(corpus.vocabulary, kind, 0), x, y)
        for kind in tower.KINDS}


@pytest.mark.parametrize("kind, factor", [
    ("normal", 32**0.5), ("default", 6**-0.5), ("He", 1)])
def test_the_signal_follows_the_recursion(towers, kind, factor):
    std = towers[kind]["std"]
    rate = (std[20] / std[0]) ** (1 / 20)
    assert rate == pytest.approx(factor, rel=0.1)
    first, *_, last = towers[kind]["gradient"]
    assert 0.1 < first / last < 10


def test_starts_have_the_variance_of_the_formula():
    g = torch.Generator().manual_seed(0)
    w = torch.empty(600, 1400)  # n' x n
    for start, variance in ("Glorot", 2 / 2000), ("He", 2 / 1400):
        tower.STARTS[start](w, g)
        assert w.var().item() == pytest.approx(variance, rel=0.01)
    square = torch.empty(tower.WIDTH, tower.WIDTH)
    tower.STARTS["default"](square, g)
    assert square.var().item() == pytest.approx(1 / 3 / tower.WIDTH, rel=0.05)
    assert nn.Linear(64, 64).weight.abs().max() <= 1 / 8


def test_glorot_and_he_keep_the_signal(towers):
    assert towers["Glorot"]["std"][20] == pytest.approx(0.16, rel=0.3)
    assert 1 / 3 < towers["He"]["std"][20] / towers["He"]["std"][0] < 3
    for kind in "Glorot", "He":
        assert 0.01 < min(towers[kind]["gradient"])
        assert max(towers[kind]["gradient"]) < 100
    assert max(towers["default"]["gradient"]) < 1e-6
    assert 1e-9 < towers["default"]["std"][20] < 1e-7
    assert min(towers["normal"]["gradient"]) > 1e14
    assert towers["normal"]["std"][20] > 1e14
    assert 7 < towers["tanh"]["std"][20] < 8
    back = towers["tanh"]["gradient"]
    assert back == sorted(back, reverse=True) and back[0] > 1e4 * back[-1]
    assert towers["tanh"]["saturated"][20] > 0.7


def test_layer_norm_is_the_formula_and_knows_no_neighbours():
    z = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    m, v = z.mean(1, keepdim=True), z.var(1, correction=0, keepdim=True)
    norm = nn.LayerNorm(64)
    torch.testing.assert_close(norm(z), (z - m) / (v + 1e-5).sqrt())
    torch.testing.assert_close(norm(100 * z), norm(z), rtol=1e-4, atol=1e-4)
    assert torch.equal(norm(z)[:1], norm(z[:1]))
    assert torch.equal(norm(z), norm.eval()(z))
    batch = nn.BatchNorm1d(64)
    assert not torch.allclose(batch(z)[:3], batch(z[:3]), atol=0.1)


def test_normalisation_tames_any_start(towers):
    rough, exploded = towers["rough"], towers["normal"]
    for std in rough["std"][1:]:
        assert std == pytest.approx(32**0.5, rel=0.25)
    assert max(rough["gradient"]) < 10 < 1e10 < min(exploded["gradient"])
    low, high = min(rough["gradient"]), max(rough["gradient"])
    assert high / low < 30


def test_residual_layers_at_zero_are_the_identity(corpus, towers):
    x, y = names_corpus.windows(corpus.train[:50], corpus.letters, 8)
    model = tower.build(corpus.vocabulary, "residual", 0)
    logits, z = model(x)
    assert all(torch.equal(z[0], layer) for layer in z)
    assert len(set(towers["residual"]["std"])) == 1
    gradient = towers["residual"]["gradient"]
    assert max(gradient) / min(gradient) < 1.001 and min(gradient) > 0.1
    F.cross_entropy(logits, y).backward()
    assert all(layer.linear.weight.grad.any() for layer in model.layers)


def test_each_repair_buys_what_the_text_says(figs):
    found = json.loads((figs / "deep.json").read_text())
    dev = {kind: layer["dev"] for kind, layer in found["layers"].items()
           if "dev" in layer}
    ngram, bigram = (json.loads((figs / f"{program}.json").read_text())
                     for program in ("ngram", "bigram"))
    assert 0 < ngram["baseline"]["dev"] - dev["default"] < 0.15
    assert dev["default"] - dev["He"] == pytest.approx(0.25, abs=0.03)
    assert dev["He"] < dev["rough"] < dev["default"] - 0.1
    assert dev["He"] < dev["normalised"] < dev["default"] - 0.1
    assert abs(dev["rough"] - dev["normalised"]) < 0.05
    assert dev["residual"] < dev["He"] - 0.08
    assert dev["bare"] < dev["residual"] - 0.08
    assert [kind for kind in dev if dev[kind] < bigram["dev"]] == ["bare"]
    assert found["few"]["dev"] < dev["bare"] - 0.04
    assert found["dev"] < found["baseline"]["dev"]


@pytest.mark.slow
def test_other_seeds_keep_both_ends_of_the_ladder(corpus, figs):
    torch.set_num_threads(1)
    once = json.loads((figs / "deep.json").read_text())["layers"]
    again = tower.study(corpus, tower.STEPS, 3)
    dev = {kind: again[kind]["dev"] for kind in tower.TRAINED}
    assert all(abs(dev[kind] - once[kind]["dev"]) < 0.06 for kind in dev)
    bare, residual, *middle, default = sorted(dev, key=dev.get)
    assert (bare, residual, default) == ("bare", "residual", "default")
    assert dev[middle[0]] > dev["residual"] + 0.08


def rows_of(names, letters, context=16):
    return deep.cut(names_corpus.stream(names, letters, 1), context)


def test_rows_cover_every_letter_and_end_once(corpus):
    rows = rows_of(corpus.train + corpus.dev + corpus.test, corpus.letters)
    assert len(rows) == 5163 and rows.length.max() < 16
    long = corpus.dev[:3] + ["ab" * 32, "abc" * 333, corpus.dev[0]]
    rows = rows_of(long, corpus.letters)
    assert len(rows) > len(long) and rows.length.max() == 64
    assert rows.examples() == sum(len(name) + 1 for name in long)
    assert rows.examples(torch.tensor([0])) == len(long[0]) + 1


def test_a_third_of_a_rectangle_would_be_filling(corpus):
    length = rows_of(corpus.train, corpus.letters).length[:3840].view(30, 128)
    filling = 1 - length.sum() / (128 * length.amax(1)).sum()
    assert filling.item() == pytest.approx(1 / 3, abs=0.05)


def test_a_batch_is_its_names_end_to_end(corpus):
    rows = rows_of(["anna", "bo", "c" * 99], "abcno")
    batch = deep.take(rows, torch.tensor([1, 0]))
    assert batch.x.tolist() == [0, 2, 5, 0, 1, 4, 4, 1]
    assert batch.y.tolist() == [2, 5, 0, 1, 4, 4, 1, 0]
    assert batch.age.tolist() == [0, 1, 2, 0, 1, 2, 3, 4]
    assert batch.row.tolist() == [0] * 3 + [1] * 5
    tail = deep.take(rows, torch.tensor([3]))
    assert tail.y.tolist() == [deep.IGNORED] * 15 + [3] * 35 + [0]
    assert len(deep.take(rows, torch.tensor([], dtype=torch.int64)).x) == 0


@pytest.mark.parametrize("dilation", [1, 2, 5, 40])
def test_convolution_is_that_of_torch_on_each_name(corpus, dilation):
    rows = rows_of(corpus.dev[:9], corpus.letters)
    batch = deep.take(rows, torch.arange(9))
    layer = deep.CausalConvolution(6, 7, dilation)
    x = torch.randn(len(batch.x), 6)
    ours = layer(x, batch.age)
    weight = layer.linear.weight.view(7, 2, 6).transpose(1, 2)
    for row in range(9):
        own = F.pad(x[batch.row == row].T, (dilation, 0))[None]
        torchs = F.conv1d(own, weight, layer.linear.bias, dilation=dilation)
        torch.testing.assert_close(ours[batch.row == row], torchs[0].T)


def test_dropout_masks_whole_rows_and_keeps_the_mean():
    dropout = deep.RowDropout()
    dropout.p, dropout.generator = 0.4, deep.randomness("test")
    x, row = torch.ones(600, 50), torch.arange(600) // 6
    out = dropout(x, row)
    assert (out == 0).float().mean().item() == pytest.approx(0.4, abs=0.03)
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    for own in out.split(6):
        assert (own == own[0]).all() and 0 < (own[0] == 0).sum() < 50
    assert torch.equal(dropout.eval()(x, row), x)


SIZES = {"vocabulary": 27, "context": 16, "channels": 24, "hidden": 32}


def scrambled(seed=0, **sizes):
    """Return a network whose weights are all random, none zero."""
    model, g = deep.Deep(**SIZES | sizes), deep.randomness("test", seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=g)
    return model.eval()


def test_blocks_begin_as_the_identity_and_the_loss_as_ln_v(corpus):
    batch = deep.take(rows_of(corpus.dev, corpus.letters), torch.arange(50))
    model = deep.build(SIZES, 0.0, seed=0)
    h = torch.randn(len(batch.x), 24)
    for block in model.blocks:
        assert torch.equal(block(h, batch, model.dropout), h)
    loss = F.cross_entropy(model(batch), batch.y)
    assert loss.item() == pytest.approx(math.log(27))
    data = {split: rows_of(corpus.dev, corpus.letters)
            for split in ("train", "dev")}
    deep.train(model, data, steps=3, batch_size=9, weight_decay=0, seed=0)
    for block in model.blocks:
        assert not torch.equal(block(h, batch, model.dropout), h)


def test_a_later_letter_never_changes_an_earlier_prediction(corpus):
    rows = rows_of(["katherine", "maximilian", "bo"], corpus.letters)
    batch, model = deep.take(rows, torch.arange(3)), scrambled()
    before = model(batch)
    for place in range(len(batch.x)):
        x = batch.x.clone()
        x[place] = (x[place] + 13) % 27
        changed = (model(deep.replace(batch, x=x)) != before).any(1)
        same_row = batch.row == batch.row[place]
        later = torch.arange(len(x)) >= place
        assert not changed[~(same_row & later)].any()
        assert changed[same_row & later].all()


@pytest.mark.parametrize("context", [1, 2, 3, 5, 8, 10, 16, 40])
def test_receptive_field_is_the_context(context):
    steps = deep.dilations(context)
    assert sum(steps) == context - 1
    assert len(steps) == math.ceil(math.log2(context))
    model, seen = scrambled(context=context), []
    model.embedding.register_forward_hook(
        lambda module, inputs, output: seen.append(output))
    age = torch.arange(60)
    x = torch.randint(27, (60,), generator=deep.randomness("test"))
    model(deep.Batch(x, x, age, 0 * age))[-1].sum().backward(inputs=seen)
    felt = seen[0].grad.abs().sum(1) > 0
    assert felt.tolist() == [False] * (60 - context) + [True] * context


def test_a_long_name_in_pieces_is_predicted_like_the_whole():
    model = scrambled()
    name = "".join(chr(97 + i * i % 26) for i in range(300))
    rows = rows_of([name], "abcdefghijklmnopqrstuvwxyz")
    batch = deep.take(rows, torch.arange(len(rows)))
    pieces = model(batch)[batch.y != deep.IGNORED]
    age = torch.arange(301)
    x = torch.tensor([0] + [ord(letter) - 96 for letter in name])
    whole = model(deep.Batch(x, x, age, 0 * age))
    torch.testing.assert_close(pieces, whole)


@pytest.mark.parametrize("context", [4, 16])
def test_windows_and_whole_names_get_the_same_predictions(corpus, context):
    names, model = corpus.dev[:60], scrambled(context=context)
    rows = rows_of(names, corpus.letters, context)
    batch = deep.take(rows, torch.arange(len(rows)))
    x, y = names_corpus.windows(names, corpus.letters, context)
    assert torch.equal(batch.y, y)
    torch.testing.assert_close(deep.after(model, x), model(batch))
    loss = deep.evaluate(model, rows)
    assert loss == pytest.approx(F.cross_entropy(model(batch), y).item())


def test_what_is_forgotten_changes_nothing_later(corpus):
    rows = rows_of(["katherine", "maximilian"], corpus.letters)
    batch, model = deep.take(rows, torch.arange(2)), scrambled()
    chance = torch.tensor([[0.1, 0.45], [0.9, 0.45]])
    cut = deep.forget(batch, chance, 0.3)
    assert cut.age.tolist() == [*range(4), *range(6), *range(11)]
    alone = deep.Batch(batch.x[4:10], batch.y[4:10], torch.arange(6),
                       torch.zeros(6, dtype=torch.int64))
    torch.testing.assert_close(model(cut)[4:10], model(alone))
    assert torch.equal(deep.forget(batch, chance, 0).age, batch.age)


@pytest.mark.parametrize("count", [1, 2, 97, 720])
def test_every_row_is_dealt_once_in_each_epoch(count):
    size = max(1, count // 5)
    steps = [deep.deal(count, size, 3, step)
             for step in range(3 * count // size + 1)]
    epochs = torch.cat(steps)[: 3 * count].view(3, count)
    assert torch.equal(epochs.sort(1)[0], torch.arange(count).repeat(3, 1))
    if count > 2:
        assert not torch.equal(epochs[0], epochs[1])
        other = torch.cat([deep.deal(count, count, 4, 0)])
        assert not torch.equal(epochs[0], other)


@pytest.mark.parametrize("ranks", [2, 3, 50])
def test_the_parts_of_a_lesson_are_the_whole(corpus, ranks):
    rows = rows_of(corpus.train, corpus.letters)
    whole, examples = deep.lesson(rows, 40, 0.5, 7, 12)
    assert examples == len(whole.y)
    again, other = (deep.lesson(rows, 40, 0.5, 7, step)[0]
                    for step in (12, 13))
    assert torch.equal(whole.x, again.x) and torch.equal(whole.age, again.age)
    assert not torch.equal(whole.x[:99], other.x[:99])
    parts = [deep.lesson(rows, 40, 0.5, 7, 12, rank, ranks)
             for rank in range(ranks)]
    assert all(number == examples for _, number in parts)
    for name in "x", "y", "age":
        own = torch.cat([getattr(part, name) for part, _ in parts])
        assert own.sort()[0].equal(getattr(whole, name).sort()[0])


def test_gradients_of_parts_add_up_to_that_of_the_whole(corpus):
    rows, model = rows_of(corpus.train, corpus.letters), scrambled()

    def gradient(rank, ranks):
        part = deep.lesson(rows, 40, 0.5, 7, 12, rank, ranks)
        loss = deep.step_loss(model, *part)
        return torch.autograd.grad(loss, list(model.parameters()))

    whole, parts = gradient(0, 1), [gradient(rank, 3) for rank in range(3)]
    for expected, *shares in zip(whole, *parts, strict=True):
        torch.testing.assert_close(sum(shares), expected)


def few_steps(corpus, seed=0, steps=6, **settings):
    data = {split: rows_of(getattr(corpus, split)[:99], corpus.letters)
            for split in ("train", "dev")}
    model = deep.build(SIZES, 0.3, seed)
    deep.train(model, data, steps=steps, batch_size=16, seed=seed,
               forgotten=0.3, **settings)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_four_names_can_be_learned_by_heart():
    rows = rows_of(["anna", "bob", "carol", "dieter"], "abcdeilnort")
    model = deep.build(SIZES | {"vocabulary": 12}, 0.0, 0)
    data = {"train": rows, "dev": rows}
    history = deep.train(model, data, steps=80, batch_size=16, seed=0)
    assert history["train"][0] == pytest.approx(math.log(12))
    certain = 4 * math.log(4) / rows.examples()
    assert history["train"][-1] == pytest.approx(certain, abs=0.03)


def test_weights_depend_on_the_seed_alone(corpus):
    torch.manual_seed(1)
    first = few_steps(corpus)
    torch.manual_seed(2)
    assert torch.equal(first, few_steps(corpus))
    assert not torch.allclose(first, few_steps(corpus, seed=1), atol=0.1)


class Stop(Exception):
    pass


class Keeper(deep.Keeper):
    """Keeps every step, and stops the run after step LAST."""

    last = 4

    def keep(self, step, now=False):
        super().keep(step, now=True)
        if step == self.last and not self.resume:
            raise Stop


def test_a_stopped_run_goes_on_to_the_same_bytes(corpus, tmp_path):
    about = {"program": "deep", "letters": corpus.letters, "sizes": SIZES,
             "settings": {}, "corpus": corpus.sha256}
    whole, parts = tmp_path / "whole.pt", tmp_path / "parts.pt"
    expected = few_steps(corpus, keeper=deep.Keeper(whole, about))
    with pytest.raises(Stop):
        few_steps(corpus, keeper=Keeper(parts, about))
    got = few_steps(corpus, keeper=Keeper(parts, about, resume=True))
    assert torch.equal(got, expected)
    assert parts.read_bytes() == whole.read_bytes()


def test_the_stack_beats_counting_on_dev_and_is_level_on_test(figs):
    found = json.loads((figs / "deep.json").read_text())
    rival, lead = found["baseline"], found["lead"]
    assert found["dev"] <= 1.88 and rival["train"] < found["train"]
    mlp = json.loads((figs / "mlp.json").read_text())
    for split in "dev", "test":
        gap = rival[split] - found[split]
        assert lead[split]["difference"] == pytest.approx(gap, abs=2e-5)
        assert 0 < mlp[split] - found[split] < min(
            lead[split]["error"], mlp["lead"][split]["error"])
    assert lead["dev"]["difference"] > 3 * lead["dev"]["error"]
    assert abs(lead["test"]["difference"]) < lead["test"]["error"]
    assert all(run["dev"] < rival["dev"] for run in found["each"])
    assert found["spread"] < 0.015 < lead["dev"]["unpaired"] < 0.03
    for split in "train", "dev", "test":
        mean = sum(run[split] for run in found["each"]) / len(found["each"])
        assert found[split] == pytest.approx(mean, abs=1e-5)


def test_program_trains_and_then_samples(tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(["anna", "hannah", "otto", "x" * 300] +
                               [f"{a}{b}a" for a in "bdk" for b in "ei"]))
    place = ["--checkpoint", str(tmp_path / "m.pt"), "--quiet"]
    options = ["--names", str(names), "--out", str(tmp_path), "--steps", "2"]
    assert deep.main([*options, *place]) == 0
    found = json.loads((tmp_path / "deep.json").read_text())
    assert found["steps"] == 2 and len(found["each"]) == 3
    assert deep.main(["--sample", "4", "--prefix", "an", *place]) == 0
    first = capsys.readouterr().out
    assert deep.main(["--sample", "4", "--prefix", "an", *place]) == 0
    assert capsys.readouterr().out == first
    assert [name[:2] for name in first.split()] == ["an"] * 4
    with pytest.raises(command_line.InputError, match="'q'"):
        deep.main(["--sample", "4", "--prefix", "q", *place])


def untrained(*_, **keeping):
    """Return what deep.run would, of a scrambled network in training."""
    model = scrambled().train()
    model.dropout.p, model.dropout.generator = 0.5, deep.randomness("test")
    return model, {"step": [0, 1], "train": [3, 2], "dev": [3, 2]}


def test_results_are_of_the_network_in_use(corpus, towers, tmp_path,
                                           monkeypatch):
    monkeypatch.setattr(deep, "run", untrained)
    monkeypatch.setattr(deep, "study", lambda *_: {"layers": towers})
    monkeypatch.setattr(name_sampler, "TOGETHER", 30)
    assert deep.main(["--out", str(tmp_path), "--quiet", "--checkpoint",
                      str(tmp_path / "m.pt")]) == 0
    found = json.loads((tmp_path / "deep.json").read_text())
    drawn = name_sampler.names(partial(deep.after, scrambled()), 16,
                               corpus.letters, 30, seed=0)
    assert list(drawn)[:20] == [one["name"] for one in found["names"]]
    x, y = names_corpus.windows(corpus.dev, corpus.letters, 16)
    loss = F.cross_entropy(deep.after(scrambled(), x), y).item()
    assert found["dev"] == pytest.approx(loss)
    assert found["lead"]["dev"]["difference"] == pytest.approx(
        found["baseline"]["dev"] - loss, rel=1e-4)


def test_settings_follow_the_size_of_the_data(corpus):
    def rule(names):
        return deep.settings(rows_of(names, "abcdefghijklmnopqrstuvwxyz"))

    few, ours = rule(corpus.dev[:8]), rule(corpus.train)
    many = rule(corpus.train * 50)
    assert few["steps"] == 100 < ours["steps"] < many["steps"] == 8000
    assert few["dropout"] == 0.5 > ours["dropout"] > many["dropout"] > 0
    assert few["runs"] == ours["runs"] == 3 and many["runs"] == 1
    assert many["batch_size"] == 128
    long = deep.settings(rows_of(["a" * 900] * 9, "a", 1000))
    assert long["batch_size"] * 901 <= deep.MOST_TOKENS


def test_bfloat16_gives_nearly_the_same_loss(corpus):
    rows, model = rows_of(corpus.dev, corpus.letters), scrambled()
    batch = deep.take(rows, torch.arange(100))
    loss = F.cross_entropy(model(batch), batch.y).item()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(batch)
    assert logits.dtype == torch.bfloat16
    rough = F.cross_entropy(logits.float(), batch.y).item()
    assert rough == pytest.approx(loss, rel=0.01)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_learns_what_the_cpu_learns(corpus):
    data = {split: rows_of(getattr(corpus, split), corpus.letters)
            for split in ("train", "dev")}
    losses = []
    for device in "cpu", "cuda":
        model = deep.build(SIZES, 0.0, 0, device)
        history = deep.train(model, data, steps=60, batch_size=64, seed=0)
        losses.append(history["dev"][-1])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_glorot_under_relu_loses_a_thousandth(corpus):
    x, y = names_corpus.windows(corpus.train[:200], corpus.letters, 8)
    model = tower.Tower(corpus.vocabulary)
    std = tower.measure(tower.initialise(model, "Glorot", 0), x, y)["std"]
    assert math.log2(std[20] / std[0]) == pytest.approx(-10, abs=1.5)


def test_zero_weights_before_a_relu_stay_zero():
    z = torch.randn(9, 5, generator=deep.randomness("test"))
    for branch, learns in (
            (lambda w: torch.relu(z @ w), False),
            (lambda w: torch.relu(z) @ w, True)):
        w = torch.zeros(5, 5, requires_grad=True)
        out = z + branch(w)
        assert torch.equal(out, z)
        out.square().sum().backward()
        assert w.grad.any() == learns


def test_batch_norm_breaks_causality_and_the_sum_of_parts(corpus):
    rows = rows_of(corpus.train[:40], corpus.letters)
    for norm, kept in (nn.LayerNorm(24), True), (nn.BatchNorm1d(24), False):
        model = scrambled().train()
        model.normalise = norm
        batch = deep.take(rows, torch.arange(40))
        x = batch.x.clone()
        x[-1] = (x[-1] + 13) % 27
        changed = model(deep.replace(batch, x=x)) - model(batch)
        assert (changed[:-1].abs().max() < 1e-6) == kept
        whole, *parts = (
            torch.autograd.grad(deep.step_loss(
                model, deep.take(rows, index), rows.examples()),
                model.embedding.weight)[0]
            for index in (torch.arange(40), *torch.arange(40).split(20)))
        assert torch.allclose(sum(parts), whole, atol=1e-5) == kept
