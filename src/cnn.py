# Generated from README.org by tangle.el; edit README.org instead.
"""A convolutional network for handwritten digits, and simpler rivals."""

import argparse
import hashlib
import math
import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

import checkpoint
import command_line
import digits
import idx
import pixels
from convolution import receptive_field
from figure_style import BLUE, GREY, INK, ORANGE, new_figure
from keeper import Keeper
from progress import Progress


STEPS, BATCH_SIZE, EPOCHS = 800, 64, 3  # EPOCHS: for larger data
LR, DECAY, SMOOTHING = 0.01, 0.1, 0.1
WIDTHS = 32, 64, 128  # channels of the first stages; then the last again
TURN, SHEAR, STRETCH, SHIFT = math.radians(12), 0.25, 0.15, 0.15
SVC_WRONG = 28  # of 899, by scikit-learn's published example


def convolve(inputs: int, outputs: int) -> nn.Sequential:
    """Return a convolution that keeps the size, batch norm, and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs), nn.ReLU())


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


def initialise(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """Draw the weights of MODEL; those of its last layer are zero."""
    layers = [layer for layer in model.modules()
              if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu",
                                generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    nn.init.zeros_(layers[-1].weight)
    return model


def random_maps(
    count: int, generator: torch.Generator, strength: float = 1.0
) -> Tensor:
    """Return COUNT affine maps near the identity, (COUNT, 2, 3)."""
    draws = 2 * torch.rand(6, count, generator=generator) - 1
    limits = torch.tensor([TURN, SHEAR, STRETCH, STRETCH, SHIFT, SHIFT])
    turn, shear, wide, high, right, down = strength * limits[:, None] * draws
    wide, high, cos, sin = 1 + wide, 1 + high, turn.cos(), turn.sin()
    rows = [torch.stack([wide * cos, high * (shear * cos - sin), right], 1),
            torch.stack([wide * sin, high * (shear * sin + cos), down], 1)]
    return torch.stack(rows, 1)


def warp(images: Tensor, maps: Tensor) -> Tensor:
    """Return each of IMAGES, (B, 1, H, W), as its map in MAPS says."""
    grid = F.affine_grid(maps.to(images.device), list(images.shape),
                         align_corners=False)  # (B, H, W, 2)
    return F.grid_sample(images, grid, align_corners=False)


def plot_augmented(data: tuple[Tensor, Tensor], seed: int) -> Figure:
    """Draw an image of each of ten classes, and two maps of each."""
    images, labels = (part.cpu() for part in data)
    firsts = [(labels == c).nonzero()[0, 0]
              for c in labels.unique()[:10]]
    chosen = images[torch.stack(firsts)]  # (10, 1, H, W)
    generator = torch.Generator().manual_seed(seed)
    figure, ax = pixels.canvas(30.5)
    for row, top in enumerate((1, 11.5, 21)):
        corners = [(1 + 9.6 * i, top) for i in range(len(chosen))]
        maps = random_maps(len(chosen), generator, float(row > 0))
        pixels.ink(ax, warp(chosen, maps)[:, 0], corners, 8)
    return figure


def floor(classes: int) -> float:
    """Return the lowest smoothed loss: the entropy of the targets (nats)."""
    other = SMOOTHING / classes
    own = 1 - SMOOTHING + other
    return -own * math.log(own) - (classes - 1) * other * math.log(other)


def train(model: nn.Module, data: tuple, *, steps: int = STEPS,
          lr: float = LR, strength: float = 1.0, seed: int = 0,
          held_out: tuple | None = None, keeper: Keeper | None = None,
          progress: Progress | None = None) -> dict[str, list]:
    """Train MODEL; return its losses, and its errors on HELD_OUT."""
    keeper, progress = keeper or Keeper(), progress or Progress()
    generator = torch.Generator().manual_seed(seed)
    optimizer = AdamW(model.parameters(), lr, weight_decay=DECAY, fused=True)
    schedule = OneCycleLR(optimizer, lr, total_steps=steps + 1,
                          cycle_momentum=False)
    history = {"loss": [], "step": [], "error": []}
    done = keeper.begin(model=model, optimizer=optimizer, schedule=schedule,
                        generator=generator, history=history)
    for step in progress.count(done, steps):
        look(history, step, steps, model, held_out)
        loss = smoothed_loss(model, *draw(data, strength, generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress.report(step + 1, note(history, loss.item()))
        keeper.keep(step + 1)
    look(history, steps, steps, model, held_out)
    keeper.keep(steps, now=True)
    return history


def draw(
    data: tuple[Tensor, Tensor], strength: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return a batch of DATA: images (B, 1, H, W) with maps, labels (B,)."""
    images, labels = data
    i = torch.randint(len(labels), (BATCH_SIZE,), generator=generator)
    maps = random_maps(BATCH_SIZE, generator, strength)
    return warp(images[i], maps), labels[i]


def note(history: dict, loss: float) -> str:
    """Add LOSS to HISTORY; return it in words."""
    history["loss"].append(loss)
    if not math.isfinite(loss):
        raise command_line.RunError("training diverged: the loss of step "
                                    f"{len(history['loss'])} is not finite")
    return f"loss {loss:.4f}"


def look(history: dict, step: int, steps: int, model: nn.Module,
         held_out: tuple | None) -> None:
    """Add the error on HELD_OUT before STEP to HISTORY, if it is due."""
    due = step % max(1, steps // 20) == 0 or step == steps
    if held_out and due and step not in history["step"]:
        history["step"].append(step)
        history["error"].append(evaluate(model, held_out)[1])


def smoothed_loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the smoothed cross-entropy of MODEL on a batch (nats)."""
    kind = y.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        logits = model.train()(x)  # (B, C)
    return F.cross_entropy(logits.float(), y, label_smoothing=SMOOTHING)


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Return the logits of IMAGES, (N, C), in float32."""
    model.eval()
    return torch.cat([model(piece) for piece in images.split(1000)])


def evaluate(model: nn.Module, data: tuple) -> tuple[float, float]:
    """Return the cross-entropy of MODEL on DATA (nats) and its error rate."""
    images, labels = data
    logits = predict(model, images)
    wrong = logits.argmax(1) != labels
    loss = F.cross_entropy(logits, labels)
    return loss.item(), wrong.double().mean().item()


def build(kind: str, height: int, width: int, classes: int) -> nn.Module:
    """Return a network of KIND: softmax, mlp or cnn."""
    row, hidden = height * width, 880
    if kind == "softmax":
        return nn.Sequential(nn.Flatten(), nn.Linear(row, classes))
    if kind == "mlp":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(row, hidden, bias=False),
            nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, classes))
    return ConvNet(height, width, classes)


def new_model(
    kind: str, sizes: dict, seed: int, device: torch.device | str = "cpu"
) -> nn.Module:
    """Return an untrained network of KIND on DEVICE."""
    generator = torch.Generator().manual_seed(seed)
    model = initialise(build(kind, **sizes), generator)
    return model.to(device, memory_format=torch.channels_last)


def shifted(model: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    """Return the error rate of MODEL when DATA move by one pixel."""
    images, labels = data
    errors = []
    for down, right in (-1, 0), (1, 0), (0, -1), (0, 1):
        edges = right, -right, down, -down  # left, right, top, bottom
        moved = F.pad(images, edges)  # zeros enter, and a row leaves
        errors.append(evaluate(model, (moved, labels))[1])
    return sum(errors) / len(errors)


def parameters(model: nn.Module) -> int:
    """Return how many numbers in MODEL are trained."""
    return sum(p.numel() for p in model.parameters())


def describe(model: nn.Module, train: tuple, rest: tuple, name: str) -> dict:
    """Return errors and losses on TRAIN and on REST, called NAME."""
    seen, unseen = evaluate(model, train), evaluate(model, rest)
    return {
        "parameters": parameters(model),
        "train": seen[1], name: unseen[1],
        "loss": {"train": seen[0], name: unseen[0]},
        "accuracy": {"train": 1 - seen[1], name: 1 - unseen[1]},
        "wrong": round(unseen[1] * len(rest[1])),
        "shifted": shifted(model, rest),
    }


def by_hand(
    train_half: tuple, sizes: dict, seed: int, steps: int = 150
) -> list[float]:
    """Return the error of softmax regression on each hand left out."""
    errors = []
    for hand in range(digits.HANDS):
        kept, dev = digits.hold_out(train_half, hand)
        model = new_model("softmax", sizes, seed, kept[1].device)
        train(model, kept, steps=steps, strength=0.0, seed=seed)
        errors.append(evaluate(model, dev)[1])
    return errors


def draw_curves(axes, histories: dict[str, dict], last: float) -> None:
    """Draw loss and error of each history against the step."""
    looks = {"softmax": (GREY, ":"), "mlp": (BLUE, "--"), "cnn": (INK, "-")}
    for kind, (colour, dash) in looks.items():
        history = histories[kind]
        losses = torch.tensor(history["loss"]).split(20)
        steps = [20 * i + len(part) / 2 for i, part in enumerate(losses)]
        means = [part.mean().item() for part in losses]
        axes[0].plot(steps, means, dash, color=colour)
        errors = [max(error, 0.002) for error in history["error"]]
        axes[1].plot(history["step"], errors, dash, color=colour)
        axes[1].annotate(kind, (last, errors[-1]), (4, 0),
                         va="center", textcoords="offset points",
                         annotation_clip=False, color=colour)


def plot(histories: dict[str, dict], classes: int, rival: dict) -> Figure:
    """Draw the training of the three networks, and two levels."""
    figure, axes = new_figure(2, 3.2)
    last = histories["cnn"]["step"][-1]
    draw_curves(axes, histories, last)
    level = floor(classes)
    axes[0].axhline(level, color=GREY, linewidth=0.8)
    axes[0].annotate("lowest possible", (0, level), (4, -3), color=GREY,
                     va="top", textcoords="offset points")
    axes[0].set(xlabel="step", ylabel="smoothed loss of a batch (nats)",
                xlim=(0, max(1, last)),
                ylim=(level - 0.2, math.log(classes) + 0.2))
    if rival["name"].startswith("SVC"):
        axes[1].plot([0, last], [rival["test"]] * 2, "-.", color=ORANGE)
        axes[1].annotate("SVC", (0.62 * last, rival["test"]), (0, -5),
                         color=ORANGE, ha="center", va="top",
                         textcoords="offset points")
    axes[1].set(xlabel="step", ylabel="error rate", yscale="log")
    ticks = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    low = axes[1].get_ylim()[0]
    axes[1].set_yticks(ticks := [t for t in ticks if t > low], labels=ticks)
    axes[1].minorticks_off()
    return figure


@torch.inference_mode()
def maps_of(model: ConvNet, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return eight kernels, their maps, and eight maps of the last layer."""
    model.eval()
    first, last = model.stages[0][0], model.stages[-1]
    kernels = first[0].weight[:, 0].cpu()  # (32, 3, 3)
    maps = first(image[None])[0].cpu()
    strongest = maps.amax((1, 2)).topk(8).indices
    deep = last[:2](model.stages[:-1](image[None]))[0].cpu()
    most = deep.amax((1, 2)).topk(8).indices
    kernels, maps, deep = kernels[strongest], maps[strongest], deep[most]
    return (kernels / kernels.abs().amax((1, 2), keepdim=True),
            maps / maps.max(), deep / deep.max())


def plot_filters(model: ConvNet, image: Tensor) -> Figure:
    """Draw IMAGE, (1, H, W), and what the first and last layer make of it."""
    figure, ax = pixels.canvas(47)
    kernels, maps, deep = maps_of(model, image)
    pixels.ink(ax, image, [(0, 16)], 16)
    left = [22 + 9.4 * i for i in range(8)]
    tops = {"kernels of the first layer": 3, "their maps": 16,
            "maps of the last convolution": 32}
    for words, top in tops.items():
        ax.text(22, top + 0.4, words, color=GREY, va="bottom")
    first, second, third = ([(x, top + 2) for x in left]
                            for top in tops.values())
    pixels.ink(ax, kernels.clamp(min=0), first, 8, ORANGE)
    pixels.ink(ax, -kernels.clamp(max=0), first, 8, BLUE)
    pixels.ink(ax, maps, second, 8)
    pixels.ink(ax, deep, third, 8)
    return figure


def confusion(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how often each class, a row, was taken for each, (C, C)."""
    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(1)
    return pairs.bincount(minlength=classes**2).reshape(classes, classes)


def plot_confusion(counts: Tensor) -> Figure:
    """Draw the confusion matrix COUNTS, (C, C)."""
    classes = len(counts)
    cell = 50 / classes
    figure, ax = pixels.canvas(60)
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    right = torch.eye(classes, dtype=torch.bool)
    corner = [(26, 7)]
    pixels.ink(ax, 0.5 * (share * right)[None], corner, 50, BLUE)
    wrong = (0.3 + share).clamp(max=1) * ((counts > 0) & ~right)
    pixels.ink(ax, wrong[None], corner, 50, ORANGE)
    for i in range(classes if classes <= 20 else 0):  # else no room
        middle = (i + 0.5) * cell
        ax.text(24, 7 + middle, i, ha="right", va="center")
        ax.text(26 + middle, 6, i, ha="center", va="bottom")
        for j in counts[i].nonzero()[:, 0].tolist():
            ax.text(26 + (j + 0.5) * cell, 7 + middle, int(counts[i, j]),
                    ha="center", va="center")
    ax.text(20, 32, "true", ha="right", va="center")
    ax.text(51, 2.5, "predicted", ha="center", va="bottom")
    return figure


def plot_errors(logits: Tensor, data: tuple[Tensor, Tensor]) -> Figure:
    """Draw the images of DATA that are classified wrongly, surest first."""
    images, labels = (part.cpu() for part in data)
    sure, guess = logits.softmax(1).max(1)
    wrong = (guess != labels).nonzero()[:, 0]
    wrong = wrong[sure[wrong].argsort(descending=True, stable=True)][:24]
    figure, ax = pixels.canvas(max(1, -(-len(wrong) // 8)) * 17)
    corners = [(12 * (k % 8) + 2, 17 * (k // 8) + 1)
               for k in range(len(wrong))]
    pixels.ink(ax, images[wrong, 0], corners, 8)
    for (x, y), k in zip(corners, wrong):
        ax.text(x + 4, y + 10.5, f"{labels[k]}, not {guess[k]}",
                ha="center", va="center")
        ax.text(x + 4, y + 13, f"{sure[k]:.2f}", color=GREY,
                ha="center", va="center")
    return figure


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this program has."""
    add = parser.add_argument
    add("--data", metavar="DIR", type=Path,
        help="folder of the four MNIST files (default: the book's digits)")
    add("--dev", metavar="K", type=int, choices=range(digits.HANDS),
        help="hold out the seventh number K, 0 to 6, of the training data")
    add("--checkpoint", metavar="FILE", default="build/cnn.pt",
        help="the trained model (default: %(default)s)")
    add("--resume", action="store_true", help="go on from the checkpoint")
    add("--evaluate", action="store_true",
        help="load the checkpoint, count its errors, train nothing")


def load_data(args: argparse.Namespace) -> tuple[tuple, tuple]:
    """Return (images, labels) to train on, and those that are held out."""
    if args.data is None:
        both = digits.split(*digits.load())
    else:
        both = idx.load(args.data)
    if args.dev is not None:
        both = digits.hold_out(both[0], args.dev)
    train_data, held_out = (tuple(part.to(args.device) for part in data)
                            for data in both)
    return train_data, held_out


def about(args: argparse.Namespace, data: tuple[Tensor, Tensor]) -> dict:
    """Return the checkpoint's description of the run that ARGS ask for."""
    images, labels = (part.cpu() for part in data)
    digest = hashlib.sha256(images.numpy().tobytes())
    digest.update(labels.numpy().tobytes())
    epochs = EPOCHS * len(labels) // BATCH_SIZE
    steps = max(STEPS, epochs) if args.steps is None else args.steps
    sizes = {"height": images.shape[2], "width": images.shape[3],
             "classes": int(labels.max()) + 1}
    return {"program": "cnn", "letters": "", "sizes": sizes,
            "settings": {"steps": steps, "seed": args.seed},
            "corpus": digest.hexdigest()}


def count_errors(args: argparse.Namespace) -> None:
    """Print how many held-out images the checkpoint's model gets wrong."""
    content = checkpoint.load(args.checkpoint, "cnn")
    model = checkpoint.restore(ConvNet, content, args.checkpoint)
    train_data, held_out = load_data(args)
    if about(args, train_data)["sizes"] != content["sizes"]:
        raise command_line.InputError(
            f"--checkpoint {args.checkpoint}: trained on images or classes "
            "of another number")
    _, error = evaluate(model.to(args.device), held_out)
    count = len(held_out[1])
    print(f"cnn: {round(error * count)} of {count} images wrong")


def train_all(args, run: dict, data: tuple, rest: tuple) -> tuple[dict, dict]:
    """Return the three trained networks and their histories, by kind."""
    models, histories = {}, {}
    for kind in "cnn", "mlp", "softmax":
        model = new_model(kind, run["sizes"], args.seed, args.device)
        keeper, label = Keeper(), f"cnn, {kind}"
        if kind == "cnn":
            keeper, label = Keeper(args.checkpoint, run, args.resume), kind
        histories[kind] = train(
            model, data, steps=run["settings"]["steps"], seed=args.seed,
            held_out=rest, keeper=keeper, progress=Progress(label, args.quiet))
        models[kind] = model
    return models, histories


def baseline(args: argparse.Namespace, softmax: dict, count: int) -> dict:
    """Return what the network has to beat, on COUNT held-out images."""
    if args.data is None and args.dev is None:
        return {"name": "SVC, published", "test": SVC_WRONG / count,
                "accuracy": 1 - SVC_WRONG / count}
    return {"name": "softmax regression", **softmax}


def collect(args, run: dict, models: dict, data: tuple, rest: tuple) -> dict:
    """Return the results of the three networks and the baseline."""
    split = "test" if args.dev is None else "dev"
    own = {kind: describe(model, data, rest, split)
           for kind, model in models.items()}
    wrong = predict(models["cnn"], rest[0]).argmax(1) != rest[1]
    hands = by_hand(data, run["sizes"], args.seed,
                    min(150, run["settings"]["steps"]))
    edges = [len(wrong) * k // digits.HANDS for k in range(digits.HANDS + 1)]
    return {
        "seed": args.seed, "measure": "error rate", **run["settings"],
        **own["cnn"], "rivals": own,
        "baseline": baseline(args, own["softmax"], len(wrong)),
        "hands": {"lowest": min(hands), "highest": max(hands),
                  split: [wrong[i:j].sum().item()
                          for i, j in zip(edges, edges[1:])]},
        "receptive_field": receptive_field(
            [(3, 1), (3, 1), (2, 2)] * len(models["cnn"].stages)),
    }


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/cnn.json; or count errors."""
    args = command_line.parse("cnn", __doc__, argv, steps=None, seed=0,
                              more=options)
    if args.evaluate:
        count_errors(args)
        return 0
    data, rest = load_data(args)
    checkpoint.check_place(args.checkpoint)
    run = about(args, data)
    models, histories = train_all(args, run, data, rest)
    results = collect(args, run, models, data, rest)
    logits = predict(models["cnn"], rest[0]).cpu()
    command_line.save(args, results, {
        "cnn": plot(histories, logits.shape[1], results["baseline"]),
        "cnn_augmented": plot_augmented(data, args.seed),
        "cnn_filters": plot_filters(models["cnn"], rest[0][0]),
        "cnn_confusion": plot_confusion(confusion(logits, rest[1].cpu())),
        "cnn_errors": plot_errors(logits, rest),
    })
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
