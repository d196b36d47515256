# Generated from README.org by tangle.el; edit README.org instead.
"""Notes that run: argmax, digits as a dataset, regularisation."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.optim.lr_scheduler import LinearLR
from torch.utils.data import Dataset

from common import digits, options, results
from common.pixels import warp
from common.style import BLUE, GREY, INK, ORANGE, new_figure


def scores(x: Tensor) -> Tensor:
    """Return the scores -x, 1 and x - 1 of each x, in a last dimension."""
    return torch.stack([-x, torch.ones_like(x), x - 1], dim=-1)  # (..., 3)


def plot_argmax() -> Figure:
    """Draw the three scores, the largest of them, and the regions."""
    figure, ax = new_figure()
    x = torch.linspace(-6, 6, 13)  # straight lines with corners at integers
    z = scores(x)  # (13, 3)
    ax.plot(x, z.amax(dim=1), color=GREY, alpha=0.35, linewidth=7)
    for k, (formula, at, colour, middle) in enumerate((
            ("$z_0 = -x$", (-4, 4.7), BLUE, -3.5),
            ("$z_1 = 1$", (4.8, 1.4), INK, 0.5),
            ("$z_2 = x - 1$", (2.9, 4.1), ORANGE, 4))):
        ax.plot(x, z[:, k], color=colour)
        ax.text(*at, formula, color=colour)
        ax.text(middle, -7.6, f"class {k}", color=colour, ha="center")
    ax.vlines([-1, 2], -8, 1, color=GREY, linestyle=":")

    ax.plot([-5, 1, 4], [5, 1, 3], "o", color=INK)
    ax.set(xlabel="x", ylabel="score", xticks=[-5, -1, 1, 2, 4],
           yticks=[-6, 0, 1, 6])
    return figure


class Digits(Dataset):
    """The 8x8 digits in the protocol of the datasets of torchvision."""

    def __init__(self, root: str | Path = digits.DIGITS.parent,
                 train: bool = True, transform: Callable | None = None):
        halves = digits.split(*digits.load(Path(root) / digits.DIGITS.name))
        self.images, self.labels = halves[0 if train else 1]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple:
        image, label = self.images[index], self.labels[index].item()
        if self.transform:
            image = self.transform(image)
        return image, label


class RandomAffine:
    """Turn by up to DEGREES; shift and zoom by up to a share of the side."""

    def __init__(self, degrees: float, translate: float, scale: float,
                 generator: torch.Generator):
        self.limits = torch.tensor([math.radians(degrees), scale,
                                    2 * translate, 2 * translate])
        self.generator = generator

    def __call__(self, image: Tensor) -> Tensor:
        """Return images (..., 1, H, W), each changed by its own draw."""
        batch = image.reshape(-1, *image.shape[-3:])  # (B, 1, H, W)
        random = torch.rand(len(batch), 4, generator=self.generator)
        angle, zoom, right, down = ((2 * random - 1) * self.limits).T
        cos, sin = (1 + zoom) * angle.cos(), (1 + zoom) * angle.sin()
        maps = torch.stack([cos, -sin, right, sin, cos, down], dim=1)
        return warp(batch, maps.view(-1, 2, 3)).view(image.shape)


NETWORKS, SIZE, DEV_SIZE = 100, 100, 300  # images of each network
HIDDEN, BATCH_SIZE, LR, MOMENTUM = 64, 32, 0.1, 0.9
EVERY = 10  # steps from one look at dev to the next
MEAN, STD = 0.3, 0.38  # of the pixels of the first half
SPREAD = 0.002  # of the mean error rates: five draws of networks
Split = tuple[Tensor, Tensor]  # images (S, N, 1, 8, 8), labels (S, N)


def draw(seed: int, device: str) -> dict[str, Split]:
    """Return train, dev and test of each of S networks."""
    data, test = Digits(), Digits(train=False)
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(len(data), generator=generator)
                         for _ in range(NETWORKS)])  # (S, N)
    own, held = order[:, :SIZE], order[:, SIZE:SIZE + DEV_SIZE]
    splits = {"train": (data.images[own], data.labels[own]),
              "dev": (data.images[held], data.labels[held]),
              "test": (test.images.expand(NETWORKS, -1, -1, -1, -1),
                       test.labels.expand(NETWORKS, -1))}
    return {name: (x.to(device), y.to(device))
            for name, (x, y) in splits.items()}


def network(dropout: float = 0.0) -> nn.Sequential:
    """Return an untrained network: images (N, 1, 8, 8) to logits (N, 10)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, HIDDEN), nn.ReLU(),
                         nn.Dropout(dropout), nn.Linear(HIDDEN, 10))


def forward(model: nn.Module, state: dict[str, Tensor],
            x: Tensor) -> Tensor:
    """Return logits (S, N, 10) of images x, by MODEL with each of STATE."""
    each = vmap(lambda own, x: functional_call(model, own, (x,)),
                randomness="different")  # of dropout
    return each(state, x)


def losses(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy (nats) of each network, (S,)."""
    each = F.cross_entropy(logits.transpose(1, 2), y, reduction="none")
    return each.mean(dim=1)  # (S, N) to (S,)


@torch.inference_mode()
def evaluate(model: nn.Module, state: dict[str, Tensor], images: Tensor,
             labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss (nats) and error rate of each network, (S,) and (S,)."""
    logits = forward(model.eval(), state, (images - MEAN) / STD)
    wrong = logits.argmax(dim=2) != labels  # (S, N)
    return losses(logits, labels), wrong.float().mean(dim=1)


@torch.no_grad()
def keep_best(best: dict[str, Tensor], model: nn.Module,
              state: dict[str, Tensor], dev: Split, step: int) -> None:
    """Copy into BEST what of STATE has a lower loss, network by network."""
    loss, _ = evaluate(model, state, *dev)
    better = loss < best["loss"]  # (S,)
    now = state | {"loss": loss, "step": torch.full_like(loss, step)}
    for name, values in now.items():
        best[name][better] = values[better]


def train(splits: dict[str, Split], *, steps: int, seed: int = 0,
          decay: float = 0.0, dropout: float = 0.0, augment: int = 0,
          stop: bool = False) -> tuple[nn.Module, dict[str, Tensor], Tensor]:
    """Return the model, its parameters (S, ...), and of which steps (S,)."""
    images, labels = splits["train"]
    rows = torch.arange(len(images))[:, None]  # (S, 1)
    generator = torch.Generator().manual_seed(seed)  # of the batches
    affine = RandomAffine(6 * augment, 0.04 * augment, 0.05 * augment,
                          torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)  # the initial weights, and dropout
    device = images.device
    model = network(dropout).to(device)
    state, _ = stack_module_state([network().to(device) for _ in images])
    best = {name: p.detach().clone() for name, p in state.items()}
    best["loss"] = torch.full(labels.shape[:1], math.inf, device=device)
    best["step"] = torch.zeros_like(best["loss"])
    optimizer = torch.optim.SGD(state.values(), LR, momentum=MOMENTUM,
                                weight_decay=decay)
    schedule = LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    for step in range(1, steps + 1):
        batch = torch.randint(labels.shape[1], (len(rows), BATCH_SIZE),
                              generator=generator)
        x, y = images[rows, batch], labels[rows, batch]
        x = affine(x) if augment else x
        logits = forward(model.train(), state, (x - MEAN) / STD)
        optimizer.zero_grad()
        losses(logits, y).sum().backward()
        optimizer.step()
        schedule.step()
        if stop and step % EVERY == 0:
            keep_best(best, model, state, splits["dev"], step)
    kept = best if stop else state
    return model, {name: kept[name].detach() for name in state}, best["step"]


WAYS = [
    ("none", "", {}),
    *[("weight decay", x, {"decay": float(x)})
      for x in ("1e-3", "1e-2", "1e-1")],

    *[("dropout", f"{x}", {"dropout": x}) for x in (0.1, 0.3, 0.8)],
    *[("augmentation", f"{x}", {"augment": x}) for x in (1, 2, 4)],
    ("early stopping", "", {"stop": True}),
    ("all four", "", {"decay": 0.01, "dropout": 0.3, "augment": 2,
                      "stop": True}),
]


def row(method: str, strength: str, found: dict, plain: dict) -> dict:
    """Return means over the networks; errors in % against those of PLAIN."""
    change = 100 * (found["test"][1] - plain["test"][1])  # (S,)
    return {"method": method, "strength": strength,
            "dev_loss": found["dev"][0].mean().item(),
            "test_loss": found["test"][0].mean().item(),
            "test_error": found["test"][1].mean().item(),
            "change": change.mean().item(),
            "std_error": (change.std() / len(change)**0.5).item()}


def main(argv: list[str] | None = None) -> None:
    """Train networks in every way; write the figure and the results."""
    args = options.read(options.parser("notes", __doc__, steps=200, seed=0),
                        argv)
    splits = draw(args.seed, args.device)
    found = {}
    for method, strength, settings in WAYS:
        model, state, step = train(splits, steps=args.steps, seed=args.seed,
                                   **settings)
        found[method, strength] = {"step": step.mean().item()} | {
            name: evaluate(model, state, *splits[name]) for name in splits}
    plain, together = found["none", ""], found["all four", ""]
    rows = [row(*way, found[way], plain) for way in found]
    best, rival = ({name: way[name][1].mean().item() for name in splits}
                   for way in (together, plain))
    results.save(args, {
        "measure": f"error rate, {SIZE} images", "steps": args.steps,
        "parameters": sum(p.numel() for p in network().parameters()),
        **best, "spread": SPREAD, "networks": NETWORKS, "ways": rows,
        "baseline": {"name": "no regularisation"} | rival,
        "deviation": 100 * plain["test"][1].std().item(),
        "stop": found["early stopping", ""]["step"]},


        {"notes": plot_argmax()})


if __name__ == "__main__":
    options.run(main)
