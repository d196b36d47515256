# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line, and other linear models, with nn.Module and optim.SGD."""

import math

import torch
from torch import Tensor, nn, optim
from torch.nn.functional import mse_loss
from torch.nn.utils import parameters_to_vector
from torch.utils.data import DataLoader, TensorDataset

from common import options
from common.line import known_line
from common.line_figure import report

LR = 0.05
BATCH_SIZE = 20
STEPS = 60  # 12 epochs


def standard_line(seed: int) -> tuple[Tensor, Tensor]:
    """Return the known line: features (N, 1) in standard units, y (N,)."""
    x, y = known_line(seed)
    return ((x - x.mean()) / x.std(correction=0))[:, None], y


def make_loader(features: Tensor, y: Tensor, seed: int) -> DataLoader:
    """Return a loader of shuffled batches: features (B, F) and y (B,)."""
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(features, y), BATCH_SIZE, shuffle=True,
                      generator=generator)


class LinearRegression(nn.Module):
    """Predict one number from F features; all weights start at zero."""

    def __init__(self, features: int = 1):
        super().__init__()
        self.linear = nn.Linear(features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions of shape (B,) for features of shape (B, F)."""
        return self.linear(x).squeeze(1)  # (B, 1) to (B,)


def train(model: nn.Module, loader: DataLoader | list, *, lr: float = LR,
          steps: int = STEPS) -> tuple[nn.Module, list[list[float]]]:
    """Train MODEL; return it and its weights at the start and every step.

    LOADER yields features (B, F) and y (B,), once per epoch.
    """
    device = next(model.parameters()).device
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    history = [parameters_to_vector(model.parameters()).tolist()]
    model.train()
    for _ in range(math.ceil(steps / len(loader))):  # epochs
        for x, y in loader:
            if len(history) > steps:
                break
            loss = criterion(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(parameters_to_vector(model.parameters()).tolist())
    return model, history


@torch.inference_mode()
def evaluate(model: nn.Module, features: Tensor, y: Tensor) -> float:
    """Return the mean squared error of MODEL on all examples."""
    model.eval()
    device = next(model.parameters()).device
    return mse_loss(model(features.to(device)), y.to(device)).item()


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("linear_module", __doc__, steps=STEPS, seed=0)
    args = options.read(parser, argv)
    x, y = standard_line(args.seed)
    loader = make_loader(x, y, args.seed + 2)
    model = LinearRegression().to(args.device)
    _, history = train(model, loader, steps=args.steps)
    report(args, x[:, 0], history[::len(loader)], {})


if __name__ == "__main__":
    options.run(main)
