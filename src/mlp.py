# Generated from README.org by tangle.el; edit README.org instead.
"""A multilayer perceptron that predicts the next letter of a name."""

import math
import sys
from argparse import ArgumentParser, Namespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

import checkpoint
import command_line
import name_sampler
import names_options
import ngram
from command_line import RunError
from keeper import Keeper
from mlp_figure import letter_map, plot_letters, plot_losses, plot_range
from names_corpus import Corpus, windows
from progress import Progress


CONTEXT, EMBEDDING, HIDDEN = 5, 24, 180  # T, E, and H at least
MOST_HIDDEN = 512
LR = 0.015  # the highest of the cycle
MOST_STEPS = 9_000
CHUNK = 4096  # examples evaluated at once
SHOWN, MOST = 2**14, 2**20  # examples of a point of a curve, of a result
MARKS = 24  # points of a curve
BARE = {"dropout": 0.0, "letter_dropout": 0.0}
BARE_STEPS = 1000  # without regularisation


class BatchNorm(nn.Module):
    """Batch normalisation of features (B, H), written out."""

    def __init__(self, features: int, momentum: float = 0.1,
                 eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, H) by its own moments, or by the running ones."""
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0, correction=0)
            with torch.no_grad():
                unbiased = var * len(x) / (len(x) - 1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias


def keep(
    shape: tuple[int, ...], p: float | Tensor, generator: torch.Generator
) -> Tensor:
    """Return a mask of SHAPE: 0 with probability P, and 1 elsewhere.

    One random byte decides, so P is rounded to a multiple of 1/256.
    """
    count = torch.Size(shape).numel()
    words = torch.empty(count // 8 + 1, dtype=torch.int64)
    words.random_(-2**63, 2**63 - 1, generator=generator)
    byte = words.view(torch.uint8)[:count].view(shape)
    return (byte >= torch.as_tensor(256 * p).round()).float()


class MLP(nn.Module):
    """Embedding, hidden layer with batch norm, scores of the next letter."""

    def __init__(self, vocabulary: int, context: int, embedding: int,
                 hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(vocabulary, embedding))
        self.hidden = nn.Linear(context * embedding, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.output = nn.Linear(hidden, vocabulary)
        self.direct = nn.Linear(context * embedding, vocabulary, bias=False)
        self.dropout, self.letter_dropout, self.generator = 0.0, 0.0, None

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, V) of the letter after x (B, T)."""
        e = self.embedding[x.long()]  # (B, T, E)
        if self.training:
            mask = keep((*x.shape, 1), self.letter_dropout, self.generator)
            e = e * mask.to(x.device)
        e = e.flatten(1)  # (B, T * E)
        h = F.relu(self.norm(self.hidden(e)))  # (B, H)
        if self.training:
            mask = keep(h.shape, self.dropout, self.generator)
            h = h * (mask / (1 - self.dropout)).to(x.device)
        return self.output(h) + self.direct(e)


def layer_sizes(
    examples: int, vocabulary: int, context: int = CONTEXT
) -> dict:
    """Return the sizes of a network for so many EXAMPLES."""
    hidden = max(HIDDEN, min(MOST_HIDDEN, examples // 1400))
    return {"vocabulary": vocabulary, "context": context,
            "embedding": EMBEDDING, "hidden": hidden}


def initialise(model: MLP, generator: torch.Generator) -> None:
    """Draw the first weights of MODEL, so that its loss begins at ln V."""
    nn.init.normal_(model.embedding, generator=generator)
    nn.init.kaiming_normal_(model.hidden.weight, nonlinearity="relu",
                            generator=generator)
    for weight in *model.output.parameters(), model.direct.weight:
        nn.init.zeros_(weight)


def settings(examples: int, vocabulary: int) -> dict:
    """Return how to train on so many EXAMPLES with so large a VOCABULARY."""
    scarce = 30_000 / examples * (vocabulary / 27) ** 0.5
    steps = round(min(MOST_STEPS, max(20, 4000 / scarce**0.75)))
    most = min(512, examples // 50, 2**17 // vocabulary)
    return {
        "steps": steps,
        "batch_size": 2 ** int(math.log2(max(64, most))),
        "dropout": min(0.5, 0.3 * scarce**0.5),
        "letter_dropout": min(0.8, 0.4 * scarce**0.5),
        "weight_decay": 280 / steps,
    }


def load_data(corpus: Corpus, context: int, device: torch.device) -> dict:
    """Return x (N, T) and y (N,) of every split of CORPUS, on DEVICE."""
    return {
        split: tuple(part.to(device) for part in windows(
            getattr(corpus, split), corpus.letters, context))
        for split in ("train", "dev", "test")
    }


def batch_loss(model: MLP, x: Tensor, y: Tensor, batch_size: int) -> Tensor:
    """Return the mean loss of MODEL on a random batch of x (N, T), y (N,)."""
    i = torch.randint(len(y), (batch_size,), generator=model.generator)
    i = i.to(y.device)
    return F.cross_entropy(model(x[i]), y[i])


@torch.inference_mode()
def example_losses(model: MLP, x: Tensor, y: Tensor) -> Tensor:
    """Return the loss of MODEL, in use, on each of x (N, T), y (N,)."""
    was_training = model.training
    model.eval()
    losses = [F.cross_entropy(model(a), b, reduction="none")
              for a, b in zip(x.split(CHUNK), y.split(CHUNK), strict=True)]
    model.train(was_training)
    return torch.cat(losses).cpu().double()


def evaluate(model: MLP, x: Tensor, y: Tensor) -> float:
    """Return the loss of MODEL on x (N, T), y (N,), in nats per character."""
    return example_losses(model, x, y).mean().item()


def record(history: dict, step: int, model: MLP, data: dict) -> str:
    """Add the losses after STEP to HISTORY; return them in words."""
    history["step"].append(step)
    for split in ("train", "dev"):
        x, y = data[split]
        history[split].append(evaluate(model, x[:SHOWN], y[:SHOWN]))
    found = {split: history[split][-1] for split in ("train", "dev")}
    if not math.isfinite(sum(found.values())):
        raise RunError(f"the loss is not finite after {step} steps")
    return ", ".join(f"{split} {loss:.4f}" for split, loss in found.items())


def build(sizes: dict, rule: dict, seed: int, device: torch.device) -> MLP:
    """Return a new model of these SIZES, to be trained by the RULE."""
    model = MLP(**sizes)
    model.generator = torch.Generator().manual_seed(seed)
    initialise(model, model.generator)
    model.dropout = rule["dropout"]
    distance = torch.arange(sizes["context"]).flip(0)[:, None]  # (T, 1)
    share = distance / max(1, sizes["context"] - 1)  # 0 nearest, 1 farthest
    model.letter_dropout = rule["letter_dropout"] * share
    return model.to(device)


def train(
    model: MLP, data: dict, *, steps: int, batch_size: int,
    weight_decay: float, keeper: Keeper, progress: Progress, lr: float = LR,
) -> dict[str, list]:
    """Train MODEL on data["train"]; return the losses on the way."""
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=weight_decay,
                      fused=True)
    scheduler = OneCycleLR(optimizer, lr, total_steps=max(steps, 20),
                           pct_start=0.1, cycle_momentum=False)
    history = {"step": [], "train": [], "dev": []}
    done = keeper.begin(history=history, model=model, optimizer=optimizer,
                        scheduler=scheduler, generator=model.generator)
    for step in progress.count(done, steps):
        if step % max(1, steps // MARKS) == 0:
            progress.report(step, record(history, step, model, data))
        loss = batch_loss(model, *data["train"], batch_size)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        keeper.keep(step + 1)
    if steps not in history["step"]:
        record(history, steps, model, data)
    keeper.keep(steps, now=True)
    return history


def range_test(
    model: MLP, x: Tensor, y: Tensor, batch_size: int, steps: int = 240
) -> tuple[list[float], list[float]]:
    """Raise the learning rate at every step; return the rates and losses."""
    rates = torch.logspace(-5, 1, steps).tolist()
    optimizer = AdamW(model.parameters(), weight_decay=0, fused=True)
    losses = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        loss = batch_loss(model, x, y, batch_size)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return rates, losses


def options(parser: ArgumentParser) -> None:
    """Add the options of a program that trains on names."""
    names_options.add_corpus(parser)
    names_options.add_context(parser, CONTEXT, 1, 32)
    names_options.add_checkpoint(parser, "mlp")
    names_options.add_training(parser, None)


def describe(args: Namespace, corpus: Corpus, examples: int) -> dict:
    """Return the checkpoint's description of the run that ARGS ask for."""
    rule = settings(examples, corpus.vocabulary) | {
        "seed": args.seed, "keep_duplicates": args.keep_duplicates}
    for option in ("steps", "dropout"):
        if (given := getattr(args, option)) is not None:
            rule[option] = given
    return {"program": "mlp", "letters": corpus.letters,
            "sizes": layer_sizes(examples, corpus.vocabulary, args.context),
            "settings": rule, "corpus": corpus.sha256}


def collect(model: MLP, data: dict, rule: dict, corpus: Corpus) -> dict:
    """Return what MODEL reached, how it was trained, and its rival."""
    each = {split: example_losses(model, x[:MOST], y[:MOST])
            for split, (x, y) in data.items()}
    examples, context = data["train"][0].shape
    rival = {"name": f"Kneser-Ney, context {context}"}
    losses = {split: loss.mean().item() for split, loss in each.items()}
    return rule | losses | {
        "lead": ngram.leads(corpus, context, {
            split: each[split] for split in ("dev", "test")}),
        "measure": "nats per character",
        "parameters": sum(p.numel() for p in model.parameters()),
        "context": context, "examples": examples,
        "epochs": rule["steps"] * rule["batch_size"] / examples,
        "baseline": rival | ngram.losses(corpus, context),
    }


def without(args: Namespace, data: dict, about: dict) -> dict[str, list]:
    """Return the losses of a run without regularisation."""
    rule = about["settings"]
    model = build(about["sizes"], BARE, args.seed, args.device)
    return train(model, data, steps=min(rule["steps"], BARE_STEPS),
                 batch_size=rule["batch_size"], weight_decay=0.0,
                 keeper=Keeper(), progress=Progress())


def report(
    args: Namespace, corpus: Corpus, data: dict, about: dict, model: MLP,
    history: dict,
) -> None:
    """Measure the trained MODEL; write the figures and figs/mlp.json."""
    rule, bare = about["settings"], without(args, data, about)
    fresh = build(about["sizes"], rule, args.seed, args.device)
    results = collect(model, data, rule, corpus)
    place, explained = letter_map(model.embedding.detach().cpu(), corpus)
    results |= {"map": {"place": place, "explained": explained}, "bare": {
        split: min(bare[split]) for split in ("train", "dev")}}
    results |= name_sampler.invent(model.eval(), args.context, corpus,
                                   args.seed, args.device)
    ranged = range_test(fresh, *data["train"], rule["batch_size"])
    command_line.save(args, results, {
        "mlp": plot_losses(history, bare, results["baseline"]),
        "mlp_letters": plot_letters(place),
        "mlp_range": plot_range(*ranged, LR),
    })


def fit(args: Namespace, corpus: Corpus) -> None:
    """Train a model of CORPUS as ARGS ask for, and report on it."""
    data = load_data(corpus, args.context, args.device)
    about = describe(args, corpus, len(data["train"][1]))
    rule = about["settings"]
    model = build(about["sizes"], rule, args.seed, args.device)
    history = train(
        model, data, steps=rule["steps"], batch_size=rule["batch_size"],
        weight_decay=rule["weight_decay"],
        keeper=Keeper(args.checkpoint, about, args.resume),
        progress=Progress("mlp", args.quiet))
    report(args, corpus, data, about, model, history)


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/mlp.json; or print names."""
    args = command_line.parse("mlp", __doc__, argv, steps=None, seed=0,
                              more=options)
    if args.sample is not None:
        name_sampler.from_checkpoint(args, MLP)
    else:
        checkpoint.check_place(args.checkpoint)
        fit(args, names_options.corpus(args))
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
