# Generated from README.org by tangle.el; edit README.org instead.
"""Short notes that run: argmax, digits as a dataset, regularisation."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.optim.lr_scheduler import LinearLR
from torch.utils.data import Dataset

import command_line
import digits
from figure_style import BLUE, GREY, INK, ORANGE, new_figure


def scores(x: Tensor) -> Tensor:
    """Return the scores -x, 1 and x - 1 of each x, in a last dimension."""
    return torch.stack([-x, torch.ones_like(x), x - 1], dim=-1)  # (..., 3)


def argmax_table(points: tuple[int, ...] = (-5, 1, 4)) -> list[dict]:
    """Return x, its scores, their maximum and the class for POINTS."""
    x = torch.tensor(points)  # (N,)
    z = scores(x)  # (N, 3)
    largest, best = z.max(dim=1)  # (N,), (N,)
    columns = [column.tolist() for column in (x, z, largest, best)]
    return [dict(zip(("x", "scores", "max", "class"), row))
            for row in zip(*columns)]


def plot_argmax() -> Figure:
    """Draw the three scores, the largest of them, and the regions."""
    figure, ax = new_figure(1, 3.2)
    x = torch.linspace(-6, 6, 241)
    z = scores(x)  # (241, 3)
    ax.plot(x, z.amax(dim=1), color=GREY, alpha=0.35, linewidth=7,
            solid_capstyle="butt")
    for k, (formula, spot, colour, dash, left, right) in enumerate((
            ("$z_0 = -x$", (-4, 4.7), BLUE, "-", -6, -1),
            ("$z_1 = 1$", (4.8, 1.4), INK, "--", -1, 2),
            ("$z_2 = x - 1$", (3.1, 4.1), ORANGE, "-.", 2, 6))):
        ax.plot(x, z[:, k], dash, color=colour)
        ax.text(*spot, formula, color=colour)
        ax.plot([left, right], [-7.8] * 2, dash, color=colour, linewidth=3,
                dash_capstyle="butt")
        ax.text((left + right) / 2, -7.4, f"class {k}", color=colour,
                ha="center", va="bottom")
    ax.vlines([-1, 2], -7.8, 1, color=GREY, linestyle=":")
    for row in argmax_table():
        ax.plot(row["x"], row["max"], "o", color=INK)
    ax.set(xlabel="x", ylabel="score", xlim=(-6.2, 6.2), ylim=(-8.4, 6.4),
           xticks=[-5, -1, 1, 2, 4], yticks=[-6, 0, 1, 6])
    return figure


class Digits(Dataset):
    """The 8x8 digits in the protocol of the datasets of torchvision."""

    def __init__(self, root: str | Path = digits.DIGITS.parent,
                 train: bool = True, transform: Callable | None = None,
                 target_transform: Callable | None = None):
        halves = digits.split(*digits.load(Path(root) / digits.DIGITS.name))
        self.images, self.labels = halves[0 if train else 1]
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple:
        image, label = self.images[index], self.labels[index].item()
        if self.transform:
            image = self.transform(image)
        if self.target_transform:
            label = self.target_transform(label)
        return image, label


class Compose:
    """Transforms that are applied one after the other."""

    def __init__(self, transforms: list[Callable]):
        self.transforms = transforms

    def __call__(self, image: Tensor) -> Tensor:
        for transform in self.transforms:
            image = transform(image)
        return image


class Normalize:
    """Bring images of a given mean and standard deviation to 0 and 1."""

    def __init__(self, mean: float, std: float):
        self.mean, self.std = mean, std

    def __call__(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std


class RandomAffine:
    """Turn by up to DEGREES; shift and zoom by up to a share of the side."""

    def __init__(self, degrees: float, translate: float, scale: float,
                 generator: torch.Generator):
        self.limits = torch.tensor([math.radians(degrees), scale,
                                    2 * translate, 2 * translate])
        self.generator = generator

    def __call__(self, image: Tensor) -> Tensor:
        """Return images (..., 1, 8, 8), each changed by its own draw."""
        batch = image.reshape(-1, *image.shape[-3:])  # (B, 1, 8, 8)
        random = torch.rand(len(batch), 4, generator=self.generator)
        angle, zoom, right, down = ((2 * random - 1) * self.limits).T
        cos, sin = (1 + zoom) * angle.cos(), (1 + zoom) * angle.sin()
        theta = torch.stack([cos, -sin, right, sin, cos, down], dim=1)
        grid = F.affine_grid(theta.view(-1, 2, 3).to(batch.device),
                             list(batch.shape), align_corners=False)
        moved = F.grid_sample(batch, grid, align_corners=False)
        return moved.view(image.shape)


NETWORKS, SIZE, DEV_SIZE = 10, 100, 300  # images of each network
HIDDEN, STEPS, BATCH_SIZE = 64, 200, 32
LR, MOMENTUM, EVERY = 0.1, 0.9, 10  # EVERY is the step of the history
NORMALIZE = Normalize(0.3, 0.38)  # of the pixels of the first half
WAYS = {
    "none": [{}],
    "decay": [{"decay": value} for value in (0.001, 0.01, 0.1)],
    "dropout": [{"dropout": value} for value in (0.1, 0.3, 0.8)],
    "augment": [{"augment": value} for value in (1, 2, 4)],
    "early": [{"stop": True}],
    "all": [{"decay": 0.01, "dropout": 0.3, "augment": 2, "stop": True}],
}


def draw(data: Digits, test: Digits, seed: int,
         device: torch.device | str = "cpu") -> dict:
    """Return train, dev, test: images (S, N, 1, 8, 8), labels (S, N)."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(len(data), generator=generator)
                         for _ in range(NETWORKS)])  # (S, N)
    parts = {"train": order[:, :SIZE],
             "dev": order[:, SIZE:SIZE + DEV_SIZE]}
    splits = {name: (data.images[part].to(device),
                     data.labels[part].to(device))
              for name, part in parts.items()}
    splits["test"] = (
        test.images.expand(NETWORKS, *test.images.shape).to(device),
        test.labels.expand(NETWORKS, -1).to(device))
    return splits


class Networks(nn.Module):
    """S networks of 64 inputs, HIDDEN units and 10 classes, side by side."""

    def __init__(self, networks: int, seed: int, dropout: float = 0.0):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.dropout = dropout
        self.w1, self.b1 = self.layer(networks, 64, HIDDEN)
        self.w2, self.b2 = self.layer(networks, HIDDEN, 10)

    def layer(self, networks: int, inputs: int, outputs: int):
        """Return weights (S, F, H) and biases (S, 1, H), as in nn.Linear."""
        size = networks, inputs + 1, outputs
        start = 2 * torch.rand(size, generator=self.generator) - 1
        w, b = (start / math.sqrt(inputs)).split([inputs, 1], dim=1)
        return nn.Parameter(w.clone()), nn.Parameter(b.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (S, N, 10) of images (S, N, 1, 8, 8)."""
        h = torch.baddbmm(self.b1, x.flatten(2), self.w1).relu()
        if self.training and self.dropout:
            kept = torch.rand(h.shape, generator=self.generator)
            kept = (kept >= self.dropout).to(h.device)
            h = h * kept / (1 - self.dropout)  # (S, N, H)
        return torch.baddbmm(self.b2, h, self.w2)


def losses(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy (nats) of each network, (S,)."""
    each = F.cross_entropy(logits.flatten(0, 1), y.flatten(),
                           reduction="none")
    return each.view(y.shape).mean(dim=1)


def transform_of(augment: int, generator: torch.Generator) -> Callable:
    """Return the transform of training: AUGMENT units, then normalised."""
    if not augment:
        return NORMALIZE
    affine = RandomAffine(6 * augment, 0.04 * augment, 0.05 * augment,
                          generator)
    return Compose([affine, NORMALIZE])


def train(data: tuple[Tensor, Tensor], *, steps: int = STEPS, lr: float = LR,
          decay: float = 0.0, dropout: float = 0.0, augment: int = 0,
          seed: int = 0) -> tuple[Networks, list[dict]]:
    """Return networks after STEPS updates and their parameters on the way."""
    images, labels = data  # (S, N, 1, 8, 8), (S, N)
    model = Networks(len(images), seed, dropout).to(images.device)
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=MOMENTUM,
                                weight_decay=decay)
    schedule = LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    generator = torch.Generator().manual_seed(seed)
    transform = transform_of(augment, torch.Generator().manual_seed(seed))
    rows = torch.arange(len(images))[:, None]  # (S, 1)
    history, size = [snapshot(model)], (len(images), BATCH_SIZE)
    model.train()
    for step in range(1, steps + 1):
        batch = torch.randint(labels.shape[1], size, generator=generator)
        x, y = transform(images[rows, batch]), labels[rows, batch]
        optimizer.zero_grad()
        losses(model(x), y).sum().backward()
        optimizer.step()
        schedule.step()
        if step % EVERY == 0 or step == steps:
            history.append(snapshot(model))
    return model, history


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the parameters of MODEL by name."""
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@torch.inference_mode()
def evaluate(model: Networks, state: dict[str, Tensor], images: Tensor,
             labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss (nats) and error rate of each network, (S,) and (S,)."""
    model.eval()
    logits = functional_call(model, state, NORMALIZE(images))
    wrong = logits.argmax(dim=2) != labels  # (S, N)
    return losses(logits, labels), wrong.float().mean(dim=1)


def stop_early(model: Networks, history: list[dict], splits: dict):
    """Return each network's parameters at its lowest dev loss, and curves.

    The curves are mean losses (nats) over the networks, every EVERY steps.
    """
    curves = {name: torch.stack([evaluate(model, state, *splits[name])[0]
                                 for state in history])  # (K, S)
              for name in ("train", "dev")}
    best = curves["dev"].argmin(dim=0)  # (S,)
    rows = torch.arange(len(best), device=best.device)
    state = {name: torch.stack([state[name] for state in history])[best, rows]
             for name in history[0]}
    result = {"stops": [EVERY * at for at in best.tolist()],
              "stop": EVERY * best.float().mean().item()}
    for name, curve in curves.items():
        result[f"{name}_curve"] = curve.mean(dim=1).tolist()
    return state, result


def attempt(splits: dict, *, steps: int, seed: int, stop: bool = False,
            **settings) -> dict:
    """Train in one way; return mean losses (nats) and error rates."""
    model, history = train(splits["train"], steps=steps, seed=seed,
                           **settings)
    state, result = history[-1], {}
    if stop:
        state, result = stop_early(model, history, splits)
    for name, split in splits.items():
        loss, error = evaluate(model, state, *split)
        result[name] = error.mean().item()
        result[f"{name}_loss"] = loss.mean().item()
        result[f"{name}_errors"] = error.tolist()
    return result


def compare(result: dict, plain: dict) -> None:
    """Add to RESULT its spread and its change against PLAIN, in points.

    A point is a percentage point of the test error.
    """
    errors = 100 * torch.tensor(result["test_errors"])  # (S,)
    change = errors - 100 * torch.tensor(plain["test_errors"])
    result["spread"] = errors.std().item()
    result["change"] = change.mean().item()
    result["change_error"] = change.std().item() / math.sqrt(len(change))


def plot_curves(plain: dict, together: dict, steps: int) -> Figure:
    """Draw the mean train and dev loss of two ways against the step."""
    figure, axes = new_figure(2, 3.2, sharey=True)
    titles = "no regularisation", "all four"
    for ax, result, title in zip(axes, (plain, together), titles):
        for name, colour, dash in ("train", GREY, "--"), ("dev", BLUE, "-"):
            curve = result[f"{name}_curve"]
            at = [min(i * EVERY, steps) for i in range(len(curve))]
            ax.plot(at, curve, dash, color=colour)
            ax.annotate(name, (at[-1], curve[-1]), (0, 7), ha="right",
                        color=colour, textcoords="offset points")
        stops = [-(-stop // EVERY) for stop in result["stops"]]
        ax.plot([at[i] for i in stops],
                [result["dev_curve"][i] / 1.35 for i in stops], "^",
                color=BLUE, alpha=0.6, markeredgewidth=0)
        ax.set(xlabel="step", yscale="log", ylim=(7e-4, 4), title=title)
        ax.minorticks_off()
    axes[0].set_yticks(ticks := [0.001, 0.01, 0.1, 1], labels=ticks)
    axes[0].set_ylabel("cross-entropy (nats)")
    return figure


def plot_changes(results: dict) -> Figure:
    """Draw the change of each network's test error, one row for each way."""
    figure, ax = new_figure(1, 3.2)
    rows = {"weight decay": "decay", "dropout": "dropout",
            "augmentation": "augment", "early stopping": "early",
            "all four": "all"}
    plain = torch.tensor(results["none"][0]["test_errors"])
    for row, (title, key) in enumerate(rows.items()):
        best = min(results[key], key=lambda result: result["dev_loss"])
        change = 100 * (torch.tensor(best["test_errors"]) - plain)
        height = torch.linspace(row - 0.25, row + 0.25, len(change))
        ax.plot(change, height, "o", color=BLUE, alpha=0.6, markersize=5,
                markeredgewidth=0)
        ax.plot([change.mean()] * 2, [row - 0.35, row + 0.35],
                color=ORANGE, linewidth=3)
    ax.axvline(0, color=GREY, linestyle=":")
    ax.set(xlabel="change of the test error (percentage points)",
           ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), labels=rows)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure


def experiments(splits: dict, *, steps: int, seed: int) -> dict:
    """Return the results of all WAYS, each a list, by name."""
    results = {name: [attempt(splits, steps=steps, seed=seed, **settings)
                      for settings in group]
               for name, group in WAYS.items()}
    for group in results.values():
        for result in group:
            compare(result, results["none"][0])
    return results


def main(argv: list[str] | None = None) -> int:
    """Train in every way, then write the figures and figs/notes.json."""
    args = command_line.parse("notes", __doc__, argv, steps=STEPS, seed=0)
    splits = draw(Digits(), Digits(train=False), args.seed, args.device)
    results = experiments(splits, steps=args.steps, seed=args.seed)
    (best,), (plain,) = results["all"], results["none"]
    if not all(math.isfinite(way[0]["train_loss"])
               for way in results.values()):
        raise command_line.RunError("training diverged; try another --seed")
    sizes = [p[0].numel() for p in Networks(1, 0).parameters()]
    kept = {name: best[name] for name in ("train", "dev", "test")}
    rival = {name: plain[name] for name in kept}
    command_line.save(args, results | kept | {
        "seed": args.seed, "steps": args.steps, "parameters": sum(sizes),
        "measure": f"error rate, {SIZE} images", "networks": NETWORKS,
        "size": SIZE, "baseline": {"name": "no regularisation"} | rival,
        "argmax": argmax_table(),
    }, {"notes": plot_argmax(), "notes_changes": plot_changes(results),
        "notes_curves": plot_curves(results["early"][0], best, args.steps)})
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
