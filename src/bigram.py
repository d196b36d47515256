# Generated from README.org by tangle.el; edit README.org instead.
"""One softmax layer: which letter follows which in a name."""

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from common import checkpoint, options, results
from common.names import LONGEST, decode, encode, load, windows
from common.style import BLUE, new_figure

LR = 0.1  # of Adam: at most about a weight's step


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


def train(model: Bigram, optimizer: torch.optim.Optimizer, pairs: Tensor,
          steps: int) -> list[float]:
    """Update MODEL; return the loss before each of STEPS steps."""
    f, share = frequencies(pairs), pairs.sum(1) / pairs.sum()  # (V, V), (V,)
    tokens = torch.arange(len(pairs), device=pairs.device)
    losses = []
    for _ in range(steps):
        logits = model(tokens)  # (V, V): a row for every token
        loss = share @ F.cross_entropy(logits, f, reduction="none")
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def probabilities(model: Bigram) -> Tensor:
    """Return the table of MODEL (V, V), on the CPU, in 64 bits."""
    return model.table.weight.detach().cpu().double().softmax(1)


def table_loss(p: Tensor, pairs: Tensor) -> float:
    """Return the nats per character of the table P on PAIRS (V, V)."""
    # xlogy(a, b) is a ln b, and 0 for a = 0
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
    shown = [letter for letter in "eioqu" if letter in letters]
    at = [0, *(letters.index(letter) + 1 for letter in shown)]
    for ax, (step, p) in zip(axes[0], tables.items()):
        ax.imshow(p[:27, :27].sqrt().numpy(), blues, vmin=0, vmax=0.7,
                  interpolation="none")
        ax.set_xticks(at, ["end", *shown])
        ax.set_yticks(at, ["start", *shown])
        ax.set_title(f"{step} steps")
        ax.tick_params(length=0, labelsize=8)
        ax.spines[:].set_visible(False)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, view; or spell from the model on disk."""
    parser = options.parser("bigram", __doc__, steps=300, seed=1)
    options.add_names(parser)
    options.add_checkpoint(parser)
    parser.add_argument("--sample", type=int, metavar="N",
                        help="print N names from it; no training")
    parser.add_argument("--prefix", default="", metavar="TEXT",
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
    model = Bigram(corpus.vocabulary).to(args.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    done, tables = 0, {}
    for step in *(step for step in SHOWN if step < args.steps), args.steps:
        train(model, optimizer, pairs, step - done)
        done, tables[step] = step, probabilities(model)
    checkpoint.save(args.checkpoint, "bigram", {"letters": corpus.letters},
                    model=model)
    losses = {split: table_loss(tables[args.steps], counts[split])
              for split in counts}
    results.save(args, losses | {
        "measure": "nats per character", "steps": args.steps,
        "parameters": len(pairs) ** 2, "spread": SPREAD,
    }, {"bigram": plot_tables(tables, corpus.letters)})


if __name__ == "__main__":
    options.run(main)
