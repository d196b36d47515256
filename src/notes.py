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
    for k, (formula, at, colour, left, right) in enumerate((
            ("$z_0 = -x$", (-4, 4.7), BLUE, -6, -1),
            ("$z_1 = 1$", (4.8, 1.4), INK, -1, 2),
            ("$z_2 = x - 1$", (2.9, 4.1), ORANGE, 2, 6))):
        ax.plot(x, z[:, k], color=colour)
        ax.text(*at, formula, color=colour)
        ax.plot([left, right], [-7.8, -7.8], color=colour, linewidth=3)
        ax.text((left + right) / 2, -7, f"class {k}", ha="center")
    ax.vlines([-1, 2], -7.8, 1, color=GREY, linestyle=":")
    ax.plot([-5, 1, 4], [5, 1, 3], "o", color=INK)
    ax.set(xlabel="x", ylabel="score", xticks=[-5, -1, 1, 2, 4],
           yticks=[-6, 0, 1, 6])
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
        """Return images (..., 1, H, W), each changed by its own draw."""
        batch = image.reshape(-1, *image.shape[-3:])  # (B, 1, H, W)
        random = torch.rand(len(batch), 4, generator=self.generator)
        angle, zoom, right, down = ((2 * random - 1) * self.limits).T
        cos, sin = (1 + zoom) * angle.cos(), (1 + zoom) * angle.sin()
        theta = torch.stack([cos, -sin, right, sin, cos, down], dim=1)
        grid = F.affine_grid(theta.view(-1, 2, 3).to(batch.device),
                             list(batch.shape), align_corners=False)
        moved = F.grid_sample(batch, grid, align_corners=False)
        return moved.view(image.shape)


NETWORKS, SIZE, DEV_SIZE = 100, 100, 300  # images of each network
HIDDEN, BATCH_SIZE, LR, MOMENTUM = 64, 32, 0.1, 0.9
EVERY = 10  # steps from one entry of the history to the next
NORMALIZE = Normalize(0.3, 0.38)  # of the pixels of the first half
SPREAD = 0.002  # of the mean error rates: five draws of networks
Split = tuple[Tensor, Tensor]  # images (S, N, 1, 8, 8), labels (S, N)


def draw(seed: int, device: torch.device | str = "cpu") -> dict[str, Split]:
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
    """Return logits (S, N, 10) of images (S, N, 1, 8, 8).

    MODEL says how to compute, STATE has the parameters of S networks.
    """
    def one(state: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(model, state, (x,))

    return vmap(one, randomness="different")(state, x)


def losses(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy (nats) of each network, (S,)."""
    each = F.cross_entropy(logits.transpose(1, 2), y, reduction="none")
    return each.mean(dim=1)  # (S, N) to (S,)


def train(data: Split, *, steps: int, seed: int = 0, lr: float = LR,
          decay: float = 0.0, dropout: float = 0.0, augment: int = 0,
          ) -> tuple[nn.Module, list[dict[str, Tensor]]]:
    """Return the model, and copies of the parameters (S, ...) on the way."""
    images, labels = data
    rows = torch.arange(len(images))[:, None]  # (S, 1)
    generator = torch.Generator().manual_seed(seed)  # of the batches
    affine = RandomAffine(6 * augment, 0.04 * augment, 0.05 * augment,
                          torch.Generator().manual_seed(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the initial weights and of dropout
        model = network(dropout).to(images.device)
        state, _ = stack_module_state(
            [network().to(images.device) for _ in images])
        optimizer = torch.optim.SGD(state.values(), lr, momentum=MOMENTUM,
                                    weight_decay=decay)
        schedule = LinearLR(optimizer, 1.0, 0.0, max(1, steps))
        history = [snapshot(state)]
        model.train()
        for step in range(1, steps + 1):
            batch = torch.randint(labels.shape[1], (len(rows), BATCH_SIZE),
                                  generator=generator)
            x, y = images[rows, batch], labels[rows, batch]
            x = NORMALIZE(affine(x) if augment else x)
            loss = losses(forward(model, state, x), y).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % EVERY == 0 or step == steps:
                history.append(snapshot(state))
    return model, history


def snapshot(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return copies: the optimiser goes on writing into STATE."""
    return {name: p.detach().clone() for name, p in state.items()}


@torch.inference_mode()
def evaluate(model: nn.Module, state: dict[str, Tensor], images: Tensor,
             labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss (nats) and error rate of each network, (S,) and (S,)."""
    model.eval()
    logits = forward(model, state, NORMALIZE(images))
    wrong = logits.argmax(dim=2) != labels  # (S, N)
    return losses(logits, labels), wrong.float().mean(dim=1)


def stop_early(model: nn.Module, history: list[dict],
               dev: Split) -> tuple[dict[str, Tensor], Tensor]:
    """Return each network's parameters at its lowest dev loss, and where."""
    curves = torch.stack([evaluate(model, state, *dev)[0]
                          for state in history])  # (K, S)
    best = curves.argmin(dim=0)  # (S,)
    rows = torch.arange(len(best), device=best.device)
    return {name: torch.stack([state[name] for state in history])[best, rows]
            for name in history[0]}, best


def attempt(splits: dict[str, Split], *, stop: bool = False,
            **settings) -> dict:
    """Train in one way; return losses and error rates, (S,), by split."""
    model, history = train(splits["train"], **settings)
    state, best = stop_early(model, history, splits["dev"])
    if not stop:
        state = history[-1]
    return {"stop": EVERY * best.float().mean().item()} | {
        name: evaluate(model, state, *split)
        for name, split in splits.items()}


WAYS = [
    ("none", "", {}),
    *[("weight decay", x, {"decay": float(x)}) for x in ("1e-3", "1e-2",
                                                         "1e-1")],
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
    found = {(method, strength): attempt(
        splits, steps=args.steps, seed=args.seed, **settings)
        for method, strength, settings in WAYS}
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
        "stop": found["early stopping", ""]["stop"]},
        {"notes": plot_argmax()})


if __name__ == "__main__":
    options.run(main)
