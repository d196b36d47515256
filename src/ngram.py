# Generated from README.org by tangle.el; edit README.org instead.
"""Letters counted: --seed and --device change nothing here."""

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from common import options, results
from common.names import Corpus, load
from common.style import BLUE, GREY, ORANGE, new_figure

EDGE = "\n"  # the boundary before and after a name
Model = Callable[[str, str], float]  # how likely is a token after others


def grams(names: list[str], context: int) -> Counter:
    """Count each letter of NAMES with the CONTEXT letters before it."""
    found = Counter()
    for name in names:
        text = EDGE * context + name + EDGE
        for end in range(context, len(text)):
            found[text[end - context:end + 1]] += 1
    return found


def sample(model: Model, context: int, tokens: str,
           generator: random.Random) -> str:
    """Return a name of TOKENS, drawn by MODEL, which sees CONTEXT of them."""
    text = EDGE * context
    while True:
        history = text[len(text) - context:]
        weights = [model(history, token) for token in tokens]
        token, = generator.choices(tokens, weights)
        if token == EDGE:
            return text[context:]
        text += token


def relative(counts: Counter, plus: float, vocabulary: int) -> Model:
    """Return the model of COUNTS with PLUS added to each of them."""
    total = Counter()
    for gram, n in counts.items():
        total[gram[:-1]] += n
    return lambda history, token: ((counts[history + token] + plus)
                                   / (total[history] + plus * vocabulary))


def loss(model: Model, found: Counter) -> float:
    """Return the nats per character of MODEL on the n-grams FOUND."""
    nats = 0.0
    for gram, n in found.items():
        p = model(gram[:-1], gram[-1])
        nats -= n * (math.log(p) if p else -math.inf)
    return nats / found.total()


@dataclass
class KneserNey:
    """What was counted, for contexts of every length up to CONTEXT."""

    context: int
    discount: float
    vocabulary: int  # V, the letters and the boundary
    counts: dict[str, int]  # of an n-gram; of the shorter: continuations
    total: Counter  # of a context: the sum of its counts
    followers: Counter  # of a context: how many letters were seen after it

    def probability(self, history: str, token: str) -> float:
        """Return p of TOKEN after HISTORY, of CONTEXT letters."""
        p = 1 / self.vocabulary
        for start in range(len(history), -1, -1):  # from short to long
            h = history[start:]
            if h not in self.total:
                break
            seen = max(self.counts.get(h + token, 0) - self.discount, 0)
            freed = self.discount * self.followers[h]
            p = (seen + freed * p) / self.total[h]
        return p


def fit(names: list[str], context: int, discount: float,
        vocabulary: int | None = None) -> KneserNey:
    """Count NAMES; VOCABULARY is by default that of NAMES."""
    vocabulary = vocabulary or len(set("".join(names))) + 1
    counts, total, followers = {}, Counter(), Counter()
    table = grams(names, context)
    for _ in range(context + 1):  # from long to short
        counts |= table
        for gram, n in table.items():
            total[gram[:-1]] += n
            followers[gram[:-1]] += 1
        table = Counter(gram[1:] for gram in table)
    return KneserNey(context, discount, vocabulary, counts, total, followers)


def tune(model: KneserNey, dev: list[str]) -> KneserNey:
    """Return MODEL with the discount that is best on DEV."""
    tried = [replace(model, discount=d) for d in (0.6, 0.7, 0.8, 0.9, 1.0)]
    found = grams(dev, model.context)
    return min(tried, key=lambda model: loss(model.probability, found))


def name_losses(model: KneserNey, names: list[str]) -> Tensor:
    """Return the nats (N,) of each name, its letters and its end."""
    return torch.tensor([
        -sum(n * math.log(model.probability(gram[:-1], gram[-1]))
             for gram, n in grams([name], model.context).items())
        for name in names], dtype=torch.float64)


def lead(losses: Tensor, rival: Tensor,
         names: list[str]) -> tuple[float, float]:
    """Return how much lower LOSSES (N,) are per character, and its error."""
    n = torch.tensor([len(name) + 1 for name in names])
    d = (rival - losses).double()
    mean = d.sum() / n.sum()
    error = (d - mean * n).square().sum().sqrt() / n.sum()
    return mean.item(), error.item()


def plot_pairs(pairs: Counter, letters: str) -> Figure:
    """Draw the share of each letter (column) after each letter (row)."""
    figure, ax = new_figure(height=4.8)
    tokens = EDGE + letters[:26]  # all of them would not fit, in Chinese
    counts = torch.tensor([[pairs[a + b] for b in tokens] for a in tokens])
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    blues = LinearSegmentedColormap.from_list("", [BLUE + "00", BLUE], 11)
    ax.imshow(share.sqrt().numpy(), blues, vmin=0, vmax=0.7,
              interpolation="none")
    ax.set_xticks([-0.4, *range(1, len(tokens))], ["end", *tokens[1:]])
    ax.set_yticks(range(len(tokens)), ["start", *tokens[1:]])
    ax.set(xlabel="next letter", ylabel="letter")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def measure(corpus: Corpus, context: int) -> dict:
    """Return what contexts of this length are worth, used in three ways."""
    table, found = grams(corpus.train, context), grams(corpus.dev, context)
    v = corpus.vocabulary
    model = tune(fit(corpus.train, context, 1.0, v), corpus.dev)
    unseen = sum(n for gram, n in found.items() if gram not in table)
    return {"unseen": unseen / found.total(),
            "counts": loss(relative(table, 0, v), table),
            "plus_one": loss(relative(table, 1, v), found),
            "kneser_ney": loss(model.probability, found)}


def plot_contexts(rows: list[dict]) -> Figure:
    """Draw the losses in ROWS against the length of the context."""
    figure, ax = new_figure(height=2.9)
    for key, words, colour, style in (
            ("plus_one", "dev,\nplus one", ORANGE, "^--"),
            ("kneser_ney", "dev,\nKneser-Ney", BLUE, "o-"),
            ("counts", "train,\nrelative counts", GREY, "s:")):
        values = [row[key] for row in rows]
        ax.plot(values, style, color=colour, markersize=5)
        ax.annotate(words, (len(rows) - 1, values[-1]), (8, -4), color=colour,
                    textcoords="offset points")
    ax.set(xlabel="context (letters)", ylabel="loss (nats per character)")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Count, choose the discount, evaluate, draw."""
    parser = options.parser("ngram", __doc__, steps=0, seed=1)
    options.add_names(parser)
    parser.add_argument("--context", type=int, default=5, metavar="N",
                        help="letters looked at (default: %(default)s)")
    args = options.read(parser, argv)
    corpus = load(args.names, args.keep_duplicates)
    rows = [measure(corpus, context) for context in range(7)]
    model = tune(fit(corpus.train, args.context, 1.0, corpus.vocabulary),
                 corpus.dev)
    pairs = grams(corpus.train, 1)
    rival = relative(pairs, 1, corpus.vocabulary)
    found = {"baseline": {"name": "pairs, plus one"}}
    for split in "train", "dev", "test":
        names = getattr(corpus, split)
        found[split] = loss(model.probability, grams(names, args.context))
        found["baseline"][split] = loss(rival, grams(names, 1))
    results.save(args, found | {
        "measure": "nats per character", "steps": 0, "contexts": rows,
        "discount": model.discount, "parameters": len(model.counts),
    }, {"ngram": plot_contexts(rows),
        "ngram_pairs": plot_pairs(pairs, corpus.letters)})


if __name__ == "__main__":
    options.run(main)
