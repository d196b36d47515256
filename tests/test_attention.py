# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on attention."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import deep
import gpt
from common import names, options, results
from experiments import attention
from long import winning

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_loop_matrix_and_torch_agree():
    q, k, v = torch.randn(3, 2, 4, 9, 16,  # (B, H, T, D) each
                          generator=torch.Generator().manual_seed(0))
    found = attention.look(q, k) @ v
    torchs = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(found, torchs, atol=1e-6, rtol=0)
    loop = attention.attend_by_loop(q[0, 0], k[0, 0], v[0, 0])
    torch.testing.assert_close(found[0, 0], loop, atol=1e-6, rtol=0)


def scrambled():
    """Return a network whose weights are all random, none zero."""
    model, g = gpt.GPT(27, 16), torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=g)
    return model.eval()


def test_a_later_letter_never_changes_an_earlier_prediction():
    x, _, _ = gpt.tabulate(["katherine", "maximilian", "bo"], LETTERS, 16)
    model = scrambled()
    before = model(x.long())
    for place in range(x.shape[1]):
        other = x.clone().long()
        other[:, place] = (other[:, place] + 13) % 27
        change = (model(other) - before).abs().amax(2)  # (B, T)
        assert (change[:, :place] < 1e-5).all()
        assert (change[:, place:] > 1e-5).all()


def test_a_stopped_run_goes_on_to_the_same_weights(run, resumed):
    assert run(gpt) == resumed(gpt)
    with pytest.raises(options.InputError, match="another context"):
        run(gpt, "--resume --context 5")


def test_without_courage_all_names_are_one():
    for knobs in (1e-6, None), (1, 1):
        found = gpt.sample(scrambled(), LETTERS, 5, torch.Generator(), "a",
                           *knobs)
        assert len({*found}) == 1 and found[0][0] == "a"
    with pytest.raises(options.RunError, match="not finite"):
        gpt.sample(scrambled(), LETTERS, 5, torch.Generator(), "a", 1e-40)


def test_the_gpt_is_level_with_the_stack_or_better():
    found, stack = results.load("gpt"), results.load("deep")
    for split in "dev", "test":
        assert found[split] < stack[split] + 3 * gpt.SPREAD


def test_mlp_and_gpt_lead_counting_on_every_list():
    for point in results.load("winning")["points"]:
        assert max(point["mlp"], point["gpt"]) < point["counting"]


def test_two_causal_layers_tell_the_order():
    model = scrambled()
    nn.init.zeros_(model.position.weight)
    x = torch.tensor([names.encode(word, LETTERS)
                      for word in ("maria", "amria")])
    for depth, same in (2, False), (1, True):
        model.blocks = model.blocks[:depth]
        assert torch.allclose(*model(x)[:, -1], atol=1e-4) == same


def test_kept_keys_and_values_give_the_same():
    layer, g = scrambled().blocks[0].attention, torch.Generator()
    x = torch.randn(1, 7, gpt.WIDTH, generator=g.manual_seed(0))
    _, k, v = layer.split(x[:, :6])  # kept
    q, new_k, new_v = layer.split(x[:, 6:])
    mixed = F.scaled_dot_product_attention(
        q, torch.cat([k, new_k], 2), torch.cat([v, new_v], 2))
    new = layer.project(mixed.transpose(1, 2).flatten(2))
    torch.testing.assert_close(new, layer(x)[:, 6:], atol=1e-4, rtol=1e-4)


def test_with_twice_the_steps_the_stack_leads_on_few_names(tmp_path):
    winning.draw_list(path := tmp_path / "names.txt", count=500, draw=0)
    dev, losses = names.load().dev, []
    for steps in "160", "240":
        deep.main(["--names", str(path), "--steps", steps, "--quiet", "--out",
                   str(tmp_path)])
        model, letters = deep.load(tmp_path / "deep.pt")
        losses.append(deep.evaluate(model, dev, letters))
    counting = results.load("winning")["points"][0]["counting"]
    assert losses[0] < counting < losses[1]
