# Generated from README.org by tangle.el; edit README.org instead.
"""The book's autograd against PyTorch's."""

import pytest
import torch

import autograd


@pytest.mark.parametrize("seed", range(3))
def test_our_gradients_are_those_of_pytorch(seed):
    p, _ = autograd.train(steps=10, seed=seed)
    q = torch.tensor([scalar.value for scalar in p], dtype=torch.float64,
                     requires_grad=True)
    autograd.backward(autograd.mse(p))
    autograd.mse(q).backward()
    ours = torch.tensor([scalar.grad for scalar in p], dtype=torch.float64)
    torch.testing.assert_close(ours, q.grad)
