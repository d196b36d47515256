# Generated from README.org by tangle.el; edit README.org instead.
"""What do twenty equal layers do to a signal, and to its gradient?"""

from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from common import names, options, results
from common.style import BLUE, GREY, INK, ORANGE, new_figure

CONTEXT, EMBEDDING, WIDTH, DEPTH = 8, 16, 64, 20


class Layer(nn.Module):
    """linear(relu(norm(z))), added to z where RESIDUAL."""

    def __init__(self, normalise: bool, residual: bool):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH) if normalise else nn.Identity()
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.residual = residual

    def forward(self, z: Tensor) -> Tensor:
        """Turn (B, H) into (B, H)."""
        branch = self.linear(torch.relu(self.norm(z)))
        return z + branch if self.residual else branch


class Tower(nn.Module):
    """DEPTH layers between the embeddings of a window and the logits."""

    def __init__(self, vocabulary: int, normalise: bool, residual: bool):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, EMBEDDING)
        self.first = nn.Linear(CONTEXT * EMBEDDING, WIDTH)
        self.layers = nn.ModuleList(
            Layer(normalise, residual) for _ in range(DEPTH))
        self.output = nn.Linear(WIDTH, vocabulary)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits (B, V) after x (B, T), and every z, (B, H)."""
        z = [self.first(self.embedding(x).flatten(1))]
        for layer in self.layers:
            z.append(layer(z[-1]))
        return self.output(z[-1]), z


KINDS = {  # how the matrices start, and whether normalised and residual
    "normal": (nn.init.normal_, False, False),
    "default": (None, False, False),
    "He": (partial(nn.init.kaiming_normal_, nonlinearity="relu"),
           False, False),
    "normalised": (nn.init.normal_, True, False),
    "residual": (nn.init.zeros_, True, True),
}


def build(vocabulary: int, kind: str, seed: int) -> Tower:
    """Return an untrained tower of this KIND."""
    start, *switches = KINDS[kind]
    with torch.random.fork_rng([]):  # reset_parameters takes no generator
        torch.manual_seed(seed)
        model = Tower(vocabulary, *switches)
        if start:
            for layer in model.layers:
                start(layer.linear.weight)
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


def survey(corpus: names.Corpus, seed: int) -> dict[str, dict]:
    """Return the statistics of a tower of each kind, on 150 names."""
    x, y = names.windows(corpus.train[:150], corpus.letters, CONTEXT)
    return {kind: measure(build(corpus.vocabulary, kind, seed), x, y)
            for kind in KINDS}


LOOKS = {  # colour, dash, and by how many points the label is moved
    "normal": (ORANGE, "-", -3), "default": (BLUE, "-.", -3),
    "He": (BLUE, "-.", -10), "normalised": (GREY, ":", 4),
    "residual": (ORANGE, "-", -3)}


def plot_towers(found: dict) -> Figure:
    """Draw what twenty layers do, before the repairs and after."""
    figure, axes = new_figure(2, 5, rows=2, sharex=True)
    kinds = list(LOOKS)
    for row, part in zip(axes, (kinds[:2], kinds[2:]), strict=True):
        for ax, what in zip(row, ("variation", "gradient"), strict=True):
            for kind in part:
                colour, dash, shift = LOOKS[kind]
                size = found[kind][what]
                ax.semilogy(range(1, DEPTH + 1), size, dash, color=colour)
                ax.annotate(kind, (DEPTH, size[-1]), (5, shift), color=colour,
                            textcoords="offset points")
    axes[0, 0].set_title("variation between examples")
    axes[0, 1].set_title("norm of the gradient")
    for ax in axes[1]:
        ax.set(xlabel="layer", xticks=[1, 5, 10, 15, 20], ylim=(0.05, 20))
    return figure


def plot_block() -> Figure:
    """Draw a residual block: the signal's line, and the branch beside it."""
    figure, ax = new_figure(1, 1.4)
    ax.plot([0, 10], [0, 0], ">-", color=INK, markevery=[1])
    ax.plot([1.2, 1.2, 8, 8], [0, 1, 1, 0.1], "v-", color=BLUE, markevery=[3])
    ax.plot([2.6, 4.6, 6.6], [1, 1, 1], "o", color=BLUE)
    for x, y, label in ((-0.4, 0, "$z_{l-1}$"), (10.5, 0, "$z_l$"),
                        (2.6, 1.3, "norm"), (4.6, 1.3, "f"),
                        (6.6, 1.3, "W"), (8.3, 0.35, "+")):
        ax.text(x, y, label, ha="center", va="center")
    ax.set(xlim=(-1, 11), ylim=(-0.4, 1.6))
    ax.set_axis_off()
    return figure


def main(argv: list[str] | None = None) -> None:
    """Measure every tower, and draw."""
    args = options.read(options.parser("towers", __doc__, steps=0, seed=0),
                        argv)
    found = survey(names.load(), args.seed)
    results.save(args, {}, {"towers": plot_towers(found),
                            "towers_block": plot_block()})


if __name__ == "__main__":
    options.run(main)
