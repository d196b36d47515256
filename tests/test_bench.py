# Generated from README.org by tangle.el; edit README.org instead.
"""A check of the benchmark."""

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import bench
import mlp


def test_benchmark_counts_what_pytorch_counts():
    sizes = {"vocabulary": 27, "context": 3, "embedding": 4, "hidden": 50}
    model = mlp.build(sizes, mlp.BARE, 0, bench.CPU)
    x = torch.randint(27, (64, 3))
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(x), x[:, 0]).backward()
    assert counter.get_total_flops() == bench.flop(sizes, 64)
