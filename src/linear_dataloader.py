# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line by stochastic gradient descent on batches from a DataLoader."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from common import options
from common.line import known_line
from common.line_figure import report

LR = 0.05
BATCH_SIZE = 20
STEPS = 60  # 5 batches make an epoch, so these are 12 epochs


class Points(Dataset):
    """Pairs of one x and one y, taken from two tensors of shape (N,)."""

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


def standard_line(seed: int) -> Points:
    """Return the known line, with x in standard units."""
    x, y = known_line(seed)
    return Points((x - x.mean()) / x.std(correction=0), y)


def make_loader(data: Dataset, seed: int, batch_size: int = BATCH_SIZE,
                shuffle: bool = True) -> DataLoader:
    """Return a loader whose order of examples depends on SEED alone."""
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(data, batch_size, shuffle=shuffle, generator=generator)


def train(loader: Iterable, epochs: int, *, lr: float = LR,
          device: torch.device | str = "cpu"):
    """Return the trained (w, b), and the numbers (w, b) at every step.

    LOADER yields batches of x and y, each of shape (B,), once per epoch.
    """
    w, b = (torch.tensor(0.0, device=device, requires_grad=True)
            for _ in range(2))  # (), ()
    history = [(w.item(), b.item())]
    for _ in range(epochs):
        for x, y in loader:
            x, y = x.to(device), y.to(device)  # (B,), (B,)
            loss = ((w * x + b - y) ** 2).mean()  # ()
            loss.backward()
            with torch.no_grad():
                w -= lr * w.grad
                b -= lr * b.grad
            w.grad = b.grad = None
            history.append((w.item(), b.item()))
    return (w, b), history


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("linear_dataloader", __doc__, steps=STEPS, seed=0)
    args = options.read(parser, argv)
    data = standard_line(args.seed)
    loader = make_loader(data, args.seed + 2)
    _, history = train(loader, args.steps // len(loader), device=args.device)
    report(args, data.x, history[::len(loader)], {})


if __name__ == "__main__":
    options.run(main)
