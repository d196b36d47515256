# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on the multilayer perceptron."""

import itertools
import json
import math
import os
import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

import checkpoint
import keeper
import mlp
import name_sampler
import names_corpus
from command_line import InputError, RunError
from keeper import Keeper
from progress import Progress


SIZES = {"vocabulary": 27, "context": 3, "embedding": 4, "hidden": 50}
CPU, BARE = torch.device("cpu"), mlp.BARE
torch.set_num_threads(1)


def test_embedding_is_a_one_hot_row_times_a_matrix():
    model = mlp.build(SIZES, BARE, 0, CPU)
    x = torch.tensor([[0, 5, 13], [5, 5, 1]])
    rows = model.embedding[x]  # (B, T, E)
    one_hot = F.one_hot(x, 27).float()  # (B, T, V)
    assert torch.equal(rows, one_hot @ model.embedding)
    assert torch.equal(rows, F.embedding(x, model.embedding))
    rows.sum().backward()
    times = one_hot.sum((0, 1))[:, None].expand(27, 4)
    assert torch.equal(model.embedding.grad, times)


def test_batch_norm_is_pytorchs():
    ours, theirs = mlp.BatchNorm(5), nn.BatchNorm1d(5)
    theirs.load_state_dict(ours.state_dict(), strict=False)
    for batch in range(4):
        x = torch.randn(8, 5) * 3 + 2
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        for model, y in (ours, a), (theirs, b):
            model.train(batch < 3)
            model(y).pow(3).sum().backward()
        torch.testing.assert_close(ours(x), theirs(x))
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4)
        for name, tensor in ours.state_dict().items():
            torch.testing.assert_close(tensor, theirs.state_dict()[name])


def test_dropout_drops_its_share():
    generator = torch.Generator().manual_seed(0)
    mask = mlp.keep((400, 50), 0.25, generator)
    assert mask.mean().item() == pytest.approx(0.75, abs=0.01)
    assert mlp.keep((9, 9), 0.0, generator).all()
    share = torch.tensor([[0.5], [0.25], [0.0]])  # (T, 1)
    letters = mlp.keep((4000, 3, 1), share, generator)
    found = 1 - letters.mean(0)
    torch.testing.assert_close(found, share, atol=0.03, rtol=0)


def test_evaluation_does_not_depend_on_the_batch():
    model = mlp.build(SIZES, {"dropout": 0.5, "letter_dropout": 0.5}, 0, CPU)
    nn.init.normal_(model.output.weight)
    x = torch.randint(27, (30, 3))
    model(x)  # moves the running statistics
    model.eval()
    together = model(x)
    alone = torch.cat([model(row) for row in x.split(1)])
    torch.testing.assert_close(together, alone)
    model.train()
    assert not torch.allclose(model(x)[:15], model(x[:15]))
    with pytest.raises(ValueError, match="more than 1 value"):
        model(x[:1])


def test_dropout_keeps_the_mean_of_the_logits():
    model = mlp.build(SIZES, BARE, 0, CPU)
    nn.init.normal_(model.output.weight, generator=model.generator)
    x = torch.randint(27, (8, 3), generator=model.generator)
    with torch.no_grad():
        whole = model(x)
        model.dropout = 0.25
        mean = torch.stack([model(x) for _ in range(2000)]).mean(0)
    assert whole.abs().max() > 5
    torch.testing.assert_close(mean, whole, rtol=0, atol=0.5)


@pytest.mark.parametrize("init, kept", [
    (nn.init.kaiming_normal_, 1), (nn.init.xavier_normal_, 0.5)])
def test_he_keeps_the_size_of_a_signal(init, kept):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(500, 400, generator=generator)
    for _ in range(10):
        w = init(torch.empty(400, 400), generator=generator)
        x = F.relu(x @ w.T)
    change = x.square().mean().item() ** (1 / 10)
    assert change == pytest.approx(kept, rel=0.05)


def test_first_loss_is_that_of_a_guess():
    model = mlp.build(SIZES, BARE, 0, CPU)
    x, y = torch.randint(27, (100, 3)), torch.randint(27, (100,))
    assert mlp.evaluate(model, x, y) == pytest.approx(math.log(27), abs=1e-5)
    nn.init.normal_(model.output.weight)
    assert mlp.evaluate(model, x, y) > 2 * math.log(27)


def parts(steps):
    """Return the parts of a run after STEPS steps."""
    model, history = nn.Linear(2, 1), {"step": [], "train": []}
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=9, cycle_momentum=False)
    for step in range(steps):
        history["step"].append(step)
        history["train"].append(0.5)
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        scheduler.step()
    return {"history": history, "model": model, "optimizer": optimizer,
            "scheduler": scheduler, "generator": torch.Generator()}


MOMENT = "optimizer", "state", 0, "exp_avg"
GROUP = "optimizer", "param_groups", 0
FORGED = [
    ("step", -1), ("step", "2"), ("step", 3), ("history", []),
    ("history", "train", [0.5]), ("history", "train", [0.5, math.nan]),
    ("history", "step", [0, 7]), (*MOMENT, torch.zeros(1)),
    (*MOMENT, torch.zeros(1, 1).expand(1, 2)), (*MOMENT[:2], {}),
    (*GROUP, "maximize", 0), (*GROUP, "lr", "0.1"), (*GROUP, "eps", 1.0),
    ("scheduler", "total_steps", 8), ("generator", torch.zeros(9)),
]


@pytest.mark.parametrize("place", FORGED)
def test_a_forged_state_is_refused(place, tmp_path):
    path, about = tmp_path / "run.pt", {
        "program": "p", "letters": "", "sizes": {}, "settings": {},
        "corpus": ""}
    content = about | keeper.pack(parts(2), 2)
    checkpoint.save(path, content)
    assert keeper.unpack(path, about, parts(0)) == 2
    *way, last, value = place
    state = content["training"]
    for key in way:
        state = state[key]
    state[last] = value
    torch.save(content | {"version": 1}, path)
    with pytest.raises(InputError, match="no run in it that can go on"):
        keeper.unpack(path, about, parts(0))


def test_progress_is_lines_in_a_log_and_a_bar_on_a_terminal(
    capsys, monkeypatch
):
    def said(quiet):
        progress = Progress("mlp", quiet)
        for step in progress.count(0, 50):
            progress.report(step, f"loss {step}")
        return capsys.readouterr().err

    assert said(quiet=True) == ""
    lines = said(quiet=False).splitlines()
    assert lines[0] == "mlp: step 10 of 50: loss 10" and len(lines) == 4
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "50/50" in said(quiet=False) and said(quiet=True) == ""


def test_names_begin_and_end_as_they_should():
    def alphabet(x):  # after a letter comes the next, after c the end
        return 50 * F.one_hot((x[:, -1] + 1) % 4, 4).float()

    def draw(predict, letters, count, prefix=()):
        return list(name_sampler.names(predict, 2, letters, count, 0, prefix))

    assert draw(alphabet, "abc", 3) == ["abc"] * 3
    assert draw(alphabet, "abc", 1, [2, 2]) == ["bbc"]
    halves = draw(lambda x: torch.zeros(len(x), 2), "a", 2000)
    lengths = torch.tensor([float(len(name)) for name in halves])
    assert lengths.min() == 1 and lengths.mean() == pytest.approx(2, abs=0.1)
    never, = draw(lambda x: torch.tensor([[-99.0, 99.0]]), "a", 1)
    assert len(never) == names_corpus.LONGEST


def test_rule_follows_the_size_of_the_list():
    rules = [mlp.settings(10**n, 27) for n in range(2, 9)]
    for less, more in itertools.pairwise(rules):
        assert less["steps"] <= more["steps"] <= mlp.MOST_STEPS
        for part in "dropout", "letter_dropout", "weight_decay":
            assert less[part] >= more[part] > 0
    wide = [mlp.layer_sizes(n, 27)["hidden"] for n in (100, 10**6, 10**8)]
    assert wide == [180, 512, 512]
    batch = [mlp.settings(n, v)["batch_size"] for n, v in (
        (100, 27), (12_800, 27), (25_600, 27), (10**7, 27), (10**7, 1024))]
    assert batch == [64, 256, 512, 512, 128]
    many, few = mlp.settings(80_000, 4 * 27), mlp.settings(40_000, 27)
    assert many["steps"] == few["steps"]  # the same n


def test_evaluation_is_of_the_model_in_use_and_leaves_it_as_it_was():
    model = mlp.build(SIZES, {"dropout": 0.5, "letter_dropout": 0.5}, 0, CPU)
    nn.init.normal_(model.output.weight)
    x = torch.randint(27, (30, 3))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = mlp.evaluate(model, x, x[:, 0])
    assert model.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    wanted = F.cross_entropy(model.eval()(x), x[:, 0])
    assert found == pytest.approx(wanted.item(), rel=1e-5)


def test_adamw_step_by_hand():
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    adam = torch.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    by_hand, m, v = w.detach().clone(), 0, 0
    for t, g in enumerate([[3.0, 0.1], [1.0, -0.2], [-2.0, 0.3]], start=1):
        w.grad = g = torch.tensor(g)
        adam.step()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        by_hand -= 0.1 * 0.5 * by_hand
        by_hand -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8)
        torch.testing.assert_close(w.detach(), by_hand)


def test_learning_rate_rises_and_falls():
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=1)
    schedule = OneCycleLR(optimizer, 0.5, total_steps=1000, pct_start=0.1,
                          cycle_momentum=False)
    rates = []
    for _ in range(1000):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.5 / 25) and rates[-1] < 1e-5
    assert max(rates) == rates[99] == 0.5
    assert rates[:100] == sorted(rates[:100])
    assert rates[99:] == sorted(rates[99:], reverse=True)


def test_one_batch_can_be_learned_by_heart():
    x = torch.tensor(list(itertools.product(range(1, 5), repeat=3)))  # (64, 3)
    y = torch.randint(27, (64,), generator=torch.Generator().manual_seed(0))
    model = mlp.build(SIZES, BARE, 0, CPU)
    data = {"train": (x, y), "dev": (x, y)}
    history = mlp.train(model, data, steps=300, batch_size=64, weight_decay=0,
                        keeper=Keeper(), progress=Progress())
    assert history["train"][0] == pytest.approx(math.log(27))
    assert history["train"][-1] < 0.05


def test_range_test_falls_and_explodes():
    corpus = names_corpus.load()
    data = mlp.load_data(corpus, mlp.CONTEXT, CPU)
    sizes = mlp.layer_sizes(len(data["train"][1]), corpus.vocabulary)
    model = mlp.build(sizes, BARE, 0, CPU)
    found = zip(*mlp.range_test(model, *data["train"], 512), strict=True)
    decade = {e: [] for e in range(-5, 2)}
    for rate, loss in found:
        decade[round(math.log10(rate))].append(loss)
    mean = {e: sum(losses) / len(losses) for e, losses in decade.items()}
    assert mean[-5] == pytest.approx(math.log(27), abs=0.05)
    assert mean[-5] > mean[-4] > mean[-3] > mean[-2] < mean[0] < mean[1]
    assert mean[-2] < 2.5 and mean[1] > 2 * mean[-5]


def test_map_has_the_vowels_on_one_side(quoted):
    place = quoted["map"]["place"]
    order = "".join(sorted(place, key=lambda letter: place[letter][0]))
    assert set("aeiouy") in (set(order[:6]), set(order[-6:]))


@pytest.fixture(scope="module")
def short_list(tmp_path_factory):
    """Return a file of 430 names, every twelfth of the book's list."""
    lines = names_corpus.NAMES.read_text().split()[::12]
    path = tmp_path_factory.mktemp("names") / "names.txt"
    path.write_text("\n".join(lines))
    return path


def run(short_list, folder, *words):
    """Run a short mlp on SHORT_LIST with all its files in FOLDER."""
    return mlp.main([
        "--names", str(short_list), "--steps", "30", "--out", str(folder),
        "--checkpoint", str(folder / "mlp.pt"), "--quiet", *words])


def files(folder):
    """Return what the files of FOLDER hold, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(short_list, tmp_path_factory):
    """Return the files that an uninterrupted run writes, by name."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(short_list, folder) == 0
    return files(folder)


def test_results_are_of_the_model_in_use(whole, short_list, tmp_path):
    path, found = tmp_path / "mlp.pt", json.loads(whole["mlp.json"])
    path.write_bytes(whole["mlp.pt"])
    model = checkpoint.restore(mlp.MLP, checkpoint.load(path, "mlp"), path)
    corpus = names_corpus.load(short_list)
    drawn = list(name_sampler.names(model, 5, corpus.letters, 1000, seed=0))
    assert drawn[:20] == [one["name"] for one in found["names"]]
    for split, (x, y) in mlp.load_data(corpus, 5, CPU).items():
        loss = F.cross_entropy(model(x), y).item()
        assert found[split] == pytest.approx(loss, rel=1e-4)


def test_interrupted_and_resumed_run_ends_with_the_same_bytes(
    short_list, whole, tmp_path, monkeypatch
):
    calls, keep = itertools.count(), Keeper.keep

    def stop_at_21(self, step, now=False):
        keep(self, step, now=True)
        if next(calls) == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "keep", stop_at_21)
        with pytest.raises(KeyboardInterrupt):
            run(short_list, tmp_path)
    assert os.listdir(tmp_path) == ["mlp.pt"]
    assert run(short_list, tmp_path, "--resume") == 0
    assert files(tmp_path) == whole
    (tmp_path / "mlp.json").unlink()
    assert run(short_list, tmp_path, "--resume") == 0  # of a finished run
    assert files(tmp_path) == whole


KILLED = """import os, sys, mlp
last = int(sys.argv.pop())
class Mortal(mlp.Keeper):
    def keep(self, step, now=False):
        super().keep(step, now or step == last)
        if step == last:
            os.kill(os.getpid(), 9)
mlp.Keeper = Mortal
sys.exit(mlp.main(sys.argv[1:]))"""


@pytest.mark.slow
def test_killed_run_can_be_resumed(short_list, tmp_path):
    kept = tmp_path / "mlp.pt"
    words = [sys.executable, "-c", KILLED, "--names", str(short_list),
             "--steps", "300", "--out", str(tmp_path), "--checkpoint",
             str(kept), "--quiet"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    victim = subprocess.run([*words, "137"], env=env)
    assert victim.returncode == -9  # SIGKILL
    assert checkpoint.load(kept, "mlp")["training"]["step"] == 137
    subprocess.run([*words, "--resume", "-1"], env=env, check=True)
    resumed = files(tmp_path)
    subprocess.run([*words, "-1"], env=env, check=True)
    assert {name: resumed[name] for name in files(tmp_path)} == files(tmp_path)


@pytest.mark.parametrize("words, said", [
    (["--steps", "31"], "the run began with steps 30; now it is 31"),
    (["--seed", "1"], "the run began with seed 0; now it is 1"),
    (["--dropout", "0.2"], "the run began with dropout 0.5; now it is 0.2"),
    (["--context", "3"], "the run began with context 5; now it is 3"),
    (["--names", str(names_corpus.NAMES)], "began with another list"),
])
def test_another_run_is_not_resumed(words, said, short_list, whole, tmp_path):
    (tmp_path / "mlp.pt").write_bytes(whole["mlp.pt"])
    with pytest.raises(InputError, match=re.escape(said)):
        run(short_list, tmp_path, "--resume", *words)
    assert files(tmp_path) == {"mlp.pt": whole["mlp.pt"]}


@pytest.mark.parametrize("words, said", [
    (["--names", "missing.txt"], "No such file"),
    (["--names", "."], "Is a directory"),
    (["--checkpoint", "."], "Is a directory"),
    (["--checkpoint", "/dev/null/mlp.pt"], "Not a directory"),
    (["--resume", "--checkpoint", "missing.pt"], "No such file"),
    (["--sample", "3", "--checkpoint", "missing.pt"], "No such file"),
])
def test_bad_input_is_refused_before_training(words, said, tmp_path,
                                              monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said) as error:
        mlp.main(words)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_diverged_run_fails_and_spoils_nothing(short_list, whole, tmp_path,
                                               monkeypatch):
    (tmp_path / "mlp.pt").write_bytes(whole["mlp.pt"])
    batch_loss = mlp.batch_loss
    monkeypatch.setattr(
        mlp, "batch_loss", lambda *args: math.inf * batch_loss(*args))
    with pytest.raises(RunError, match="loss is not finite after"):
        run(short_list, tmp_path)
    broken = nn.Linear(1, 1)
    nn.init.constant_(broken.bias, math.nan)
    with pytest.raises(RunError, match="weights are not finite after 7"):
        keeper.pack({"model": broken}, 7)
    assert files(tmp_path) == {"mlp.pt": whole["mlp.pt"]}


@pytest.fixture
def sample(whole, short_list, tmp_path, capsys):
    """Return a function that draws names from the short run's checkpoint."""
    (tmp_path / "mlp.pt").write_bytes(whole["mlp.pt"])

    def call(*words):
        path = str(tmp_path / "mlp.pt")
        assert mlp.main(["--checkpoint", path, "--sample", *words]) == 0
        return capsys.readouterr().out.splitlines()

    return call


def test_tool_prints_names_and_nothing_else(sample, short_list):
    names = sample("20", "--prefix", "An")
    assert len(names) == 20 and all(name.startswith("an") for name in names)
    assert names == sample("20", "--prefix", "an")
    assert names != sample("20", "--prefix", "an", "--seed", "1")
    assert sample("0") == []
    for line in sample("20", "--names", str(short_list)):
        assert re.fullmatch(r"[a-z]+\t(new|train|dev|test)", line)
    with pytest.raises(InputError, match="no name of the list has"):
        sample("20", "--prefix", "an9")


def test_letters_that_do_not_fit_are_refused(whole, tmp_path):
    path = tmp_path / "mlp.pt"
    path.write_bytes(whole["mlp.pt"])
    content = checkpoint.load(path, "mlp")
    checkpoint.save(path, content | {"letters": content["letters"] + "é"})
    with pytest.raises(InputError, match="its letters or sizes do not"):
        mlp.main(["--checkpoint", str(path), "--sample", "1"])


def test_sampled_letters_are_as_frequent_as_the_model_says(whole, tmp_path):
    path = tmp_path / "mlp.pt"
    path.write_bytes(whole["mlp.pt"])
    model = checkpoint.restore(mlp.MLP, checkpoint.load(path, "mlp"), path)
    letters = checkpoint.load(path, "mlp")["letters"]
    names = list(name_sampler.names(model, 5, letters, 4000, seed=0))
    x, y = names_corpus.windows(names, letters, 5)
    with torch.no_grad():
        p = model(x).softmax(1)
    p[(x == 0).all(1), 0] = 0  # no name is empty
    expected = (p / p.sum(1, keepdim=True)).sum(0)
    found = torch.bincount(y, minlength=len(expected))
    spread = (found - expected) / expected.sqrt()
    assert spread.abs().max() < 5


@pytest.fixture(scope="module")
def quoted():
    """Return the results that the text quotes."""
    path = names_corpus.NAMES.parent.parent / "figs" / "mlp.json"
    return json.loads(path.read_text("utf-8"))


def test_network_beats_counting_at_the_same_context(quoted):
    assert quoted["baseline"]["name"] == "Kneser-Ney, context 5"
    lead = quoted["lead"]
    for split, found in lead.items():
        gap = quoted["baseline"][split] - quoted[split]
        assert found["difference"] == pytest.approx(gap, abs=2e-5)
    assert 0.02 < lead["test"]["unpaired"] > 2 * lead["test"]["error"]
    assert 2.5 < lead["dev"]["difference"] / lead["dev"]["error"] < 3.5
    assert abs(lead["test"]["difference"]) < lead["test"]["error"] < 0.012
    assert len(names_corpus.load().test) == 517
    assert quoted["dev"] <= 1.91 and quoted["dev"] > quoted["train"]
    assert quoted["bare"]["dev"] > quoted["baseline"]["dev"]
    assert quoted["bare"]["train"] < quoted["train"]


@pytest.mark.slow
def test_another_seed_moves_dev_by_little(quoted, tmp_path):
    run(names_corpus.NAMES, tmp_path, "--steps", str(quoted["steps"]),
        "--seed", "1")
    dev = json.loads((tmp_path / "mlp.json").read_text())["dev"]
    assert dev == pytest.approx(quoted["dev"], abs=0.03)


def folded(model):
    """Return the weight and bias of MODEL's hidden layer and norm in one."""
    norm = model.norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - scale * norm.running_mean
    return scale[:, None] * model.hidden.weight, bias


def test_solution_batch_norm_folds_into_the_layer_before_it():
    model = mlp.build(SIZES, BARE, 0, CPU)
    model(torch.randint(27, (50, 3)))  # moves the running statistics
    e = torch.randn(20, 12)
    model.eval()
    torch.testing.assert_close(F.linear(e, *folded(model)),
                               model.norm(model.hidden(e)))


def test_solution_hidden_layer_is_a_sum_of_table_rows():
    model = mlp.build(SIZES, BARE, 0, CPU)
    x = torch.randint(27, (20, 3))
    weight = model.hidden.weight.view(50, 3, 4)  # (H, T, E)
    tables = torch.einsum("ve,hte->tvh", model.embedding, weight)
    rows = sum(table[x[:, t]] for t, table in enumerate(tables))
    e = model.embedding[x].flatten(1)
    torch.testing.assert_close(rows, model.hidden(e))
    assert tables.numel() == 3 * 27 * 50


def test_solution_network_that_learned_by_heart_is_too_sure(short_list):
    corpus = names_corpus.load(short_list)
    data = mlp.load_data(corpus, 5, CPU)
    sizes = mlp.layer_sizes(1, corpus.vocabulary)
    model = mlp.build(sizes, BARE, 0, CPU)
    mlp.train(model, data, steps=500, batch_size=64, weight_decay=0,
              keeper=Keeper(), progress=Progress())
    best, grid = {}, torch.linspace(0.5, 4, 71).tolist()
    for split in "train", "dev":
        x, y = data[split]
        with torch.no_grad():
            z = model.eval()(x)
        loss = {t: F.cross_entropy(z / t, y).item() for t in grid}
        best[split] = min(loss, key=loss.get)
    assert best["train"] < 1 and best["dev"] > 2
    gain = F.cross_entropy(z, y).item() - loss[best["dev"]]
    assert gain == pytest.approx(0.5, abs=0.1)


def count(v, t, e, h):
    """Return the number of parameters of an MLP with these sizes."""
    return v * e + t * e * h + 2 * h + h * v + v + t * e * v


@pytest.mark.parametrize("v, context", [(27, 5), (27, 8), (1500, 5)])
def test_solution_number_of_parameters(v, context):
    sizes = mlp.layer_sizes(1000, v, context)
    with torch.device("meta"):
        model = mlp.MLP(**sizes)
    assert count(*sizes.values()) == sum(p.numel() for p in model.parameters())
