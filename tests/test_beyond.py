# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on more than one process."""

import os
import resource
import subprocess
import sys

import pytest
import torch
from torch.testing import assert_close

from common import checkpoint, names, results
from common.files import ROOT
from common.options import InputError
from experiments import distributed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts KB on Linux")
def test_memory_does_not_follow_the_size_of_the_file(tmp_path):
    with open(tmp_path / "large.bin", "wb") as file:
        file.truncate(2**32)  # a hole: zeros that take no place on disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = distributed.open_tokens(tmp_path / "large.bin")
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        x, _ = distributed.batch(stream, generator)
    assert x.shape == (64, 5) and len(stream) == 2**32
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 200_000  # KB, of 4,194,304


def torchrun(folder, *options, change=""):
    """Run distributed in two processes for 100 steps; return weights."""
    (folder / "changed.py").write_text(
        "import os\nfrom common import options\n"
        f"from experiments import distributed\n{change}\n"
        "options.run(distributed.main)\n")
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node", "2", *options, folder / "changed.py",
         "--steps", "100", "--checkpoint", folder / "two.pt",
         "--out", folder, "--quiet"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"),
                          "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
        cwd=folder, text=True, timeout=300, capture_output=True)
    assert run.returncode == 0, run.stderr
    return checkpoint.load(folder / "two.pt", "distributed")["model"]


@pytest.fixture(scope="module")
def corpus():
    return names.load()


@pytest.fixture(scope="module")
def one(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "one.pt"
    model = distributed.network(corpus.vocabulary, 1)
    stream = distributed.tokens(corpus.train, corpus.letters)
    distributed.train(model, stream, steps=100, seed=1, path=path)
    return model.state_dict()


@pytest.mark.slow
def test_two_processes_train_what_one_does(one, tmp_path):
    two = torchrun(tmp_path)
    assert_close(two, one, rtol=0, atol=1e-5)


KILL = """
draw = distributed.batch
steps = []

def die(*args):
    steps.append(0)
    if os.environ["RANK"] == "1" and len(steps) == 70 and not (
            os.path.exists("killed")):
        open("killed", "w").close()
        os.kill(os.getpid(), 9)
    return draw(*args)

distributed.batch = die
"""


@pytest.mark.slow
def test_a_killed_process_is_restarted_and_nothing_is_lost(one, tmp_path):
    two = torchrun(tmp_path, "--max-restarts", "1", change=KILL)
    assert (tmp_path / "killed").exists()
    assert_close(two, one, rtol=0, atol=1e-5)


def test_solution_uneven_parts():
    losses = torch.randn(50, generator=torch.Generator().manual_seed(0))
    parts = [losses[rank::4] for rank in range(4)]
    assert [len(part) for part in parts] == [13, 13, 12, 12]
    shares = [4 * len(part) / 50 * part.mean() for part in parts]
    assert_close(sum(shares) / 4, losses.mean())


def test_solution_ring():
    ranks, size, sent = 4, 12, 0
    source = torch.randn(ranks, size,
                         generator=torch.Generator().manual_seed(0))
    held = source.view(ranks, ranks, -1).clone()  # (process, piece, numbers)
    for turn in range(2 * (ranks - 1)):
        piece = [(rank - turn) % ranks for rank in range(ranks)]
        moved = held[range(ranks), piece].clone()
        for rank in range(ranks):
            there = held[(rank + 1) % ranks, piece[rank]]
            adding = turn < ranks - 1
            there.copy_(there + moved[rank] if adding else moved[rank])
        sent += moved[0].numel()
    assert_close(held.view(ranks, size), source.sum(0).expand(ranks, size))
    assert sent == 2 * (ranks - 1) / ranks * size


@pytest.fixture
def run(tmp_path):
    def run(*options):
        distributed.main(["--quiet", "--out", str(tmp_path), "--checkpoint",
                          str(tmp_path / "run.pt"), *options])
        return (tmp_path / "distributed.json").read_bytes()
    return run


def test_a_killed_program_resumes_to_the_same_results(run, monkeypatch):
    draw, steps = distributed.batch, []

    def die(*args):
        steps.append(0)
        if len(steps) == 75:
            raise KeyboardInterrupt
        return draw(*args)

    whole = run("--steps", "90")
    monkeypatch.setattr(distributed, "batch", die)
    with pytest.raises(KeyboardInterrupt):
        run("--steps", "90")
    assert run("--steps", "90", "--resume") == whole


def test_resume_refuses_another_seed_and_a_missing_checkpoint(run):
    with pytest.raises(InputError, match="no checkpoint here"):
        run("--resume")
    run("--steps", "50")
    with pytest.raises(InputError, match="another seed: 1, not 2"):
        run("--seed", "2", "--resume")


def test_the_committed_run_was_killed_and_ended_the_same():
    book = results.load("distributed")
    assert book["equal"] and book["killed"] == 230
    assert book["dev"] < 3.3 - 3 * book["spread"]  # ln 27, to guess
