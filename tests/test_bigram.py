# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on one softmax layer."""

import argparse
import json
import math

import pytest
import torch
from torch.nn import functional as F

import bigram
import checkpoint
import command_line
import names_corpus
import ngram


def test_one_hot_times_matrix_picks_rows():
    w = torch.arange(12.0).view(4, 3)
    tokens = torch.tensor([2, 0, 2])
    one_hot = F.one_hot(tokens, 4).float()
    assert one_hot[0].tolist() == [0, 0, 1, 0]
    assert torch.equal(one_hot @ w, w[tokens])


def test_softmax_is_a_smooth_argmax():
    z = torch.tensor([1.0, 3.0, 2.0], dtype=torch.float64)
    p = bigram.softmax(z)
    assert p.min() > 0 and p.max() < 1 and p.sum().item() == pytest.approx(1)
    torch.testing.assert_close(bigram.softmax(z + 5), p)
    assert (p[1] / p[2]).item() == pytest.approx(math.e)
    assert bigram.softmax(z[:2])[1].item() == pytest.approx(
        torch.sigmoid(z[1] - z[0]).item())
    sharp = bigram.softmax(100 * z)
    torch.testing.assert_close(sharp, F.one_hot(z.argmax(), 3).double())


def test_softmax_as_written_overflows():
    z = torch.tensor([88.0, 89.0, 0.0])
    powers = z.exp()
    assert powers.isinf().tolist() == [False, True, False]
    assert (powers / powers.sum()).isnan().tolist() == [False, True, False]
    torch.testing.assert_close(bigram.softmax(z), z.softmax(0))
    m = z.max()
    torch.testing.assert_close(m + (z - m).exp().sum().log(),
                               torch.logsumexp(z, 0))


def test_gradient_of_the_poor_loss_vanishes_when_surely_wrong():
    for size in 0.0, 5.0, 10.0:
        z = torch.tensor([size, 0.0, 0.0], requires_grad=True)
        p, y = bigram.softmax(z), torch.tensor([0.0, 1.0, 0.0])
        loss = (y - p).abs().sum()
        assert loss.item() == pytest.approx(2 * (1 - p[1].item()))
        slope, = torch.autograd.grad(loss, z)
        torch.testing.assert_close(slope, -2 * p[1] * (y - p))
    assert slope.abs().max() < 1e-3


def test_own_softmax_and_cross_entropy_are_torchs():
    generator = torch.Generator().manual_seed(0)
    for scale in 1.0, 30.0, 1000.0:
        z = scale * torch.randn(50, 27, generator=generator)
        y = torch.randint(0, 27, (50,), generator=generator)
        torch.testing.assert_close(bigram.softmax(z), z.softmax(dim=1))
        z.requires_grad_()
        loss = bigram.cross_entropy(z, y)
        torch.testing.assert_close(loss, F.cross_entropy(z, y))
        slope, = torch.autograd.grad(loss, z)
        ours = (z.softmax(dim=1) - F.one_hot(y, 27)) / 50
        torch.testing.assert_close(slope, ours.detach())
    start = bigram.cross_entropy(torch.zeros(50, 27), y).item()
    assert start == pytest.approx(math.log(27))


@pytest.fixture(scope="module")
def data():
    corpus = names_corpus.load()
    x, y = bigram.examples(corpus.train, corpus.letters)
    pairs = bigram.count_pairs(corpus.train, corpus.letters)
    return argparse.Namespace(corpus=corpus, x=x, y=y, pairs=pairs)


def test_counts_give_the_step_of_all_examples(data):
    rows = F.one_hot(data.x, 27).double()
    slow = fast = torch.zeros(27, 27, dtype=torch.float64)
    for _ in range(5):
        slow = bigram.one_hot_step(slow, rows, data.y, lr=10)
        fast = bigram.counts_step(fast, data.pairs, lr=10)
    torch.testing.assert_close(slow, fast)
    assert bigram.mean_loss(fast, data.pairs) < math.log(27) - 0.2
    assert data.pairs.sum() == len(data.x)
    single = torch.zeros(27, 27)
    for row, y in zip(rows[:20].float(), data.y, strict=False):
        single = bigram.one_hot_step(single, row[None], y[None], lr=0.3)
    torch.testing.assert_close(
        bigram.learn_one_by_one(data.x[:20], data.y[:20], 27), single)


def test_letter_that_train_lacks_has_no_shares():
    f = bigram.frequencies(torch.tensor([[0.0, 0.0], [0.125, 0.375]]))
    assert f.tolist() == [[0, 0], [0.25, 0.75]]
    asked = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert bigram.table_loss(f, asked) == pytest.approx(math.log(4))
    assert bigram.table_loss(f, 1 - asked) == math.inf


def test_curvature_of_a_row_is_at_most_one_half():
    generator = torch.Generator().manual_seed(0)
    z = 3 * torch.randn(200, 27, generator=generator, dtype=torch.float64)
    half = torch.tensor([[0.5, 0.5] + 25 * [0.0]], dtype=torch.float64)
    p = torch.cat([bigram.softmax(z), half])
    hessians = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    largest = torch.linalg.eigvalsh(hessians)[:, -1]
    assert largest.max().item() == pytest.approx(0.5)
    w = z[0].requires_grad_()
    exact = torch.autograd.functional.hessian(
        lambda w: bigram.surprise(w[None], p[:1])[0], w)
    torch.testing.assert_close(exact, hessians[0])


def test_poor_loss_learns_the_argmax(data):
    one = torch.ones(27)
    w, history = bigram.descend(data.pairs, bigram.wrong, one, 2.0, 1000)
    p = bigram.softmax(w)
    assert torch.equal(p.argmax(1), data.pairs.argmax(1))
    assert p.amax(1).min() > 0.99
    model = bigram.Bigram(27)
    model.load_state_dict({"w": w})
    names = list(bigram.spell(model, data.corpus.letters, 100, 0, []))
    assert names.count("ma") > 90
    poor, entropy = zip(*history, strict=True)
    assert poor[-1] < poor[100] < poor[0]
    assert entropy[-1] > 6 > entropy[0] > entropy[10]
    _, good = bigram.descend(data.pairs, bigram.surprise, one, 2.0, 200)
    assert good[-1][0] > poor[-1] and good[-1][1] < 2.35


def test_gradient_over_p_solves_newtons_equation():
    generator = torch.Generator().manual_seed(0)
    z, z_f = torch.randn(2, 27, generator=generator, dtype=torch.float64)
    p, f = bigram.softmax(z), bigram.softmax(z_f)
    hessian = torch.diag(p) - torch.outer(p, p)
    torch.testing.assert_close(hessian @ (1 - f / p), p - f)
    torch.testing.assert_close(hessian @ torch.ones(27).double(), 0 * p)


def test_trained_layer_is_the_table_of_counts(data):
    smoothed = data.pairs + 0.0625
    f = bigram.frequencies(smoothed)
    model, history = bigram.train(smoothed.float())
    assert history[0] == pytest.approx(math.log(27))
    p = bigram.softmax(model.w.detach())
    torch.testing.assert_close(p, f.float(), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(p.sum(1), torch.ones(27))
    best = bigram.table_loss(f, smoothed)
    assert -1e-6 < history[12] - best < 1e-4
    assert history[:12] == sorted(history[:12], reverse=True)
    assert bigram.train(smoothed, limit=math.inf)[1][-1] > history[0]
    assert bigram.train(smoothed, steps=1)[0].w.abs().max() == 1
    one_hot = F.one_hot(data.x, 27).float()
    full = F.cross_entropy(model(one_hot), data.y).item()
    assert bigram.evaluate(model, data.pairs) == pytest.approx(full, abs=1e-5)


def test_without_smoothing_there_is_a_bound_and_no_minimum(data):
    dev = bigram.count_pairs(data.corpus.dev, data.corpus.letters)
    bound = bigram.table_loss(bigram.frequencies(data.pairs), data.pairs)
    losses = []
    for steps in 20, 40:
        model, history = bigram.train(data.pairs, steps=steps)
        assert abs(history[-1] - bound) < 1e-6
        losses.append(bigram.evaluate(model, dev))
    share = (dev[data.pairs == 0].sum() / dev.sum()).item()
    assert losses[1] - losses[0] == pytest.approx(20 * share, rel=0.01)
    assert 0 < share < 0.002


def test_descent_pays_for_precision_with_steps(data):
    bound = bigram.table_loss(bigram.frequencies(data.pairs), data.pairs)
    runs = bigram.race(data.pairs, 2000)
    for name, least, most in ("plain", 1.88, 1.97), ("rows", 1.97, 2.03):
        excess = [loss - bound for loss in runs[name]]
        assert excess == sorted(excess, reverse=True)
        for steps in 500, 1000:
            assert least < excess[steps] / excess[2 * steps] < most
    assert runs["rows"][1000] < runs["plain"][1000] < bound + 0.01
    newton = [loss - bound for loss in runs["newton"]]
    assert newton[10] < 1e-4 and runs["rows"][1000] - bound > 1e-3
    assert newton[15] / newton[14] == pytest.approx(1 / math.e, rel=0.05)


def test_frequent_letters_are_drawn_as_opacity(monkeypatch):
    monkeypatch.setattr(bigram, "SHOWN", 3)
    pairs = torch.diag(torch.tensor([1.0, 5.0, 1.0, 9.0]))
    assert bigram.tokens_shown(pairs, " ab") == ([0, 1, 3], ["␣", "b"])
    p = torch.full((4, 4), 0.001)
    p[0, 1], p[1, 3] = 0.01, 0.64
    cells, = bigram.plot_table(p, pairs, " ab").axes[0].collections
    assert cells.get_facecolor()[:, 3].tolist() == pytest.approx([0.1, 0.8])
    assert cells.get_offsets().tolist() == [[1, pytest.approx(-0.6)], [2, 1]]


def test_q_is_followed_by_u(data):
    q, u = (data.corpus.letters.index(letter) + 1 for letter in "qu")
    row = data.pairs[q]
    assert row.argmax() == u and row[u] == row.sum() - 1
    odd = [name for name in data.corpus.train
           if "q" in name.replace("qu", "")]
    assert odd == ["qiana"]
    f = bigram.frequencies(data.pairs)
    assert f.amax(1).argmax() == q


def test_sampled_letters_have_the_models_frequencies(data):
    model, _ = bigram.train((data.pairs + 0.0625).float())
    generator = torch.Generator().manual_seed(1)
    rows = bigram.draw(model, 10_000, generator)
    assert (rows[:, -1] == 0).all() and (rows[:, 0] != 0).all()
    ends = (rows == 0).int().argmax(dim=1)
    kept = torch.arange(rows.shape[1]) <= ends[:, None]
    found = torch.bincount(rows[kept], minlength=27) / kept.sum()
    p = bigram.softmax(model.w.detach()).double()
    share = torch.full((27,), 1 / 27, dtype=torch.float64)
    for _ in range(200):
        share = share @ p
    torch.testing.assert_close(found.double(), share, rtol=0, atol=4e-3)
    ours = data.pairs.sum(0) / data.pairs.sum()
    torch.testing.assert_close(share, ours, rtol=0, atol=2e-3)


def test_names_have_a_letter_and_prefixes_lead_on(data):
    generator = torch.Generator().manual_seed(0)
    rows = bigram.draw(bigram.Bigram(3), 200, generator, longest=3)
    assert (rows[:, 0] > 0).all() and rows.shape == (200, 3)
    model, _ = bigram.train(data.pairs + 0.0625)
    letters = data.corpus.letters
    prefix = names_corpus.encode("aq", letters)
    names = list(bigram.spell(model, letters, 100, 0, prefix))
    assert sum(name.startswith("aqu") for name in names) > 80


def test_checkpoint_spells_names_again(tmp_path, capsys, monkeypatch):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names_corpus.load().dev))
    monkeypatch.setattr(bigram, "slow_ways", lambda *_: ({}, {}))
    there = ["--names", str(path), "--checkpoint", str(tmp_path / "b.pt"),
             "--out", str(tmp_path / "figs"), "--quiet"]
    assert bigram.main(there) == 0
    said = []
    for words in [], [], ["--seed", "1"], ["--prefix", "AN"]:
        assert bigram.main([*there, "--sample", "30", *words]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2] and said[0].count("\n") == 30
    assert all(line.startswith("an") for line in said[3].splitlines())
    assert {line.split("\t")[1] for line in said[0].splitlines()} >= {"new"}
    with pytest.raises(command_line.InputError, match="has 'é'"):
        bigram.main([*there, "--sample", "1", "--prefix", "é"])


def test_program_without_a_step(tmp_path, monkeypatch):
    assert bigram.affordable(1000, 27) == 10 * bigram.affordable(1000, 1000)
    assert bigram.settled([1, 2e-4, 9e-5, 0], 0) == 2
    monkeypatch.setattr(bigram, "affordable", lambda most, size: 10)
    argv = ["--checkpoint", str(tmp_path / "b.pt"), "--out", str(tmp_path)]
    assert bigram.main([*argv, "--steps", "0", "--quiet"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "b.pt", "bigram.json", "bigram.svg", "bigram_l1.svg",
        "bigram_training.svg"]
    results = json.loads((tmp_path / "bigram.json").read_text())
    assert results["train"] == pytest.approx(math.log(27), abs=1e-5)
    assert results["settled"] is None
    assert results["unsmoothed"]["settled"] <= 10
    assert 0 < results["unsmoothed"]["unseen"] < 0.002
    assert results["operations"]["one_hot"] == 4 * results["pairs"] * 27**2


def test_run_that_diverges_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(bigram, "slow_ways", lambda *_: ({}, {}))
    monkeypatch.setattr(bigram, "train", lambda *_, **__: (None, [math.nan]))
    argv = ["--checkpoint", str(tmp_path / "b.pt"), "--out", str(tmp_path)]
    with pytest.raises(command_line.RunError, match="diverged"):
        bigram.main([*argv, "--quiet"])
    assert not list(tmp_path.iterdir())


def test_program_writes_the_same_bytes_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(bigram, "slow_ways", lambda *_: ({}, {}))
    names = tmp_path / "names.txt"
    names.write_text("\n".join(names_corpus.load().test[:20]))
    for folder in tmp_path / "one", tmp_path / "two":
        argv = ["--out", str(folder), "--checkpoint", str(folder / "b.pt")]
        assert bigram.main([*argv, "--names", str(names), "--quiet"]) == 0
    for path in folder.iterdir():
        other = tmp_path / "one" / path.name
        assert path.read_bytes() == other.read_bytes()


def test_misfits_are_refused(tmp_path):
    there = ["--out", str(tmp_path), "--quiet", "--checkpoint"]
    with pytest.raises(command_line.InputError, match="directory"):
        bigram.main([*there, str(tmp_path)])
    path = tmp_path / "b.pt"
    with pytest.raises(command_line.InputError, match="No such file"):
        bigram.main([*there, str(path), "--sample", "1"])
    checkpoint.save(path, {
        "program": "bigram", "letters": "ab", "sizes": {"vocabulary": 5},
        "settings": {}, "corpus": "", "model": bigram.Bigram(5).state_dict()})
    with pytest.raises(command_line.InputError, match="letters do not fit"):
        bigram.main([*there, str(path), "--sample", "1"])
    names = tmp_path / "names.txt"
    names.write_text("\n".join(map(chr, range(0x4E00, 0x4E00 + 5000))))
    with pytest.raises(command_line.InputError, match="4999 at most"):
        bigram.main([*there, str(path), "--names", str(names)])


def test_counting_wins_by_a_hair(data):
    dev = bigram.count_pairs(data.corpus.dev, data.corpus.letters)
    smoothing = bigram.best_smoothing(data.pairs, dev)
    assert smoothing == 0.0625
    model, _ = bigram.train((data.pairs + smoothing).float())
    test = bigram.count_pairs(data.corpus.test, data.corpus.letters)
    rival = ngram.losses(data.corpus, 1)
    assert 0 < bigram.evaluate(model, dev) - rival["dev"] < 1e-3
    assert 0 < bigram.evaluate(model, test) - rival["test"] < 1e-3


def test_bias_can_be_folded_into_the_rows():
    generator = torch.Generator().manual_seed(0)
    w, b = torch.randn(5, 5, generator=generator), torch.arange(5.0)
    x = F.one_hot(torch.tensor([0, 3, 3, 4]), 5).float()
    p = bigram.softmax(x @ w + b)
    constant = torch.arange(5.0)[:, None]
    torch.testing.assert_close(bigram.softmax(x @ (w + b + constant)), p)


def mean_length(p):
    visits = torch.linalg.solve(torch.eye(len(p) - 1) - p[1:, 1:].T, p[0, 1:])
    return visits.sum().item()


def test_names_are_as_long_as_in_train(data):
    lengths = torch.tensor([len(name) for name in data.corpus.train]).double()
    p = bigram.frequencies(data.pairs)
    assert mean_length(p) == pytest.approx(lengths.mean().item())
    model, _ = bigram.train(data.pairs)
    rows = bigram.draw(model, 5000, torch.Generator().manual_seed(0))
    drawn = (rows > 0).sum(1).double()
    assert drawn.mean().item() == pytest.approx(mean_length(p), abs=0.25)
    assert drawn.std() > 2 * lengths.std()


def test_trained_temperature_is_one(data):
    smoothed = data.pairs + 0.0625
    model, _ = bigram.train(smoothed)
    w = model.w.detach()
    losses = {t: bigram.mean_loss(w / t, smoothed).item()
              for t in (0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 2.0)}
    assert min(losses, key=losses.get) == 1.0
    cooler, bare = (bigram.mean_loss(w / t, data.pairs) for t in (0.995, 1))
    assert cooler < bare
    model.load_state_dict({"w": w / 0.005})
    names = set(bigram.spell(model, data.corpus.letters, 50, 0, []))
    assert names == {"ma"}


def count_triples(names, letters):
    x, y = names_corpus.windows(names, letters, 2)
    key = (x[:, 0].long() * 27 + x[:, 1]) * 27 + y
    return torch.bincount(key, minlength=27**3).view(27**2, 27).double()


def test_constant_loses_with_two_letters(data):
    train, dev = (count_triples(names, data.corpus.letters)
                  for names in (data.corpus.train, data.corpus.dev))
    smoothing = bigram.best_smoothing(train, dev)
    loss = bigram.table_loss(bigram.frequencies(train + smoothing), dev)
    rival = ngram.losses(data.corpus, 2)["dev"]
    assert rival + 0.01 < loss < rival + 0.1
