# Generated from README.org by tangle.el; edit README.org instead.
"""What the page's pictures to touch know: networks in 16 bits, and data."""

import base64
from os.path import commonprefix

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import cnn
import gpt
from common import digits, names, options, results
from common.files import ROOT
from common.line import known_line
from common.style import BLUE, ORANGE, new_figure
from linear_autograd import LR, STEPS

SHOWN = 40  # images of the test half, with all that the network gets wrong
SPREAD = 0.005  # of the loss and of the error rate, between processors


def halved(tensors: dict[str, Tensor]) -> dict:
    """Return TENSORS as plain values: shapes, and float16 in base64."""
    return {name: {"shape": list(tensor.shape), "data": base64.b64encode(
        tensor.detach().numpy().astype("<f2").tobytes()).decode()}
        for name, tensor in tensors.items()}


def restored(packed: dict) -> dict[str, Tensor]:
    """Return the tensors, float32, that were PACKED."""
    return {name: torch.from_numpy(np.frombuffer(
        base64.b64decode(said["data"]), "<f2").astype(np.float32)).reshape(
        said["shape"]) for name, said in packed.items()}


def fused(model: cnn.ConvNet) -> nn.Sequential:
    """Return MODEL with each batch norm folded into its convolution."""
    layers = []
    for first, second, pool in model.eval().stages:
        for convolution, norm, relu in first, second:
            layers += [fuse_conv_bn_eval(convolution, norm), relu]
        layers.append(pool)
    return nn.Sequential(*layers, nn.Flatten(), model.head)


def front_coded(words: list[str]) -> str:
    """Return WORDS, sorted, each without what it shares with the last.

    A capital stands for how many letters that are: A for none, B for one.
    """
    text, last = "", ""
    for word in sorted(words):
        shared = len(commonprefix([last, word]))
        text, last = text + chr(ord("A") + shared) + word[shared:], word
    return text


def plot_next(model: gpt.GPT, letters: str, beginning: str) -> Figure:
    """Draw what MODEL says comes after BEGINNING."""
    figure, ax = new_figure(height=2.2)
    tokens = torch.tensor([[0, *names.encode(beginning, letters)]])
    with torch.inference_mode():
        logits = model(tokens)[0, -1]
    places = range(len(letters) + 1)
    ax.bar(places, logits.softmax(0), color=BLUE)
    ax.plot(places, (2 * logits).softmax(0), "_", color=ORANGE)
    ax.set_xticks(places, ["·", *letters])
    ax.tick_params(axis="x", length=0)
    ax.set(xlabel=f"letter after “{beginning}”", ylabel="probability")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Load what was trained, round it, measure it, write."""
    parser = options.parser("touch", __doc__, steps=0, seed=0)
    args = options.read(parser, argv)
    corpus = names.load()
    writer, letters = gpt.load(ROOT / "build/gpt.pt")
    writer.half().float()
    reader = fused(cnn.load(ROOT / "build/cnn.pt")).half().float()
    _, (images, labels) = digits.split(*digits.load())
    wrong = cnn.predict(reader, images).argmax(1) != labels
    chosen = wrong.int().argsort(stable=True)  # the wrong ones last
    chosen = torch.cat([chosen[:SHOWN - int(wrong.sum())],
                        wrong.nonzero()[:, 0]])
    levels = (images * digits.LEVELS).round().int().flatten(1)
    x, y = known_line(0)
    results.save(args, {
        "measure": "nats per character, and error rate", "spread": SPREAD,
        "gpt": {"dev": gpt.evaluate(writer, corpus.dev, letters)},
        "cnn": {"test": wrong.double().mean().item()},
        "pictures": {
            "descent": {"x": x.tolist(), "y": y.tolist(), "steps": STEPS,
                        "rate": LR},
            "names": {"letters": letters, "context": writer.context,
                      "heads": gpt.HEADS, "list": front_coded(
                          corpus.train + corpus.dev + corpus.test),
                      "tensors": halved(writer.state_dict())},
            "digits": {"tensors": halved(reader.state_dict()), "samples": [
                [labels[i].item(), "".join("0123456789abcdefg"[level]
                                           for level in levels[i].tolist())]
                for i in chosen.tolist()]}}},
        {"touch_next": plot_next(writer, letters, "mar")})


if __name__ == "__main__":
    options.run(main)
