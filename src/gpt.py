# Generated from README.org by tangle.el; edit README.org instead.
"""A GPT for names: each letter looks at the letters before it."""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from common import checkpoint, names, options, results

CONTEXT, WIDTH, LAYERS, HEADS, LR = 16, 48, 4, 3, 0.004
POOL = 16  # batches that are sorted together
SPREAD = 0.003  # of the losses, between seeds


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """Return queries, keys and values (3, B, H, T, D) of x (B, T, C)."""
        b, t, c = x.shape
        heads = self.qkv(x).view(b, t, 3, self.heads, c // self.heads)
        return heads.permute(2, 0, 3, 1, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, T, C) into (B, T, C)."""
        q, k, v = self.split(x)  # (B, H, T, D) each
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Letters look at each other, then each works by itself."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, T, C) into (B, T, C)."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        h = F.gelu(self.expand(self.norm2(x)))  # (B, T, 4 C)
        return x + self.dropout(self.contract(h))


class GPT(nn.Module):
    """Blocks that predict what follows each token of a name."""

    def __init__(self, vocabulary: int, context: int, dropout: float = 0.0):
        super().__init__()
        self.context = context
        self.token = nn.Embedding(vocabulary, WIDTH)
        self.position = nn.Embedding(context, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(WIDTH, HEADS, dropout)
                                    for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.output = nn.Linear(WIDTH, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, T, V) of what follows each token x (B, T)."""
        h = self.token(x) + self.position.weight[:x.shape[1]]
        h = self.dropout(h)  # (B, T, C)
        for block in self.blocks:
            h = block(h)
        return self.output(self.norm(h))


def initialise(model: GPT, generator: torch.Generator) -> GPT:
    """Draw the first weights of MODEL: every block is the identity."""
    nn.init.normal_(model.token.weight, std=0.5, generator=generator)
    nn.init.normal_(model.position.weight, std=0.1, generator=generator)
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
            if name.endswith(("qkv", "expand")):  # the others end a branch
                nn.init.normal_(part.weight, std=WIDTH**-0.5,
                                generator=generator)
    return model


def tabulate(words: list[str], letters: str,
             context: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return x and y (N, T), padded, and the number of the word (N,).

    y holds what follows each token of x, and -1 where nothing is asked.
    """
    x, y, word = [], [], []
    for number, name in enumerate(words):
        tokens = torch.tensor([0, *names.encode(name, letters), 0],
                              dtype=torch.int16)
        for start in range(max(1, len(tokens) - context)):
            seen = tokens[start:start + context + 1]
            x.append(seen[:-1])
            y.append(seen[1:].clone())
            y[-1][:-1 if start else 0] = -1  # asked in the row before
            word.append(number)
    return (pad_sequence(x, batch_first=True),
            pad_sequence(y, batch_first=True, padding_value=-1),
            torch.tensor(word))


def deal(length: Tensor, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Yield numbers (B,) of rows of like LENGTH (N,): all, then all again."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    while True:
        while len(order) < POOL * batch_size:
            again = torch.randperm(len(length), generator=generator)
            order = torch.cat([order, again])
        pool, order = order.tensor_split([POOL * batch_size])
        pool = pool[length[pool].argsort(stable=True)]
        at = torch.randperm(POOL, generator=generator)
        yield from pool.view(POOL, batch_size)[at]


@torch.inference_mode()
def name_losses(model: GPT, words: list[str], letters: str) -> Tensor:
    """Return the nats (N,) of each of WORDS, its letters and its end."""
    device, training = model.output.bias.device, model.training
    model.eval()
    losses = torch.zeros(len(words), dtype=torch.float64)
    table = tabulate(words, letters, model.context)
    for x, y, word in zip(*(part.split(500) for part in table)):
        logits = model(x.to(device).long()).flatten(0, 1)  # (B T, V)
        nats = F.cross_entropy(logits, y.to(device).long().flatten(),
                               ignore_index=-1, reduction="none")
        losses.index_add_(0, word, nats.view(x.shape).sum(1).cpu().double())
    model.train(training)
    return losses


def evaluate(model: GPT, words: list[str], letters: str) -> float:
    """Return the loss of MODEL on WORDS, in nats per character."""
    return names.per_character(name_losses(model, words, letters), words)


def settings(count: int) -> dict:
    """Return how to train on COUNT names."""
    size = count / 26_000
    return {"steps": round(min(12_000, max(80, 7500 * size**0.87))),
            "batch_size": min(128, max(1, count // 5)),
            "dropout": round(min(0.5, 0.08 / size**0.4), 2)}


def rate(step: int, steps: int) -> float:
    """Return the factor of the learning rate at this one of the STEPS."""
    warm = steps // 10
    if step < warm:
        return (step + 1) / warm
    left = max(1, steps - warm)
    return (1 + math.cos(math.pi * (step - warm) / left)) / 2


def train(model: GPT, corpus: names.Corpus, about: dict, path: Path,
          resume: bool = False, quiet: bool = True) -> None:
    """Train MODEL as ABOUT says.

    At ten marks a checkpoint is written to PATH; RESUME goes on from it.
    """
    x, y, _ = tabulate(corpus.train, corpus.letters, model.context)
    places = torch.arange(1, x.shape[1] + 1)
    length = ((y >= 0) * places).amax(1)  # (N,)
    device, steps = model.output.bias.device, about["steps"]
    cuda = device.type == "cuda"
    run = torch.compile(model) if cuda and steps >= 2000 else model
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.2},
         {"params": vectors, "weight_decay": 0.0}],
        lr=LR, betas=(0.9, 0.99), fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate(step, steps))
    torch.manual_seed(about["seed"])  # nn.Dropout takes no generator
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler,
             "dropout": torch.default_generator}
    done = checkpoint.resume(path, "gpt", about, **parts) if resume else 0
    model.train()
    batches = islice(deal(length, about["batch_size"], about["seed"]),
                     done, steps)
    for step, i in enumerate(tqdm(batches, "gpt", steps - done,
                                  disable=quiet), done + 1):
        width = length[i].max() if run is model else x.shape[1]
        seen, asked = (part[i, :width].to(device).long() for part in (x, y))
        with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
            logits = run(seen).flatten(0, 1)  # (B T, V)
        loss = F.cross_entropy(logits.float(), asked.flatten(),
                               ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
        if step % max(1, steps // 10) == 0 or step == steps:
            checkpoint.save(path, "gpt", about, step=step, **parts)


def load(path: Path) -> tuple[GPT, str]:
    """Return the network in the checkpoint PATH, and its letters."""
    content = checkpoint.load(path, "gpt")
    letters = content["about"]["letters"]
    model = GPT(len(letters) + 1, content["about"]["context"])
    checkpoint.restore(model, content, path)
    return model.eval(), letters


def sample(model: GPT, letters: str, count: int, generator: torch.Generator,
           prefix: str = "", temperature: float = 1.0,
           top_k: int | None = None) -> list[str]:
    """Return COUNT names that begin with PREFIX."""
    model.eval()

    def score(x: Tensor) -> Tensor:
        logits = model(x.to(model.output.bias.device))[:, -1] / temperature
        if top_k:
            least = logits.topk(min(top_k, logits.shape[1])).values[:, -1:]
            logits[logits < least] = -math.inf
        return logits

    return names.sample(score, letters, count, generator, model.context,
                        prefix)


def describe(model: GPT, corpus: names.Corpus,
             generator: torch.Generator) -> list[dict]:
    """Return what sampling with other knobs does to a thousand names."""
    known, rows = {*corpus.train, *corpus.dev, *corpus.test}, []
    for temperature, top_k in (1.0, None), (0.5, None), (1.5, None), (1.0, 5):
        words = sample(model, corpus.letters, 1000, generator, "",
                       temperature, top_k)
        rows.append({"temperature": temperature, "top_k": top_k or "",
                     "new": sum(w not in known for w in words) / len(words),
                     "names": words[:20]})
    return rows


def main(argv: list[str] | None = None) -> None:
    """Load, build, train, evaluate, show; or sample from a checkpoint."""
    parser = options.parser("gpt", __doc__, steps=None, seed=0)
    options.add_names(parser)
    options.add_training(parser, context=CONTEXT, dropout=None)
    parser.add_argument("--temperature", type=float, default=1.0, metavar="T",
                        help="below 1 samples likelier names (default: 1)")
    parser.add_argument("--top-k", type=int, metavar="K",
                        help="sample from the K likeliest letters alone")
    args = options.read(parser, argv)
    if not args.temperature > 0 or args.top_k is not None and args.top_k < 1:
        raise options.InputError("--temperature and --top-k must be above 0")
    generator = torch.Generator().manual_seed(args.seed)
    if args.sample is not None:
        model, letters = load(args.checkpoint)
        print(*sample(model, letters, args.sample, generator, args.prefix,
                      args.temperature, args.top_k), sep="\n")
        return
    corpus = names.load(args.names, args.keep_duplicates)
    about = names.describe(args, corpus, settings(len(corpus.train)))
    model = GPT(corpus.vocabulary, args.context, about["dropout"])
    model = initialise(model, generator).to(args.device)
    train(model, corpus, about, args.checkpoint, args.resume, args.quiet)
    losses = {split: evaluate(model, getattr(corpus, split)[:50_000],
                              corpus.letters)
              for split in ("train", "dev", "test")}
    results.save(args, losses | {
        "measure": "nats per character", "spread": SPREAD,
        "steps": about["steps"], "dropout": about["dropout"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": about["steps"] * about["batch_size"] / len(corpus.train),
        "sampled": describe(model, corpus, generator)}, {})


if __name__ == "__main__":
    options.run(main)
