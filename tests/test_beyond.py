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

KILL = """
draw, steps = distributed.batch, []

def die(*args):
    steps.append(0)
    if (os.environ["RANK"] == "1" and len(steps) == 70
            and not os.path.exists("killed")):
        open("killed", "w").close()
        os.kill(os.getpid(), 9)
    return draw(*args)

distributed.batch = die
"""


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_two_processes_train_what_one_does(killed, tmp_path):
    corpus = names.load()
    one = distributed.network(corpus.vocabulary, 1)
    stream = distributed.tokens(corpus.train, corpus.letters)
    distributed.train(one, stream, steps=100, seed=1,
                      path=tmp_path / "one.pt")
    (tmp_path / "two.py").write_text(
        "import os\nfrom common import options\n"
        "from experiments import distributed\n" + KILL * killed
        + "options.run(distributed.main)\n")
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node", "2", "--max-restarts", str(int(killed)),
         "two.py", "--steps", "100", "--checkpoint", "two.pt", "--out", "."],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"),
                          "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
        cwd=tmp_path, text=True, timeout=300, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "killed").exists() == killed
    two = checkpoint.load(tmp_path / "two.pt", "distributed")["model"]
    assert_close(two, one.state_dict(), rtol=0, atol=1e-5)
