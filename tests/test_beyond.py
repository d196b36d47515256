# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on more than one process."""

import os
import subprocess
import sys

import pytest
from torch.testing import assert_close

from common import checkpoint, names
from common.files import ROOT
from experiments import distributed

SCRIPT = """
import os
from common import options
from experiments import distributed

draw, steps = distributed.batch, []

def die(*args):
    steps.append(0)
    if (os.environ["RANK"] == "1" and len(steps) == 70
            and not os.path.exists("killed")):
        open("killed", "w").close()
        os.kill(os.getpid(), 9)
    return draw(*args)

distributed.batch = die
options.run(distributed.main)
"""


@pytest.mark.slow
def test_two_processes_one_of_them_killed_train_what_one_does(tmp_path):
    corpus = names.load()
    one = distributed.network(corpus.vocabulary, 1)
    stream = distributed.tokens(corpus.train, corpus.letters)
    distributed.train(one, stream, steps=100, seed=1,
                      path=tmp_path / "one.pt")
    (tmp_path / "two.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node", "2", "--max-restarts", "1", "two.py",
         "--steps", "100", "--checkpoint", "two.pt", "--resume"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"),
                          "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
        cwd=tmp_path, text=True, timeout=300, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "killed").exists()
    two = checkpoint.load(tmp_path / "two.pt", "distributed")["model"]
    assert_close(two, one.state_dict(), rtol=0, atol=1e-5)
