# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on convolutional networks."""

import copy
import json
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import checkpoint
import cnn
import command_line
import convolution
import digits
import pixels
from book.source import ROOT


def test_a_kernel_finds_edges():
    x = torch.tensor([[0.0, 0, 1, 1, 0, 0]]).expand(5, 6)
    w = torch.tensor([[-1.0, 1.0]]).expand(3, 2)
    y = convolution.by_loops(x, w)
    assert y.shape == (5 - 3 + 1, 6 - 2 + 1)
    assert torch.equal(y, torch.tensor([[0.0, 3, 0, -3, 0]]).expand(3, 5))


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 4), (5, 5)])
def test_convolution_four_ways(shape):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 5, generator=generator)
    w = torch.randn(*shape, generator=generator)
    y = convolution.by_loops(x, w)
    torch.testing.assert_close(F.conv2d(x[None, None], w[None, None])[0, 0], y)
    torch.testing.assert_close(convolution.by_unfolding(x, w), y)
    matrix = convolution.as_matrix(w, 5, 5)
    torch.testing.assert_close((matrix @ x.flatten()).reshape(y.shape), y)
    mirrored = convolution.by_loops(x, w.flip(0, 1))
    i, j, (m, n) = 0, 0, (shape[0] - 1, shape[1] - 1)
    true = sum(w[a, b] * x[i + m - a, j + n - b]
               for a in range(m + 1) for b in range(n + 1))
    torch.testing.assert_close(mirrored[i, j], true)


def test_parameters_that_sharing_saves():
    w = torch.arange(1.0, 10.0).reshape(3, 3)
    matrix = convolution.as_matrix(w, 5, 5).to_dense()
    assert matrix.numel() == 225
    assert (matrix != 0).sum() == 81
    assert len(matrix[matrix != 0].unique()) == 9

    def parameters(layer):
        return sum(p.numel() for p in layer.parameters())

    assert parameters(nn.Conv2d(1, 32, 3, padding=1)) == 320
    assert parameters(nn.Linear(64, 32 * 64)) == 133_120 == 416 * 320


def test_channels_are_added_up():
    generator = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(3, 4, 2)
    x = torch.randn(1, 3, 5, 6, generator=generator)
    assert layer.weight.shape == (4, 3, 2, 2) and layer.bias.shape == (4,)
    for o, y in enumerate(layer(x)[0]):
        parts = [convolution.by_loops(x[0, c], layer.weight[o, c])
                 for c in range(3)]
        torch.testing.assert_close(y, layer.bias[o] + sum(parts))


@pytest.mark.parametrize("side", [5, 8, 9])
@pytest.mark.parametrize("k, p, s", [
    (3, 1, 1), (3, 0, 1), (3, 1, 2), (2, 0, 2), (5, 2, 3), (1, 0, 1)])
def test_size_of_a_map(side, k, p, s):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, side, side, generator=generator)
    w = torch.randn(1, 1, k, k, generator=generator)
    y = F.conv2d(x, w, padding=p, stride=s)
    assert y.shape[-1] == (side + 2 * p - k) // s + 1
    everywhere = convolution.by_loops(F.pad(x, (p, p, p, p))[0, 0], w[0, 0])
    torch.testing.assert_close(y[0, 0], everywhere[::s, ::s])


def test_convolution_is_equivariant_and_a_dense_layer_is_not():
    x = digits.load()[0][:4]
    shift = {"shifts": (2, -1), "dims": (2, 3)}
    moved = x.roll(**shift)

    def gap(layer):
        with torch.no_grad():
            return (layer(moved) - layer(x).roll(**shift)).abs()

    circular = nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular")
    zeros = nn.Conv2d(1, 3, 3, padding=1)
    assert gap(nn.Sequential(circular, nn.ReLU())).max() < 1e-6
    assert gap(zeros).max() > 0.01
    assert gap(zeros)[:, :, 3:-1, 1:-2].max() < 1e-6  # away from the border
    dense = nn.Sequential(nn.Flatten(), nn.Linear(64, 64),
                          nn.Unflatten(1, (1, 8, 8)))
    assert gap(dense).max() > 0.01


@pytest.mark.parametrize("layer", [
    nn.Conv2d(1, 3, 3, 2, padding=1, padding_mode="circular"),
    nn.MaxPool2d(2)])
def test_a_stride_keeps_equivariance_for_its_multiples_only(layer):
    x = digits.load()[0][:4]
    with torch.no_grad():
        y, by_two, by_one = (layer(x.roll(n, 3)) for n in (0, 2, 1))
    torch.testing.assert_close(by_two, y.roll(1, 3))
    for n in range(4):
        assert not torch.allclose(by_one, y.roll(n, 3), atol=1e-2)


def test_what_pooling_is_invariant_to():
    x = torch.zeros(4, 1, 1, 8)
    x[range(4), 0, 0, range(4)] = 1.0  # one bright pixel, in four places
    pooled = nn.MaxPool2d((1, 2))(x)
    assert torch.equal(pooled[0], pooled[1])
    assert not torch.equal(pooled[1], pooled[2])
    assert torch.equal(pooled[2], pooled[3])
    images = digits.load()[0][:4]
    layer = nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular")
    one, two = (layer(images.roll(n, 2)).relu().mean((2, 3)) for n in (0, 3))
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("layers", [
    [(3, 1)], [(3, 1), (3, 1)], [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1)],
    [(5, 2), (3, 2), (2, 2)]])
def test_receptive_field_by_gradients(layers):
    net = nn.Sequential(*(nn.Conv2d(1, 1, *layer) for layer in layers))
    for weight in net.parameters():
        nn.init.ones_(weight)
    x = torch.zeros(1, 1, 60, 60, requires_grad=True)
    y = net(x)[0, 0]
    y[y.shape[0] // 2, y.shape[1] // 2].backward()
    seen = (x.grad[0, 0] != 0).any(0).sum()
    assert seen == convolution.receptive_field(layers)
    assert (x.grad != 0).sum() == seen**2


def test_batch_norm_by_hand_and_in_company():
    generator = torch.Generator().manual_seed(0)
    maps = 3 + 2 * torch.randn(16, 4, 5, 5, generator=generator)
    norm = nn.BatchNorm2d(4)
    mean, var = (f(maps, dim=(0, 2, 3), keepdim=True)
                 for f in (torch.mean, torch.var))
    biased = var * (16 * 25 - 1) / (16 * 25)
    expected = (maps - mean) / (biased + norm.eps).sqrt()
    torch.testing.assert_close(norm(maps), expected)
    assert not torch.allclose(norm(maps[:2]), norm(maps)[:2], atol=1e-3)
    norm.eval()
    torch.testing.assert_close(norm(maps[:2]), norm(maps)[:2], rtol=0, atol=0)


@pytest.fixture(scope="module")
def halves():
    torch.set_num_threads(1)
    return digits.split(*digits.load())


def fresh(seed=0, **sizes):
    generator = torch.Generator().manual_seed(seed)
    return cnn.initialise(cnn.ConvNet(**sizes), generator)


def test_the_network_and_its_first_loss(halves):
    model = fresh()
    count = sum(p.numel() for p in model.parameters())
    by_hand = (9 * 32 + 9 * 32 * 32 + 9 * 32 * 64 + 9 * 64 * 64
               + 2 * (32 + 32 + 64 + 64) + 256 * 10 + 10)
    assert count == by_hand
    assert model.stages(halves[0][0]).shape == (898, 64, 2, 2)
    kernels = model.stages[1][1][0].weight
    assert kernels.var().item() == pytest.approx(2 / (9 * 64), rel=0.05)
    assert cnn.evaluate(model, halves[0])[0] == pytest.approx(math.log(10))
    stage = [(3, 1), (3, 1), (2, 2)]
    assert convolution.receptive_field(2 * stage) == 16
    assert [len(cnn.ConvNet(*size).stages)
            for size in ((28, 28), (8, 40), (6, 9), (4, 4))] == [3, 3, 2, 1]


def test_maps_that_are_known(halves):
    images = halves[0][0][:20]
    still = cnn.random_maps(20, torch.Generator().manual_seed(0), 0.0)
    torch.testing.assert_close(cnn.warp(images, still), images)
    right = torch.tensor([[1.0, 0, 2 / 8], [0, 1, 0]]).expand(20, 2, 3)
    further = F.pad(images, (0, 1))[..., 1:]  # zeros outside
    torch.testing.assert_close(cnn.warp(images, right), further)
    right = right * torch.tensor([1, 1, 0.5])  # half a pixel
    torch.testing.assert_close(cnn.warp(images, right),
                               (images + further) / 2)
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0]]).expand(20, 2, 3)
    torch.testing.assert_close(cnn.warp(images, quarter),
                               images.rot90(1, (2, 3)))


def test_random_maps_are_the_formula():
    maps = cnn.random_maps(500, torch.Generator().manual_seed(0))
    draws = 2 * torch.rand(6, 500, generator=torch.Generator().manual_seed(0))
    for a, t, s, r, right, down, found in zip(*(draws - 1), maps):
        a, t = cnn.TURN * a, torch.tensor([[1, cnn.SHEAR * t], [0, 1]])
        turn = torch.tensor([[a.cos(), -a.sin()], [a.sin(), a.cos()]])
        stretch = torch.diag(1 + cnn.STRETCH * torch.stack([s, r]))
        shift = cnn.SHIFT * torch.stack([right, down])
        torch.testing.assert_close(found[:, :2], turn @ t @ stretch)
        torch.testing.assert_close(found[:, 2], shift)


def test_label_smoothing_by_hand():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 10, generator=generator)
    labels = torch.tensor([3, 0, 9, 3, 1])
    q = 0.9 * F.one_hot(labels, 10) + 0.1 / 10
    expected = -(q * F.log_softmax(logits, 1)).sum(1).mean()
    loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(loss, expected)
    lowest = F.cross_entropy(q.log(), labels, label_smoothing=0.1)
    assert lowest.item() == pytest.approx(cnn.floor(10), rel=1e-5)
    assert cnn.floor(10) == pytest.approx(0.500, abs=5e-4)
    assert q.max().item() == pytest.approx(0.91)
    bumped = q.log() + 0.1 * torch.randn(5, 10, generator=generator)
    assert F.cross_entropy(bumped, labels, label_smoothing=0.1) > lowest


def test_a_batch_is_drawn_from_all_images(halves):
    data = halves[0][0][:3], torch.arange(3)
    images, labels = cnn.draw(data, 0.0, torch.Generator().manual_seed(0))
    assert images.shape == (cnn.BATCH_SIZE, 1, 8, 8)
    assert labels.unique().tolist() == [0, 1, 2]
    torch.testing.assert_close(images, data[0][labels])


def test_one_batch_can_be_overfitted(halves):
    batch = tuple(part[:32] for part in halves[0])
    model = fresh()
    losses = cnn.train(model, batch, steps=40, strength=0.0)["loss"]
    assert losses[0] == pytest.approx(math.log(10))
    assert cnn.floor(10) < losses[-1] < cnn.floor(10) + 0.05
    assert cnn.evaluate(model, batch)[1] == 0


def test_same_seed_same_weights(halves):
    def weights(seed, held_out):
        model = fresh()
        history = cnn.train(model, halves[0], steps=4, seed=seed,
                            held_out=held_out)
        assert history["step"] == ([0, 1, 2, 3, 4] if held_out else [])
        return torch.cat([p.flatten() for p in model.state_dict().values()])

    assert torch.equal(weights(0, None), weights(0, halves[1]))
    assert not torch.equal(weights(0, None), weights(1, None))


def test_the_rate_rises_for_three_tenths_of_the_steps(halves):
    class Spy(cnn.Keeper):
        def begin(self, **parts):
            self.group, self.rates = parts["optimizer"].param_groups[0], []
            return super().begin(**parts)

        def keep(self, step, now=False):
            self.rates.append(self.group["lr"])

    spy = Spy()
    cnn.train(fresh(), halves[0], steps=20, keeper=spy)
    assert spy.rates.index(max(spy.rates)) + 1 in (5, 6)
    assert 0.9 * cnn.LR < max(spy.rates) <= cnn.LR
    assert spy.group["weight_decay"] == cnn.DECAY > 0
    assert spy.group["betas"] == (0.9, 0.999)


def test_divergence_is_one_clear_line(halves):
    with pytest.raises(command_line.RunError, match="is not finite"):
        cnn.train(fresh(), halves[0], steps=3, lr=1e38)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_learns_what_the_cpu_learns(halves):
    errors = []
    for device in "cpu", "cuda":
        train, test = (tuple(part.to(device) for part in half)
                       for half in halves)
        model = fresh().to(device)
        cnn.train(model, train, steps=200)
        errors.append(cnn.evaluate(model, test)[1])
    assert errors[1] == pytest.approx(errors[0], abs=0.03)


def test_evaluate_by_hand(halves):
    logits = torch.tensor([[2.0, 0, 0], [0, 0, 1], [0, 3, 0], [1, 0, 0]])
    labels = torch.tensor([0, 2, 0, 0])
    loss, error = cnn.evaluate(nn.Identity(), (logits, labels))
    own = logits[range(4), labels]
    by_hand = (logits.exp().sum(1).log() - own).mean()
    assert (loss, error) == (pytest.approx(by_hand.item()), 0.25)
    model = fresh(1)
    nn.init.normal_(model.head.weight)
    images = halves[0][0][:1005]
    together, alone = (cnn.predict(model, images[:n]) for n in (None, 3))
    torch.testing.assert_close(together[:3], alone)


SIZES = {"height": 8, "width": 8, "classes": 10}


def test_rivals_have_their_sizes_and_begin_at_ln_10(halves):
    counts = {}
    for kind in "softmax", "mlp", "cnn":
        model = cnn.new_model(kind, SIZES, 0)
        counts[kind] = cnn.parameters(model)
        loss, _ = cnn.evaluate(model, halves[0])
        assert loss == pytest.approx(math.log(10))
    assert counts["softmax"] == 64 * 10 + 10
    assert counts["mlp"] == pytest.approx(counts["cnn"], rel=0.02)


def test_order_in_memory_changes_no_result(halves):
    model = cnn.new_model("cnn", SIZES, 0)
    nn.init.normal_(model.head.weight)
    weight = model.stages[0][1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    images = halves[0][0][:50]
    torch.testing.assert_close(
        cnn.predict(model, images), cnn.predict(plain, images),
        rtol=1e-4, atol=1e-4)


def test_shifted_moves_by_one_pixel_and_lets_zeros_in():
    image = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(x[0, 0].tolist())
            return torch.eye(2)[:1]

    assert cnn.SHIFT * 8 / 2 == pytest.approx(0.6)  # pixels, in training
    assert cnn.shifted(Spy(), (image, torch.tensor([0]))) == 0
    assert seen == [
        [[4, 5, 6], [7, 8, 9], [0, 0, 0]], [[0, 0, 0], [1, 2, 3], [4, 5, 6]],
        [[2, 3, 0], [5, 6, 0], [8, 9, 0]], [[0, 1, 2], [0, 4, 5], [0, 7, 8]]]


def test_a_shift_up_or_down_costs_an_eighth_of_the_ink(halves):
    rows = halves[1][0].sum((0, 1, 3))
    for edge in rows[0], rows[-1]:
        assert edge / rows.sum() == pytest.approx(1 / 8, rel=0.05)


def test_a_description_tells_train_from_the_rest():
    images = torch.tensor([2.0, 0.0]).expand(49, 1, 1, 2)
    labels = F.one_hot(torch.tensor(5), 49)
    found = cnn.describe(nn.Flatten(), (images, 0 * labels),
                         (images, labels), "dev")
    assert (found["train"], found["dev"], found["wrong"]) == (0, 1 / 49, 1)
    assert found["accuracy"] == {"train": 1, "dev": 1 - 1 / 49}
    apart = found["loss"]["dev"] - found["loss"]["train"]
    assert apart == pytest.approx(2 / 49, rel=1e-4)


@pytest.mark.slow
def test_five_seeds_reach_the_target(halves):
    wrong = []
    for seed in range(5):
        model = cnn.new_model("cnn", SIZES, seed)
        cnn.train(model, halves[0], seed=seed)
        wrong.append(cnn.evaluate(model, halves[1])[1])
    assert sum(wrong) / 5 <= 0.012
    assert max(wrong) - min(wrong) <= 0.012


def test_each_hand_is_left_out_in_turn(halves):
    errors = cnn.by_hand(halves[0], SIZES, 0, steps=3)
    assert len(errors) == 7 and len(set(errors)) > 3


def test_luck_of_899_images():
    assert math.sqrt(0.99 * 0.01 / 899) == pytest.approx(0.0033, abs=5e-5)
    assert 1 / 899 == pytest.approx(0.0011, abs=5e-5)


def test_ink_draws_a_square_for_each_pixel_that_is_not_zero():
    figure, ax = pixels.canvas(20)
    images = torch.tensor([[[0.0, 1.0]], [[0.51, 1.0]]])
    pixels.ink(ax, images, [(0, 0), (10, 5)], 4)
    drawn = {patch.get_alpha(): patch.get_path().vertices.tolist()
             for patch in ax.patches}
    wide = {patch.get_linewidth() for patch in ax.patches}
    assert wide == {2 * (1 - pixels.GAP) * pixels.POINTS}
    assert sorted(drawn) == [0.5, 1.0]
    assert [len(ends) // 2 for ends in drawn.values()] == [1, 2]
    (left, middle), (right, _) = drawn[0.5]
    assert 10 < left < right < 12 and middle == 5 + 2 / 2
    assert figure.get_size_inches().tolist() == pytest.approx([6.4, 4 / 3])


def test_looking_at_the_maps_changes_nothing(halves):
    model = fresh().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    _, *shown = cnn.maps_of(model, halves[1][0][0])
    for maps in shown:  # the eight with the largest values, from 1 down
        tops = maps.amax((1, 2)).tolist()
        assert tops == sorted(tops, reverse=True) and tops[0] == 1
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])


def test_confusion_counts_every_image_once():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 4, generator=generator)
    labels = torch.randint(4, (300,), generator=generator)
    counts = cnn.confusion(logits, labels)
    assert counts.sum(1).tolist() == labels.bincount(minlength=4).tolist()
    wrong = counts.sum() - counts.trace()
    assert wrong == (logits.argmax(1) != labels).sum()
    assert counts[2, 1] == ((labels == 2) & (logits.argmax(1) == 1)).sum()


def test_surest_mistakes_first_and_images_as_they_are(halves, monkeypatch):
    logits = torch.tensor([[1.0, 0], [3, 0], [0, 5], [2, 0]])
    images = halves[0][0][:4], torch.ones(4, dtype=torch.int64)
    words = [text.get_text() for text in
             cnn.plot_errors(logits, images).axes[0].texts]
    assert words == ["1, not 0", "0.95", "1, not 0", "0.88",
                     "1, not 0", "0.73"]
    drawn = []
    monkeypatch.setattr(cnn.pixels, "ink", lambda ax, x, *_: drawn.append(x))
    cnn.plot_augmented(halves[0], 0)
    top, *below = drawn
    torch.testing.assert_close(top, halves[0][0][:10, 0])  # 0 to 9
    assert len(below) == 2 and not torch.allclose(*below, atol=0.1)


def test_steps_and_baseline_follow_the_data(halves):
    usual, dev = (command_line.parse("cnn", "", words, steps=None, seed=0,
                                     more=cnn.options)
                  for words in ([], ["--dev", "2"]))
    large = torch.zeros(60_000, 1, 4, 5), torch.arange(60_000) % 10
    small, large = (cnn.about(usual, data) for data in (halves[0], large))
    assert small["settings"]["steps"] == cnn.STEPS == 800
    assert large["settings"]["steps"] == 3 * 60_000 // 64 == 2812
    assert large["sizes"] == {"height": 4, "width": 5, "classes": 10}
    assert cnn.baseline(usual, {}, 899)["test"] == 28 / 899
    assert cnn.baseline(dev, {}, 128)["name"] == "softmax regression"


def small_files(folder, classes=3):
    generator = torch.Generator().manual_seed(0)
    folder.mkdir()
    for prefix, count in ("train", 40), ("t10k", 12):
        images = torch.randint(256, (count, 6, 9), generator=generator)
        labels = torch.arange(count) % classes
        for kind, part in ("images-idx3", images), ("labels-idx1", labels):
            sizes = [size.to_bytes(4, "big") for size in part.shape]
            content = b"".join([bytes([0, 0, 8, part.dim()]), *sizes,
                                bytes(part.flatten().tolist())])
            (folder / f"{prefix}-{kind}-ubyte").write_bytes(content)
    return folder


def run(folder, data, *words):
    return cnn.main(["--quiet", "--out", str(folder), "--data", str(data),
                     "--checkpoint", str(folder / "cnn.pt"), *words])


def test_program_on_files_of_another_size(tmp_path, capsys):
    data = small_files(tmp_path / "data")
    sides = tmp_path / "one", tmp_path / "two"
    for side in sides:
        assert run(side, data, "--steps", "3") == 0
    names = sorted(path.name for path in sides[0].iterdir())
    assert len(names) == 5 + 2
    for name in names:
        assert (sides[0] / name).read_bytes() == (sides[1] / name).read_bytes()
    found = json.loads((sides[0] / "cnn.json").read_text())
    assert run(sides[0], data, "--evaluate") == 0
    assert f"cnn: {found['wrong']} of 12" in capsys.readouterr().out


def test_dev_is_a_part_of_train_and_test_is_left_out(tmp_path):
    data = small_files(tmp_path / "data")
    assert run(tmp_path / "out", data, "--steps", "1", "--dev", "3") == 0
    found = json.loads((tmp_path / "out" / "cnn.json").read_text())
    assert "test" not in found and len(found["hands"]["dev"]) == 7
    assert found["dev"] * 5 == pytest.approx(found["wrong"])  # of 5 images


def test_a_stopped_training_goes_on(halves, tmp_path):
    whole, broken, *again = (cnn.new_model("cnn", SIZES, 0) for _ in range(4))
    rest = tuple(part[:50] for part in halves[1])
    about = {"program": "cnn", "letters": "", "sizes": SIZES,
             "settings": {}, "corpus": ""}

    class Breaks(cnn.Progress):
        def report(self, step, said):
            if step == 4:
                raise KeyboardInterrupt

    def run(model, resume=None, **more):
        if resume is not None:
            more["keeper"] = cnn.Keeper(tmp_path / "cnn.pt", about, resume,
                                        seconds=0.0)
        return cnn.train(model, halves[0], steps=6, held_out=rest, **more)

    history = run(whole)
    with pytest.raises(KeyboardInterrupt):
        run(broken, False, progress=Breaks())
    for model in again:  # the second one finds no step left to do
        assert run(model, True) == history
        for one, two in zip(whole.parameters(), model.parameters()):
            assert torch.equal(one, two)


@pytest.mark.parametrize("words, said", [
    (["--dev", "7"], "invalid choice"), (["--data", "none"], "there is no"),
    (["--checkpoint", "/dev/null/x"], "Not a directory"),
    (["--evaluate"], "No such file"), (["--resume"], "No such file"),
])
def test_bad_input_is_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["cnn.py"])
    monkeypatch.chdir(tmp_path)
    status = command_line.run(
        lambda: cnn.main(["--out", "figs", "--steps", "1", *words]))
    error = capsys.readouterr().err
    assert status == 2 and said in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_other_images_is_refused(tmp_path):
    data = small_files(tmp_path / "data")
    assert run(tmp_path, data, "--steps", "1") == 0
    with pytest.raises(command_line.InputError, match="with other images"):
        run(tmp_path, data, "--steps", "1", "--resume", "--dev", "2")
    path = data / "train-labels-idx1-ubyte"
    raw = path.read_bytes()
    path.write_bytes(raw[:8] + raw[:7:-1])  # the labels backwards
    with pytest.raises(command_line.InputError, match="with other images"):
        run(tmp_path, data, "--steps", "1", "--resume")
    checkpoint.save(tmp_path / "cnn.pt", {
        "program": "cnn", "letters": "", "sizes": SIZES, "settings": {},
        "corpus": "", "model": fresh().state_dict()})
    with pytest.raises(command_line.InputError, match="another number"):
        run(tmp_path, data, "--evaluate")


def test_committed_results_keep_what_the_chapter_says():
    found = json.loads((ROOT / "figs" / "cnn.json").read_text())
    rivals = found["rivals"]
    assert found["test"] <= 0.01 and found["accuracy"]["test"] >= 0.99
    assert found["baseline"]["test"] == pytest.approx(28 / 899)
    assert found["wrong"] == round(899 * found["test"])
    for measure in "test", "shifted":
        errors = [rivals[k][measure] for k in ("softmax", "mlp", "cnn")]
        assert errors == sorted(errors, reverse=True)
        assert errors[2] < errors[1] / 2
    svc = found["baseline"]["test"]
    assert found["test"] < svc / 2 and rivals["softmax"]["test"] > 2 * svc
    assert rivals["mlp"]["test"] == pytest.approx(svc, rel=0.25)
    assert found["hands"]["highest"] > 2 * found["hands"]["lowest"]
    assert sum(found["hands"]["test"]) == found["wrong"]
    assert found["receptive_field"] == 16


def joined(one, two):
    padded = F.pad(one, (2, 2, 2, 2))
    return convolution.by_loops(padded, two.flip(0, 1))


def test_two_kernels_make_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(9, 9, generator=generator)
    one, two = torch.randn(2, 3, 3, generator=generator)
    y = convolution.by_loops(convolution.by_loops(x, one), two)
    assert joined(one, two).shape == (5, 5)
    torch.testing.assert_close(convolution.by_loops(x, joined(one, two)), y)
    one, two = torch.randn(2, 3, 3, dtype=torch.float64, generator=generator)
    slopes = torch.autograd.functional.jacobian(joined, (one, two))
    matrix = torch.cat([part.reshape(25, 9) for part in slopes], 1)
    assert torch.linalg.matrix_rank(matrix, rtol=1e-6) == 17


def test_gradient_of_a_convolution_is_a_convolution():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 6, 7, generator=generator, requires_grad=True)
    w = torch.randn(1, 1, 3, 3, generator=generator)
    y = F.conv2d(x, w)
    slope = torch.randn(y.shape, generator=generator)
    back, = torch.autograd.grad(y, x, slope)
    matrix = convolution.as_matrix(w[0, 0], 6, 7)
    ours = (matrix.to_dense().T @ slope.flatten()).reshape(x.shape)
    torch.testing.assert_close(ours, back)
    mirrored = F.conv2d(F.pad(slope, (2, 2, 2, 2)), w.flip(2, 3))
    torch.testing.assert_close(mirrored, back)
    torch.testing.assert_close(F.conv_transpose2d(slope, w), back)


def dilated_field(dilations, kernel=3):
    return convolution.receptive_field(
        [(d * (kernel - 1) + 1, 1) for d in dilations])


@pytest.mark.parametrize("dilations", [[1] * 15, [1, 2, 4, 8]])
def test_both_stacks_see_31_pixels(dilations):
    assert dilated_field(dilations) == 31
    net = nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=d) for d in dilations))
    for weight in net.parameters():
        nn.init.ones_(weight)
    x = torch.zeros(1, 1, 40, requires_grad=True)
    net(x)[0, 0, 0].backward()
    assert (x.grad != 0).sum() == 31
    assert dilated_field([1, 2, 4]) == 2**4 - 1
