# Generated from README.org by tangle.el; edit README.org instead.
"""Draw names from a model of the next letter, many side by side."""

from argparse import Namespace
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

import checkpoint
import names_options
from command_line import InputError, RunError
from names_corpus import LONGEST, Corpus, decode


TOGETHER = 1000  # names drawn side by side
SHOWN = 20  # of the names that a program's results list


@torch.inference_mode()
def draw(
    predict: Callable[[Tensor], Tensor], x: Tensor, generator: torch.Generator
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield rows and the letter that each gets next, until all have ended.

    PREDICT turns contexts x (B, T) into logits (B, V).  No name is empty.
    """
    rows = torch.arange(len(x))
    while len(rows):
        logits = predict(x).float().cpu()
        if not logits.isfinite().all():
            raise RunError("the model's scores are not finite numbers")
        logits[(x == 0).all(1).cpu(), 0] = -torch.inf
        token = torch.multinomial(logits.softmax(1), 1, generator=generator)
        going = token[:, 0] != 0
        rows, token = rows[going], token[going]
        x = torch.cat([x[going.to(x.device), 1:], token.to(x.device)], 1)
        yield rows.tolist(), token[:, 0].tolist()


def names(
    predict: Callable[[Tensor], Tensor], context: int, letters: str,
    count: int, seed: int, prefix: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[str]:
    """Yield COUNT names that begin with PREFIX, the same for one SEED."""
    generator = torch.Generator().manual_seed(seed)
    begun = list(prefix or [])
    start = torch.tensor([([0] * context + begun)[-context:]])  # (1, T)
    for first in range(0, count, TOGETHER):
        drawn = [begun.copy() for _ in range(min(TOGETHER, count - first))]
        x = start.repeat(len(drawn), 1).to(device)
        for length, (rows, tokens) in enumerate(draw(predict, x, generator)):
            for row, token in zip(rows, tokens, strict=True):
                drawn[row].append(token)
            if len(begun) + length + 1 >= LONGEST:
                break  # some model may never end a name
        yield from (decode(tokens, letters) for tokens in drawn)


def invent(
    predict: Callable[[Tensor], Tensor], context: int, corpus: Corpus,
    seed: int, device: torch.device | str = "cpu",
) -> dict:
    """Draw names; return the first ones, and how many stand in CORPUS."""
    drawn = list(names(predict, context, corpus.letters, TOGETHER, seed,
                       device=device))
    where = [corpus.places.get(name, "new") for name in drawn]
    shown = zip(drawn[:SHOWN], where, strict=False)
    return {
        "names": [{"name": name, "where": place} for name, place in shown],
        "share": {place: where.count(place) / len(where)
                  for place in ("new", "train", "dev", "test")},
    }


def from_checkpoint(args: Namespace, build: Callable[..., nn.Module]) -> None:
    """Print ARGS.sample names, drawn from the model in ARGS.checkpoint."""
    content = checkpoint.load(args.checkpoint, args.program)
    model = checkpoint.restore(build, content, args.checkpoint)
    letters, sizes = content["letters"], content["sizes"]
    if sizes.get("vocabulary") != len(letters) + 1 or "context" not in sizes:
        raise InputError(f"--checkpoint {args.checkpoint}: its letters or "
                         "sizes do not fit its weights")
    prefix = names_options.prefix(args, letters)
    corpus = names_options.known_list(args, content["corpus"])
    for name in names(model, sizes["context"], letters, args.sample,
                      args.seed, prefix):
        place = [corpus.places.get(name, "new")] if corpus else []
        print(name, *place, sep="\t")
