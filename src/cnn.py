# Generated from README.org by tangle.el; edit README.org instead.
"""A convolutional network for handwritten digits, and simpler rivals."""

import math
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import trange

from common import checkpoint, digits, options, pixels, results
from common.digits import Examples  # images (N, 1, H, W) and labels (N,)
from common.style import GREY


STARTS = 130, 256, 386, 516, 646, 776  # of the hands in training but one


def hold_out(data: Examples, hand: int) -> tuple[Examples, Examples]:
    """Return DATA without the digits of HAND, 0 to 6, and those digits."""
    images, labels = (list(part.tensor_split(STARTS)) for part in data)
    dev = images.pop(hand), labels.pop(hand)
    return (torch.cat(images), torch.cat(labels)), dev


def nearest(data: Examples, images: Tensor) -> Tensor:
    """Return for each of IMAGES the label of the image nearest in DATA."""
    known, unknown = (x.flatten(1).double() for x in (data[0], images))
    closest = [torch.cdist(x, known).argmin(1) for x in unknown.split(500)]
    return data[1][torch.cat(closest)]


def convolve(inputs: int, outputs: int) -> nn.Sequential:
    """Return a convolution that keeps the size, batch norm, and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs), nn.ReLU())


WIDTHS = 32, 64, 128  # channels of the first stages; then the last again


class ConvNet(nn.Module):
    """Stages of two convolutions and a pooling, then one dense layer."""

    def __init__(self, height: int = 8, width: int = 8, classes: int = 10):
        super().__init__()
        stages, channels = [], 1
        while max(height, width) > 3 and min(height, width) > 1:
            wider = WIDTHS[min(len(stages), len(WIDTHS) - 1)]
            stages.append(nn.Sequential(convolve(channels, wider),
                                        convolve(wider, wider),
                                        nn.MaxPool2d(2)))
            channels, height, width = wider, height // 2, width // 2
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels * height * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (B, C), of the images x, (B, 1, H, W)."""
        return self.head(self.stages(x).flatten(1))


KINDS = {"softmax": "softmax regression", "mlp": "multilayer perceptron",
         "cnn": "convolutional network"}


def new_model(kind: str, seed: int, height: int = 8, width: int = 8,
              classes: int = 10) -> nn.Module:
    """Return an untrained network of KIND: softmax, mlp or cnn."""
    row, hidden = height * width, 880
    if kind == "softmax":
        model = nn.Sequential(nn.Flatten(), nn.Linear(row, classes))
    elif kind == "mlp":
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(row, hidden, bias=False),
            nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, classes))
    else:
        model = ConvNet(height, width, classes)
    generator = torch.Generator().manual_seed(seed)
    layers = [layer for layer in model.modules()
              if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu",
                                generator=generator)
    nn.init.zeros_(layers[-1].weight)
    nn.init.zeros_(layers[-1].bias)
    return model.to(memory_format=torch.channels_last)  # only for speed


TURN, SHEAR, STRETCH, SHIFT = math.radians(12), 0.25, 0.15, 0.15  # at most


def random_maps(count: int, generator: torch.Generator,
                strength: float = 1.0) -> Tensor:
    """Return COUNT affine maps near the identity, (COUNT, 2, 3)."""
    uniform = 2 * torch.rand(6, count, generator=generator) - 1
    limits = torch.tensor([TURN, SHEAR, STRETCH, STRETCH, SHIFT, SHIFT])
    turn, shear, wide, high, right, down = strength * limits[:, None] * uniform
    wide, high, cos, sin = 1 + wide, 1 + high, turn.cos(), turn.sin()
    rows = [torch.stack([wide * cos, high * (shear * cos - sin), right], 1),
            torch.stack([wide * sin, high * (shear * sin + cos), down], 1)]
    return torch.stack(rows, 1)


STEPS, BATCH_SIZE, EPOCHS = 400, 64, 3  # more steps for larger data
LR, DECAY, SMOOTHING = 0.01, 0.1, 0.1


def train(model: nn.Module, data: Examples, *, steps: int = STEPS,
          strength: float = 1.0, seed: int = 0,
          quiet: bool = True) -> list[float]:
    """Train MODEL; return each step's loss.  STRENGTH is augmentation's."""
    images, labels = data
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), LR, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=steps + 1, cycle_momentum=False)
    history = []
    model.train()
    for _ in trange(steps, disable=quiet, leave=False):
        i = torch.randint(len(labels), (BATCH_SIZE,), generator=generator)
        maps = random_maps(BATCH_SIZE, generator, strength)
        x = pixels.warp(images[i], maps)
        loss = F.cross_entropy(model(x), labels[i], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        history.append(loss.item())
    return history


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Return the logits of IMAGES, (N, C)."""
    model.eval()  # in training, batch norm mixes the images of a batch
    return torch.cat([model(piece) for piece in images.split(1000)])


def error_rate(model: nn.Module, data: Examples) -> float:
    """Return the share of DATA that MODEL gets wrong."""
    wrong = predict(model, data[0]).argmax(1) != data[1]
    return wrong.double().mean().item()


# standard deviation of the test errors between seeds and processors
SPREAD = 0.005  # 0.003 for cnn alone, 0.007 for mlp


def describe(name: str, p: float, count: int) -> dict:
    """Return the error rate P of COUNT images and its 95 % interval."""
    z = 1.96
    share = z * z / count
    half = z * math.sqrt(p * (1 - p) / count + share / count / 4)
    low, high = ((p + share / 2 + side) / (1 + share)
                 for side in (-half, half))
    return {"method": name, "test": p, "interval": f"{low:.1%} to {high:.1%}"}


def load(path: Path) -> ConvNet:
    """Return the network in the checkpoint PATH."""
    content = checkpoint.load(path, "cnn")
    model = ConvNet(**content["about"])
    checkpoint.restore(model, content, path)
    return model.eval()


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("cnn", __doc__, steps=None, seed=0)
    parser.add_argument("--data", type=Path, metavar="DIR",
                        help="folder of four IDX files (default: the book's)")
    options.add_checkpoint(parser)
    args = options.read(parser, argv)
    halves = (digits.load_idx(args.data) if args.data
              else digits.split(*digits.load()))
    train_set, test_set = [tuple(part.to(args.device) for part in half)
                           for half in halves]
    images, labels = test_set
    sizes = {"height": images.shape[2], "width": images.shape[3],
             "classes": int(max(train_set[1].max(), labels.max())) + 1}
    if args.steps is None:
        args.steps = max(STEPS, EPOCHS * len(train_set[1]) // BATCH_SIZE)
    count = len(labels)
    wrong = (nearest(train_set, images) != labels).double().mean().item()
    rows = [describe("nearest neighbour", wrong, count)]
    figures = {}
    if args.data is None:
        rows.append(describe("SVC, published", 28 / 899, count))
        figures["cnn_sevens"] = plot_sevens(train_set)
    rival = rows[-1]
    for kind, name in KINDS.items():
        model = new_model(kind, args.seed, **sizes).to(args.device)
        train(model, train_set, steps=args.steps, seed=args.seed,
              quiet=args.quiet)
        rows.append(describe(name, error_rate(model, test_set), count))
    checkpoint.save(args.checkpoint, "cnn", sizes, model=model)
    results.save(args, {
        "measure": "error rate", "steps": args.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train": error_rate(model, train_set), "test": rows[-1]["test"],
        "loss": F.cross_entropy(predict(model, images), labels).item(),
        "baseline": {"name": rival["method"], "test": rival["test"]},
        "rivals": rows, "spread": SPREAD}, figures | {
        "cnn_digits": pixels.sheet(train_set[0][:10, 0], 5),
        "cnn_augmented": plot_augmented(train_set[0][:6], args.seed),
        "cnn_filters": plot_filters(model, images[labels.argmin()]),
        "cnn_wrong": plot_wrong(predict(model, images), test_set)})


def plot_sevens(data: Examples) -> Figure:
    """Draw sevens of the fourth hand above sevens of the others."""
    kept, dev = hold_out(data, 3)
    sevens = [images[labels == 7, 0][::every][:6]
              for (images, labels), every in ((dev, 2), (kept, 13))]
    return pixels.sheet(torch.cat(sevens), 6)


def plot_augmented(images: Tensor, seed: int) -> Figure:
    """Draw IMAGES above what a random map makes of each."""
    maps = random_maps(len(images), torch.Generator().manual_seed(seed))
    both = torch.cat([images, pixels.warp(images, maps)])[:, 0]
    return pixels.sheet(both, len(images))


def plot_filters(model: ConvNet, image: Tensor) -> Figure:
    """Draw IMAGE, six kernels of the first layer, and their maps."""
    layer = model.eval().stages[0][0]
    with torch.inference_mode():
        maps = layer(image[None])[0]  # (C, H, W)
    strongest = maps.amax((1, 2)).topk(6).indices
    kernels, maps = layer[0].weight[strongest, 0], maps[strongest]
    figure, ax = pixels.canvas(27)
    corners = [(22 + 12.4 * i, y) for y in (1, 14) for i in range(6)]
    pixels.ink(ax, image, [(0, 4)], 18)
    pixels.signed(ax, kernels / kernels.abs().amax((1, 2), keepdim=True),
                  corners[:6], 11)
    pixels.ink(ax, maps / maps.max(), corners[6:], 11)
    for corner in corners:
        pixels.frame(ax, corner, 11, 11, GREY, 0.5)
    return figure


def plot_wrong(logits: Tensor, data: Examples) -> Figure:
    """Draw the images of DATA that LOGITS get wrong, surest first."""
    sure, said = logits.softmax(1).max(1)
    wrong = (said != data[1]).nonzero()[:, 0]
    wrong = wrong[sure[wrong].argsort(descending=True, stable=True)][:24]
    return pixels.sheet(data[0][wrong, 0], 6, [
        f"{data[1][i]} → {said[i]}\n{sure[i]:.2f}" for i in wrong])


if __name__ == "__main__":
    options.run(main)
