# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the section on more than one process."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import checkpoint
import deep
import names_corpus
import processes
from command_line import InputError


def test_alone_a_program_needs_no_group():
    assert (processes.rank(), processes.count()) == (0, 1)
    assert processes.gather("a") == ["a"] and not processes.restarted()
    assert processes.together(lambda: 3) == processes.in_turn(lambda: 3) == 3
    processes.require_same("it", 3)
    model = nn.Linear(1, 1)
    assert processes.replicate(model) is model


@pytest.mark.parametrize("rank, end, said", [
    (0, InputError, "no list (process 1 on host)"), (1, SystemExit, "2")])
def test_one_process_speaks_for_all(rank, end, said, monkeypatch):
    fault = True, "no list (process 1 on host)"
    monkeypatch.setattr(processes, "rank", lambda: rank)
    monkeypatch.setattr(processes, "gather", lambda value: [None, fault])
    with pytest.raises(end) as caught:
        processes.together(lambda: "no fault in this process")
    assert str(caught.value) == said


def test_average_of_averages_is_not_the_average():
    losses = torch.tensor([1.0, 1.0, 1.0, 5.0])
    shares = losses[:3], losses[3:]
    assert losses.mean() == 2
    assert sum(share.mean() for share in shares) / 2 == 3
    assert sum(2 * share.sum() / 4 for share in shares) / 2 == 2


def test_process_without_a_row_contributes_zeros():
    sizes = {"vocabulary": 4, "context": 4, "channels": 8, "hidden": 8}
    model = deep.build(sizes, 0.3, 0)
    rows = deep.cut(names_corpus.stream(["a", "bc"], "abc", 1), 4)
    part, examples = deep.lesson(rows, 2, 0.3, 0, 0, rank=2, ranks=3)
    assert len(part.x) == 0 and examples == 5
    deep.step_loss(model, part, examples).backward()
    assert not any(p.grad.any() for p in model.parameters())


def test_each_process_has_its_own_gpu(monkeypatch):
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert processes.own_device(cuda) == cuda  # alone
    monkeypatch.setattr(processes.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda local: None)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert processes.own_device(cpu) == cpu
    assert processes.own_device(cuda) == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(InputError, match="no GPU for process 2 .* has 2$"):
        processes.own_device(cuda)


def test_layer_norm_can_be_shared_out_and_batch_norm_not():
    x = torch.randn(8, 5, generator=deep.randomness("test"))
    for norm, same in (nn.LayerNorm(5), True), (nn.BatchNorm1d(5), False):
        parts = torch.cat([norm(x[:4]), norm(x[4:])])
        assert torch.allclose(parts, norm(x), atol=1e-6) == same


def test_parts_train_as_the_whole_does_in_double_precision():
    sizes = {"vocabulary": 4, "context": 4, "channels": 8, "hidden": 8}
    rows = deep.cut(names_corpus.stream(["a", "bc", "ccab"], "abc", 1), 4)

    def weights(ranks):
        model = deep.build(sizes, 0.0, 0).double()
        optimizer, _ = deep.optimise(model, 20, 0.01, 0.1)
        for step in range(20):
            optimizer.zero_grad()
            for rank in range(ranks):
                part = deep.lesson(rows, 8, 0.3, 0, step, rank, ranks)
                deep.step_loss(model, *part).backward()
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    torch.testing.assert_close(weights(3), weights(1), rtol=0, atol=1e-12)


def torchrun(folder, change, *options):
    """Run deep with a CHANGE in two processes, for eight steps."""
    (folder / "changed.py").write_text(
        f"import os, sys, deep, processes\n{change}\n"
        "sys.exit(processes.run(deep.main))\n")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone",
        "--nproc-per-node", "2", *options, folder / "changed.py",
        "--dropout", "0", "--steps", "8", "--out", folder / "figs",
        "--checkpoint", folder / "two.pt"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, text=True, timeout=300,
                          capture_output=True)


KILLED = """
keep, begin = deep.Keeper.keep, deep.begin
deep.Keeper.keep = lambda self, step, now=False: keep(self, step, True)

def die(self, step, now=False):
    if step == 4 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), 9)

def begin_aloud(keeper, *parts):
    done = begin(keeper, *parts)
    if keeper.path:
        os.write(1, b"step %d " % done)  # in one piece
    return done

deep.Reader.keep, deep.begin = die, begin_aloud
deep.collect = lambda *_: sys.exit()  # the training is enough
"""


@pytest.mark.slow
def test_killed_run_of_two_processes_ends_as_one_process_does(tmp_path):
    two = torchrun(tmp_path, KILLED, "--max-restarts", "1")
    assert two.returncode == 0, two.stderr
    steps = [int(word) for word in two.stdout.split() if word.isdigit()]
    assert steps[:2] == [0, 0] and steps[2] == steps[3] in (3, 4)
    found = checkpoint.load(tmp_path / "two.pt", "deep")
    corpus = names_corpus.load()
    data = {split: deep.cut(names_corpus.stream(
        getattr(corpus, split), corpus.letters, 1), deep.CONTEXT)
        for split in ("train", "dev")}
    one, _ = deep.run(found["sizes"], found["settings"], data, 0,
                      torch.device("cpu"))
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(found["model"][name], weight, rtol=0,
                                   atol=1e-5)


@pytest.mark.slow
def test_list_missing_in_one_process_ends_all_with_one_line(tmp_path):
    missing = ("if os.environ['RANK'] == '1':\n"
               "    sys.argv += ['--names', 'nowhere.txt']")
    run = torchrun(tmp_path, missing)
    assert run.returncode != 0 and run.stdout == ""
    own, = [line for line in run.stderr.splitlines()
            if line.startswith("changed:")]
    assert "--names nowhere.txt: No such file" in own
    assert "(process 1 on " in own and not (tmp_path / "figs").exists()


def test_ring_adds_up_and_sends_what_the_formula_says():
    ranks, size, sent = 4, 12, 0
    source = torch.randn(ranks, size, generator=deep.randomness("test"))
    held = source.view(ranks, ranks, -1).clone()  # (process, piece, numbers)
    for turn in range(2 * (ranks - 1)):
        piece = [(process - turn) % ranks for process in range(ranks)]
        moved = held[range(ranks), piece].clone()
        for process in range(ranks):
            there = held[(process + 1) % ranks, piece[process]]
            adding = turn < ranks - 1
            there.copy_(there + moved[process] if adding else moved[process])
        sent += moved[0].numel()
    for total in held.view(ranks, size):
        torch.testing.assert_close(total, source.sum(0))
    assert sent == 2 * (ranks - 1) / ranks * size


def test_step_takes_six_operations_for_each_weight_and_token():
    model = deep.Deep(27)
    rows = deep.cut(names_corpus.stream(["anna"] * 9, "an", 1), 16)
    batch = deep.take(rows, torch.arange(9))
    with FlopCounterMode(display=False) as counter:
        deep.step_loss(model, batch, 45).backward()
    weights = sum(p.numel() for name, p in model.named_parameters()
                  if p.ndim == 2 and "embedding" not in name)
    assert counter.get_total_flops() == 6 * weights * len(batch.x)
    assert weights > 0.95 * sum(p.numel() for p in model.parameters())


def test_when_the_exchange_is_the_smaller_part():
    def ratio(rate, bandwidth, tokens, weights=1e5, ranks=2):
        compute = 6 * weights * tokens / ranks / rate
        exchange = 2 * (ranks - 1) / ranks * 4 * weights / bandwidth
        return exchange / compute

    assert ratio(3e10, 1e9, 900) == pytest.approx(1 / 22.5)
    assert ratio(3e14, 3e9, 133_333) == pytest.approx(1, rel=1e-3)
    train = names_corpus.load().train
    tokens = 128 * sum(len(name) + 1 for name in train) / len(train)
    assert tokens == pytest.approx(900, rel=0.05)


class WholeBatchDropout(deep.RowDropout):
    """Draws the masks of all rows of a batch; applies those of OWN."""

    def __init__(self, p, rows, own):
        super().__init__()
        self.p, self.rows, self.own = p, rows, own

    def forward(self, x, row):
        chance = torch.rand((self.rows, x.shape[1]), generator=self.generator)
        return x * ((chance[self.own] >= self.p) / (1 - self.p))[row]


def test_masks_of_the_whole_batch_can_be_shared_out():
    sizes = {"vocabulary": 4, "context": 4, "channels": 8, "hidden": 8}
    model = deep.build(sizes, 0.0, 0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=deep.randomness("test"))
    rows = deep.cut(names_corpus.stream(["a", "bc", "ccab"], "abc", 1), 4)

    def gradient(rank, ranks):
        model.dropout = WholeBatchDropout(0.5, 6, slice(rank, None, ranks))
        model.dropout.generator = deep.randomness("dropout", 0, 1)
        part = deep.lesson(rows, 6, 0.3, 0, 1, rank, ranks)
        loss = deep.step_loss(model, *part)
        return torch.autograd.grad(loss, list(model.parameters()))

    shares = gradient(0, 2), gradient(1, 2)
    for whole, *parts in zip(gradient(0, 1), *shares, strict=True):
        torch.testing.assert_close(sum(parts), whole)


def test_best_number_of_processes():
    work, latency, bandwidth, size = 0.2, 1e-3, 1e9, 4e5

    def seconds(ranks):
        talk = 2 * (ranks - 1) * (latency + size / ranks / bandwidth)
        return work / ranks + talk

    best = min(range(1, 100), key=seconds)
    formula = ((work - 2 * size / bandwidth) / (2 * latency)) ** 0.5
    assert abs(best - formula) < 1 and best == 10
