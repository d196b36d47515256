# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter of notes."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset, get_worker_info

import notes
from common import results


class Draws(Dataset):
    """Four items, each a fresh random number."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.rand((), generator=self.generator)


def reseed(worker):
    info = get_worker_info()
    info.dataset.generator.manual_seed(info.seed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about fork
@pytest.mark.filterwarnings("ignore:This DataLoader will:UserWarning")
def test_workers_repeat_each_other_until_they_are_given_seeds():
    def two_epochs(worker_init_fn):
        loader = DataLoader(Draws(), 1, num_workers=2,
                            worker_init_fn=worker_init_fn)
        return [torch.cat(list(loader)).tolist() for _ in range(2)]

    epoch, again = two_epochs(None)
    first, second, third, fourth = epoch  # 0 and 2 from the first worker
    assert first == second != third == fourth and again == epoch
    assert len(set(sum(two_epochs(reseed), []))) == 8


def test_networks_side_by_side_are_separate_networks():
    data = notes.Digits()
    x = data.images[:30].view(3, 10, 1, 8, 8)
    y = data.labels[:30].view(3, 10)
    models = [notes.network() for _ in range(3)]
    state, _ = torch.func.stack_module_state(models)
    logits = notes.forward(notes.network(), state, x)
    notes.losses(logits, y).sum().backward()
    for s, own in enumerate(models):
        assert_close(logits[s], own(x[s]))
        F.cross_entropy(own(x[s]), y[s]).backward()
        for name, parameter in own.named_parameters():
            assert_close(state[name].grad[s], parameter.grad)


def test_the_claims_about_regularisation():
    book = results.load("notes")
    ways = {(row["method"], row["strength"]): row for row in book["ways"]}
    change = {way: row["change"] / row["std_error"]
              for way, row in ways.items() if row["std_error"]}
    assert max(change["weight decay", "1e-2"], change["dropout", "0.3"],
               change["augmentation", "2"]) < -3
    assert min(change["weight decay", "1e-1"], change["dropout", "0.8"],
               change["augmentation", "4"]) > 3
    assert change["early stopping", ""] > 1  # 4.4, which a seed moves by 1
    loss = {way: row["test_loss"] for way, row in ways.items()}
    assert loss["all four", ""] < loss["none", ""] / 1.4
