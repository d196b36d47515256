# Generated from README.org by tangle.el; edit README.org instead.
"""The time of a training step beside what one core can multiply."""

import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW

import bench_corpus
import bigram
import mlp
import names_corpus
from command_line import OneLineParser, run


SIDE = 1024  # of the square matrices whose product is the peak
RUNS = 20  # timings, of which the best counts
CPU = torch.device("cpu")


def seconds(work: Callable[[], object], calls: int) -> float:
    """Return the processor time of one call of WORK, at its best."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - start) / calls)
    return best


def product(rows: int, inner: int, columns: int) -> Callable[[], Tensor]:
    """Return the work of multiplying two random matrices."""
    a, b = torch.randn(rows, inner), torch.randn(inner, columns)
    return lambda: a @ b


def layers(sizes: dict) -> list[tuple[int, int]]:
    """Return the inputs and outputs of each linear layer of an MLP."""
    wide = sizes["context"] * sizes["embedding"]
    hidden, vocabulary = sizes["hidden"], sizes["vocabulary"]
    return [(wide, hidden), (hidden, vocabulary), (wide, vocabulary)]


def flop(sizes: dict, batch_size: int) -> int:
    """Return the operations of a step: 2 for each weight, three products."""
    return sum(6 * batch_size * n * m for n, m in layers(sizes))


def same_shapes(sizes: dict, batch_size: int) -> float:
    """Return the time of the matrix products of a step, and of no more."""
    total = 0.0
    for n, m in layers(sizes):
        b = batch_size
        for shape in (b, n, m), (n, b, m), (b, m, n):  # y, dL/dw, dL/dx
            total += seconds(product(*shape), 20)
    return total


def mlp_step(sizes: dict, rule: dict, data: dict) -> Callable[[], None]:
    """Return the work of one step of mlp.train."""
    model = mlp.build(sizes, rule, 0, CPU)
    optimizer = AdamW(model.parameters(), lr=mlp.LR, fused=True)

    def step() -> None:
        loss = mlp.batch_loss(model, *data["train"], rule["batch_size"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def show(name: str, operations: int, time: float) -> float:
    """Print a line of the table; return the FLOP/s."""
    rate = operations / time
    print(f"{name:34} {operations / 1e6:10.1f} {1e3 * time:9.3f} "
          f"{rate / 1e9:9.1f}")
    return rate


def bench_mlp(corpus: names_corpus.Corpus) -> None:
    """Time a step of the MLP against the products that it consists of."""
    data = mlp.load_data(corpus, mlp.CONTEXT, CPU)
    size, examples = corpus.vocabulary, len(data["train"][1])
    rule, sizes = mlp.settings(examples, size), mlp.layer_sizes(examples, size)
    b, work = rule["batch_size"], flop(sizes, rule["batch_size"])
    print("FLOP/step = 6 B (T E H + H V + T E V) =",
          " + ".join(f"6 * {b} * {n} * {m}" for n, m in layers(sizes)))
    step = show("mlp, a step of training", work,
                seconds(mlp_step(sizes, rule, data), 20))
    show("mlp, its matrix products alone", work, same_shapes(sizes, b))
    peak = show(f"a product of {SIDE} x {SIDE} matrices", 2 * SIDE**3,
                seconds(product(SIDE, SIDE, SIDE), 5))
    print(f"a step takes {peak / step:.2f} times as long as its FLOP at peak")


def bench_bigram(corpus: names_corpus.Corpus) -> None:
    """Time a step on all one-hot rows against one on the counts."""
    size = corpus.vocabulary
    w = torch.zeros(size, size)
    for copies in 1, 4:
        x, y = bigram.examples(copies * corpus.train, corpus.letters)
        pairs = bigram.count_pairs(copies * corpus.train, corpus.letters)
        rows = F.one_hot(x, size).float()  # (N, V)
        show(f"bigram, {len(y)} one-hot rows", 4 * len(y) * size**2,
             seconds(lambda: bigram.one_hot_step(w, rows, y, 0.1), 2))
        show(f"bigram, counts of {len(y)} pairs", 6 * size**2,
             seconds(lambda: bigram.counts_step(w, pairs, 0.1), 200))


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    OneLineParser(prog="bench", description=__doc__).parse_args(argv)
    torch.set_num_threads(1)
    corpus = names_corpus.load()
    print(f"{'':34} {'MFLOP':>10} {'ms':>9} {'GFLOP/s':>9}")
    bench_mlp(corpus)
    bench_bigram(corpus)
    for line in bench_corpus.lines():
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
