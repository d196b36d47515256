# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on one softmax layer."""

import json
import math
import os

import pytest
import torch
from torch.nn import functional as F

import bigram
from common import checkpoint
from common.names import load, windows
from common.options import InputError


def test_gradient_of_cross_entropy_is_softmax_minus_one_hot():
    generator = torch.Generator().manual_seed(0)
    for scale in 1.0, 30.0, 1000.0:
        z = scale * torch.randn(50, 27, generator=generator)
        y = torch.randint(27, (50,), generator=generator)
        loss = F.cross_entropy(z.requires_grad_(), y)
        slope, = torch.autograd.grad(loss, z)
        ours = (z.detach().softmax(dim=1) - F.one_hot(y, 27)) / 50
        torch.testing.assert_close(slope, ours)


@pytest.fixture(scope="module")
def corpus():
    return load()


@pytest.fixture(scope="module")
def pairs(corpus):
    return bigram.count_pairs(corpus.train, corpus.letters)


def trained(pairs, steps=300, criterion=bigram.cross_entropy):
    model, history = bigram.Bigram(len(pairs)), []
    optimizer = torch.optim.Adam(model.parameters(), lr=bigram.LR)
    bigram.train(model, optimizer, pairs, history, steps=steps,
                 criterion=criterion)
    return model, history


def test_step_on_the_counts_is_the_step_on_all_examples(corpus, pairs):
    x, y = windows(corpus.train, corpus.letters, 1)
    slow, fast = trained(pairs, 3)[0], trained(pairs, 3)[0]
    loss = F.cross_entropy(slow(x[:, 0]), y)
    slope, = torch.autograd.grad(loss, slow.table.weight)
    history, before = [], fast.table.weight.detach().clone()
    bigram.train(fast, torch.optim.SGD(fast.parameters(), lr=1.0), pairs,
                 history, steps=1)
    torch.testing.assert_close(before - fast.table.weight, slope,
                               rtol=1e-3, atol=1e-6)
    assert history[0] == pytest.approx(loss.item(), abs=1e-4)


def test_trained_layer_is_the_table_of_counts(pairs):
    f = bigram.frequencies(pairs).double()
    model, history = trained(pairs)
    p = bigram.probabilities(model)
    assert 0 < bigram.table_loss(p, pairs) - bigram.table_loss(f, pairs) < 1e-3
    assert (p - f).abs().max() < 0.01
    assert history[0] == pytest.approx(math.log(27))


def test_poor_loss_learns_the_argmax(pairs):
    poor, history = trained(pairs, criterion=bigram.absolute_error)
    good, other = trained(pairs)
    p = bigram.probabilities(poor)
    assert torch.equal(p.argmax(1), pairs.argmax(1))
    assert p.amax(1).mean() > 0.99
    f, share = bigram.frequencies(pairs), pairs.sum(1) / pairs.sum()
    own = [(share @ bigram.absolute_error(model.table.weight, f)).item()
           for model in (poor, good)]
    assert own[0] < own[1] - 0.1 and history[-1] > 2 * other[-1]


@pytest.fixture
def there(tmp_path, corpus):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(corpus.dev[:500]))
    return ["--names", str(path), "--checkpoint", str(tmp_path / "b.pt"),
            "--out", str(tmp_path), "--quiet"]


def test_resumed_run_ends_as_an_uninterrupted_one(tmp_path, there):
    found = []
    for words in (["20"], ["8"], ["20", "--resume"]):
        bigram.main([*there, "--steps", *words])
        found.append((tmp_path / "bigram.json").read_bytes())
    assert found[0] == found[2] != found[1]
    (tmp_path / "names.txt").rename(tmp_path / "old.txt")
    (tmp_path / "names.txt").write_text("\n".join("abcdefghijk"))
    with pytest.raises(InputError, match="began with another letters"):
        bigram.main([*there, "--resume"])
    with pytest.raises(InputError, match="has 20 already"):
        bigram.main([*there[2:], "--names", str(tmp_path / "old.txt"),
                     "--resume", "--steps", "1"])


class Hostile:
    """An object whose pickle makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_hostile_checkpoint_does_nothing(tmp_path, there):
    mark, path = tmp_path / "mark", tmp_path / "b.pt"
    torch.save({"model": Hostile(mark)}, path)
    with pytest.raises(InputError, match="not a checkpoint"):
        bigram.main([*there, "--sample", "1"])
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()  # so dangerous it was


def test_curvature_of_a_row_is_at_most_one_half():
    generator = torch.Generator().manual_seed(0)
    z = 3 * torch.randn(200, 27, generator=generator, dtype=torch.float64)
    half = torch.tensor([[0.5, 0.5] + 25 * [0.0]], dtype=torch.float64)
    p = torch.cat([z.softmax(1), half])
    hessians = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    largest = torch.linalg.eigvalsh(hessians)[:, -1]
    assert largest.max().item() == pytest.approx(0.5)


def test_losses_of_names_add_up(corpus, pairs):
    model, names = trained(pairs, steps=20)[0], corpus.dev
    losses = bigram.name_losses(model, names, corpus.letters)
    dev = bigram.count_pairs(names, corpus.letters)
    assert losses.shape == (len(names),)
    alone = bigram.name_losses(model, names[7:8], corpus.letters)
    assert losses[7].item() == pytest.approx(alone.item())
    assert (losses.sum() / dev.sum()).item() == pytest.approx(
        bigram.table_loss(bigram.probabilities(model), dev))


def test_sampled_names_follow_the_table(pairs):
    model = trained(pairs)[0]
    generator = torch.Generator().manual_seed(0)
    names = [bigram.sample(model, generator, []) for _ in range(1000)]
    first = torch.tensor([name[0] for name in names if name])
    share = (first == 1).double().mean().item()
    assert share == pytest.approx(
        bigram.probabilities(model)[0, 1].item(), abs=0.04)
    assert bigram.sample(model, generator, [1, 17])[:2] == [1, 17]


def test_checkpoint_spells_again(capsys, there):
    bigram.main([*there, "--steps", "30"])
    said = []
    for words in [], [], ["--seed", "2"], ["--prefix", "AN"]:
        bigram.main([*there, "--sample", "20", *words])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2] and said[0].count("\n") == 20
    assert all(line.startswith("an") for line in said[3].splitlines())
    with pytest.raises(InputError, match="has 'é'"):
        bigram.main([*there, "--sample", "1", "--prefix", "é"])


def test_files_that_do_not_fit_end_in_one_line(tmp_path, there):
    path, model = tmp_path / "b.pt", bigram.Bigram(3)
    with pytest.raises(InputError, match="train first"):
        bigram.main([*there, "--sample", "1"])
    for program, letters, said in (("mlp", "ab", "not a checkpoint of bigram"),
                                   ("bigram", "abc", "do not fit")):
        checkpoint.save(path, program, {"letters": letters}, model=model)
        with pytest.raises(InputError, match=said):
            bigram.main([*there, "--sample", "1"])
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="damaged"):
        bigram.main([*there, "--sample", "1"])
    (tmp_path / "names.txt").write_bytes(b"")
    with pytest.raises(InputError, match="0 distinct names"):
        bigram.main(there)


def test_program_without_a_step_guesses_evenly(tmp_path, there):
    bigram.main([*there, "--steps", "0"])
    found = json.loads((tmp_path / "bigram.json").read_text())
    v = math.isqrt(found["parameters"])
    assert found["train"] == pytest.approx(math.log(v), abs=1e-5)


def test_names_are_as_long_as_in_train(corpus, pairs):
    p = bigram.frequencies(pairs.double())
    visits = torch.linalg.solve(torch.eye(26) - p[1:, 1:].T, p[0, 1:])
    mean = sum(map(len, corpus.train)) / len(corpus.train)
    assert visits.sum().item() == pytest.approx(mean)


def test_trained_temperature_is_one(pairs):
    model = trained(pairs)[0]
    w = model.table.weight.detach().double()
    losses = {t: bigram.table_loss((w / t).softmax(1), pairs)
              for t in (0.5, 0.9, 1.0, 1.1, 2.0)}
    assert min(losses, key=losses.get) == 1.0
    model.load_state_dict({"table.weight": (w / 0.005).float()})
    generator = torch.Generator().manual_seed(0)
    assert all(bigram.sample(model, generator, []) == [1] for _ in range(20))


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
