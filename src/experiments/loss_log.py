# Generated from README.org by tangle.el; edit README.org instead.
"""What did each model of the names gain over counting, and how surely?"""

import random
from functools import partial

import torch

import deep
import gpt
import mlp
import ngram
from common import names, options, results
from common.files import ROOT

RIVAL = "Kneser-Ney, 5 letters"
SPREAD = 0.003  # of losses and leads, between seeds


def counted(corpus: names.Corpus, context: int, seed: int) -> tuple:
    """Return the size of counting, its losses of names, and five names."""
    model = ngram.tune(ngram.fit(corpus.train, context, 0.5), corpus.dev)
    generator = random.Random(seed)
    words = [ngram.sample(model.probability, context,
                          ngram.EDGE + corpus.letters, generator)
             for _ in range(5)]
    return len(model.counts), partial(ngram.name_losses, model), words


def trained(program, seed: int) -> tuple:
    """Return the same of a trained PROGRAM."""
    model, letters = program.load(ROOT / f"build/{program.__name__}.pt")
    generator = torch.Generator().manual_seed(seed)
    return (sum(p.numel() for p in model.parameters()),
            lambda words: program.name_losses(model, words, letters),
            program.sample(model, letters, 5, generator))


def main(argv: list[str] | None = None) -> None:
    """Load every model, compare them on the same names, write."""
    parser = options.parser("loss_log", __doc__, steps=0, seed=1)
    args = options.read(parser, argv)
    corpus = names.load()
    models = {"letter pairs": counted(corpus, 1, args.seed),
              RIVAL: counted(corpus, 5, args.seed)}
    models |= {program.__name__: trained(program, args.seed)
               for program in (mlp, deep, gpt)}
    rows = {name: {"model": name, "parameters": parameters, "names": words}
            for name, (parameters, _, words) in models.items()}
    pair = {}
    for split in "dev", "test":
        part = getattr(corpus, split)
        nats = {name: losses(part) for name, (_, losses, _) in models.items()}
        gap, error = ngram.lead(nats["gpt"], nats["deep"], part)
        pair[split] = {"lead": gap, "error": error}
        for name, own in nats.items():
            gap, error = ngram.lead(own, nats[RIVAL], part)
            rows[name] |= {
                split: names.per_character(own, part),
                f"lead_{split}": gap, f"error_{split}": error,
                f"{split}_lead": "" if name == RIVAL else
                f"{gap:+.3f}\u00a0±\u00a0{error:.3f}"}
    results.save(args, {"rungs": [*rows.values()], "gpt_over_deep": pair,
                        "spread": SPREAD}, {})


if __name__ == "__main__":
    options.run(main)
