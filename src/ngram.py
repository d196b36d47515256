# Generated from README.org by tangle.el; edit README.org instead.
"""Letters counted: the interpolated Kneser-Ney model of names.

Counting takes no steps and draws no random numbers, so --steps, --seed
and --device change nothing.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from matplotlib.figure import Figure
from torch import Tensor

import command_line
import names_options
from figure_style import BLUE, GREY, INK, ORANGE, fade, new_figure
from names_corpus import Corpus, windows


LONGEST = 6  # letters of context
GRID = [step / 20 for step in range(1, 21)]  # discounts 0.05 to 1
CHUNK = 2**14  # examples whose probabilities are computed at once

SPLITS = "train", "dev", "test"
Examples = tuple[Tensor, Tensor, Tensor]  # x (M, T), y (M,), counts n (M,)


def distinct(names: list[str], letters: str, context: int) -> Examples:
    """Return the distinct examples of NAMES and how often each occurs."""
    x, y = windows(names, letters, context)
    size = len(letters) + 1
    key, keys = y, size  # every key is less than keys
    for column in x.unbind(1):
        if keys > 2**63 // size:
            key = torch.unique(key, return_inverse=True)[1]
            keys = len(key)
        key, keys = key * size + column, keys * size
    _, place, n = torch.unique(key, return_inverse=True, return_counts=True)
    example = torch.empty_like(n)
    example[place] = torch.arange(len(place))  # one for each key
    return x[example], y[example], n


@dataclass
class Order:
    """What was counted with contexts of one length.

    Contexts and grams (a context and the letter after it) are sorted keys.
    The last entry of every count is a zero: index -1 is for the unseen.
    """

    contexts: Tensor
    grams: Tensor
    owner: Tensor  # the place of a gram's context
    count: Tensor  # how often a gram occurs
    total: Tensor  # the sum of count over a context's grams
    kinds: Tensor  # how many letters occur in front of a gram
    total_kinds: Tensor  # the sum of kinds over a context's grams
    followers: Tensor  # how many letters occur after a context


def add(index: Tensor, size: int, numbers: Tensor) -> Tensor:
    """Return SIZE sums of NUMBERS, one for each INDEX, and a last zero."""
    sums = torch.zeros(size + 1, dtype=torch.float64)
    return sums.index_add_(0, index, numbers.double())


def count(examples: Examples, size: int) -> list[Order]:
    """Count EXAMPLES of SIZE tokens with contexts of 0 to T letters."""
    x, y, n = examples
    context, gram, orders = torch.zeros_like(y), y, []
    for length in range(x.shape[1] + 1):
        if length:  # one letter more, in front
            letter = x[:, -length]
            context, gram = context * size + letter, gram * size + letter
        contexts, context = torch.unique(context, return_inverse=True)
        grams, gram = torch.unique(gram, return_inverse=True)
        if orders:
            count_kinds(orders[-1], grams // size)
        owner = torch.empty_like(grams)
        owner[gram] = context
        counts = add(gram, len(grams), n)
        total = add(context, len(contexts), n)
        followers = add(owner, len(contexts), torch.ones_like(owner))
        orders.append(Order(contexts, grams, owner, counts, total,
                            counts, total, followers))
    return orders


def count_kinds(order: Order, inner: Tensor) -> None:
    """Count in ORDER the INNER grams of all grams that are a letter longer."""
    one = torch.ones_like(inner)
    order.kinds = add(inner, len(order.grams), one)
    order.total_kinds = add(order.owner[inner], len(order.contexts), one)


def find(keys: Tensor, wanted: Tensor) -> Tensor:
    """Return the place of each WANTED number in the sorted KEYS, or -1."""
    place = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    return place.where(keys[place] == wanted, -1)


def recall(
    orders: list[Order], x: Tensor, y: Tensor, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the places of contexts and grams, for 0 to T letters."""
    context, gram = torch.zeros_like(y), y
    for length, order in enumerate(orders):
        if length:
            letter = x[:, -length]
            context, gram = context * size + letter, gram * size + letter
        context, gram = find(order.contexts, context), find(order.grams, gram)
        yield context, gram


def interpolate(
    count: Tensor, total: Tensor, followers: Tensor, lower: Tensor, d: Tensor
) -> Tensor:
    """Return p from counts less D, and the share so freed times LOWER."""
    p = ((count - d).clamp(min=0) + d * followers * lower) / total.clamp(min=1)
    return torch.where(total > 0, p, lower)


def predict(
    orders: list[Order], x: Tensor, y: Tensor, discounts: list[float],
    size: int,
) -> Tensor:
    """Return p of each y (T + 1, D, M), for 0 to T letters of context."""
    d = torch.tensor(discounts, dtype=torch.float64)[:, None]  # (D, 1)
    lower = torch.full_like(d, 1 / size)
    p = []
    places = recall(orders, x, y, size)
    for order, (context, gram) in zip(orders, places, strict=True):
        followers = order.followers[context]
        p.append(interpolate(order.count[gram], order.total[context],
                             followers, lower, d))
        lower = interpolate(order.kinds[gram], order.total_kinds[context],
                            followers, lower, d)
    return torch.stack(p)


def cost(
    orders: list[Order], examples: Examples, discounts: list[float],
    size: int,
) -> Tensor:
    """Return the nats per character (T + 1, D) of EXAMPLES."""
    total = torch.zeros(len(orders), len(discounts), dtype=torch.float64)
    chunks = (part.split(CHUNK) for part in examples)
    for x, y, n in zip(*chunks, strict=True):
        p = predict(orders, x, y, discounts, size)
        total -= p.log() @ n.double()
    return total / examples[2].sum()


def unseen(orders: list[Order], examples: Examples, size: int) -> list[float]:
    """Return the share of EXAMPLES not in ORDERS, for 0 to T letters."""
    x, y, n = examples
    return [(n[gram < 0].sum() / n.sum()).item()
            for _, gram in recall(orders, x, y, size)]


def measure(
    orders: list[Order], examples: dict[str, Examples], size: int
) -> list[dict]:
    """Return losses for 0 to T letters, each with its best discount."""
    tried = cost(orders, examples["dev"], GRID, size)  # (T + 1, D)
    best = [GRID[i] for i in tried.argmin(dim=1)]
    used = sorted({0.0, *best})
    train = cost(orders, examples["train"], used, size)
    test = cost(orders, examples["test"], used, size)
    return [
        {
            "discount": d,
            "train": train[length, used.index(d)].item(),
            "dev": tried[length, GRID.index(d)].item(),
            "test": test[length, used.index(d)].item(),
            "likelihood": train[length, 0].item(),
            "tried": tried[length].tolist(),
        }
        for length, d in enumerate(best)
    ]


def split_examples(corpus: Corpus, context: int) -> dict[str, Examples]:
    """Return the distinct examples of train, dev and test."""
    return {split: distinct(getattr(corpus, split), corpus.letters, context)
            for split in SPLITS}


def fitted(corpus: Corpus, context: int) -> tuple[list[Order], dict]:
    """Return what was counted in train, and what measure says of CONTEXT."""
    examples, size = split_examples(corpus, context), corpus.vocabulary
    orders = count(examples["train"], size)
    return orders, measure(orders, examples, size)[context]


def losses(corpus: Corpus, context: int) -> dict[str, float]:
    """Return the loss on train, dev and test (nats per character)."""
    _, found = fitted(corpus, context)
    return {split: found[split] for split in SPLITS}


def standard_error(numbers: Tensor, name: Tensor) -> float:
    """Return the error of the mean of NUMBERS (N,), sampled by NAME (N,)."""
    sums = numbers.new_zeros(int(name.max()) + 1)
    sums.index_add_(0, name, numbers - numbers.mean())
    return sums.square().sum().sqrt().item() / len(numbers)


def example_losses(
    orders: list[Order], x: Tensor, y: Tensor, discount: float, size: int
) -> Tensor:
    """Return the loss of each y after x (N, T), with T letters of context."""
    chunks = zip(x.split(CHUNK), y.split(CHUNK), strict=True)
    p = [predict(orders, *part, [discount], size)[-1, 0] for part in chunks]
    return -torch.cat(p).log()


def leads(
    corpus: Corpus, context: int, losses: dict[str, Tensor]
) -> dict[str, dict[str, float]]:
    """Return how much lower LOSSES (N,) are than those of counting, by split.

    They belong to the first N examples of the split.
    """
    (orders, best), found = fitted(corpus, context), {}
    for split, loss in losses.items():
        pair = windows(getattr(corpus, split), corpus.letters, context)
        x, y = (part[: len(loss)] for part in pair)
        rival = example_losses(orders, x, y, best["discount"],
                               corpus.vocabulary)
        name = (x == 0).all(1).cumsum(0) - 1  # a name begins without letters
        found[split] = {"difference": (rival - loss).mean().item(),
                        "error": standard_error(rival - loss, name),
                        "unpaired": standard_error(loss, name)}
    return found


def draw_contexts(ax, found: list[dict]) -> None:
    """Draw the losses against the length of the context."""
    for key, words, colour, style, shift in (
            ("dev", "dev", BLUE, "o-", (0, -14)),
            ("raw", "dev, without kinds", ORANGE, "v--", (0, 8)),
            ("train", "train", INK, "s-", (0, 8)),
            ("likelihood", "train, not smoothed", GREY, "^--", (0, -14))):
        loss = [row[key] for row in found]
        ax.plot(loss, style, color=colour, markersize=4.5)
        ax.annotate(words, (len(loss) - 1, loss[-1]), shift, ha="right",
                    color=colour, textcoords="offset points")
    ax.set(xlabel="context (letters)", xticks=range(len(found)),
           ylabel="loss (nats per character)",
           ylim=(found[-1]["likelihood"] - 0.2, None))


def draw_discounts(ax, found: list[dict]) -> None:
    """Draw the loss on dev against the discount, for each context."""
    top = found[1]["tried"][0] + 0.2
    for length, row in enumerate(found[1:], start=1):
        tried = list(zip(GRID, row["tried"], strict=True))
        shown = [point for point in tried if point[1] < top] or tried
        ax.plot(*zip(*shown, strict=True), color=BLUE,
                alpha=fade(length, len(found)))
        ax.plot(row["discount"], row["dev"], "o", color=BLUE, markersize=4.5)
        ax.annotate(length, shown[0], (-10, -3), textcoords="offset points")
    ax.set(xlabel="discount", xlim=(-0.05, 1.05))
    ax.set_title("dev, by letters of context")


def plot(found: list[dict]) -> Figure:
    """Draw the losses against context (left) and discount (right)."""
    figure, axes = new_figure(2, 3.2)
    draw_contexts(axes[0], found)
    draw_discounts(axes[1], found)
    return figure


def collect(args, corpus: Corpus, found: list[dict], grams: list[int]) -> dict:
    """Return the results of the chosen context, and all contexts'."""
    context = args.context or min(
        range(1, len(found)), key=lambda length: found[length]["dev"])
    chosen = {split: found[context][split] for split in SPLITS}
    none = {split: found[0][split] for split in SPLITS}
    return {
        "seed": args.seed, "steps": 0, "context": context,
        "parameters": sum(grams[: context + 1]),
        "measure": "nats per character",
        **chosen,
        "baseline": {"name": "letters without context", **none},
        "perplexity": {name: math.exp(loss) for name, loss in chosen.items()},
        "uniform": math.log(corpus.vocabulary),
        "vocabulary": corpus.vocabulary,
        "names": {name: len(getattr(corpus, name)) for name in SPLITS},
        "contexts": {str(length): {key: value for key, value in row.items()
                                   if key != "tried"}
                     for length, row in enumerate(found)},
    }


def without_kinds(orders: list[Order]) -> list[Order]:
    """Return ORDERS with counts where shorter contexts have kinds."""
    return [replace(order, kinds=order.count, total_kinds=order.total)
            for order in orders]


def options(parser) -> None:
    """Add the options of this program."""
    names_options.add_corpus(parser)
    names_options.add_context(parser, None, 1, LONGEST)


def main(argv: list[str] | None = None) -> int:
    """Count, then write figs/ngram.svg and figs/ngram.json."""
    args = command_line.parse("ngram", __doc__, argv, steps=0, seed=0,
                              more=options)
    corpus = names_options.corpus(args)
    size, examples = corpus.vocabulary, split_examples(corpus, LONGEST)
    orders = count(examples["train"], size)
    found = measure(orders, examples, size)
    raw = cost(without_kinds(orders), examples["dev"], GRID, size).amin(1)
    missed = unseen(orders, examples["dev"], size)
    for row, loss, share in zip(found, raw.tolist(), missed, strict=True):
        row |= {"raw": loss, "unseen": share}
    grams = [len(order.grams) for order in orders]
    command_line.save(args, collect(args, corpus, found, grams),
                      {"ngram": plot(found)})
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
