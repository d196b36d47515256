# Generated from README.org by tangle.el; edit README.org instead.
"""What all checks share: one thread, as make has it, and short runs."""

from pathlib import Path

import pytest
import torch

from common import checkpoint, names

torch.set_num_threads(1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a program on ten names: results and weights."""
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("\n".join(
        ["anna", "hannah", "otto", "a" * 90] +
        [f"{a}{b}a" for a in "bdk" for b in "ei"]))

    def run(program, options=""):
        program.main("--names names.txt --out . --quiet --steps 48 "
                     f"{options}".split())
        name = program.__name__
        weights = torch.load(f"{name}.pt", weights_only=True)["model"]
        return (Path(f"{name}.json").read_bytes(),
                {name: value.tolist() for name, value in weights.items()})

    return run


@pytest.fixture
def resumed(run, monkeypatch):
    """A function that stops a run at step 30 and goes on from there."""
    monkeypatch.setattr(names, "sample", lambda *_: ["anna"])

    def resumed(program):
        def stop(*args, step, **parts):
            save(*args, step=step, **parts)
            if step >= 30:
                raise KeyboardInterrupt

        save = checkpoint.save
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "save", stop)
            with pytest.raises(KeyboardInterrupt):
                run(program)
        return run(program, "--resume")

    return resumed
