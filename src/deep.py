# Generated from README.org by tangle.el; edit README.org instead.
"""A deep network for names: a stack of causal, dilated, residual blocks."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from common import checkpoint, names, options, results

CONTEXT, CHANNELS, HIDDEN, LR = 16, 64, 128, 0.01
SPREAD = 0.003  # of the losses, between seeds


def tabulate(words: list[str], letters: str) -> Tensor:
    """Return WORDS as (N, L): boundary, letters, boundary, then -1s."""
    rows = [torch.tensor([0, *names.encode(word, letters), 0],
                         dtype=torch.int16) for word in words]
    return pad_sequence(rows, batch_first=True, padding_value=-1)


def pack(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return x, y and age, (M,) each: what ROWS (B, L) hold, end to end."""
    x, y = rows[:, :-1].long(), rows[:, 1:].long()
    age = torch.arange(x.shape[1], device=x.device).expand_as(x)
    real = y >= 0
    return x[real], y[real], age[real]


class CausalConvolution(nn.Module):
    """A linear map of each token's vector and the one DILATION before it."""

    def __init__(self, channels: int, outputs: int, dilation: int):
        super().__init__()
        self.dilation = dilation
        self.linear = nn.Linear(2 * channels, outputs)

    def forward(self, x: Tensor, age: Tensor) -> Tensor:
        """Turn (M, C) into (M, outputs)."""
        known = (age >= self.dilation)[:, None]  # (M, 1)
        past = x.roll(self.dilation, 0) * known
        return self.linear(torch.cat([past, x], dim=1))


class Block(nn.Module):
    """x + contract(relu(expand(x))), which begins as x."""

    def __init__(self, dilation: int):
        super().__init__()
        self.expand = CausalConvolution(CHANNELS, HIDDEN, dilation)
        self.contract = nn.Linear(HIDDEN, CHANNELS)

    def forward(self, x: Tensor, age: Tensor) -> Tensor:
        """Turn (M, C) into (M, C)."""
        return x + self.contract(torch.relu(self.expand(x, age)))


def dilations(context: int) -> list[int]:
    """Return 1, 2, 4, ... with the sum CONTEXT - 1; the last may be less."""
    chosen, field = [], 1
    while field < context:
        chosen.append(min(field, context - field))
        field += chosen[-1]
    return chosen


class Stack(nn.Module):
    """Residual blocks that predict what follows each token of a name."""

    def __init__(self, vocabulary: int, context: int, dropout: float = 0.0):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocabulary, CHANNELS)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(map(Block, dilations(context)))
        self.norm = nn.LayerNorm(CHANNELS)
        self.output = nn.Linear(CHANNELS, vocabulary)

    def forward(self, x: Tensor, age: Tensor) -> Tensor:
        """Return the logits (M, V) of what follows each token x (M,)."""
        h = self.dropout(self.embedding(x))  # (M, C)
        for block in self.blocks:
            h = block(h, age)
        return self.output(self.norm(h))


def initialise(model: Stack, generator: torch.Generator) -> Stack:
    """Draw the first weights of MODEL: every block is the identity."""
    nn.init.normal_(model.embedding.weight, generator=generator)
    for block in model.blocks:
        nn.init.kaiming_normal_(block.expand.linear.weight,
                                nonlinearity="relu", generator=generator)
        nn.init.zeros_(block.expand.linear.bias)
    for linear in *(block.contract for block in model.blocks), model.output:
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
    return model


@torch.inference_mode()
def name_losses(model: Stack, words: list[str], letters: str) -> Tensor:
    """Return the nats (N,) of each of WORDS, its letters and its end."""
    device = model.output.bias.device
    model.eval()
    losses = []
    for rows in tabulate(words, letters).split(500):
        x, y, age = pack(rows.to(device))
        loss = F.cross_entropy(model(x, age), y, reduction="none")  # (M,)
        name = ((age == 0).cumsum(0) - 1).cpu()  # (M,), from 0 to B - 1
        zeros = torch.zeros(len(rows), dtype=torch.float64)
        losses.append(zeros.index_add_(0, name, loss.cpu().double()))
    return torch.cat(losses)


def evaluate(model: Stack, words: list[str], letters: str) -> float:
    """Return the loss of MODEL on WORDS, in nats per character."""
    return names.per_character(name_losses(model, words, letters), words)


def settings(count: int) -> dict:
    """Return how to train on COUNT names."""
    size = count / 26_000
    return {"steps": round(min(12_000, max(80, 7000 * size**1.2))),
            "batch_size": min(128, max(1, count // 5)),
            "dropout": round(min(0.5, 0.1 / size**0.5), 2)}


def deal(count: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Yield row numbers (B,) for ever: each of COUNT once, then again."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    while True:
        if len(order) < batch_size:
            again = torch.randperm(count, generator=generator)
            order = torch.cat([order, again])
        yield order[:batch_size]
        order = order[batch_size:]


def train(model: Stack, corpus: names.Corpus, about: dict, path: Path,
          resume: bool, quiet: bool) -> None:
    """Train MODEL as ABOUT says.

    At twenty marks a checkpoint is written to PATH; RESUME goes on from it.
    """
    rows = tabulate(corpus.train, corpus.letters)
    device, steps = model.output.bias.device, about["steps"]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.2},
         {"params": vectors, "weight_decay": 0.0}],
        lr=LR, betas=(0.9, 0.99), fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=max(steps, 20), cycle_momentum=False)
    torch.manual_seed(about["seed"])  # nn.Dropout takes no generator
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler,
             "dropout": torch.default_generator}
    done = checkpoint.resume(path, "deep", about, **parts) if resume else 0
    model.train()
    batches = islice(deal(len(rows), about["batch_size"], about["seed"]),
                     done, steps)
    for step, i in enumerate(tqdm(batches, "deep", steps - done,
                                  disable=quiet), done + 1):
        x, y, age = pack(rows[i].to(device))
        loss = F.cross_entropy(model(x, age), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % max(1, steps // 20) == 0 or step == steps:
            checkpoint.save(path, "deep", about, step=step, **parts)


def load(path: Path) -> tuple[Stack, str]:
    """Return the network in the checkpoint PATH, and its letters."""
    content = checkpoint.load(path, "deep")
    letters = content["about"]["letters"]
    model = Stack(len(letters) + 1, content["about"]["context"])
    checkpoint.restore(model, content, path)
    return model.eval(), letters


def sample(model: Stack, letters: str, count: int,
           generator: torch.Generator, prefix: str = "") -> list[str]:
    """Return COUNT names that begin with PREFIX."""
    model.eval()

    def score(x: Tensor) -> Tensor:
        age = torch.arange(x.shape[1]).repeat(len(x))
        x, age = (part.to(model.output.bias.device) for part in (x, age))
        return model(x.flatten(), age).view(*x.shape, -1)[:, -1]

    return names.sample(score, letters, count, generator, model.context,
                        prefix)


def main(argv: list[str] | None = None) -> None:
    """Load, build, train, evaluate, show; or sample from a checkpoint."""
    parser = options.parser("deep", __doc__, steps=None, seed=0)
    options.add_names(parser)
    options.add_training(parser, context=CONTEXT, dropout=None)
    args = options.read(parser, argv)
    generator = torch.Generator().manual_seed(args.seed)
    if args.sample is not None:
        model, letters = load(args.checkpoint)
        print(*sample(model, letters, args.sample, generator, args.prefix),
              sep="\n")
        return
    corpus = names.load(args.names, args.keep_duplicates)
    about = names.describe(args, corpus, settings(len(corpus.train)))
    model = Stack(corpus.vocabulary, args.context, about["dropout"])
    model = initialise(model, generator).to(args.device)
    train(model, corpus, about, args.checkpoint, args.resume, args.quiet)
    losses = {split: evaluate(model, getattr(corpus, split)[:50_000],
                              corpus.letters)
              for split in ("train", "dev", "test")}
    words = sample(model, corpus.letters, 1000, generator)
    known = {*corpus.train, *corpus.dev, *corpus.test}
    results.save(args, losses | {
        "measure": "nats per character", "spread": SPREAD,
        "steps": about["steps"], "dropout": about["dropout"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": about["steps"] * about["batch_size"] / len(corpus.train),
        "names": words[:20],
        "share": {"new": sum(w not in known for w in words) / len(words)},
    }, {})


if __name__ == "__main__":
    options.run(main)
