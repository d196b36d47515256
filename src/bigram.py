# Generated from README.org by tangle.el; edit README.org instead.
"""One softmax layer: which letter follows which in a name."""

import argparse
import math
from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from common import checkpoint, options, results
from common.names import LONGEST, decode, encode, load, normalise, windows
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
    """Return each row of PAIRS over its sum; a row of zeros stays so."""
    return pairs / pairs.sum(1, keepdim=True).clamp(min=1)


def cross_entropy(logits: Tensor, f: Tensor) -> Tensor:
    """Return the mean loss (V,) of each row of LOGITS, for shares F (V, V)."""
    return F.cross_entropy(logits, f, reduction="none")


def absolute_error(logits: Tensor, f: Tensor) -> Tensor:
    """Return the mean of the poor loss (V,), likewise."""
    return 2 * (1 - (f * logits.softmax(1)).sum(1))


def train(model: Bigram, optimizer: torch.optim.Optimizer, pairs: Tensor,
          history: list, *, steps: int, criterion: Callable = cross_entropy,
          ) -> None:
    """Go on with training until HISTORY tells of STEPS steps.

    An entry is the cross-entropy before a step, whatever the CRITERION.
    """
    f, share = frequencies(pairs), pairs.sum(1) / pairs.sum()  # (V, V), (V,)
    tokens = torch.arange(len(pairs), device=pairs.device)
    for _ in range(len(history), steps):
        logits = model(tokens)  # (V, V): a row for every token
        loss = share @ criterion(logits, f)
        history.append((share @ cross_entropy(logits.detach(), f)).item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


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


def name_losses(model: Bigram, names: list[str], letters: str) -> Tensor:
    """Return the nats (N,) of each name, its letters and its end."""
    x, y = windows(names, letters, context=1)
    losses = -probabilities(model).log()[x[:, 0], y]
    name = (x[:, 0] == 0).cumsum(0) - 1  # a name begins after a boundary
    return losses.new_zeros(len(names)).index_add_(0, name, losses)


def print_names(args: argparse.Namespace) -> None:
    """Print names from the checkpoint that ARGS name."""
    content = checkpoint.load(args.checkpoint, "bigram")
    letters = content["about"]["letters"]
    model = Bigram(len(letters) + 1)
    checkpoint.restore(model, content, args.checkpoint)
    prefix = encode(normalise(args.prefix), letters)
    generator = torch.Generator().manual_seed(args.seed)
    for _ in range(args.sample):
        print(decode(sample(model, generator, prefix), letters))


def plot_tables(tables: dict[int, Tensor], letters: str) -> Figure:
    """Draw the probabilities (V, V) after each number of steps."""
    figure, axes = new_figure(len(tables), 2.5, squeeze=False)
    labels = ["start", *letters[:26]]
    for ax, (step, p) in zip(axes[0], tables.items()):
        shades = (10 * p[:27, :27].sqrt()).round()
        for shade in range(1, 11):
            row, column = (shades == shade).nonzero(as_tuple=True)
            ends = torch.stack([column - 0.5, column + 0.5,
                                column * math.nan], dim=1)
            ax.plot(ends.flatten(), row.repeat_interleave(3), color=BLUE,
                    alpha=shade / 10, linewidth=4.6, solid_capstyle="butt")
        at = [i for i, t in enumerate(labels) if t in ("start", *"eioqu")]
        ax.set_yticks(at, [labels[i] for i in at])
        ax.set_xticks(at, ["end", *(labels[i] for i in at[1:])])
        ax.set(aspect="equal", xlim=(-1, 27), ylim=(27, -1))
        ax.set_title(f"{step} steps")
        ax.tick_params(length=0, labelsize=8)
        ax.spines[:].set_visible(False)
    return figure


def plot_losses(curves: dict[str, list[float]], what: str,
                **axes) -> Figure:
    """Draw each of two CURVES by step; the first is the worse."""
    figure, ax = new_figure(height=2.7)
    for (words, values), colour, style in zip(
            curves.items(), (ORANGE, BLUE), ("--", "-")):
        ax.plot(range(1, len(values) + 1), values, style, color=colour)
        at = len(values) // 8
        ax.annotate(words, (at + 1, values[at]), (8, 5), color=colour,
                    textcoords="offset points")
    ax.set(xlabel="step", ylabel=what, **axes)
    ax.minorticks_off()
    return figure


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, spell: the program from the command line."""
    parser = options.parser("bigram", __doc__, steps=300, seed=1)
    options.add_names(parser)
    options.add_checkpoint(parser)
    parser.add_argument("--sample", type=int, metavar="N",
                        help="print N names from the checkpoint; no training")
    parser.add_argument("--prefix", default="", metavar="TEXT",
                        help="how every sampled name begins")
    args = options.read(parser, argv)
    if args.sample is not None:
        return print_names(args)
    # load data
    corpus = load(args.names, args.keep_duplicates)
    splits = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    counts = {key: count_pairs(names, corpus.letters)
              for key, names in splits.items()}
    pairs, v = counts["train"].to(args.device), corpus.vocabulary
    # create models; train the two that lose, then the one that is kept
    plain, worst, model = (Bigram(v).to(args.device) for _ in range(3))
    share = pairs.sum(1) / pairs.sum()
    descent = torch.optim.SGD(plain.parameters(), lr=2 / share.max().item())
    train(plain, descent, pairs, slow := [], steps=args.steps)
    train(worst, torch.optim.Adam(worst.parameters(), lr=LR), pairs,
          poor := [], steps=args.steps, criterion=absolute_error)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    history = {"losses": [], "tables": {}}
    about = {"letters": corpus.letters, "pairs": pairs.sum().item()}
    if args.resume:
        done = checkpoint.resume(args.checkpoint, "bigram", about,
                                 model=model, optimizer=optimizer,
                                 history=history)
        if done > args.steps:
            raise options.InputError(f"--steps {args.steps}: the run on disk "
                                     f"has {done} already")
    for step in *(step for step in SHOWN if step < args.steps), args.steps:
        train(model, optimizer, pairs, history["losses"], steps=step)
        history["tables"].setdefault(step, probabilities(model))
    checkpoint.save(args.checkpoint, "bigram", about, model=model,
                    optimizer=optimizer, history=history, step=args.steps)
    # evaluate, sample, view results
    bound = table_loss(frequencies(counts["train"]).double(), counts["train"])
    slow, poor, good = (
        [*losses, table_loss(probabilities(one), counts["train"])]
        for losses, one in ((slow, plain), (poor, worst),
                            (history["losses"], model)))
    p, plus_one = probabilities(model), counts["train"].double() + 1
    generator = torch.Generator().manual_seed(args.seed)
    names = [decode(sample(model, generator, []), corpus.letters)
             for _ in range(500)]
    known = set().union(*splits.values())
    results.save(args, {
        "measure": "nats per character", "steps": args.steps, "lr": LR,
        "parameters": v * v, "spread": SPREAD,
        **{key: table_loss(p, counts[key]) for key in counts},
        "baseline": {"name": "pairs, plus one"} | {
            key: table_loss(frequencies(plus_one), counts[key])
            for key in counts},
        "bound": bound, "zeros": int((counts["train"] == 0).sum()),
        "share": {"most": share.max().item(), "least": share.min().item()},
        "l1": {"cross_entropy": poor[-1],
               "largest": probabilities(worst).amax(1).mean().item(),
               "name": decode(sample(worst, generator, []), corpus.letters)},
        "names": names[:10],
        "new": sum(name not in known for name in names) / len(names),
    }, {"bigram": plot_tables(
            {step: history["tables"][step] for step in history["tables"]
             if step in (*SHOWN, args.steps)}, corpus.letters),
        "bigram_training": plot_losses(
            {"gradient descent": [loss - bound for loss in slow],
             "Adam": [loss - bound for loss in good]},
            "excess loss (nats)", xscale="log", yscale="log"),
        "bigram_l1": plot_losses(
            {"trained on differences": poor,
             "trained on cross-entropy": good},
            "cross-entropy (nats)", ylim=(0, None))})


if __name__ == "__main__":
    options.run(main)
