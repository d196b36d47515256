# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on attention."""

import math
from itertools import islice

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import gpt
from common import names, options, results
from experiments import attention

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_loop_matrix_and_torch_agree():
    q, k, v = torch.randn(3, 2, 4, 9, 16,  # (B, H, T, D) each
                          generator=torch.Generator().manual_seed(0))
    found = attention.attend(q, k, v)
    torchs = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(found, torchs, atol=1e-6, rtol=0)
    for b in range(2):
        for h in range(4):
            loop = attention.attend_by_loop(q[b, h], k[b, h], v[b, h])
            torch.testing.assert_close(found[b, h], loop, atol=1e-6, rtol=0)


def scrambled(context=16):
    """Return a network whose weights are all random, none zero."""
    model, g = gpt.GPT(27, context), torch.Generator().manual_seed(0)
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


def test_a_long_name_is_asked_for_every_letter_once():
    model, word = scrambled(context=4), "maximilian"
    tokens = [0, *names.encode(word, LETTERS), 0]
    x, y, _ = gpt.tabulate(["bo", word], LETTERS, context=4)
    assert (y >= 0).sum() == 3 + 11 and y.shape == (9, 4)
    nats = [-model(torch.tensor([tokens[max(0, end - 4):end]]))[0, -1]
            .log_softmax(0)[tokens[end]].item() for end in range(1, 12)]
    found = gpt.name_losses(model, ["bo", word], LETTERS)
    assert found[1].item() == pytest.approx(sum(nats), rel=1e-5)


def test_it_begins_as_a_guess():
    model = gpt.initialise(gpt.GPT(27, 16, 0.9), torch.Generator())
    loss = gpt.evaluate(model, ["katherine", "bo"], LETTERS)
    assert loss == pytest.approx(math.log(27))


def test_a_batch_has_rows_of_like_length_and_an_epoch_all():
    length = torch.arange(512) * 7 % 16  # (N,)
    batches = list(islice(gpt.deal(length, 8, seed=0), 64))
    assert torch.cat(batches).sort().values.equal(torch.arange(512))
    assert all(length[i].max() - length[i].min() < 3 for i in batches)
    means = [length[i].float().mean() for i in batches[:16]]
    assert means != sorted(means)  # dealt in random order


def test_a_cold_network_samples_its_likeliest_name():
    for knobs in {"temperature": 1e-6}, {"top_k": 1}:
        found = gpt.sample(scrambled(), LETTERS, 5, torch.Generator(), "a",
                           **knobs)
        assert len(set(found)) == 1 and found[0][0] == "a"


def test_a_stopped_run_goes_on_to_the_same_weights(run, resumed):
    assert run(gpt) == resumed(gpt)


@pytest.mark.parametrize("more, said", [
    ("--temperature 0", "above 0"),
    ("--resume --context 5", "another context"),
    ("--sample 2 --prefix q", "'q'")])
def test_bad_input_is_one_line(run, more, said):
    run(gpt)
    with pytest.raises(options.InputError, match=said):
        run(gpt, more)


def test_the_gpt_is_level_with_the_stack_or_better():
    found, pairs = results.load("gpt"), results.load("attention")["over_deep"]
    stack = results.load("deep")
    assert found["dev"] < stack["dev"] + 3 * found["spread"]
    for split in "dev", "test":
        assert pairs[split]["lead"] > -3 * pairs[split]["error"]


def test_mlp_and_gpt_lead_counting_on_every_list():
    for point in results.load("winning")["points"]:
        assert max(point["mlp"], point["gpt"]) < point["counting"]


def test_two_causal_layers_tell_the_order():
    model = scrambled()
    nn.init.zeros_(model.position.weight)
    words = torch.tensor([[0, *names.encode(word, LETTERS)]
                          for word in ("maria", "amria")])
    x = words[:, 1:]  # without the boundary
    blocks = model.blocks
    for depth, same in (1, True), (2, False):
        model.blocks = blocks[:depth]
        assert torch.allclose(*model(x)[:, -1], atol=1e-4) == same


def test_a_cache_of_keys_and_values_gives_the_same():
    layer = scrambled().blocks[0].attention
    x = torch.randn(1, 7, gpt.WIDTH,
                    generator=torch.Generator().manual_seed(0))
    expected, past = layer(x), None
    for t in range(7):
        q, k, v = layer.split(x[:, t:t + 1])
        past = (k, v) if past is None else (
            torch.cat([past[0], k], 2), torch.cat([past[1], v], 2))
        mixed = F.scaled_dot_product_attention(q, *past)
        new = layer.project(mixed.transpose(1, 2).flatten(2))[:, 0]
        torch.testing.assert_close(new, expected[:, t], atol=1e-4, rtol=1e-4)


def test_a_block_has_twelve_squares_of_the_width():
    block = gpt.Block(width := 32, heads=4, dropout=0.0)
    matrices = sum(p.numel() for p in block.parameters() if p.ndim == 2)
    assert matrices == 12 * width**2
