# Generated from README.org by tangle.el; edit README.org instead.
"""The loss log: one change at a time, and what each one buys."""

from collections.abc import Iterator

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.optim import SGD, AdamW

from common import names, options, results
from common.files import ROOT
from common.style import BLUE, ORANGE, new_figure
from mlp import (CONTEXT, EMBEDDING, MLP, Examples, load, name_losses,
                 one_cycle, sample, settings, train)
from ngram import lead

HIDDEN, STEPS = 200, 1000  # of the short runs
SPREAD = 0.005  # between seeds; 0.003 for the last rung, 0.2 for the first
CHANGES = ("plain", "initialisation", "batch norm", "ReLU", "AdamW",
           "one cycle", "weight decay", "wider, longer")


def network(changes: tuple[str, ...], vocabulary: int) -> MLP:
    """Return the plain network with CHANGES."""
    model = MLP(vocabulary, CONTEXT, HIDDEN)
    layers, inputs = model.layers, CONTEXT * EMBEDDING
    if "batch norm" not in changes:
        layers[2], layers[3] = nn.Linear(inputs, HIDDEN), nn.Identity()
    if "ReLU" not in changes:
        layers[4] = nn.Tanh()
    if "initialisation" in changes:
        nn.init.normal_(layers[2].weight, std=inputs**-0.5)
    else:
        nn.init.normal_(layers[2].weight)
        nn.init.normal_(layers[-1].weight)
    return model


def climb(examples: Examples, vocabulary: int, steps: int,
          seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Yield each change and the network trained with it."""
    rule, batch_size = settings(len(examples[1])), 128
    for count, change in enumerate(CHANGES, start=1):
        changes, scheduler = CHANGES[:count], None
        torch.manual_seed(seed)
        if change == "wider, longer":
            model = MLP(vocabulary, CONTEXT, rule["hidden"])
            steps, batch_size = round(rule["steps"] / 2), rule["batch_size"]
        else:
            model = network(changes, vocabulary)
        optimizer = SGD(model.parameters(), lr=0.1)
        if "AdamW" in changes:
            decay = 0.01 if "weight decay" in changes else 0.0
            optimizer = AdamW(model.parameters(), lr=0.003,
                              weight_decay=decay, fused=True)
        if "one cycle" in changes:
            scheduler = one_cycle(optimizer, steps)
        train(model, optimizer, examples, steps, batch_size,
              torch.manual_seed(seed), scheduler)
        yield change, model
    yield "dropout, longer", load(ROOT / "build/mlp.pt")[0]  # the program's


def plot_activations(x: Tensor, vocabulary: int, seed: int) -> Figure:
    """Draw the outputs of tanh on x (N, T) for three ways to begin."""
    figure, axes = new_figure(3, 1.8, sharey=True)
    for ax, change, title in zip(
            axes, ("plain", "initialisation", "batch norm"),
            ("weights of size 1", "scaled weights", "size 1, batch norm")):
        torch.manual_seed(seed)
        a = network((change,), vocabulary).layers[:4](x).detach()
        ax.hist(a.tanh().flatten().numpy(), 25, histtype="stepfilled",
                color=ORANGE if change == "plain" else BLUE)
        ax.set(title=title, yticks=[])
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train the rungs and compare them on the same names."""
    args = options.read(options.parser("mlp_ladder", __doc__, steps=STEPS,
                                       seed=1), argv)
    corpus = names.load()
    examples = names.windows(corpus.train, corpus.letters, CONTEXT)
    rungs, rival = [], None
    for change, model in climb(examples, corpus.vocabulary, args.steps,
                               args.seed):
        losses = name_losses(model, corpus.dev, corpus.letters)
        row = {"change": change,
               "dev": names.per_character(losses, corpus.dev),
               "names": sample(model.eval(), corpus.letters, 5,
                               torch.manual_seed(args.seed))}
        if rungs:
            row["gain"], row["error"] = lead(losses, rival, corpus.dev)
        else:  # a text, which a build does not compare: the rest is luck
            row["dev"] = f"{row['dev']:.1f}"
        rungs.append(row)
        rival = losses
    results.save(args, {
        "steps": args.steps, "rungs": rungs, "spread": SPREAD}, {
        "mlp_ladder_activations": plot_activations(
            examples[0][:2000], corpus.vocabulary, args.seed)})


if __name__ == "__main__":
    options.run(main)
