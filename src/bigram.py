# Generated from README.org by tangle.el; edit README.org instead.
"""One softmax layer: which letter follows which in a name."""

import math
import sys
from collections.abc import Callable, Iterator

import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

import checkpoint
import command_line
import names_corpus
import names_options
import ngram
from command_line import InputError
from figure_style import BLUE, GREY, INK, ORANGE, new_figure
from names_corpus import Corpus, windows


STEPS = 30
SMOOTHING = [2.0**e for e in range(-8, 4)]  # added to every count
LARGEST = 5000  # tokens: the layer has their square of weights
SHOWN = 27  # tokens in the figure
MANY = 1000  # names drawn at once


def softmax(logits: Tensor) -> Tensor:
    """Return the probabilities of LOGITS (..., V), a distribution a row."""
    powers = (logits - logits.amax(-1, keepdim=True)).exp()
    return powers / powers.sum(-1, keepdim=True)


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean of -ln p over the rows of LOGITS (N, V), y (N,)."""
    highest = logits.amax(1, keepdim=True)
    log_sum = highest[:, 0] + (logits - highest).exp().sum(1).log()
    return (log_sum - logits[torch.arange(len(y)), y]).mean()


def examples(names: list[str], letters: str) -> tuple[Tensor, Tensor]:
    """Return each letter x (N,) and the one after it, y (N,)."""
    x, y = windows(names, letters, context=1)
    return x[:, 0].long(), y


def learn_one_by_one(
    x: Tensor, y: Tensor, vocabulary: int, *, lr: float = 0.3
) -> Tensor:
    """Return w after one step of gradient descent for each example."""
    w = torch.zeros(vocabulary, vocabulary, requires_grad=True)
    for before, after in zip(x, y, strict=True):
        one_hot = F.one_hot(before, vocabulary).float()  # (V,)
        logits = one_hot @ w  # (V,)
        loss = -softmax(logits)[after].log()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None  # else the next backward() would add to it
    return w.detach()


def one_hot_step(w: Tensor, x: Tensor, y: Tensor, lr: float) -> Tensor:
    """Return w after a step on all one-hot rows x (N, V) at once."""
    w = w.detach().requires_grad_()
    cross_entropy(x @ w, y).backward()
    return w.detach() - lr * w.grad


def count_pairs(names: list[str], letters: str) -> Tensor:
    """Return how often letter i comes before letter j, (V, V)."""
    size = len(letters) + 1
    x, y = examples(names, letters)
    pairs = torch.bincount(x * size + y, minlength=size**2)
    return pairs.view(size, size).double()


def mean_loss(w: Tensor, pairs: Tensor) -> Tensor:
    """Return the cross-entropy of w over all PAIRS (V, V), in nats."""
    return -(pairs * F.log_softmax(w, dim=1)).sum() / pairs.sum()


def counts_step(w: Tensor, pairs: Tensor, lr: float) -> Tensor:
    """Return w after the same step, computed from the counts alone."""
    w = w.detach().requires_grad_()
    mean_loss(w, pairs).backward()
    return w.detach() - lr * w.grad


def frequencies(pairs: Tensor) -> Tensor:
    """Return each row of PAIRS over its sum; a row of zeros stays so."""
    return pairs / pairs.sum(1, keepdim=True).clamp(min=1e-30)


def table_loss(p: Tensor, pairs: Tensor) -> float:
    """Return the loss (nats) of the table of probabilities p on PAIRS."""
    return (-torch.xlogy(pairs, p).sum() / pairs.sum()).item()


def best_smoothing(train: Tensor, dev: Tensor) -> float:
    """Return the constant that, added to TRAIN, gives the least on DEV."""
    return min(SMOOTHING,
               key=lambda a: table_loss(frequencies(train + a), dev))


def wrong(w: Tensor, f: Tensor) -> Tensor:
    """Return the poor loss of each row (V,) of w, for shares f (V, V)."""
    return 2 * (1 - (f * softmax(w)).sum(1))


def surprise(w: Tensor, f: Tensor) -> Tensor:
    """Return the cross-entropy of each row (V,) of w, in nats."""
    return -(f * F.log_softmax(w, dim=1)).sum(1)


def descend(
    pairs: Tensor, loss: Callable, weight: Tensor, lr: float, steps: int
) -> tuple[Tensor, list[tuple[float, float]]]:
    """Return w and the mean of both losses after each step on PAIRS."""
    w, f = torch.zeros_like(pairs), frequencies(pairs)
    share, history = pairs.sum(1) / pairs.sum(), []
    for step in range(steps + 1):
        means = [(share * of(w, f)).sum().item() for of in (wrong, surprise)]
        history.append(tuple(means))
        if step < steps:
            w.requires_grad_()
            slope, = torch.autograd.grad((weight * loss(w, f)).sum(), w)
            w = w.detach() - lr * slope
    return w, history


def plot_l1(poor: list, good: list) -> Figure:
    """Draw both losses of a descent on the POOR loss and on the GOOD."""
    figure, axes = new_figure(2, 2.8)
    for ax, i, title in zip(axes, (0, 1), (
            "sum of |y − p|", "cross-entropy (nats)"), strict=True):
        steps = range(1, len(good) + 1)
        for history, words, colour, dash, at, shift in (
                (poor, "trained on |y − p|", ORANGE, "--", -700, (-8, 2)),
                (good, "trained on cross-entropy", BLUE, "-", -1, (0, -15))):
            values = [losses[i] for losses in history]
            ax.plot(steps, values, dash, color=colour)
            at = max(at, -len(values))
            if i:
                ax.annotate(words, (steps[at], values[at]), shift, ha="right",
                            color=colour, textcoords="offset points")
        ax.set_title(title)
        ax.set(xlabel="step + 1", xscale="log")
        ax.set_ylim(0, 1.1 * ax.dataLim.y1)
    return figure


class Bigram(nn.Module):
    """One linear layer: the logits of the letter after letter x."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(vocabulary, vocabulary))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, V) that follow the one-hot rows x (B, V)."""
        return x @ self.w


def train(
    pairs: Tensor, *, steps: int = STEPS, limit: float = 1.0
) -> tuple[Bigram, list[float]]:
    """Fit the layer to PAIRS (V, V); no logit moves more than LIMIT a step.

    Return it and its loss on PAIRS (nats) before and after each step.
    """
    model = Bigram(len(pairs)).to(pairs)  # the same device and type
    f = frequencies(pairs)
    history = [evaluate(model, pairs)]
    for _ in range(steps):
        model.zero_grad()
        loss = surprise(model.w, f).sum()
        loss.backward()
        with torch.no_grad():
            p = softmax(model.w).clamp(min=1e-30)
            model.w -= (model.w.grad / p).clamp(-limit, limit)
        history.append(evaluate(model, pairs))
    return model, history


@torch.no_grad()
def evaluate(model: Bigram, pairs: Tensor) -> float:
    """Return the loss of MODEL on PAIRS, in nats per character."""
    return mean_loss(model.w, pairs).item()


def plot_training(excess: dict[str, list[float]]) -> Figure:
    """Draw the EXCESS over the bound (nats) of each way to train."""
    figure, ax = new_figure(1, 3.2)
    for name, words, colour, dash, at, shift, side in (
            ("plain", "plain gradient", GREY, "--", 100, (2, 5), "left"),
            ("rows", "rows at their own pace", BLUE, "-.", 60, (-2, -15),
             "right"),
            ("newton", "Newton", INK, "-", 10, (6, 4), "left")):
        shown = [value for value in excess[name] if value > 1e-7]
        ax.plot(range(1, len(shown) + 1), shown, dash, color=colour)
        at = min(at, len(shown) - 1)
        ax.annotate(words, (at + 1, shown[at]), shift, color=colour, ha=side,
                    textcoords="offset points")
    ax.set(xlabel="step + 1", ylabel="excess loss (nats)",
           xscale="log", yscale="log", ylim=(1e-7, 5))
    ax.minorticks_off()
    return figure


def race(pairs: Tensor, steps: int) -> dict[str, list[float]]:
    """Return the loss (nats) on PAIRS after each step of three trainings."""
    share = pairs.sum(1) / pairs.sum()
    plain = descend(pairs, surprise, share, 2 / share.max().item(), steps)
    rows = descend(pairs, surprise, torch.ones_like(share), 2.0, steps)
    _, newton = train(pairs, steps=min(steps, STEPS))
    return {"plain": [losses[1] for losses in plain[1]],
            "rows": [losses[1] for losses in rows[1]], "newton": newton}


def draw_cells(ax, x: Tensor, y: Tensor, p: Tensor) -> None:
    """Draw a square at each x and y that is the denser the larger p."""
    colours = [to_rgba(BLUE, alpha) for alpha in p.sqrt().tolist()]
    ax.scatter(x, y, s=150, marker="s", c=colours, linewidths=0,
               clip_on=False)  # nothing to cut, and a smaller file


def tokens_shown(pairs: Tensor, letters: str) -> tuple[list[int], list[str]]:
    """Return the boundary and the most frequent letters, and their names."""
    order = pairs.sum(1)[1:].argsort(descending=True, stable=True) + 1
    shown = sorted(order[: SHOWN - 1].tolist())
    return [0, *shown], [letters[i - 1].replace(" ", "␣") for i in shown]


def plot_table(p: Tensor, pairs: Tensor, letters: str) -> Figure:
    """Draw the probability p (V, V) of each letter after each other."""
    tokens, names = tokens_shown(pairs, letters)
    p = p[tokens][:, tokens]
    figure, (ax, key) = new_figure(1, 6.9, rows=2, height_ratios=[30, 1])
    rows, columns = (p > 0.002).nonzero(as_tuple=True)
    places, edge = torch.arange(1.0 * len(tokens)), len(tokens) - 0.4
    places[0] = -0.6  # a gap between the boundary and the letters
    draw_cells(ax, places[columns], places[rows], p[rows, columns])
    ax.set_xticks(places, ["end", *names])
    ax.set_yticks(places, ["start", *names])
    ax.tick_params(length=0, labeltop=True)
    ax.set(xlabel="next letter", ylabel="letter", aspect="equal",
           xlim=(-1.2, edge), ylim=(edge, -1.2))
    levels = torch.tensor([0.01, 0.05, 0.2, 0.5, 1.0])
    at = torch.arange(5) * 4.0
    draw_cells(key, at, torch.zeros(5), levels)
    for place, level in zip(at.tolist(), levels.tolist(), strict=True):
        key.text(place + 0.6, 0, f"{level:.0%}", va="center")
    key.set(xlim=(-3, 23), ylim=(-1, 1))
    key.axis("off")
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure


@torch.no_grad()
def draw(
    model: Bigram, number: int, generator: torch.Generator, start: int = 0,
    longest: int = names_corpus.LONGEST,
) -> Tensor:
    """Draw NUMBER names after the token START, (NUMBER, T), 0 at the end."""
    w = model.w.cpu().clone()
    w[0, 0] = -torch.inf  # no name is empty
    p = softmax(w)
    letter, ended = torch.full((number,), start), torch.zeros(number).bool()
    columns = []
    while len(columns) < longest and not ended.all():
        letter = torch.multinomial(p[letter], 1, generator=generator)[:, 0]
        letter[ended] = 0
        ended = letter == 0
        columns.append(letter)
    return torch.stack(columns, dim=1)


def spell(
    model: Bigram, letters: str, number: int, seed: int, prefix: list[int],
) -> Iterator[str]:
    """Yield NUMBER names that begin with the tokens PREFIX."""
    generator = torch.Generator().manual_seed(seed)
    start = prefix[-1] if prefix else 0
    for first in range(0, number, MANY):
        rows = draw(model, min(MANY, number - first), generator, start)
        for row in rows.tolist():
            rest = [token for token in row if token]
            yield names_corpus.decode([*prefix, *rest], letters)


def print_names(args) -> int:
    """Print names from the checkpoint that ARGS name."""
    content = checkpoint.load(args.checkpoint, "bigram")
    model = checkpoint.restore(Bigram, content, args.checkpoint)
    letters = content["letters"]
    if len(model.w) != len(letters) + 1:
        raise InputError(f"--checkpoint {args.checkpoint}: its letters "
                         "do not fit its weights")
    prefix = names_options.prefix(args, letters)
    corpus = names_options.known_list(args, content["corpus"])
    for name in spell(model, letters, args.sample, args.seed, prefix):
        place = [corpus.places.get(name, "new")] if corpus else []
        print(name, *place, sep="\t")
    return 0


def affordable(most: int, size: int) -> int:
    """Return how many steps, at most MOST, to spend on SIZE tokens."""
    return max(10, min(most, 10**8 // size**2))


def settled(history: list[float], bound: float) -> int | None:
    """Return the first step less than 1e-4 nats above BOUND."""
    return next((step for step, loss in enumerate(history)
                 if loss - bound < 1e-4), None)


def without_smoothing(pairs: dict[str, Tensor]) -> tuple[dict, dict]:
    """Return results and a figure of training on the bare counts."""
    train_pairs, dev = pairs["train"], pairs["dev"]
    steps = affordable(1000, len(train_pairs))
    bound = table_loss(frequencies(train_pairs), train_pairs)
    runs = race(train_pairs, steps)
    excess = {name: [loss - bound for loss in losses]
              for name, losses in runs.items()}
    never = train_pairs == 0
    return {
        "unsmoothed": {"bound": bound, "zeros": never.sum().item(),
                       "unseen": (dev[never].sum() / dev.sum()).item(),
                       "settled": settled(runs["newton"], bound)},
        "race": {"steps": steps} | {name: losses[-1]
                                    for name, losses in excess.items()},
    }, {"bigram_training": plot_training(excess)}


def with_poor_loss(pairs: Tensor, letters: str) -> tuple[dict, dict]:
    """Return results and a figure of training on the poor loss."""
    steps, one = affordable(1000, len(pairs)), torch.ones(len(pairs)).double()
    w, poor = descend(pairs, wrong, one, 2.0, steps)
    _, good = descend(pairs, surprise, one, 2.0, steps)
    model = Bigram(len(pairs))
    model.load_state_dict({"w": w})
    row = draw(model, 1, torch.Generator().manual_seed(0), longest=20)
    tokens = [token for token in row[0].tolist() if token]
    return {"l1": {
        "l1": poor[-1][0], "cross_entropy": poor[-1][1],
        "largest": softmax(w).amax(1).mean().item(),
        "name": names_corpus.decode(tokens, letters),
    }}, {"bigram_l1": plot_l1(poor, good)}


def surest(p: Tensor, pairs: Tensor, letters: str) -> dict:
    """Return the letter of p (V, V) whose next letter is the surest."""
    names = ["", *letters]
    before = p.amax(1).argmax().item()
    after = p[before].argmax().item()
    return {"before": names[before], "after": names[after],
            "p": p[before, after].item(),
            "times": int(pairs[before].sum()),
            "followed": int(pairs[before, after])}


def sampled(model: Bigram, corpus: Corpus, seed: int) -> dict:
    """Return how many of MANY drawn names are new, and the first ten."""
    names = list(spell(model, corpus.letters, MANY, seed, []))
    where = [corpus.places.get(name, "new") for name in names]
    shown = zip(names[:10], where, strict=False)
    return {"new": where.count("new"),
            "names": [{"name": name, "where": place} for name, place in shown]}


def collect(args, corpus: Corpus, pairs: dict, model: Bigram) -> dict:
    """Return the losses of MODEL and of its rivals."""
    size = corpus.vocabulary
    share = pairs["train"].sum(1) / pairs["train"].sum()
    x, y = examples(corpus.train, corpus.letters)
    mixed = torch.Generator().manual_seed(args.seed)
    few = torch.randperm(len(x), generator=mixed)[: affordable(3000, size)]
    slow = learn_one_by_one(x[few], y[few], size).double()
    return {
        "seed": args.seed, "steps": args.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "measure": "nats per character",
        **{split: mean_loss(model.w.detach().cpu().double(), pairs[split])
           .item() for split in pairs},
        "baseline": {"name": "=ngram= with one letter",
                     **ngram.losses(corpus, 1)},
        "uniform": math.log(size),
        "pairs": len(x), "operations": {"one_hot": 4 * len(x) * size**2},
        "one_by_one": {"examples": len(few),
                       "train": mean_loss(slow, pairs["train"]).item()},
        "share": {"most": share.max().item(), "least": share.min().item()},
    }


def options(parser) -> None:
    """Add the options of this program."""
    names_options.add_corpus(parser)
    names_options.add_checkpoint(parser, "bigram")


def fit(args, corpus: Corpus, pairs: dict) -> tuple[Bigram, dict]:
    """Train with the best smoothing; write the checkpoint."""
    smoothing = best_smoothing(pairs["train"], pairs["dev"])
    smoothed = pairs["train"] + smoothing
    model, history = train(smoothed.float().to(args.device), steps=args.steps)
    if not math.isfinite(history[-1]):
        raise command_line.RunError("training diverged: the loss is no number")
    checkpoint.save(args.checkpoint, {
        "program": "bigram", "letters": corpus.letters,
        "sizes": {"vocabulary": corpus.vocabulary},
        "settings": {"steps": args.steps, "smoothing": smoothing},
        "corpus": corpus.sha256, "model": model.state_dict(),
    })
    bound = table_loss(frequencies(smoothed), smoothed)
    return model, {"smoothing": smoothing, "settled": settled(history, bound)}


def read(args) -> tuple[Corpus, dict[str, Tensor]]:
    """Return the list of names that ARGS ask for, and its pairs by split."""
    corpus = names_options.corpus(args)
    if corpus.vocabulary > LARGEST:
        raise InputError(f"--names {args.names}: {len(corpus.letters)} "
                         f"letters; this program takes {LARGEST - 1} at most")
    return corpus, {split: count_pairs(getattr(corpus, split), corpus.letters)
                    for split in ngram.SPLITS}


def slow_ways(pairs: dict[str, Tensor], letters: str) -> tuple[dict, dict]:
    """Return results and figures of training in other ways."""
    bare, race_figure = without_smoothing(pairs)
    poor, poor_figure = with_poor_loss(pairs["train"], letters)
    return bare | poor, race_figure | poor_figure


def main(argv: list[str] | None = None) -> int:
    """Train, then write three figures, the results and the checkpoint."""
    args = command_line.parse("bigram", __doc__, argv, steps=STEPS, seed=0,
                              more=options)
    if args.sample is not None:
        return print_names(args)
    checkpoint.check_place(args.checkpoint)
    corpus, pairs = read(args)
    others, figures = slow_ways(pairs, corpus.letters)
    model, fitted = fit(args, corpus, pairs)
    p = softmax(model.w.detach().cpu())
    results = collect(args, corpus, pairs, model) | fitted | others | {
        "surest": surest(p, pairs["train"], corpus.letters),
        "sample": sampled(model, corpus, args.seed)}
    figures["bigram"] = plot_table(p, pairs["train"], corpus.letters)
    command_line.save(args, results, figures)
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
