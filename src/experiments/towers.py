# Generated from README.org by tangle.el; edit README.org instead.
"""What do twenty equal layers do to a signal, and to its gradient?"""

from collections.abc import Callable
from functools import partial

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from common import names, options, results
from common.style import BLUE, GREY, INK, ORANGE, new_figure

CONTEXT, EMBEDDING, WIDTH, DEPTH = 8, 16, 64, 20


class Layer(nn.Module):
    """linear(f(norm(z))), added to z where RESIDUAL."""

    def __init__(self, f: Callable, normalise: bool, residual: bool):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH) if normalise else nn.Identity()
        self.f, self.residual = f, residual
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, z: Tensor) -> Tensor:
        """Turn (B, H) into (B, H)."""
        branch = self.linear(self.f(self.norm(z)))
        return z + branch if self.residual else branch


class Tower(nn.Module):
    """DEPTH layers between the embeddings of a window and the logits."""

    def __init__(self, vocabulary: int, f: Callable = torch.relu,
                 normalise: bool = False, residual: bool = False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, EMBEDDING)
        self.first = nn.Linear(CONTEXT * EMBEDDING, WIDTH)
        self.layers = nn.ModuleList(
            Layer(f, normalise, residual) for _ in range(DEPTH))
        self.output = nn.Linear(WIDTH, vocabulary)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits (B, V) after x (B, T), and every z, (B, H)."""
        z = [self.first(self.embedding(x).flatten(1))]
        for layer in self.layers:
            z.append(layer(z[-1]))
        return self.output(z[-1]), z


STARTS = {
    "normal": nn.init.normal_, "Glorot": nn.init.xavier_normal_,
    "He": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
    "zero": nn.init.zeros_,
}
KINDS = {  # of towers: what goes wrong, then what helps
    "normal": {"start": "normal"},
    "tanh": {"start": "normal", "f": torch.tanh},
    "default": {"start": "default"},
    "Glorot": {"start": "Glorot", "f": torch.tanh},
    "He": {"start": "He"},
    "normalised": {"start": "normal", "normalise": True},
    "residual": {"start": "zero", "normalise": True, "residual": True},
}


def build(vocabulary: int, kind: str, seed: int) -> Tower:
    """Return an untrained tower of this KIND."""
    switches = dict(KINDS[kind])
    start = switches.pop("start")
    with torch.random.fork_rng():  # reset_parameters takes no generator
        torch.manual_seed(seed)
        model = Tower(vocabulary, **switches)
        for layer in model.layers if start in STARTS else ():
            STARTS[start](layer.linear.weight)
            nn.init.zeros_(layer.linear.bias)
    return model


def measure(model: Tower, x: Tensor, y: Tensor) -> dict[str, list[float]]:
    """Return the statistics of each layer on the batch x (B, T), y (B,)."""
    logits, z = model(x)
    weights = [layer.linear.weight for layer in model.layers]
    gradients = torch.autograd.grad(F.cross_entropy(logits, y), weights)
    return {
        "signal": [layer.std().item() for layer in z[1:]],
        "variation": [layer.var(0).mean().sqrt().item() for layer in z[1:]],
        "gradient": [gradient.norm().item() for gradient in gradients],
    }


LOOKS = {
    "normal": ("ReLU, normal", ORANGE, "-"),
    "tanh": ("tanh, normal", INK, "--"),
    "default": ("ReLU, default", BLUE, "-."),
    "Glorot": ("tanh, Glorot", INK, "--"),
    "He": ("ReLU, He", BLUE, "-."),
    "normalised": ("+ layer norm", GREY, ":"),
    "residual": ("+ residual", ORANGE, "-"),
}


def draw(ax: Axes, found: dict, what: str, kinds: list[str]) -> None:
    """Draw one statistic of towers of these KINDS, each with its name."""
    ends = {kind: found[kind][what][-1] for kind in kinds}
    for kind in kinds:
        ax.semilogy(range(1, DEPTH + 1), found[kind][what], LOOKS[kind][2],
                    color=LOOKS[kind][1])
    low, high = ax.get_ylim()
    place = low
    for kind in sorted(ends, key=ends.get):
        place = max(ends[kind], place * (high / low) ** 0.09)  # no overlap
        ax.annotate(LOOKS[kind][0], (DEPTH, place), (5, -3),
                    color=LOOKS[kind][1], textcoords="offset points")


def plot_towers(found: dict) -> Figure:
    """Draw what twenty layers do, before the repairs and after."""
    figure, axes = new_figure(2, 5.6, rows=2, sharex=True)
    figure.get_layout_engine().set(hspace=0.08, wspace=0.08)
    kinds = list(LOOKS)
    for row, part in zip(axes, (kinds[:3], kinds[3:]), strict=True):
        for ax, what in zip(row, ("variation", "gradient"), strict=True):
            if part == kinds[3:]:
                ax.set_ylim(0.05, 20)
                ax.set_xlabel("layer")
            draw(ax, found, what, part)
            ax.set(xticks=[1, 5, 10, 15, 20], xlim=(1, DEPTH))
        row[0].set_title("variation between examples")
        row[1].set_title("norm of the gradient")
    return figure


def fit(model: Tower, train: tuple[Tensor, Tensor],
        dev: tuple[Tensor, Tensor], steps: int, seed: int) -> float:
    """Train MODEL for a few STEPS; return its loss on DEV."""
    (x, y), generator = train, torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.003, total_steps=max(steps, 20))
    for _ in range(steps):
        i = torch.randint(len(y), (256,), generator=generator)
        loss = F.cross_entropy(model(x[i])[0], y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.inference_mode():
        return F.cross_entropy(model(dev[0])[0], dev[1]).item()


def plot_block() -> Figure:
    """Draw a residual block: the signal's line, and the branch beside it."""
    figure, ax = new_figure(1, 1.4)
    look = {"arrowstyle": "->", "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.plot([0, 8], [0, 0], color=INK)
    ax.text(8.2, 0, "+", ha="center", va="center", size=14)
    ax.annotate("", (10, 0), (8.4, 0), arrowprops=look | {"color": INK})
    ax.plot([1.2, 1.2, 2.3], [0, 1.2, 1.2], color=BLUE)
    for at, label in (2.8, "norm"), (4.8, "f"), (6.8, "W"):
        ax.text(at, 1.2, label, ha="center", va="center", color=BLUE)
        ax.plot([at + 0.5, at + 1.4], [1.2, 1.2], color=BLUE)
    ax.annotate("", (8.2, 0.25), (8.2, 1.2), arrowprops=look | {"color": BLUE})
    ax.text(-0.2, 0, "$z_{l-1}$", ha="right", va="center")
    ax.text(10.2, 0, "$z_l$", va="center")
    ax.set(xlim=(-1.2, 11), ylim=(-0.4, 1.6))
    ax.set_axis_off()
    return figure


def plot_stack(steps: tuple[int, ...] = (1, 2, 4, 8)) -> Figure:
    """Draw which vectors the last prediction rests on; STEPS are dilations."""
    figure, ax = new_figure(1, 2.9)
    used = {sum(steps)}
    for level in range(len(steps), -1, -1):
        d = steps[level - 1] if level else 0
        for t in range(sum(steps) + 1):
            look = {"color": BLUE if t in used else GREY,
                    "alpha": 1 if t in used else 0.25}
            ax.plot(t, level, "o", markersize=4, **look)
            for place in {t, t - d} if level else ():
                if place >= 0:
                    ax.plot([place, t], [level - 1, level], lw=1.2, **look)
        used |= {t - d for t in used}
    ax.set_yticks(range(len(steps) + 1),
                  ["letters", *(f"dilation {d}" for d in steps)])
    ax.set_xticks([0, sum(steps)], [f"{sum(steps)} back", "now"])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


TRAINED = {"default": "plain", "He": "plain", "normalised": "+ layer norm",
           "residual": "+ layer norm, residual"}
SPREAD = 0.02  # of a mean of three, between other seeds


def main(argv: list[str] | None = None) -> None:
    """Measure every tower, train some, draw: from the command line."""
    parser = options.parser("towers", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    corpus = names.load()
    train, dev = (names.windows(part[:3000], corpus.letters, CONTEXT)
                  for part in (corpus.train, corpus.dev))
    found = {kind: measure(build(corpus.vocabulary, kind, args.seed),
                           *(part[:1024] for part in train))
             for kind in KINDS}
    rungs = []
    for kind, tower in TRAINED.items():
        dev_losses = [fit(build(corpus.vocabulary, kind, seed), train, dev,
                          args.steps, seed)
                      for seed in range(args.seed, args.seed + 3)]
        rungs.append({"tower": tower, "start": KINDS[kind]["start"],
                      "dev": sum(dev_losses) / 3,
                      "range": max(dev_losses) - min(dev_losses)})
    results.save(args, {"steps": args.steps, "rungs": rungs,
                        "spread": SPREAD},
                 {"towers": plot_towers(found), "towers_block": plot_block(),
                  "towers_stack": plot_stack()})


if __name__ == "__main__":
    options.run(main)
