# Generated from README.org by tangle.el; edit README.org instead.
"""Autograd from nothing: numbers that remember how they were made."""

import itertools
import math
import random

from matplotlib.figure import Figure

from common import options, results
from common.style import BLUE, GREY, INK, ORANGE, new_figure


class Scalar:
    """A number, and the pairs (parent, slope) that it was made of.

    Its grad, the derivative of a loss in this number, is set by backward.
    """

    ages = itertools.count()

    def __init__(self, value: float, name: str = "", parents: tuple = ()):
        self.value, self.name, self.parents = value, name, parents
        self.age = next(Scalar.ages)  # the later made, the higher
        self.grad = 0.0

    def __add__(self, other):
        other = scalar(other)
        return Scalar(self.value + other.value, "+",
                      ((self, 1.0), (other, 1.0)))

    def __sub__(self, other):
        other = scalar(other)
        return Scalar(self.value - other.value, "−",
                      ((self, 1.0), (other, -1.0)))

    def __mul__(self, other):
        other = scalar(other)
        return Scalar(self.value * other.value, "×",
                      ((self, other.value), (other, self.value)))

    def __pow__(self, n: float):
        return Scalar(self.value ** n, f"^{n}",
                      ((self, n * self.value ** (n - 1)),))

    def tanh(self):
        t = math.tanh(self.value)
        return Scalar(t, "tanh", ((self, 1 - t * t),))

    __radd__, __rmul__ = __add__, __mul__  # 1 + a and 2 * a, too


def scalar(number) -> Scalar:
    """Return NUMBER as a Scalar, which it may be already."""
    return number if isinstance(number, Scalar) else Scalar(number)


def origins(loss: Scalar) -> list[Scalar]:
    """Return LOSS and all that it was made of, the oldest first."""
    found, todo = set(), [loss]
    while todo:
        number = todo.pop()
        if number not in found:
            found.add(number)
            todo += [parent for parent, _ in number.parents]
    return sorted(found, key=lambda number: number.age)


def backward(loss: Scalar) -> None:
    """Set the grad of LOSS and of all that it was made of."""
    numbers = origins(loss)
    for number in numbers:
        number.grad = 0.0
    loss.grad = 1.0
    for number in reversed(numbers):
        for parent, slope in number.parents:
            parent.grad += slope * number.grad


def two_examples(w: float = 2.0) -> Scalar:
    """Return the loss of the line w x on two examples, with its graph."""
    y1, x1 = Scalar(7.0, "$y_1$"), Scalar(5.0, "$x_1$")
    w = Scalar(w, "$w$")
    x2, y2 = Scalar(1.0, "$x_2$"), Scalar(3.0, "$y_2$")
    return (x1 * w - y1) ** 2 + (w * x2 - y2) ** 2


PLACES = [(-3, 0), (-4, 1), (-4, 2), (-4, 3), (-3, 4), (-3, 1.5), (-2, 0.75),
          (-1, 0.75), (-3, 2.5), (-2, 3.25), (-1, 3.25), (0, 2)]


def plot_graph(loss: Scalar) -> Figure:
    """Return a drawing of the graph of two_examples, the oldest first."""
    figure, axes = new_figure(height=4.4)
    place = dict(zip(origins(loss), PLACES, strict=True))
    for node, (x, y) in place.items():
        for up, text, color in ((0.32, node.value, BLUE),
                                (0, node.name, INK),
                                (-0.32, node.grad, ORANGE)):
            axes.text(x, y - up, text if up == 0 else f"{text:g}",
                      ha="center", va="center", color=color)
        for parent, slope in node.parents:
            u, v = place[parent]
            axes.annotate("", (x, y), (u, v), arrowprops={
                "arrowstyle": "->", "color": GREY,
                "shrinkA": 13, "shrinkB": 13})
            axes.text((x + u) / 2, (y + v) / 2 - 0.06, f"{slope:g}",
                      ha="center", va="bottom", color=GREY)
    axes.text(0.15, 1.68, "value", va="center", color=BLUE)
    axes.text(0.15, 2.32, "gradient", va="center", color=ORANGE)
    axes.plot(*zip(*PLACES), "o", markersize=24, color=INK,
              markerfacecolor="none", markeredgewidth=0.8)
    axes.axis("off")
    axes.set(xlim=(-4.3, 0.8), ylim=(4.4, -0.6))
    return figure


EXAMPLES = [((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1)]


def network(p, x1: float, x2: float):
    """Return the answer of a network of 13 parameters p to two inputs."""
    y_hat = p[12]
    for a, b, c, v in zip(p[0:3], p[3:6], p[6:9], p[9:12]):
        y_hat = y_hat + v * (a * x1 + b * x2 + c).tanh()
    return y_hat


def mse(p):
    """Return the mean squared error on the four examples."""
    return sum((network(p, *x) - y) ** 2 for x, y in EXAMPLES) * 0.25


def train(steps: int = 100, seed: int = 0, lr: float = 0.2):
    """Return trained parameters and the loss before every step, and after."""
    start = random.Random(seed)
    p = [Scalar(start.uniform(-1, 1)) for _ in range(13)]
    history = []
    for _ in range(steps):
        loss = mse(p)
        backward(loss)
        for parameter in p:
            parameter.value -= lr * parameter.grad
        history.append(loss.value)
    return p, history + [mse(p).value]


def main(argv: list[str] | None = None) -> None:
    """Train, evaluate, show: the program from the command line."""
    parser = options.parser("autograd", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    if args.device.type != "cpu":
        raise options.InputError("--device: Python's numbers are on the cpu")
    p, history = train(args.steps, args.seed)
    loss = two_examples()
    backward(loss)
    results.save(args, {"measure": "mean squared error",
                        "parameters": len(p), "steps": args.steps,
                        "train": history[-1]}, {"autograd": plot_graph(loss)})


if __name__ == "__main__":
    options.run(main)
