# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter of notes."""

import inspect
import json
import math
import pickle
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset, get_worker_info
from torch.utils.data import WeightedRandomSampler, default_collate

import command_line
import digits
import notes
from book.source import ROOT


def test_a_note_is_at_most_a_screen_and_ends_in_a_check():
    chapter = (ROOT / "README.org").read_text("utf-8").split("\n* Notes\n")[1]
    sections = chapter.split("\n** Regularisation\n")[0].split("\n** ")[1:]
    found = [note for part in sections for note in part.split("\n*** ")[1:]]
    assert len(found) > 30
    for note in found:
        assert note.count("\n") <= 50, note[:40]
        block = note.rsplit("#+begin_src python", 1)[1]
        assert re.fullmatch(r" :tangle tests/.*\n#\+end_src\n?", block, re.S)


def test_max_is_a_value_and_argmax_a_position():
    x = torch.tensor([[5, 1, -6], [-1, 1, 9]])
    values, indices = x.max(dim=1)
    assert values.tolist() == [5, 9] and indices.tolist() == [0, 2]
    assert torch.equal(x.argmax(dim=1), indices)
    assert torch.equal((x + 100).argmax(dim=1), indices)
    assert x.argmax(dim=0).tolist() == [0, 0, 1]
    assert x.argmax() == 5  # row 1, column 2 of three columns
    top = x.max(dim=1, keepdim=True).values
    assert top.shape == (2, 1) and (x - top).max() == 0


def test_three_scores_make_three_regions():
    x = torch.linspace(-6, 6, 1000)  # holds neither -1 nor 2
    region = torch.where(x < -1, 0, torch.where(x < 2, 1, 2))
    assert torch.equal(notes.scores(x).argmax(dim=-1), region)


def test_the_table_by_hand():
    rows = [(row["x"], *row["scores"], row["max"], row["class"])
            for row in notes.argmax_table()]
    assert rows == [(-5, 5, 1, -6, 5, 0), (1, -1, 1, 0, 1, 1),
                    (4, -4, 1, 3, 3, 2)]


def test_the_band_is_the_maximum():
    ax, = notes.plot_argmax().axes
    band, *_ = ax.lines
    z = notes.scores(torch.as_tensor(band.get_xdata()))
    assert_close(torch.as_tensor(band.get_ydata()), z.amax(dim=1))


def test_a_bar_covers_the_region_of_its_class():
    ax, = notes.plot_argmax().axes
    bars = [list(line.get_xdata()) for line in ax.lines
            if line.get_linewidth() == 3]
    assert bars == [[-6, -1], [-1, 2], [2, 6]]
    middle = torch.tensor(bars).double().mean(dim=1)
    assert notes.scores(middle).argmax(dim=1).tolist() == [0, 1, 2]


def test_a_tie_goes_to_the_first_and_amax_shares_its_gradient():
    z = notes.scores(torch.tensor([-1.0, 2.0])).requires_grad_()
    assert z.tolist() == [[1, 1, -2], [-2, 1, 1]]
    values, indices = z.max(dim=1)
    assert z.argmax(dim=1).tolist() == indices.tolist() == [0, 1]
    to_one, = torch.autograd.grad(values.sum(), z)
    assert to_one.tolist() == [[1, 0, 0], [0, 1, 0]]
    shared, = torch.autograd.grad(z.amax(dim=1).sum(), z)
    assert shared.tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5]]


def test_argmax_is_flat_and_max_is_not():
    x = torch.tensor([-5.0, 1.0, 4.0], requires_grad=True)
    z = notes.scores(x)
    best = z.argmax(dim=1)
    assert best.dtype == torch.int64 and not best.requires_grad
    assert torch.equal(notes.scores(x + 0.01).argmax(dim=1), best)
    z.amax(dim=1).sum().backward()
    assert x.grad.tolist() == [-1, 0, 1]  # slopes of z0, z1 and z2


def test_softmax_tends_to_the_one_hot_argmax():
    z = notes.scores(torch.tensor([-5.0, 1.0, 4.0]))
    hot = F.one_hot(z.argmax(dim=1), 3).float()
    second = z.sort(dim=1).values[:, 1]
    for t in (0.05, 0.5, 1.0, 10.0):
        p = torch.softmax(z / t, dim=1)
        assert torch.equal(p.argmax(dim=1), z.argmax(dim=1))
        bound = torch.exp((second - z.amax(dim=1)) / t)
        assert ((p * (1 - hot)).amax(dim=1) <= bound * 1.0001).all()
        smooth = t * torch.logsumexp(z / t, dim=1) - z.amax(dim=1)
        assert (smooth >= -1e-6).all() and (smooth <= t * math.log(3)).all()
    assert_close(torch.softmax(z / 0.05, dim=1), hot)
    assert_close(torch.softmax(z / 1e6, dim=1), torch.full_like(z, 1 / 3))


def test_types_are_promoted_and_devices_are_not():
    whole, single = torch.tensor([1, 2]), torch.tensor([1.0, 2.0])
    assert (whole.dtype, single.dtype) == (torch.int64, torch.float32)
    double = torch.tensor(2.0, dtype=torch.float64)  # shape ()
    assert torch.from_numpy(double.numpy()).dtype == torch.float64
    assert (whole + single).dtype == torch.float32
    assert (single * 2.0).dtype == (single * double).dtype == torch.float32
    assert (whole * 2).dtype == torch.int64
    assert (whole * 2.0).dtype == torch.float32
    assert (single * double[None]).dtype == torch.float64  # shape (1,)
    assert (whole / 2).dtype == torch.float32
    assert (-whole // 2).tolist() == [-1, -1]
    there = torch.ones(2, device="meta")
    with pytest.raises(RuntimeError, match="device"):
        whole + there
    assert (double + there).device == there[whole - 1].device == there.device


def test_a_transpose_is_the_same_memory():
    x = torch.arange(12).view(3, 4)
    assert x.stride() == (4, 1) and x.T.stride() == (1, 4)
    assert x.T.data_ptr() == x.data_ptr()
    for i, j in (0, 3), (2, 1):
        place = i * x.stride(0) + j * x.stride(1)
        assert x[i, j].data_ptr() == x.data_ptr() + place * x.itemsize
    x.T[3, 0] = -1
    assert x[0, 3] == -1


def test_view_refuses_where_reshape_copies():
    x = torch.arange(12).view(3, 4)
    assert x.view(2, 6).data_ptr() == x.data_ptr()
    assert x.reshape(2, 6).data_ptr() == x.data_ptr()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        x.T.view(12)
    flat = x.T.reshape(12)
    assert flat.data_ptr() != x.data_ptr()
    assert flat.tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    assert x.contiguous().data_ptr() == x.data_ptr()
    assert x.T.contiguous().stride() == (3, 1)


def test_expand_and_unfold_store_nothing():
    column = torch.tensor([[1], [2], [3]])
    wide = column.expand(3, 4)
    assert wide.stride() == (1, 0) and wide.data_ptr() == column.data_ptr()
    with pytest.raises(RuntimeError, match="more than one element"):
        wide.add_(1)
    assert wide.clone().add_(1).sum() == 36 and column.sum() == 6
    wide[0, 0] = 7
    assert wide.tolist() == [[7] * 4, [2] * 4, [3] * 4]
    windows = torch.arange(5).unfold(0, 3, 1)
    assert windows.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert windows.stride() == (1, 1)
    expected = windows + 1
    assert not torch.equal(windows.add_(1), expected)  # no error is raised


def test_broadcasting_compares_sizes_from_the_right():
    assert torch.broadcast_shapes((5, 1, 4), (3, 1)) == (5, 3, 4)
    x = torch.tensor([[0.0, 1.0, 5.0], [2.0, 2.0, 2.0]])
    with pytest.raises(RuntimeError, match="must match"):
        x - x.mean(dim=1)
    centred = x - x.mean(dim=1, keepdim=True)
    assert centred.tolist() == [[-2, -1, 3], [0, 0, 0]]
    square = torch.tensor([[0.0, 2.0], [4.0, 8.0]])
    wrong = square - square.mean(dim=1)
    assert wrong.tolist() == [[-1, -4], [3, 2]]
    right = square - square.mean(dim=1, keepdim=True)
    assert right.tolist() == [[-1, 1], [-2, 2]]


def test_a_column_against_a_row_forgets_who_belongs_to_whom():
    generator = torch.Generator().manual_seed(0)
    y, y_hat = torch.randn(2, 50, generator=generator)
    pairs = (y_hat[:, None] - y) ** 2
    assert pairs.shape == (50, 50)
    apart = (y_hat.mean() - y.mean()) ** 2
    variance = y.var(correction=0)
    assert_close(pairs.mean(), y_hat.var(correction=0) + variance + apart)
    assert_close(((y[:, None] - y) ** 2).mean(), 2 * variance)
    constant = y.mean().expand(50, 1)
    assert_close(((constant - y) ** 2).mean(), variance)


def test_slices_share_and_index_tensors_copy():
    x = torch.arange(12).view(3, 4)
    assert x[1:, ::2].data_ptr() == x[1, 0].data_ptr()
    assert x[1:, ::2].stride() == (4, 2)
    x[[0, 2]].zero_()
    x[x > 5].zero_()
    assert x.sum() == 66  # nothing has changed
    x[x > 5] = 0
    assert x.sum() == 15
    rows, columns = torch.tensor([0, 1]), torch.tensor([2, 3])
    assert x[rows, columns].tolist() == [2, 0]
    assert x[rows[:, None], columns].tolist() == [[2, 3], [0, 0]]


def test_gather_scatter_and_accumulate():
    logits = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = torch.tensor([2, 0])
    picked = logits.gather(1, y[:, None])  # (N, 1)
    assert picked.tolist() == [[3], [4]]
    assert torch.equal(logits[torch.arange(2), y], picked[:, 0])
    loss = (torch.logsumexp(logits, dim=1) - picked[:, 0]).mean()
    assert_close(F.cross_entropy(logits, y), loss)
    hot = torch.zeros(2, 3).scatter_(1, y[:, None], 1.0)
    assert torch.equal(hot, F.one_hot(y, 3).float())
    seen, once, each = torch.tensor([1, 1, 2]), torch.zeros(3), torch.zeros(3)
    once[seen] += 1
    each.index_put_((seen,), torch.ones(3), accumulate=True)
    assert once.tolist() == [0, 1, 1] and each.tolist() == [0, 2, 1]
    table = torch.zeros(3, 1, requires_grad=True)
    F.embedding(seen, table).sum().backward()
    assert torch.equal(table.grad[:, 0], each)


def test_backward_refuses_an_overwritten_tensor():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    kept = x.exp()
    kept.view(2, 1).add_(1)
    assert kept._version == 1
    with pytest.raises(RuntimeError, match="inplace operation"):
        kept.sum().backward()
    free = (x * 3).add_(1)
    free.sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_a_leaf_changes_only_without_recording():
    w = torch.tensor([1.0], requires_grad=True)
    assert w.is_leaf and not (2 * w).is_leaf
    with pytest.raises(RuntimeError, match="leaf Variable"):
        w -= 0.1
    with torch.no_grad():
        w -= 0.1
    assert w.requires_grad and w.item() == pytest.approx(0.9)


def test_no_grad_inference_mode_and_detach():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.no_grad():
        free = 2 * x
    with torch.inference_mode():
        closed = 2 * x
    assert not free.requires_grad and closed.is_inference()
    assert (x * free).requires_grad
    for forbidden in (lambda: x * closed, lambda: closed._version):
        with pytest.raises(RuntimeError, match="(?i)inference tensors"):
            forbidden()
    y = x.exp()
    assert y.detach().data_ptr() == y.data_ptr()
    y.detach().mul_(10)
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.sum().backward()


def test_writing_through_data_gives_a_wrong_gradient():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    y.data.mul_(10)
    y.sum().backward()
    assert_close(x.grad, 10 * x.detach().exp())


@pytest.mark.parametrize("dtype, digits, most", [
    (torch.float64, 52, (2 - 2.0**-52) * 2.0**1023),
    (torch.float32, 23, (2 - 2.0**-23) * 2.0**127),
    (torch.float16, 10, 65504.0), (torch.bfloat16, 7, 255 * 2.0**120)])
def test_digits_and_range(dtype, digits, most):
    info = torch.finfo(dtype)
    assert (info.eps, info.max) == (2.0**-digits, most)
    one = torch.ones((), dtype=dtype)
    assert one + info.eps > one and one + 0.49 * info.eps == one


def test_what_the_digits_cost():
    w = torch.ones((), dtype=torch.bfloat16)
    assert w + 0.003 == w and w - 0.003 == 1 - 2.0**-8
    assert torch.tensor(70_000.0).half() == math.inf
    assert torch.tensor(70_000.0).bfloat16() == 70144
    big = torch.tensor(2.0**24)
    assert big + 1 == big and big - 1 == 2**24 - 1


def test_integers_wrap_around():
    pixels = torch.tensor([250, 250], dtype=torch.uint8)
    assert (pixels + 10).tolist() == [4, 4]
    assert pixels.sum() == 500 and pixels.sum().dtype == torch.int64
    last = torch.tensor(torch.iinfo(torch.int32).max, dtype=torch.int32)
    assert last + 1 == -(2**31)
    with pytest.raises(RuntimeError, match="mean"):
        pixels.mean()
    assert pixels.float().mean() == 250


def test_order_and_cancellation():
    big, one = torch.tensor(1e8), torch.tensor(1.0)
    assert torch.nextafter(big, 2 * big) - big == 8 and big + one == big
    assert (big - big) + one == 1 and big + (one - big) == 0
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(10_000, generator=generator)
    x = 10_000 + noise / noise.std()
    bad = (x**2).mean() - x.mean() ** 2
    assert abs(bad - 1) > 0.5
    assert x.var().item() == pytest.approx(1, abs=0.01)
    tiny = torch.tensor(1e-10)
    assert torch.log(1 + tiny) == 0 and torch.log1p(tiny) == tiny


def test_log_sum_exp_does_not_overflow():
    assert torch.tensor(88.0).exp() < math.inf
    assert torch.tensor(89.0).exp() == math.inf
    z = torch.tensor([1000.0, 1000.0, -1000.0])
    assert z.exp().sum().log() == math.inf
    m = z.max()
    ours = m + (z - m).exp().sum().log()
    assert ours == torch.logsumexp(z, dim=0)
    assert ours.item() == pytest.approx(1000 + math.log(2))
    loss = F.cross_entropy(z[None], torch.tensor([2]))
    assert loss.item() == pytest.approx(2000 + math.log(2))


def test_close_is_relative_and_absolute():
    a, b = torch.tensor([1.0]), torch.tensor([1.25])
    assert torch.allclose(a, b, rtol=0.2, atol=0)  # 0.25 <= 0.2 * 1.25
    assert not torch.allclose(b, a, rtol=0.2, atol=0)
    tiny = torch.tensor([1e-7])
    assert not torch.allclose(tiny, torch.zeros(1))
    assert torch.allclose(tiny, torch.zeros(1), atol=1e-6)
    lost = torch.tensor([math.nan])
    assert not torch.allclose(lost, lost)
    assert torch.allclose(lost, lost, equal_nan=True)
    with pytest.raises(AssertionError, match="dtype"):
        assert_close(a, a.double())


class Scaled(nn.Module):
    """A linear layer for inputs that are brought to standard units."""

    def __init__(self, mean):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.linear = nn.Linear(len(mean), 1)
        self.gain = nn.Parameter(torch.ones(()))
        self.note = torch.zeros(3)

    def forward(self, x):
        return self.gain * self.linear(x - self.mean)


def test_assignment_registers_parameters_and_modules():
    model = Scaled([1.0, 2.0])
    assert set(model._parameters) == {"gain"}
    assert set(model._modules) == {"linear"}
    assert set(model._buffers) == {"mean"} and "note" in vars(model)
    names = [name for name, _ in model.named_parameters()]
    assert names == ["gain", "linear.weight", "linear.bias"]


def test_a_plain_list_hides_its_weights():
    class Stack(nn.Module):
        def __init__(self, container):
            super().__init__()
            self.layers = container(nn.Linear(2, 2) for _ in range(3))

    def count(model):
        return sum(p.numel() for p in model.parameters())

    assert (count(Stack(list)), count(Stack(nn.ModuleList))) == (0, 18)
    early = nn.Module.__new__(nn.Module)  # no __init__ has run
    with pytest.raises(AttributeError, match="before Module.__init__"):
        early.w = nn.Parameter(torch.ones(1))


def test_a_state_dict_refers_and_loading_copies():
    model, other = Scaled([1.0, 2.0]), Scaled([3.0, 4.0])
    state = model.state_dict()
    assert list(state) == ["gain", "mean", "linear.weight", "linear.bias"]
    assert state["gain"].data_ptr() == model.gain.data_ptr()
    other.load_state_dict(state)
    assert torch.equal(other.mean, model.mean)
    assert other.gain.data_ptr() != model.gain.data_ptr()
    del state["mean"]
    with pytest.raises(RuntimeError, match="Missing key.*mean"):
        other.load_state_dict(state)
    left = other.load_state_dict(state | {"x": torch.ones(1)}, strict=False)
    assert left.missing_keys == ["mean"] and left.unexpected_keys == ["x"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load_state_dict({"gain": torch.ones(2)}, strict=False)


def test_passing_buffers_and_shared_parameters():
    model = nn.Module()
    model.register_buffer("cache", torch.ones(2), persistent=False)
    model.first = nn.Linear(2, 2)
    model.second = nn.Linear(2, 2, bias=False)
    model.second.weight = model.first.weight
    assert list(model.state_dict()) == [
        "first.weight", "first.bias", "second.weight"]
    assert len(list(model.parameters())) == 2


def test_to_moves_what_is_registered():
    model = Scaled([1.0, 2.0])
    assert model.to(torch.float64) is model
    assert model.mean.dtype == model.linear.weight.dtype == torch.float64
    assert model.note.dtype == torch.float32
    x = torch.ones(2)
    x.to(torch.float64)
    assert x.dtype == torch.float32
    visited = []
    model.apply(visited.append)
    assert visited == [model.linear, model]


def test_hooks_record_activations_and_gradients():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    seen, gradients = [], []
    handle = model[1].register_forward_hook(
        lambda module, inputs, output: seen.append(output.detach()))
    model[1].register_full_backward_hook(
        lambda module, *both: gradients.extend(both))
    x = torch.arange(6.0).view(2, 3)
    model(x).sum().backward()
    assert_close(seen[0], torch.tanh(model[0](x)).detach())
    (below,), (above,) = gradients  # of its input, of its output
    assert_close(above, model[2].weight.detach().expand(2, 4))
    assert_close(below, above * (1 - seen[0] ** 2))
    handle.remove()
    model[0].register_forward_hook(lambda *_: torch.zeros(2, 4))
    assert_close(model(x), model[2].bias.expand(2, 1))
    assert len(seen) == 1 and model[0].forward(x).any()


def test_train_and_eval():
    model = nn.Sequential(nn.BatchNorm1d(1), nn.Dropout(0.25))
    norm, drop = model
    x = torch.tensor([[0.0], [2.0], [4.0]])
    normal = norm(x)
    assert_close(normal[:, 0].detach(), torch.tensor([-1, 0, 1]) * 1.5**0.5)
    assert_close(norm.running_mean, torch.tensor([0.2]))
    assert_close(norm.running_var, torch.tensor([0.9 + 0.1 * 4]))
    values = drop(torch.ones(1000)).unique()
    assert_close(values, torch.tensor([0, 1 / 0.75]))
    assert model.eval() is model and not (norm.training or drop.training)
    assert torch.equal(model(x)[:1], model(x[:1])) and drop(x) is x
    assert model(x).requires_grad


def test_digits_follow_the_protocol_of_torchvision():
    arguments = list(inspect.signature(notes.Digits).parameters)
    assert arguments == ["root", "train", "transform", "target_transform"]
    data, test = notes.Digits(), notes.Digits(train=False)
    assert (len(data), len(test)) == (898, 899)
    image, label = data[3]
    assert image.shape == (1, 8, 8) and 0 <= image.min() < image.max() <= 1
    assert isinstance(label, int) and label == data.labels[3]


def test_transforms_run_for_each_item_each_time():
    calls = iter(range(100))
    data = notes.Digits(transform=lambda image: image + next(calls),
                        target_transform=lambda label: label % 2)
    assert next(calls) == 0  # nothing has run yet
    first, again = data[3], data[3]
    assert torch.equal(again[0], first[0] + 1)
    assert first[1] == again[1] == data.labels[3] % 2
    x, y = next(iter(DataLoader(data, 5)))
    assert x.shape == (5, 1, 8, 8) and y.dtype == torch.int64
    assert (x.amin((1, 2, 3)) == torch.arange(3, 8)).all()


def test_compose_applies_transforms_in_order():
    halve, move = notes.Normalize(0, 2), notes.Normalize(1, 1)
    x = torch.tensor([4.0, 6.0])
    assert notes.Compose([halve, move])(x).tolist() == [1, 2]
    assert notes.Compose([move, halve])(x).tolist() == [1.5, 2.5]
    nested = notes.Compose([notes.Compose([halve]), move])
    assert nested(x).tolist() == [1, 2]
    images = notes.NORMALIZE(notes.Digits().images)
    assert abs(images.mean()) < 0.05 and abs(images.std() - 1) < 0.05


def test_a_random_transform_draws_from_its_generator():
    images = notes.Digits().images[[0, 0]]

    def redrawn(seed):
        generator = torch.Generator().manual_seed(seed)
        return notes.RandomAffine(10, 0.1, 0.1, generator)(images)

    assert torch.equal(redrawn(1), redrawn(1))
    assert not torch.equal(redrawn(1), redrawn(2))
    assert not torch.equal(*redrawn(1))


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


def drawn(worker_init_fn):
    loader = DataLoader(
        Draws(), batch_size=1, num_workers=2, worker_init_fn=worker_init_fn,
        generator=torch.Generator().manual_seed(0))
    return [torch.cat(list(loader)).tolist() for _ in range(2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about fork
@pytest.mark.filterwarnings("ignore:This DataLoader will:UserWarning")
def test_workers_repeat_each_other():
    epoch, again = drawn(None)
    first, second, third, fourth = epoch
    assert first == second != third == fourth and again == epoch
    one, two = (pickle.loads(pickle.dumps(Draws())) for _ in range(2))
    assert torch.equal(one[0], two[0])  # what a worker is given


def reseed(worker):
    info = get_worker_info()
    info.dataset.generator.manual_seed(info.seed)
    assert torch.initial_seed() == info.seed


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about fork
@pytest.mark.filterwarnings("ignore:This DataLoader will:UserWarning")
def test_reseeded_workers_differ():
    one, two = drawn(reseed)
    assert len({*one, *two}) == 8 and drawn(reseed) == [one, two]


def test_sampler_collate_and_drop_last():
    x, y = default_collate([(torch.ones(2), 3), (torch.zeros(2), 4)])
    assert x.shape == (2, 2) and y.tolist() == [3, 4]
    named = default_collate([{"size": 1}, {"size": 2}])
    assert named["size"].tolist() == [1, 2]
    words = [torch.ones(2), torch.ones(3)]
    with pytest.raises(RuntimeError, match="stack"):
        default_collate(words)
    padded = DataLoader(words, 2, collate_fn=nn.utils.rnn.pad_sequence)
    assert next(iter(padded)).shape == (3, 2)  # longest first, then batch
    assert len(DataLoader(range(10), 4)) == 3
    assert len(DataLoader(range(10), 4, drop_last=True)) == 2
    sampler = WeightedRandomSampler(
        [0, 0, 1], 5, generator=torch.Generator().manual_seed(0))
    assert next(iter(DataLoader("abc", 5, sampler=sampler))) == ["c"] * 5


def test_weight_decay_is_the_gradient_of_a_penalty():
    start = torch.tensor([3.0, -2.0])
    penalised, decayed = (start.clone().requires_grad_() for _ in range(2))
    for w, decay in (penalised, 0.0), (decayed, 0.5):
        loss = (w**2).prod() + (0.5 - decay) / 2 * (w**2).sum()
        loss.backward()
        torch.optim.SGD([w], lr=0.01, weight_decay=decay).step()
    assert_close(decayed, penalised)
    assert not torch.equal(decayed, start)


def test_each_network_has_its_own_images():
    halves = notes.Digits(), notes.Digits(train=False)
    splits = notes.draw(*halves, seed=0)
    shapes = {name: tuple(y.shape) for name, (_, y) in splits.items()}
    assert shapes == {"train": (10, 100), "dev": (10, 300),
                      "test": (10, 899)}
    own = torch.cat([splits[name][0][0] for name in ("train", "dev")])
    pool = {tuple(image.flatten().tolist()) for image in halves[0].images}
    seen = [tuple(image.flatten().tolist()) for image in own]
    assert len(set(seen)) == 400 and set(seen) <= pool
    assert not torch.equal(*splits["train"][0][:2])
    assert splits["test"][0].stride(0) == 0


def test_networks_side_by_side_are_separate_networks():
    x = notes.Digits().images[:30].view(3, 10, 1, 8, 8)
    y = notes.Digits().labels[:30].view(3, 10)
    model = notes.Networks(3, seed=0)
    own = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(),
                        nn.Linear(64, 10))
    for layer, w, b in (own[1], model.w1, model.b1), (own[3], model.w2,
                                                      model.b2):
        layer.weight = nn.Parameter(w[1].detach().T)
        layer.bias = nn.Parameter(b[1, 0].detach())
    assert_close(model(x)[1], own(x[1]))
    loss = F.cross_entropy(own(x[1]), y[1])
    assert_close(notes.losses(model(x), y)[1], loss)
    notes.losses(model(x), y).sum().backward()
    loss.backward()
    assert_close(model.w1.grad[1], own[1].weight.grad.T)
    for part in model.parameters():  # as in nn.Linear: up to 1 / sqrt(64)
        assert 0.8 / 8 < part.abs().max() <= 1 / 8
    assert_close(model.b2.grad[1, 0], own[3].bias.grad)


def test_dropout_keeps_the_mean_and_is_off_in_use():
    model = notes.Networks(1, seed=0, dropout=0.3)
    x = notes.Digits().images[:1].expand(1, 20_000, 1, 8, 8)
    with torch.no_grad():
        mean = model.train()(x).mean(dim=1)
        used = model.eval()(x)
    assert_close(mean, used[:, 0], rtol=0, atol=0.02)
    assert_close(used, used[:, :1].expand_as(used))


@pytest.fixture(scope="module")
def splits():
    return notes.draw(notes.Digits(), notes.Digits(train=False), seed=0)


@pytest.fixture(scope="module")
def plain(splits):
    return notes.train(splits["train"], steps=100)


def test_training_learns_by_heart(splits, plain):
    model, history = plain
    start, _ = notes.evaluate(model, history[0], *splits["train"])
    loss, error = notes.evaluate(model, history[-1], *splits["train"])
    assert (start - math.log(10)).abs().max() < 0.2
    assert loss.max() < 0.05 and error.max() <= 0.01
    assert len(history) == 11 and sum(
        p[0].numel() for p in model.parameters()) == 4810


def test_schedule_and_settings_reach_the_training(splits, plain):
    *_, before, after, last = (state["w1"] for state in plain[1])
    assert (last - after).norm() < 0.5 * (after - before).norm()

    def size(**settings):
        _, history = notes.train(splits["train"], steps=10, **settings)
        return history[-1]["w1"].norm()

    affine, normalize = notes.transform_of(2, torch.Generator()).transforms
    assert normalize is notes.NORMALIZE is notes.transform_of(0, None)
    assert_close(affine.limits, torch.tensor(
        [math.radians(12), 0.1, 0.16, 0.16]))  # an image is 2 wide
    start = size()
    assert size(decay=0.1) < 0.9 * start
    assert size(dropout=0.5) != start != size(augment=2)
    assert size(lr=0.05) != start == size()


def test_each_network_stops_at_its_own_lowest_dev_loss(splits, plain):
    model, history = plain
    state, result = notes.stop_early(model, history, splits)
    kept, _ = notes.evaluate(model, state, *splits["dev"])
    every = torch.stack([notes.evaluate(model, entry, *splits["dev"])[0]
                         for entry in history])
    assert torch.equal(kept, every.amin(dim=0))
    at = every.argmin(dim=0)
    assert len(at.unique()) > 1
    assert result["stops"] == (10 * at).tolist()
    assert result["stop"] == pytest.approx(10 * at.float().mean().item())
    assert torch.equal(state["w1"][3], history[at[3]]["w1"][3])


def test_a_paired_change_can_be_smaller_than_the_spread():
    plain = {"test_errors": [0.10, 0.20, 0.30, 0.40]}
    better = {"test_errors": [0.08, 0.17, 0.28, 0.37]}
    notes.compare(better, plain)
    assert better["change"] == pytest.approx(-2.5, rel=1e-4)
    assert better["spread"] == pytest.approx(12.66, abs=0.01)
    expected = 0.5 / math.sqrt(3)
    assert better["change_error"] == pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope="module")
def book():
    path = digits.DIGITS.parent.parent / "figs" / "notes.json"
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("name", ["decay", "dropout", "augment"])
def test_a_chosen_strength_helps_and_too_much_harms(name, book):
    _, chosen, large = ways = book[name]
    assert min(ways, key=lambda way: way["dev_loss"]) is chosen
    assert -chosen["change"] > 3 * chosen["change_error"]
    assert -chosen["change"] < chosen["spread"]
    assert large["change"] > 2.5 * large["change_error"]


def test_the_figure_shows_the_chosen_strengths(book):
    ax, = notes.plot_changes(book).axes
    bars = [float(line.get_xdata()[0]) for line in ax.lines
            if line.get_linewidth() == 3]
    assert bars == pytest.approx([book[key][len(book[key]) // 2]["change"]
                                  for key in list(notes.WAYS)[1:]], abs=1e-3)


def test_early_stopping_and_all_four(book):
    plain, early, together = (book[k][0] for k in ("none", "early", "all"))
    assert early["test_loss"] < plain["test_loss"]
    assert 0 < early["change"] < 1.5 * early["change_error"]
    assert early["stop"] < notes.STEPS / 2
    assert sum(at < notes.STEPS / 2 for at in early["stops"]) > 5
    assert sum(at > notes.STEPS / 2 for at in together["stops"]) > 5
    everything = [way for key in notes.WAYS for way in book[key]]
    assert all(way["dev"] < way["test"] for way in everything)
    for loss in ("dev_loss", "test_loss"):
        assert min(way[loss] for way in everything) == together[loss]
    pairs = 100 * torch.tensor([together["test_errors"],
                                book["augment"][1]["test_errors"]])
    change = pairs[0] - pairs[1]
    assert 0 < change.mean() < change.std() / len(change) ** 0.5
    assert together["test_loss"] < plain["test_loss"] * 2 / 3
    assert 0.9 < together["test"] / plain["test"] < 1
    assert together["train_loss"] > plain["train_loss"]


def test_program_without_a_step(tmp_path, monkeypatch):
    def marked(*args, made=notes.experiments, **kwargs):
        results = made(*args, **kwargs)
        assert results["all"][0]["test"] == results["none"][0]["test"]
        results["all"][0]["test"] = 0.5
        return results

    monkeypatch.setattr(notes, "experiments", marked)
    argv = ["--steps", "0", "--quiet", "--out", str(tmp_path)]
    assert notes.main(argv) == 0
    results = json.loads((tmp_path / "notes.json").read_text())
    assert results["test"] == 0.5 and results["baseline"]["test"] > 0.8
    assert results["parameters"] == 4810
    assert len(list(tmp_path.glob("*.svg"))) == 3


def test_divergence_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(notes, "WAYS", {
        "none": [{"lr": math.inf}], "all": [{}]})
    with pytest.raises(command_line.RunError, match="diverged"):
        notes.main(["--steps", "3", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def skeleton(epochs: int = 20, lr: float = 0.5) -> float:
    # 1. load the data
    data, test = notes.Digits(), notes.Digits(train=False)
    loader = DataLoader(data, 64, shuffle=True,
                        generator=torch.Generator().manual_seed(0))
    # 2. create the model
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    model.apply(lambda part: [nn.init.zeros_(p) for p in part.parameters()])
    # 3. choose the loss, and what makes it smaller
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    # 4. train
    model.train()
    for x, y in (batch for _ in range(epochs) for batch in loader):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    # 5. evaluate
    model.eval()
    with torch.inference_mode():
        wrong = model(test.images).argmax(dim=1) != test.labels
    # 6. view the results
    print(f"{wrong.sum()} of {len(test)} test images are misread")
    return wrong.float().mean().item()


def test_the_outline_runs(capsys):
    assert skeleton() < 0.1
    assert skeleton(epochs=0) == pytest.approx(0.9, abs=0.03)
    assert "of 899 test images are misread" in capsys.readouterr().out
    assert len(inspect.getsource(skeleton).splitlines()) <= 25


def fair_argmax(x, generator):
    lots = torch.rand(x.shape, generator=generator)
    largest = x.amax(dim=1, keepdim=True)
    return lots.masked_fill(x < largest, -1).argmax(dim=1)


def test_solution_fair_argmax():
    generator = torch.Generator().manual_seed(0)
    x = torch.tensor([[3.0, 1.0, 3.0, 3.0]]).expand(30_000, 4)
    share = fair_argmax(x, generator).bincount(minlength=4) / len(x)
    third = 1 / 3  # its standard error is 0.003
    assert_close(share, torch.tensor([third, 0, third, third]),
                 rtol=0, atol=0.015)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_solution_counting_stops(dtype):
    total, one = torch.zeros((), dtype=dtype), torch.ones((), dtype=dtype)
    while total + one > total:
        total = total + one
    assert total == 2 / torch.finfo(dtype).eps
    assert torch.ones(1000, dtype=dtype).sum() == 1000


def test_solution_another_seed():
    halves = notes.Digits(), notes.Digits(train=False)
    splits = notes.draw(*halves, seed=1)
    tried = {name: notes.WAYS[name][i] for name, i in (
        ("none", 0), ("augment", 1), ("early", 0), ("all", 0))}
    found = {name: notes.attempt(splits, steps=notes.STEPS, seed=1, **way)
             for name, way in tried.items()}
    for result in found.values():
        notes.compare(result, found["none"])
    assert found["augment"]["change"] < -1
    assert found["early"]["change"] < 0
    better = found["all"]["test"] - found["augment"]["test"]
    assert better < -0.005


class Augmented(Dataset):
    """DATA with a random affine change that depends on epoch and index."""

    def __init__(self, data, seed):
        self.data, self.seed, self.epoch = data, seed, 0
        self.generator = torch.Generator()
        self.affine = notes.RandomAffine(10, 0.1, 0.1, self.generator)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        number = (self.seed * 1000 + self.epoch) * 1_000_000 + index
        self.generator.manual_seed(number)
        image, label = self.data[index]
        return self.affine(image), label


def test_solution_items_do_not_depend_on_the_order():
    data = Augmented(notes.Digits(), seed=0)
    there = torch.stack([data[i][0] for i in range(5)])
    back = torch.stack([data[i][0] for i in reversed(range(5))])
    assert torch.equal(there, back.flip(0))
    data.epoch = 1
    assert not torch.equal(data[0][0], there[0])


def after_a_step(optimizer, slope, **settings):
    w = torch.tensor([2.0], requires_grad=True)
    (slope * w).sum().backward()
    optimizer([w], lr=0.1, **settings).step()
    return w.item()


def test_solution_decoupled_decay():
    sgd, adam, adamw = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
    shrunk = (1 - 0.1 * 0.5) * 2 - 0.1 * 3
    assert after_a_step(sgd, 3.0, weight_decay=0.5) == pytest.approx(shrunk)
    for decay in (0.01, 0.5):
        moved = after_a_step(adam, 0.0, weight_decay=decay)
        assert moved == pytest.approx(2 - 0.1, abs=1e-4)
        moved = after_a_step(adamw, 0.0, weight_decay=decay)
        assert moved == pytest.approx((1 - 0.1 * decay) * 2)
