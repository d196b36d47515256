# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line, and other linear models, with nn.Module and optim.SGD."""

from collections.abc import Iterable

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


def train(model: nn.Module, loader: Iterable, epochs: int, *,
          lr: float = LR) -> tuple[nn.Module, list[list[float]]]:
    """Train MODEL; return it and its weights at the start and every step.

    LOADER yields features (B, F) and y (B,), once per epoch.
    """
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    history = [parameters_to_vector(model.parameters()).tolist()]
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(parameters_to_vector(model.parameters()).tolist())
    return model, history


@torch.inference_mode()
def evaluate(model: nn.Module, features: Tensor, y: Tensor) -> float:
    """Return the mean squared error of MODEL on all examples."""
    model.eval()
    return mse_loss(model(features), y).item()


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("linear_module", __doc__, steps=STEPS, seed=0)
    args = options.read(parser, argv)
    x, y = (t.to(args.device) for t in known_line(args.seed))
    x = ((x - x.mean()) / x.std(correction=0))[:, None]  # (N, 1)
    loader = DataLoader(TensorDataset(x, y), BATCH_SIZE, shuffle=True,
                        generator=torch.Generator().manual_seed(args.seed + 2))
    model = LinearRegression().to(args.device)
    _, history = train(model, loader, args.steps // len(loader))
    report(args, x[:, 0], history[::len(loader)], {})


if __name__ == "__main__":
    options.run(main)
