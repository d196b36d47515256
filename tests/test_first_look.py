# Generated from README.org by tangle.el; edit README.org instead.
"""A first look at tensors, and at the gradient of a calculation."""

import pytest
import torch


def test_arithmetic_acts_on_every_element():
    x = torch.tensor([1.0, 2.0, 4.0])  # (3,)
    assert x.shape == (3,) and x.dtype == torch.float32
    assert (3 * x + 1).tolist() == [4.0, 7.0, 13.0]
    assert (x > 1.5).tolist() == [False, True, True]
    assert x[x > 1.5].sum().item() == 6.0
    assert x.double().dtype == torch.float64
    assert torch.tensor([1, 2]).dtype == torch.int64


def test_tensors_are_put_together_and_multiplied():
    x = torch.tensor([1.0, 2.0, 4.0])
    table = torch.stack([x, torch.ones(3)], 1)  # (3, 2)
    assert table.tolist() == [[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]]
    assert table[2].tolist() == [4.0, 1.0] and torch.equal(table[:, 0], x)
    assert x[:, None].shape == (3, 1) and table.T.shape == (2, 3)
    assert torch.cat([x, x]).shape == (6,)
    weights = torch.tensor([3.0, 1.0])
    assert torch.equal(table @ weights, 3 * x + 1)


def test_backward_finds_the_derivative():
    w = torch.tensor(5.0, requires_grad=True)
    loss = (w - 2) ** 2
    loss.backward()
    assert w.grad.item() == 2 * (5 - 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_close_is_not_equal(dtype):
    total = sum(torch.full((10,), 0.1, dtype=dtype))
    assert total.item() != 1 and total.item() == pytest.approx(1)
    torch.testing.assert_close(total, torch.ones((), dtype=dtype))
