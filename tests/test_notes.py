# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter of notes."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset, get_worker_info

import notes
from common import results


def test_known_draws_turn_and_shift(monkeypatch):
    images = notes.Digits().images[:5]
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.ones(size))
    turned = notes.RandomAffine(90, 0, 0, None)(images)
    assert_close(turned, images.rot90(1, (2, 3)), rtol=0, atol=1e-5)
    shifted = notes.RandomAffine(0, 1 / 8, 0, None)(images)
    assert_close(shifted[..., :7, :7], images[..., 1:, 1:], rtol=0, atol=1e-5)


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


@pytest.fixture(scope="module")
def splits():
    return {name: (x[:10], y[:10]) for name, (x, y) in notes.draw(0).items()}


def test_each_network_stops_at_its_own_lowest_dev_loss(splits):
    model, history = notes.train(splits["train"], steps=60)
    state, best = notes.stop_early(model, history, splits["dev"])
    kept, *others = (notes.evaluate(model, entry, *splits["dev"])[0]
                     for entry in (state, *history))
    assert all((kept <= other + 1e-6).all() for other in others)
    assert len(best.unique()) > 1


def test_the_claims_about_regularisation():
    book = results.load("notes")
    ways = {(row["method"], row["strength"]): row for row in book["ways"]}
    plain, together = ways["none", ""], ways["all four", ""]
    for better in ("weight decay", "1e-2"), ("augmentation", "2"):
        assert -ways[better]["change"] > 4 * ways[better]["std_error"]
    for worse in (("weight decay", "1e-1"), ("dropout", "0.8"),
                  ("augmentation", "4")):
        assert ways[worse]["change"] > 4 * ways[worse]["std_error"]
    assert ways["dropout", "0.3"]["change"] < 0
    assert ways["early stopping", ""]["change"] > 0
    assert together["test_loss"] < plain["test_loss"] / 1.4
    assert book["test"] < book["baseline"]["test"] - 3 * book["spread"]
