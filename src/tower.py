# Generated from README.org by tangle.el; edit README.org instead.
"""What twenty layers do to a signal and to its gradient, and the repairs."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from figure_style import BLUE, GREY, INK, ORANGE, new_figure
from names_corpus import Corpus, windows


CONTEXT, EMBEDDING, WIDTH, DEPTH = 8, 16, 64, 20
MOST = 5000  # names looked at
STEPS, SEEDS = 100, 3  # of the towers that are trained
TRAINED = "default", "rough", "He", "normalised", "residual", "bare"


class Layer(nn.Module):
    """linear(f(norm(z))), added to z where RESIDUAL."""

    def __init__(self, f: Callable, normalise: bool, residual: bool):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH) if normalise else nn.Identity()
        self.f, self.residual = f, residual
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, z: Tensor) -> Tensor:
        """Turn (B, H) into (B, H)."""
        branch = self.linear(self.f(self.norm(z)))
        return z + branch if self.residual else branch


class Tower(nn.Module):
    """DEPTH layers between an embedding of CONTEXT letters and the logits."""

    def __init__(self, vocabulary: int, f: Callable = torch.relu,
                 normalise: bool = False, residual: bool = False,
                 depth: int = DEPTH):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, EMBEDDING)
        self.first = nn.Linear(CONTEXT * EMBEDDING, WIDTH)
        self.layers = nn.ModuleList(
            Layer(f, normalise, residual) for _ in range(depth))
        self.norm = nn.LayerNorm(WIDTH) if normalise else nn.Identity()
        self.output = nn.Linear(WIDTH, vocabulary)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits (B, V) after x (B, T), and every z, (B, H)."""
        z = [self.first(self.embedding(x.long()).flatten(1))]
        for layer in self.layers:
            z.append(layer(z[-1]))
        return self.output(self.norm(z[-1])), z


STARTS = {
    "normal": lambda w, g: nn.init.normal_(w, generator=g),
    "default": lambda w, g: nn.init.uniform_(
        w, -WIDTH**-0.5, WIDTH**-0.5, generator=g),
    "Glorot": lambda w, g: nn.init.xavier_normal_(w, generator=g),
    "He": lambda w, g: nn.init.kaiming_normal_(
        w, nonlinearity="relu", generator=g),
    "zero": lambda w, g: nn.init.zeros_(w),
}


def initialise(model: Tower, start: str, seed: int) -> Tower:
    """Draw the weights of MODEL: the layers as START says, the rest alike."""
    generator = torch.Generator().manual_seed(seed)
    nn.init.normal_(model.embedding.weight, generator=generator)
    for linear in model.first, model.output:
        nn.init.xavier_normal_(linear.weight, generator=generator)
    for layer in model.layers:
        STARTS[start](layer.linear.weight, generator)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    return model


def measure(model: Tower, x: Tensor, y: Tensor) -> dict[str, list[float]]:
    """Return the statistics of each layer on the batch x (B, T), y (B,)."""
    logits, z = model(x)
    loss = F.cross_entropy(logits, y)
    weights = [layer.linear.weight for layer in model.layers]
    gradients = torch.autograd.grad(loss, weights)
    return {
        "std": [layer.std().item() for layer in z],
        "gradient": [gradient.norm().item() for gradient in gradients],
        "saturated": [(layer.tanh().abs() > 0.97).float().mean().item()
                      for layer in z],
    }


KINDS = {
    "normal": {"start": "normal"},
    "default": {"start": "default"},
    "tanh": {"start": "normal", "f": torch.tanh},
    "Glorot": {"start": "Glorot", "f": torch.tanh},
    "He": {"start": "He"},
    "normalised": {"start": "He", "normalise": True},
    "rough": {"start": "normal", "normalise": True},
    "residual": {"start": "zero", "normalise": True, "residual": True},
    "bare": {"start": "zero", "residual": True},
}


def build(vocabulary: int, kind: str, seed: int) -> Tower:
    """Return an untrained tower of this KIND."""
    switches = dict(KINDS[kind])
    start = switches.pop("start")
    return initialise(Tower(vocabulary, **switches), start, seed)


def fit(model: Tower, train: tuple[Tensor, Tensor],
        dev: tuple[Tensor, Tensor], steps: int, seed: int,
        lr: float = 0.003, batch_size: int = 256) -> float:
    """Train MODEL for a few STEPS; return its loss on dev."""
    (x, y), generator = train, torch.Generator().manual_seed(seed)
    optimizer = AdamW(model.parameters(), lr=lr, fused=True)
    scheduler = OneCycleLR(optimizer, lr, total_steps=max(steps, 20),
                           cycle_momentum=False)
    for _ in range(steps):
        i = torch.randint(len(y), (batch_size,), generator=generator)
        loss = F.cross_entropy(model(x[i])[0], y[i])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.inference_mode():
        return F.cross_entropy(model(dev[0])[0], dev[1]).item()


def summary(dev: list[float]) -> dict[str, float]:
    """Return the mean of the losses on DEV, and how far apart they lie."""
    return {"dev": sum(dev) / len(dev), "range": max(dev) - min(dev)}


def study(corpus: Corpus, steps: int, seed: int) -> dict:
    """Return each kind's statistics, and its losses after STEPS steps."""
    train, dev = (windows(names[:MOST], corpus.letters, CONTEXT)
                  for names in (corpus.train, corpus.dev))
    found = {}
    for kind in KINDS:
        model = build(corpus.vocabulary, kind, seed)
        found[kind] = measure(model, *(part[:1024] for part in train))
        if kind in TRAINED:
            found[kind] |= summary([
                fit(build(corpus.vocabulary, kind, one), train, dev, steps,
                    one) for one in range(seed, seed + SEEDS)])
    return found


BEFORE = "normal", "tanh", "default"
AFTER = "Glorot", "He", "normalised", "residual"
LOOKS = {
    "normal": ("ReLU, normal", ORANGE, "-"),
    "tanh": ("tanh, normal", INK, "--"),
    "default": ("ReLU, default", BLUE, "-."),
    "Glorot": ("tanh, Glorot", INK, "--"),
    "He": ("ReLU, He", BLUE, "-."),
    "normalised": ("+ layer norm", GREY, ":"),
    "residual": ("+ residual", ORANGE, "-"),
}


def draw(row, found: dict, kinds: tuple[str, ...], title: str) -> None:
    """Draw the signal and the gradient of towers of these KINDS."""
    for kind in kinds:
        name, colour, style = LOOKS[kind]
        signal, gradient = found[kind]["std"], found[kind]["gradient"]
        row[0].semilogy(signal, style, color=colour)
        row[1].semilogy(range(1, DEPTH + 1), gradient, style, color=colour)
        row[1].annotate(name, (DEPTH, gradient[-1]), (5, -3),
                        textcoords="offset points", color=colour)
    row[0].set(ylabel="standard deviation", title=f"signal, {title}")
    row[1].set(ylabel="norm of the gradient", title=f"gradient, {title}")


def plot(found: dict) -> Figure:
    """Draw what twenty layers do, before the repairs and after."""
    figure, axes = new_figure(2, 5.8, rows=2, sharex=True)
    figure.get_layout_engine().set(hspace=0.08)
    draw(axes[0], found, BEFORE, "without repair")
    draw(axes[1], found, AFTER, "with repairs")
    for ax in axes[1]:
        ax.set(xlabel="layer", xticks=[1, 5, 10, 15, 20], ylim=(0.1, 10))
    return figure
