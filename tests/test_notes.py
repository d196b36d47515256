# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter of notes."""

import inspect
import json
import shutil

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset, get_worker_info

import notes
from common import results


def test_the_table_of_scores_by_hand():
    z = notes.scores(torch.tensor([-5, 1, 4]))
    assert z.tolist() == [[5, 1, -6], [-1, 1, 0], [-4, 1, 3]]
    assert z.argmax(dim=1).tolist() == [0, 1, 2]


def test_three_scores_make_three_regions():
    x = torch.linspace(-6, 6, 1001)  # holds neither -1 nor 2
    region = torch.where(x < -1, 0, torch.where(x < 2, 1, 2))
    assert torch.equal(notes.scores(x).argmax(dim=-1), region)


def test_known_draws_turn_shift_and_zoom(monkeypatch):
    images = notes.Digits().images[:5]
    still = notes.RandomAffine(0, 0, 0, torch.Generator())
    assert_close(still(images), images)
    assert_close(still(images[0]), images[0])  # one image, without a batch
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.ones(size))
    turned = notes.RandomAffine(90, 0, 0, None)(images)
    assert_close(turned, images.rot90(1, (2, 3)), rtol=0, atol=1e-5)
    shifted = notes.RandomAffine(0, 1 / 8, 0, None)(images)
    assert_close(shifted[..., :7, :7], images[..., 1:, 1:], rtol=0, atol=1e-5)
    zoomed = notes.RandomAffine(0, 0, 1.0, None)(images)
    half = F.pad(F.avg_pool2d(images, 2), (2, 2, 2, 2))
    assert_close(zoomed, half, rtol=0, atol=1e-5)


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


def two_epochs(worker_init_fn):
    loader = DataLoader(
        Draws(), batch_size=1, num_workers=2, worker_init_fn=worker_init_fn,
        generator=torch.Generator().manual_seed(0))
    return [torch.cat(list(loader)).tolist() for _ in range(2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about fork
@pytest.mark.filterwarnings("ignore:This DataLoader will:UserWarning")
def test_workers_repeat_each_other_until_they_are_given_seeds():
    epoch, again = two_epochs(None)
    first, second, third, fourth = epoch  # 0 and 2 from the first worker
    assert first == second != third == fourth and again == epoch
    one, two = two_epochs(reseed)
    assert len({*one, *two}) == 8 and two_epochs(reseed) == [one, two]


def test_digits_follow_the_protocol_of_torchvision():
    arguments = list(inspect.signature(notes.Digits).parameters)
    assert arguments == ["root", "train", "transform", "target_transform"]
    data, test = notes.Digits(), notes.Digits(train=False)
    assert (len(data), len(test)) == (898, 899)
    image, label = data[3]
    assert image.shape == (1, 8, 8) and 0 <= image.min() < image.max() <= 1
    assert isinstance(label, int) and label == data.labels[3]


def test_a_random_transform_draws_from_its_generator():
    images = notes.Digits().images[[0, 0]]

    def changed(seed):
        generator = torch.Generator().manual_seed(seed)
        return notes.RandomAffine(10, 0.1, 0.1, generator)(images)

    assert torch.equal(changed(1), changed(1))
    assert not torch.equal(changed(1), changed(2))
    assert not torch.equal(*changed(1))  # each image has its own draw


def test_networks_side_by_side_are_separate_networks():
    x = notes.Digits().images[:30].view(3, 10, 1, 8, 8)
    y = notes.Digits().labels[:30].view(3, 10)
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


def test_settings_reach_the_training_and_nothing_else(splits):
    def size(**settings):
        _, history = notes.train(splits["train"], steps=5, **settings)
        return history[-1]["1.weight"].norm()

    before = torch.get_rng_state()
    start = size()
    assert size(decay=0.5) < 0.95 * start
    assert size(dropout=0.5) != start != size(augment=2)
    assert size(lr=0.05) != start == size()
    assert torch.equal(torch.get_rng_state(), before)


def test_each_network_stops_at_its_own_lowest_dev_loss(splits):
    model, history = notes.train(splits["train"], steps=60)
    state, best = notes.stop_early(model, history, splits["dev"])
    kept, _ = notes.evaluate(model, state, *splits["dev"])
    for entry in history:
        loss, _ = notes.evaluate(model, entry, *splits["dev"])
        assert (kept <= loss + 1e-6).all()
    assert len(best.unique()) > 1


def test_the_claims_about_regularisation():
    book = results.load("notes")
    ways = {(row["method"], row["strength"]): row for row in book["ways"]}
    plain, together = ways["none", ""], ways["all four", ""]
    for way in ("weight decay", "1e-2"), ("augmentation", "2"):
        assert -ways[way]["change"] > 4 * ways[way]["std_error"]
    for way in (("weight decay", "1e-1"), ("dropout", "0.8"),
                ("augmentation", "4")):
        assert ways[way]["change"] > 4 * ways[way]["std_error"]
    assert ways["dropout", "0.3"]["change"] < 0
    assert ways["early stopping", ""]["change"] > 0
    assert together["test_loss"] < plain["test_loss"] / 1.4
    assert together["train_loss"] > plain["train_loss"]
    assert book["test"] < book["baseline"]["test"] - 3 * book["spread"]


def test_program_without_a_step(tmp_path, monkeypatch):
    monkeypatch.setattr(notes, "NETWORKS", 4)
    notes.main(["--steps", "0", "--quiet", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "notes.json").read_text())
    assert found["test"] == found["baseline"]["test"] > 0.8
    assert len(list(tmp_path.glob("*.svg"))) == 2


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_computes_the_same():
    model, x = notes.network(), notes.Digits().images[:10]
    assert_close(torch.compile(model)(x), model(x))


class Augmented(Dataset):
    """DATA with a random affine change that depends on epoch and index."""

    def __init__(self, data, seed):
        self.data, self.seed, self.epoch = data, seed, 0
        self.generator = torch.Generator()
        self.affine = notes.RandomAffine(10, 0.1, 0.1, self.generator)

    def __getitem__(self, index):
        number = (self.seed * 1000 + self.epoch) * 1_000_000 + index
        self.generator.manual_seed(number)
        image, label = self.data[index]
        return self.affine(image), label


def test_solution_items_do_not_depend_on_the_order():
    data = Augmented(notes.Digits(), seed=0)
    first, other = data[0][0], data[1][0]
    assert torch.equal(data[1][0], other) and torch.equal(data[0][0], first)
    data.epoch = 1
    assert not torch.equal(data[0][0], first)


def after_a_step(optimizer, slope, **settings):
    w = torch.tensor([2.0], requires_grad=True)
    (slope * w).sum().backward()
    optimizer([w], lr=0.1, **settings).step()
    return w.item()


@pytest.mark.parametrize("decay", [0.01, 0.5])
def test_solution_decoupled_decay(decay):
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    shrunk = (1 - 0.1 * decay) * 2 - 0.1 * 3
    assert after_a_step(sgd, 3.0, weight_decay=decay) == pytest.approx(shrunk)
    moved = after_a_step(adam, 0.0, weight_decay=decay)
    assert moved == pytest.approx(2 - 0.1, abs=1e-4)
    moved = after_a_step(adamw, 0.0, weight_decay=decay)
    assert moved == pytest.approx((1 - 0.1 * decay) * 2)
