# Generated from README.org by tangle.el; edit README.org instead.
"""A deep network for names: a stack of causal, dilated, residual blocks."""

import hashlib
import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F


import checkpoint
import command_line
import mapped_names
import name_sampler
import names_corpus
import names_options
import ngram
import processes
import tower
from figure_style import BLUE, GREY, INK, ORANGE, new_figure
from keeper import Keeper
from progress import Progress


CONTEXT, CHANNELS, HIDDEN = 16, 64, 128
LR, BETAS = 0.01, (0.9, 0.99)
WARM_UP = 0.25  # of the steps
IGNORED = -100  # the target of a token that is no example
MOST_TOKENS = 2**14  # of a batch
CHUNK = 512  # rows evaluated at once
SHOWN, PAIRED, MOST = 512, 2**13, 2**16  # rows of a point, a lead, a loss
MARKS = 16  # points of a curve
RIVAL = 5  # letters of context that Kneser-Ney counts
SPLITS = "train", "dev", "test"


@dataclass(frozen=True)
class Rows:
    """Names as places in one stream of tokens; a long name has several."""

    stream: Tensor  # (S,), whole numbers of any type
    start: Tensor  # (N,), where the inputs of a row begin
    length: Tensor  # (N,), how many they are
    known: Tensor  # (N,), how many of its targets an earlier row has
    release: Callable[[], None] = lambda: None  # when a batch was copied

    def __len__(self) -> int:
        return len(self.start)

    def examples(self, index: Tensor | None = None) -> int:
        """Return how many letters and ends the rows INDEX, or all, predict."""
        if index is None:
            return len(self.stream) - 1  # each token but the last begins one
        number = int((self.length[index] - self.known[index]).sum())
        self.release()
        return number


def cut(stream: Tensor, context: int) -> Rows:
    """Return the rows of a STREAM of names with one boundary around each."""
    longest = 4 * max(context, 16)
    fresh = longest - context + 1  # new targets in a row that goes on
    edges = (stream == 0).nonzero()[:, 0]
    start, length = edges[:-1], edges.diff()
    more = (length - longest).clamp(min=0)
    pieces = 1 + (more + fresh - 1) // fresh
    name = torch.arange(len(start)).repeat_interleave(pieces)
    piece = torch.arange(len(name)) - (pieces.cumsum(0) - pieces)[name]
    length = (length[name] - piece * fresh).clamp(max=longest)
    known = (context - 1) * (piece > 0)
    return Rows(stream, start[name] + piece * fresh, length, known)


@dataclass(frozen=True)
class Batch:
    """Rows end to end: M tokens of B rows."""

    x: Tensor  # (M,), tokens
    y: Tensor  # (M,), the token after each, or IGNORED
    age: Tensor  # (M,), tokens of the same row before this one
    row: Tensor  # (M,), the row of each token, from 0 to B - 1

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on DEVICE."""
        return Batch(*(part.to(device) for part in vars(self).values()))


def take(rows: Rows, index: Tensor) -> Batch:
    """Return the rows INDEX, (B,), as one batch."""
    length, start, known = (
        part[index] for part in (rows.length, rows.start, rows.known))
    rows.release()
    row = torch.arange(len(index)).repeat_interleave(length)  # (M,)
    age = torch.arange(len(row)) - (length.cumsum(0) - length)[row]
    at, wanted = start[row] + age, age >= known[row]
    x, y = rows.stream[at].long(), rows.stream[at + 1].long()
    rows.release()
    return Batch(x, y.where(wanted, IGNORED), age, row)


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


class RowDropout(nn.Module):
    """Dropout that leaves a channel out of a whole row, or not at all."""

    def __init__(self):
        super().__init__()
        self.p, self.generator = 0.0, None

    def forward(self, x: Tensor, row: Tensor) -> Tensor:
        """Return x, (M, C), with a share p of each row's channels zero."""
        if not self.training or self.p == 0 or len(x) == 0:
            return x
        shape = int(row[-1]) + 1, x.shape[1]
        chance = torch.rand(shape, generator=self.generator, device=x.device)
        return x * ((chance >= self.p) / (1 - self.p))[row]


class Block(nn.Module):
    """x + contract(dropout(relu(expand(x)))), which begins as x."""

    def __init__(self, channels: int, hidden: int, dilation: int):
        super().__init__()
        self.expand = CausalConvolution(channels, hidden, dilation)
        self.contract = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, batch: Batch, dropout: nn.Module) -> Tensor:
        """Turn (M, C) into (M, C)."""
        h = torch.relu(self.expand(x, batch.age))  # (M, H)
        return x + self.contract(dropout(h, batch.row))


def dilations(context: int) -> list[int]:
    """Return 1, 2, 4, ... with the sum CONTEXT - 1; the last may be less."""
    chosen, field = [], 1
    while field < context:
        chosen.append(min(field, context - field))
        field += chosen[-1]
    return chosen


class Deep(nn.Module):
    """Residual blocks that predict what follows each token of a batch."""

    def __init__(self, vocabulary: int, context: int = CONTEXT,
                 channels: int = CHANNELS, hidden: int = HIDDEN):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, channels)
        self.blocks = nn.ModuleList(
            Block(channels, hidden, dilation)
            for dilation in dilations(context))
        self.dropout = RowDropout()
        self.normalise = nn.LayerNorm(channels)
        self.output = nn.Linear(channels, vocabulary)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits after each token, (M, V)."""
        h = self.embedding(batch.x)  # (M, C)
        for block in self.blocks:
            h = block(h, batch, self.dropout)
        return self.output(self.normalise(h))


def build(sizes: dict, dropout: float, seed: int,
          device: torch.device | str = "cpu") -> Deep:
    """Return a new network of these SIZES; its weights depend on SEED."""
    model, generator = Deep(**sizes), randomness("weights", seed)
    nn.init.normal_(model.embedding.weight, generator=generator)
    for block in model.blocks:
        nn.init.kaiming_normal_(block.expand.linear.weight,
                                nonlinearity="relu", generator=generator)
        nn.init.zeros_(block.expand.linear.bias)
        nn.init.zeros_(block.contract.weight)
        nn.init.zeros_(block.contract.bias)
    nn.init.zeros_(model.output.weight)
    nn.init.zeros_(model.output.bias)
    model.dropout.p = dropout
    return model.to(device)


def after(model: Deep, x: Tensor) -> Tensor:
    """Return the logits (B, V) of what follows the windows x (B, T)."""
    place = torch.arange(x.shape[1], device=x.device)  # (T,)
    begin = ((x == 0) * place).amax(1, keepdim=True)  # (B, 1)
    row, column = (place >= begin).nonzero(as_tuple=True)  # (M,)
    age, token = column - begin[row, 0], x[row, column].long()
    logits = Deep.forward(model, Batch(token, token, age, row))
    return logits[column == x.shape[1] - 1]


class Speller(Deep):
    """The network as a sampler calls it."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, V) after the windows x (B, T)."""
        return after(self, x)


def forget(batch: Batch, chance: Tensor, share: float) -> Batch:
    """Return BATCH with a SHARE of its rows cut in two, at random places.

    CHANCE (B, 2) is uniform: which rows are cut, and where.
    """
    length = torch.bincount(batch.row, minlength=len(chance))
    place = (chance[:, 1] * length).long() * (chance[:, 0] < share)  # (B,)
    age = batch.age - place[batch.row]
    return replace(batch, age=age.where(age >= 0, batch.age))


def longest_of(rows: Rows) -> int:
    """Return the most tokens of a row."""
    most = 0
    for length in rows.length.split(2**16):
        most = max(most, int(length.max()))
        rows.release()
    return most


def settings(rows: Rows) -> dict:
    """Return how to train on these ROWS."""
    size, longest = rows.examples() / 30_000, longest_of(rows)
    most = min(128, len(rows) // 5, MOST_TOKENS // longest)
    return {
        "steps": int(min(8000, max(100, 1200 * size**0.95))),
        "batch_size": max(1, most),
        "dropout": min(0.5, 0.3 / size),
        "forgotten": min(0.5, 0.3 / size**0.5),
        "weight_decay": 0.1,
        "runs": 3 if rows.examples() < 100_000 else 1,
    }


def randomness(*key, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator whose numbers depend on KEY and nothing else."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    number = int.from_bytes(digest[:7], "big")
    return torch.Generator(device).manual_seed(number)


def deal(count: int, batch_size: int, seed: int, step: int) -> Tensor:
    """Return the rows, of COUNT, that STEP learns from, (B,)."""
    place = torch.arange(step * batch_size, (step + 1) * batch_size)
    epoch, k = place // count, place % count
    index = torch.empty_like(place)
    for number in range(int(epoch[0]), int(epoch[-1]) + 1):
        generator = randomness("deal", seed, number)
        a = b = 0
        while math.gcd(a, count) != 1:
            a, b = torch.randint(count, (2,), generator=generator).tolist()
        now = epoch == number
        index[now] = (b + a * k[now]) % count
    return index


def lesson(rows: Rows, batch_size: int, share: float, seed: int, step: int,
           rank: int = 0, ranks: int = 1) -> tuple[Batch, int]:
    """Return RANK's part, of RANKS, of the batch of STEP.

    The number is that of the examples in all parts.
    """
    index = deal(len(rows), batch_size, seed, step)
    chance = torch.rand(batch_size, 2,
                        generator=randomness("forget", seed, step))
    own = slice(rank, None, ranks)
    batch = forget(take(rows, index[own]), chance[own], share)
    return batch, rows.examples(index)


def step_loss(model: nn.Module, batch: Batch, examples: int) -> Tensor:
    """Return the sum of the losses in BATCH divided by EXAMPLES."""
    device = batch.x.device.type
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        logits = model(batch)  # (M, V)
    total = F.cross_entropy(logits.float(), batch.y, ignore_index=IGNORED,
                            reduction="sum")
    return total / examples


@torch.inference_mode()
def example_losses(model: Deep, rows: Rows, most: int | None = None) -> Tensor:
    """Return the loss on each example of ROWS, or of the first MOST, (N,)."""
    device, was_training = model.output.bias.device, model.training
    model.eval()
    losses = []
    for part in torch.arange(min(len(rows), most or len(rows))).split(CHUNK):
        batch = take(rows, part).to(device)
        loss = F.cross_entropy(model(batch), batch.y, reduction="none",
                               ignore_index=IGNORED)
        losses.append(loss[batch.y != IGNORED].cpu())
    model.train(was_training)
    return torch.cat(losses).double()


def evaluate(model: Deep, rows: Rows, most: int | None = None) -> float:
    """Return the loss on ROWS, or the first MOST (nats per character)."""
    return example_losses(model, rows, most).mean().item()


def optimise(model: Deep, steps: int, lr: float, weight_decay: float):
    """Return the optimizer, which spares vectors the decay, and its cycle."""
    kinds = {True: [], False: []}
    for parameter in model.parameters():
        kinds[parameter.ndim > 1].append(parameter)
    groups = [{"params": kinds[True], "weight_decay": weight_decay},
              {"params": kinds[False], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=BETAS, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=max(steps, 20), pct_start=WARM_UP,
        cycle_momentum=False)
    return optimizer, scheduler


def require_finite(found: dict, step: int) -> None:
    """End a run that has diverged."""
    if not math.isfinite(sum(found.values())):
        raise command_line.RunError(
            f"the loss is not finite after {step} steps")


def record(history: dict, step: int, model: Deep, data: dict) -> str:
    """Add the losses after STEP to HISTORY; return them in words."""
    history["step"].append(step)
    for split in ("train", "dev"):
        history[split].append(evaluate(model, data[split], SHOWN))
    found = {split: history[split][-1] for split in ("train", "dev")}
    processes.together(lambda: require_finite(found, step))
    return ", ".join(f"{split} {loss:.4f}" for split, loss in found.items())


def learn(model: Deep, replica: nn.Module, rows: Rows, batch_size: int,
          forgotten: float, seed: int, step: int) -> Tensor:
    """Return the loss of MODEL, called as REPLICA, on the batch of STEP."""
    device = model.output.bias.device
    rank, ranks = processes.rank(), processes.count()
    batch, examples = lesson(rows, batch_size, forgotten, seed, step,
                             rank, ranks)
    model.dropout.generator = randomness(
        "dropout", seed, step, rank, device=device)
    return ranks * step_loss(replica, batch.to(device), examples)


def begin(keeper: Keeper, history: dict, model: Deep, optimizer,
          scheduler) -> int:
    """Return how many steps the run has done, in every process."""
    done = processes.together(lambda: keeper.begin(
        history=history, model=model, optimizer=optimizer,
        scheduler=scheduler))
    processes.require_same("the checkpoint", done)
    return done


def train(model: Deep, data: dict, *, steps: int, batch_size: int, seed: int,
          forgotten: float = 0.0, weight_decay: float = 0.0, lr: float = LR,
          marks: int = MARKS, keeper: Keeper | None = None,
          progress: Progress | None = None) -> dict[str, list]:
    """Train MODEL on data["train"]; return the losses on the way."""
    keeper, progress = keeper or Keeper(), progress or Progress()
    optimizer, scheduler = optimise(model, steps, lr, weight_decay)
    history = {"step": [], "train": [], "dev": []}
    done = begin(keeper, history, model, optimizer, scheduler)
    replica = processes.replicate(model)
    for step in progress.count(done, steps):
        if step % max(1, steps // marks) == 0:
            progress.report(step, record(history, step, model, data))
        loss = learn(model, replica, data["train"], batch_size, forgotten,
                     seed, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        keeper.keep(step + 1)
    if steps not in history["step"]:
        record(history, steps, model, data)
    keeper.keep(steps, now=True)
    return history


def plot(history: dict, rival: dict) -> Figure:
    """Draw the losses on the way, and the RIVAL's on dev."""
    figure, ax = new_figure(1, 3.0)
    ax.plot([0, history["step"][-1]], [rival["dev"]] * 2, "-.", color=ORANGE,
            linewidth=1)
    ax.annotate(f"{rival['name']}, dev", (history["step"][-1], rival["dev"]),
                (0, 4), textcoords="offset points", ha="right", color=ORANGE)
    for split, colour, style in ("train", GREY, "--"), ("dev", BLUE, "-"):
        loss = history[split]
        ax.plot(history["step"], loss, style, color=colour)
        ax.annotate(split, (history["step"][-1], loss[-1]), (4, -3),
                    textcoords="offset points", color=colour)
    low = min(*history["train"], rival["dev"])
    ax.set(xlabel="step", ylabel="loss (nats per character)",
           ylim=(low - 0.1, max(low + 1, history["dev"][-1] + 0.1)))
    return figure


def plot_stack(context: int) -> Figure:
    """Draw which vectors the last of CONTEXT predictions rests on."""
    figure, ax = new_figure(1, 2.9)
    steps, used = dilations(context), {context - 1}
    for level in range(len(steps), -1, -1):
        for t in range(context):
            dark = t in used
            ax.plot(t, level, "o", color=INK if dark else GREY, markersize=4,
                    alpha=1.0 if dark else 0.35, zorder=3)
            for tap in {t, t - steps[level - 1]} if level else ():
                if tap >= 0:
                    ax.plot([tap, t], [level - 1, level], linewidth=1.2,
                            color=BLUE if dark else GREY,
                            alpha=1.0 if dark else 0.25)
        used |= {t - steps[level - 1] for t in used} if level else set()
    names = ["letters", *(f"dilation {d}" for d in steps)]
    ax.set_yticks(range(len(names)), labels=names)
    ax.set_xticks([0, context - 1], labels=[f"{context - 1} back", "now"])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


def collect(models: list[Deep], data: dict, rule: dict,
            corpus: names_corpus.Corpus) -> dict:
    """Return the mean loss of MODELS, each one's, and their rival's."""
    runs = [{split: evaluate(model, rows, MOST)
             for split, rows in data.items()} for model in models]
    mean = {split: sum(run[split] for run in runs) / len(runs)
            for split in SPLITS}
    spread = max(abs(run["dev"] - mean["dev"]) for run in runs)
    on_examples = {split: sum(
        example_losses(model, data[split], PAIRED) for model in models
        ) / len(models) for split in ("dev", "test")}
    rival = {"name": f"Kneser-Ney, context {RIVAL}",
             "names": len(corpus.train)}
    return rule | mean | {
        "measure": "nats per character", "each": runs, "spread": spread,
        "parameters": sum(p.numel() for p in models[0].parameters()),
        "lead": ngram.leads(corpus, RIVAL, on_examples),
        "epochs": rule["steps"] * rule["batch_size"] / len(data["train"]),
        "baseline": rival | ngram.losses(corpus, RIVAL),
    }


def options(parser: ArgumentParser) -> None:
    """Add the options of a program that trains on names."""
    names_options.add_corpus(parser)
    names_options.add_context(parser, CONTEXT, 1, 1000)
    names_options.add_checkpoint(parser, "deep")
    names_options.add_training(parser, None)
    parser.add_argument(
        "--mapped", metavar="DIR", nargs="?", const="build",
        help="leave the list on disk, encoded once in DIR (default: "
             "%(const)s); for a list that does not fit in memory")


def describe(args: Namespace, corpus: names_corpus.Corpus,
             rows: Rows) -> dict:
    """Return the checkpoint's description of the run that ARGS ask for."""
    rule = settings(rows) | {
        "seed": args.seed, "keep_duplicates": args.keep_duplicates}
    for option in ("steps", "dropout"):
        if (given := getattr(args, option)) is not None:
            rule[option] = given
    sizes = {"vocabulary": corpus.vocabulary, "context": args.context,
             "channels": CHANNELS, "hidden": HIDDEN}
    return {"program": "deep", "letters": corpus.letters, "sizes": sizes,
            "settings": rule, "corpus": corpus.sha256}


def run(sizes: dict, rule: dict, data: dict, seed: int, device: torch.device,
        **keeping) -> tuple[Deep, dict]:
    """Return a network trained on DATA by the RULE, and its history."""
    model = build(sizes, rule["dropout"], seed, device)
    history = train(
        model, data, seed=seed, **keeping,
        **{key: rule[key] for key in ("steps", "batch_size", "forgotten",
                                      "weight_decay")})
    return model, history


def study(sizes: dict, rule: dict, data: dict,
          corpus: names_corpus.Corpus, args: Namespace) -> dict:
    """Return what the towers and the stack reach in as few steps."""
    few = rule | {"steps": min(tower.STEPS, rule["steps"]), "dropout": 0.0,
                  "forgotten": 0.0, "batch_size": 36}
    dev = [evaluate(run(sizes, few, data, seed, args.device, marks=1)[0],
                    data["dev"], MOST)
           for seed in range(args.seed, args.seed + tower.SEEDS)]
    return {
        "layers": tower.study(corpus, few["steps"], args.seed),
        "few": {"steps": few["steps"]} | tower.summary(dev),
    }


def read(args: Namespace) -> tuple[names_corpus.Corpus, dict]:
    """Return the list that ARGS ask for, and the rows of its splits."""
    if args.mapped:
        corpus = mapped_names.load(args.names, args.keep_duplicates,
                                   args.context, cut, args.mapped)
        return corpus, {split: Rows(**arrays, release=corpus.release)
                        for split, arrays in corpus.arrays.items()}
    corpus = names_options.corpus(args)
    return corpus, {split: cut(names_corpus.stream(
        getattr(corpus, split), corpus.letters, 1), args.context)
        for split in SPLITS}


class Reader(Keeper):
    """The keeper of every process but the first: it writes nothing."""

    def keep(self, step: int, now: bool = False) -> None:
        """Leave it to the first process."""


def begun(path: str, about: dict) -> bool:
    """Say whether the checkpoint PATH holds a part of the run ABOUT."""
    try:
        content = checkpoint.load(path, about["program"])
        checkpoint.require_same(content, about, path)
    except command_line.InputError:
        return False
    return True


def keeper_of(args: Namespace, about: dict) -> Keeper:
    """Return what keeps the run ABOUT; restarted by torchrun, it goes on."""
    resume = args.resume or (
        processes.restarted() and begun(args.checkpoint, about))
    kind = Reader if processes.rank() else Keeper
    return kind(args.checkpoint, about, resume)


def fit(args: Namespace) -> None:
    """Train networks on a list, then write all that is known of them."""
    corpus, data = processes.in_turn(lambda: read(args))
    about = describe(args, corpus, data["train"])
    processes.require_same("--names", about)
    sizes, rule = about["sizes"], about["settings"]
    model, history = run(
        sizes, rule, data, args.seed, args.device,
        keeper=keeper_of(args, about),
        progress=Progress("deep", args.quiet or processes.rank() > 0))
    others = [run(sizes, rule, data, args.seed + i, args.device, marks=1)[0]
              for i in range(1, rule["runs"])]
    results = collect([model, *others], data, rule, corpus)
    results |= study(sizes, rule, data, corpus, args)
    results |= name_sampler.invent(
        partial(after, model.eval()), args.context, corpus, args.seed,
        args.device)
    if processes.rank() == 0:
        command_line.save(args, results, {
            "deep": plot(history, results["baseline"]),
            "deep_layers": tower.plot(results["layers"]),
            "deep_stack": plot_stack(args.context),
        })


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/deep.json; or print names."""
    args = processes.together(lambda: command_line.parse(
        "deep", __doc__, argv, steps=None, seed=0, more=options))
    args.device = processes.together(
        lambda: processes.own_device(args.device))
    if args.sample is None:
        processes.together(lambda: checkpoint.check_place(args.checkpoint))
        fit(args)
    elif processes.rank() == 0:
        name_sampler.from_checkpoint(args, Speller)
    return 0


if __name__ == "__main__":
    sys.exit(processes.run(main))
