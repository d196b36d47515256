# Generated from README.org by tangle.el; edit README.org instead.
"""One softmax layer: which letter follows which in a name."""

from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from common import checkpoint, options, results
from common.files import ROOT
from common.names import LONGEST, decode, encode, load, windows
from common.style import BLUE, ORANGE, new_figure

LR = 0.1  # of Adam: about how far a weight moves in a step


class Bigram(nn.Module):
    """A table of logits: row i scores each token that may follow i."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, vocabulary)
        nn.init.zeros_(self.table.weight)  # an even guess

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, V) of what follows the tokens x (B,)."""
        return self.table(x)


def count_pairs(names: list[str], letters: str) -> Tensor:
    """Return how often token i comes before token j, (V, V)."""
    x, y = windows(names, letters, context=1)
    v = len(letters) + 1
    return torch.bincount(x[:, 0] * v + y, minlength=v * v).view(v, v).float()


def frequencies(pairs: Tensor) -> Tensor:
    """Return each row of PAIRS over its sum, if it is not zero."""
    return pairs / pairs.sum(1, keepdim=True).clamp(min=1)


def cross_entropy(logits: Tensor, f: Tensor) -> Tensor:
    """Return the mean loss (V,) of each row of LOGITS, for shares F (V, V)."""
    return F.cross_entropy(logits, f, reduction="none")


def absolute_error(logits: Tensor, f: Tensor) -> Tensor:
    """Return the mean of the poor loss (V,), likewise."""
    return 2 * (1 - (f * logits.softmax(1)).sum(1))


def train(model: Bigram, optimizer: torch.optim.Optimizer, pairs: Tensor,
          steps: int, criterion: Callable = cross_entropy) -> list[float]:
    """Update MODEL; return the cross-entropy before each of STEPS steps."""
    f, share = frequencies(pairs), pairs.sum(1) / pairs.sum()  # (V, V), (V,)
    tokens = torch.arange(len(pairs), device=pairs.device)
    losses = []
    for _ in range(steps):
        logits = model(tokens)  # (V, V): a row for every token
        loss = share @ criterion(logits, f)
        losses.append((share @ cross_entropy(logits.detach(), f)).item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def probabilities(model: Bigram) -> Tensor:
    """Return the table of MODEL (V, V), on the CPU, in 64 bits."""
    return model.table.weight.detach().cpu().double().softmax(1)


def table_loss(p: Tensor, pairs: Tensor) -> float:
    """Return the nats per character of the table P on PAIRS (V, V)."""
    return -(torch.xlogy(pairs, p).sum() / pairs.sum()).item()


def sample(model: Bigram, generator: torch.Generator,
           prefix: list[int]) -> list[int]:
    """Return the tokens of a name that begins with PREFIX."""
    p, tokens = probabilities(model), [0, *prefix]
    while len(tokens) <= LONGEST:
        token = int(torch.multinomial(p[tokens[-1]], 1, generator=generator))
        if token == 0:
            break
        tokens.append(token)
    return tokens[1:]


SPREAD = 1e-5  # of the losses: no step is random; processors round otherwise
SHOWN = 10, 30  # steps whose tables are drawn, with the last


def plot_tables(tables: dict[int, Tensor], letters: str) -> Figure:
    """Draw the probabilities (V, V) after each number of steps."""
    figure, axes = new_figure(len(tables), 2.5, squeeze=False)
    blues = LinearSegmentedColormap.from_list("", [BLUE + "00", BLUE], 11)
    shown = {letters.find(letter) + 1: letter for letter in "eioqu"}
    for ax, (step, p) in zip(axes[0], tables.items()):
        ax.imshow(p[:27, :27].sqrt().numpy(), blues, vmin=0, vmax=0.7,
                  interpolation="none")
        ax.set_xticks(list(shown | {0: ""}), (shown | {0: "end"}).values())
        ax.set_yticks(list(shown | {0: ""}), (shown | {0: "start"}).values())
        ax.set_title(f"{step} steps")
        ax.tick_params(length=0, labelsize=8)
        ax.spines[:].set_visible(False)
    return figure


def plot_excess(curves: dict[str, list[float]]) -> Figure:
    """Draw how far each of two CURVES is above the bound; the worse first."""
    figure, ax = new_figure(height=2.7)
    for (words, values), colour, style in zip(
            curves.items(), (ORANGE, BLUE), ("--", "-")):
        ax.loglog(range(1, len(values) + 1), values, style, color=colour)
        at = len(values) // 8
        ax.annotate(words, (at + 1, values[at]), (8, 5), color=colour,
                    textcoords="offset points")
    ax.set(xlabel="step", ylabel="excess loss (nats)")
    ax.minorticks_off()
    return figure


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, view; or spell from the model on disk."""
    parser = options.parser("bigram", __doc__, steps=300, seed=1)
    options.add_names(parser)
    add = parser.add_argument
    add("--checkpoint", type=Path, metavar="FILE",
        default=ROOT / "build/bigram.pt", help="the model on disk")
    add("--sample", type=int, metavar="N",
        help="print N names from it; no training")
    add("--prefix", default="", metavar="TEXT",
        help="how every sampled name begins")
    args = options.read(parser, argv)
    if args.sample is not None:
        content = checkpoint.load(args.checkpoint, "bigram")
        letters = content["about"]["letters"]
        model = Bigram(len(letters) + 1)
        checkpoint.restore(model, content, args.checkpoint)
        prefix = encode(args.prefix, letters)
        generator = torch.Generator().manual_seed(args.seed)
        for _ in range(args.sample):
            print(decode(sample(model, generator, prefix), letters))
        return
    corpus = load(args.names, args.keep_duplicates)
    counts = {split: count_pairs(getattr(corpus, split), corpus.letters)
              for split in ("train", "dev", "test")}
    pairs = counts["train"].to(args.device)
    share = pairs.sum(1) / pairs.sum()
    model, plain = (Bigram(corpus.vocabulary).to(args.device) for _ in "12")
    adam = torch.optim.Adam(model.parameters(), lr=LR)
    descent = torch.optim.SGD(plain.parameters(), lr=2 / share.max().item())
    fast, tables = [], {}
    for step in *(step for step in SHOWN if step < args.steps), args.steps:
        fast += train(model, adam, pairs, step - len(fast))
        tables[step] = probabilities(model)
    slow = train(plain, descent, pairs, args.steps)
    checkpoint.save(args.checkpoint, "bigram", {"letters": corpus.letters},
                    model=model)
    losses = {split: table_loss(tables[args.steps], counts[split])
              for split in counts}
    bound = table_loss(frequencies(pairs).cpu().double(), counts["train"])
    fast.append(losses["train"])
    slow.append(table_loss(probabilities(plain), counts["train"]))
    results.save(args, losses | {
        "measure": "nats per character", "steps": args.steps,
        "parameters": len(pairs) ** 2, "spread": SPREAD,
        "zeros": int((pairs == 0).sum()),
        "share": {"most": share.max().item(), "least": share.min().item()},
    }, {"bigram": plot_tables(tables, corpus.letters),
        "bigram_training": plot_excess({
            "gradient descent": [loss - bound for loss in slow],
            "Adam": [loss - bound for loss in fast]})})


if __name__ == "__main__":
    options.run(main)
