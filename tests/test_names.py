# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on names and of the count baseline."""

import argparse
import collections
import hashlib
import json
import lzma
import math
import os
import random
import threading

import pytest
import torch

import names_corpus
import names_options
import ngram
from command_line import InputError, OneLineParser
from names_corpus import decode, encode, windows


def test_list_is_the_one_described():
    content = names_corpus.NAMES.read_bytes()
    names = content.decode("ascii").split("\n")
    assert names.pop() == ""  # the file ends in a line break
    assert len(names) == len(set(names)) == 5163
    assert names == sorted(names)
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert hashlib.sha256(content).hexdigest() == names_corpus.SHA256


def test_spellings_of_one_name_become_one(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(
        "\ufeffJosé\r\nJOSE\u0301\r\n\r\n  Mary   Ann \rStrauß\nSTRAUSS\n"
        "a\nb\nc\nd\ne\nf\nΣοφίας".encode()
    )
    assert names_corpus.normalise("\u1f80\u0301") == "\u1f04\u03b9"
    assert names_corpus.names_in("a" * 1000, path) == ["a" * 1000]
    corpus = names_corpus.load(path)
    names = corpus.train + corpus.dev + corpus.test
    assert sorted(names) == [
        "a", "b", "c", "d", "e", "f", "josé", "mary ann", "strauss",
        "σοφίασ",
    ]
    assert " " in corpus.letters and corpus.vocabulary == 23


def test_no_name_is_in_two_splits(tmp_path):
    corpus = names_corpus.load()
    sets = [set(corpus.train), set(corpus.dev), set(corpus.test)]
    assert [len(s) for s in sets] == [4130, 516, 517]
    assert len(set.union(*sets)) == 5163
    assert collections.Counter(corpus.places.values()) == {
        "train": 4130, "dev": 516, "test": 517}
    assert corpus.places[corpus.dev[0]] == "dev"
    twice = tmp_path / "twice.txt"
    twice.write_text(2 * names_corpus.NAMES.read_text())
    assert names_corpus.load(twice).train == corpus.train
    leaky = names_corpus.load(twice, keep_duplicates=True)
    both = set(leaky.train) & set(leaky.dev)
    assert len(both) > 500 and {leaky.places[n] for n in both} == {"train"}


@pytest.mark.parametrize("content, said", [
    (None, "No such file"), ("folder", "Is a directory"),
    (b"", "distinct names: 0"), (b"\n \n\n", "distinct names: 0"),
    (b"anna\n", "distinct names: 1"), (b"anna\n" * 50, "distinct names: 1"),
    (b"a\nb\nc\nd\ne\nf\ng\nh\ni", "distinct names: 9"),
    (b"anna\nb\xffb\n", ":2: not UTF-8"), (b"\x89PNG\r\n", ":1: not UTF-8"),
    (b"anna\n\nb\x00b\n", r":3: control character U\+0000"),
    (b"anna\nb\x7fb\n", r":2: control character U\+007F"),
    (b"anna\n" + b"a" * 1001, ":2: a name of 1001 characters"),
    (b"anna\rbob\r\nb\xc2\x9b2J", r":3: control character U\+009B"),
    (b"anna\n" + b"a" * 100_000, ":2: a name of 100000 characters"),
    (b"anna\n" + b"a" * 2**21, ":2: a line of more than 1048576 characters"),
])
def test_unusable_lists_are_refused(content, said, tmp_path):
    path = tmp_path / "names.txt"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as refused:
        names_corpus.load(path)
    assert "\n" not in str(refused.value)


def test_list_is_read_once_and_no_further_than_need_be(tmp_path, monkeypatch):
    lines = "".join(f"José {i}\r\n" for i in range(10)).encode()
    path, pipe, seen = tmp_path / "names.txt", tmp_path / "pipe", []
    monkeypatch.setattr(names_corpus, "CHUNK", 7)
    path.write_bytes(lines + b"\0" + 99 * lines)
    digest = argparse.Namespace(update=seen.append)
    with pytest.raises(InputError, match=":11: control character"):
        list(names_corpus.pieces(path, digest))
    assert len(seen) == len(lines) // 7 + 1
    path.write_bytes(lines)
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[lines])
    writer.start()
    assert names_corpus.load(pipe) == names_corpus.load(path)
    writer.join()


def test_changed_list_of_the_book_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "names.txt"
    path.write_bytes(names_corpus.NAMES.read_bytes() + b"zzyzx\n")
    assert names_corpus.load(path).sha256 != names_corpus.SHA256
    monkeypatch.setattr(names_corpus, "NAMES", path)
    with pytest.raises(InputError, match="checksum"):
        names_corpus.load(path)


def test_decode_undoes_encode():
    corpus = names_corpus.load()
    assert encode("emma", corpus.letters) == [5, 13, 13, 1]
    for name in corpus.train + corpus.dev + corpus.test:
        tokens = encode(name, corpus.letters)
        assert 0 < min(tokens) and max(tokens) < corpus.vocabulary == 27
        assert decode(tokens, corpus.letters) == name


@pytest.mark.parametrize("context", [1, 2, 3, 8])
@pytest.mark.parametrize("letters", ["aem", *(
    "".join(map(chr, range(40, end))) for end in (295, 296, 999))])
def test_windows_are_those_of_a_plain_loop(context, letters):
    names = ["emma", "a", "mae"]
    x, y = windows(names, letters, context)
    rows = []
    for name in names:
        tokens = [0] * context + encode(name, letters) + [0]
        for i in range(context, len(tokens)):
            rows.append(tokens[i - context : i + 1])
    assert torch.cat([x, y[:, None]], dim=1).tolist() == rows
    assert x.dtype == (torch.uint8 if len(letters) < 256 else torch.int32)


def test_windows_never_look_ahead():
    x, y = windows(["abcde"], "abcdefgh", context=3)
    changed, other = windows(["abhde"], "abcdefgh", context=3)
    assert (x != changed).any(dim=1).tolist() == [False] * 3 + [True] * 3
    assert (y != other).tolist() == [False, False, True, False, False, False]
    tokens = names_corpus.stream(["abcde"], "abcde", 3)
    view = tokens.unfold(0, 3, 1)
    assert view.data_ptr() == tokens.data_ptr() and view.stride() == (1, 1)


@pytest.mark.parametrize("words", [
    ["--context", "0"], ["--context", "7"], ["--context", "x"],
    ["--context", "9" * 5000], ["--context", "-1"], ["--dropout", "1"],
    ["--dropout", "nan"], ["--dropout", "-0.1"], ["--dropout", "much"],
    ["--sample", "-1"], ["--sample", "1.5"], ["--names"], ["--prefix"],
])
def test_options_of_names_programs_are_checked(words):
    parser = OneLineParser(prog="p", allow_abbrev=False)
    names_options.add_corpus(parser)
    names_options.add_context(parser, None, 1, 6)
    names_options.add_checkpoint(parser, "p")
    names_options.add_training(parser, 0.1)
    with pytest.raises(InputError) as refused:
        parser.parse_args(words)
    said = str(refused.value)
    assert words[0] in said and "\n" not in said
    assert "is not a" in said or "expected one argument" in said


def test_prefix_is_normalised_and_checked():
    args = argparse.Namespace(prefix="An")
    assert names_options.prefix(args, "anx") == [1, 2]
    args.prefix = "Ané"
    with pytest.raises(InputError, match="no name of the list has 'é'"):
        names_options.prefix(args, "anx")
    args.prefix = "a" * 1000
    with pytest.raises(InputError, match="1000 characters"):
        names_options.prefix(args, "anx")


def test_loss_is_minus_the_log_of_the_names_probability():
    p = torch.tensor([0.5, 0.25, 0.125, 0.5])  # of "emm" and its end
    loss = -p.log().mean()
    assert (loss / math.log(2)).item() == pytest.approx((1 + 2 + 3 + 1) / 4)
    assert p.prod().item() == pytest.approx(math.exp(-4 * loss))
    even = -torch.full((9,), 1 / 27).log().mean()
    assert even.item() == pytest.approx(math.log(27))
    assert even.exp().item() == pytest.approx(27)


def test_relative_counts_have_the_smallest_loss():
    c = torch.tensor([7.0, 2.0, 1.0])
    best = -(c * (c / c.sum()).log()).sum()
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        p = torch.rand(3, generator=generator)
        assert -(c * (p / p.sum()).log()).sum() >= best


def test_more_context_leaves_more_unseen(counted):
    train, dev = counted.examples["train"], counted.examples["dev"]
    shares = ngram.unseen(counted.orders, dev, 27)
    assert shares == sorted(shares)
    assert shares[0] == 0 and 0 < shares[1] < 0.002 and shares[5] > 0.2
    assert not any(ngram.unseen(counted.orders, train, 27))
    on_dev = ngram.cost(counted.orders, dev, [0.0], 27)[:, 0]
    assert on_dev.isinf().tolist() == [share > 0 for share in shares]
    corpus, rows = names_corpus.load(), []
    for names in corpus.train, corpus.dev:
        x, y = windows(names, corpus.letters, 3)
        rows.append(list(map(tuple, torch.cat([x, y[:, None]], 1).tolist())))
    seen = set(rows[0])
    new = sum(row not in seen for row in rows[1])
    assert shares[3] == pytest.approx(new / len(rows[1]))


@pytest.mark.parametrize("pair, times, kinds", [("ll", 232, 6),
                                                ("is", 229, 20)])
def test_equally_frequent_pairs_differ_in_kinds(pair, times, kinds, counted):
    corpus = names_corpus.load()
    x, y = windows(corpus.train, corpus.letters, 2)
    first, second = encode(pair, corpus.letters)
    front = x[(x[:, 1] == first) & (y == second), 0]
    assert (len(front), len(front.unique())) == (times, kinds)
    order = counted.orders[1]  # its first context is the boundary
    assert order.contexts[0] == 0
    assert (order.kinds[:-1][order.owner == 0] == 1).all()


def test_kinds_keep_the_frequencies_of_letters():
    corpus = names_corpus.load()
    x, y = windows(corpus.train, corpus.letters, 1)
    c = torch.zeros(27, 27, dtype=torch.float64)
    c.index_put_((x[:, 0].long(), y), torch.ones(1).double(), accumulate=True)
    f, k, d = (c > 0).sum(1), (c > 0).sum(0), 0.5
    for lower, kept in (k / k.sum(), True), (c.sum(0) / c.sum(), False):
        freed = d * f[:, None] * lower
        p = ((c - d).clamp(min=0) + freed) / c.sum(1, keepdim=True)
        torch.testing.assert_close(p.sum(1), torch.ones(27).double())
        assert torch.allclose(c.sum(1) @ p, c.sum(0)) == kept


def some_names(letters, count=300, longest=6):
    source = random.Random(len(letters))
    return ["".join(source.choices(letters, k=source.randint(1, longest)))
            for _ in range(count)]


LONG_ALPHABET = "".join(map(chr, range(0x4E00, 0x4E00 + 4095)))


@pytest.mark.parametrize("letters", ["ab", "abcdefgh", LONG_ALPHABET])
def test_equal_examples_are_counted_together(letters):
    names = some_names(letters) + some_names(letters, 20)
    x, y = windows(names, letters, 16)
    rows = map(tuple, torch.cat([x, y[:, None]], dim=1).tolist())
    x, y, n = ngram.distinct(names, letters, 16)
    kinds = map(tuple, torch.cat([x, y[:, None]], dim=1).tolist())
    assert dict(zip(kinds, n.tolist())) == collections.Counter(rows)


class Reference:
    def __init__(self, names, letters, context):
        x, y = windows(names, letters, context)
        rows = torch.cat([x, y[:, None]], dim=1).tolist()
        self.counts = [collections.Counter(map(tuple, rows))]
        for _ in range(context):  # each distinct row is a kind
            kinds = collections.Counter(row[1:] for row in self.counts[0])
            self.counts.insert(0, kinds)

    def p(self, history, letter, d, size):
        p = 1 / size
        for length, counts in enumerate(self.counts):
            h = tuple(history[len(history) - length:])
            after = [n for row, n in counts.items() if row[:-1] == h]
            if after:
                seen = max(counts[(*h, letter)] - d, 0)
                p = (seen + d * len(after) * p) / sum(after)
        return p


@pytest.mark.parametrize("letters", ["abcd", LONG_ALPHABET])
def test_tables_give_what_dictionaries_give(letters):
    size, names = len(letters) + 1, some_names(letters, 60)
    orders = ngram.count(ngram.distinct(names, letters, 4), size)
    fresh = some_names(letters[:3] + letters[-1], 30)
    x, y, n = ngram.distinct(fresh + names[:5], letters, 4)
    p = ngram.predict(orders, x, y, [0.3, 1.0], size)
    for context in range(1, 5):
        reference = Reference(names, letters, context)
        for i in range(0, len(y), 3):
            history = x[i, 4 - context:].tolist()
            for j, d in enumerate([0.3, 1.0]):
                expected = reference.p(history, y[i].item(), d, size)
                assert p[context, j, i].item() == pytest.approx(expected)


def test_probabilities_sum_to_one(counted):
    generator = torch.Generator().manual_seed(0)
    chance = torch.randint(0, 27, (50, 6), generator=generator)
    x = torch.cat([counted.examples["dev"][0][::50], chance])
    every = x.repeat_interleave(27, dim=0), torch.arange(27).repeat(len(x))
    p = ngram.predict(counted.orders, *every, ngram.GRID, 27)
    sums = p.view(7, len(ngram.GRID), len(x), 27).sum(-1)
    torch.testing.assert_close(sums, torch.ones_like(sums))
    assert p.min() > 0


@pytest.fixture(scope="module")
def counted():
    corpus = names_corpus.load()
    examples = ngram.split_examples(corpus, ngram.LONGEST)
    orders = ngram.count(examples["train"], 27)
    found = ngram.measure(orders, examples, 27)
    return argparse.Namespace(examples=examples, orders=orders, found=found)


def test_shorter_tables_do_not_depend_on_longer_ones(counted, monkeypatch):
    monkeypatch.setattr(ngram, "CHUNK", 100)
    losses = ngram.losses(names_corpus.load(), 3)
    assert list(losses) == ["train", "dev", "test"]
    for split, loss in losses.items():
        assert loss == pytest.approx(counted.found[3][split], abs=1e-9)


def test_error_of_a_lead_is_that_of_resampled_names():
    corpus, loss = names_corpus.load(), {}
    for context in 2, 5:
        orders, best = ngram.fitted(corpus, context)
        loss[context] = ngram.example_losses(
            orders, *windows(corpus.dev, corpus.letters, context),
            best["discount"], 27)
        assert loss[context].mean().item() == pytest.approx(best["dev"])
    n = torch.tensor([len(name) + 1 for name in corpus.dev])
    d = (loss[5] - loss[2]).split(n.tolist())  # by name
    s = torch.stack([own.sum() for own in d])
    again = torch.randint(516, (4000, 516),
                          generator=torch.Generator().manual_seed(0))
    spread = (s[again].sum(1) / n[again].sum(1)).std().item()
    found = ngram.leads(corpus, 5, {"dev": loss[2]})["dev"]
    assert found["error"] == pytest.approx(spread, rel=0.05)
    assert found["difference"] == pytest.approx((s.sum() / n.sum()).item())
    own = ngram.leads(corpus, 5, {"dev": loss[5][:999]})["dev"]
    assert own["difference"] == own["error"] == 0 < own["unpaired"]


def test_program_writes_the_same_bytes_twice(tmp_path, counted):
    for folder in "one", "two":
        argv = ["--quiet", "--out", str(tmp_path / folder)]
        assert ngram.main(argv) == 0
    for name in "ngram.svg", "ngram.json":
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    results = json.loads(one.read_text())
    assert results["context"] == 5
    row = results["contexts"]["5"]
    assert results["dev"] == row["dev"] < row["raw"] - 0.1
    assert results["baseline"]["dev"] == results["contexts"]["0"]["dev"]
    assert math.log(results["perplexity"]["dev"]) == pytest.approx(
        row["dev"], abs=1e-5)
    assert results["parameters"] == sum(
        len(order.grams) for order in counted.orders[:6])
    assert row["unseen"] == pytest.approx(ngram.unseen(
        counted.orders, counted.examples["dev"], 27)[5], abs=1e-5)
    assert ngram.main([*argv, "--context", "2"]) == 0
    results = json.loads(two.read_text())
    assert results["dev"] == pytest.approx(counted.found[2]["dev"], abs=1e-5)


def test_kneser_ney_is_best_with_five_letters(counted):
    dev = [row["dev"] for row in counted.found]
    assert min(dev) == dev[5] == pytest.approx(1.8965, abs=5e-4)
    assert counted.found[5]["test"] == pytest.approx(1.9017, abs=5e-4)
    assert dev[:6] == sorted(dev[:6], reverse=True)
    discounts = [row["discount"] for row in counted.found]
    assert discounts == sorted(discounts)
    likelihood = [row["likelihood"] for row in counted.found]
    assert likelihood == sorted(likelihood, reverse=True)
    order = counted.orders[6]
    seen, all_seen = order.count[:-1], order.total[order.owner]
    best = -(seen * (seen / all_seen).log()).sum() / seen.sum()
    assert likelihood[6] == pytest.approx(best.item())
    floor = 4130 * math.log(4130) / counted.examples["train"][2].sum().item()
    assert floor < likelihood[6] < floor + 0.003
    raw = ngram.cost(ngram.without_kinds(counted.orders),
                     counted.examples["dev"], ngram.GRID, 27).amin(1)
    assert raw[5] > raw[3] > dev[5]
    times = order.total[:-1]  # of each context of six letters
    assert (times == 1).double().mean() > 2 / 3


def test_another_shuffle_moves_the_second_digit(monkeypatch):
    dev, names = [], names_corpus.NAMES.read_text().split()
    for seed in range(5):
        shuffled = random.Random(seed).sample(names, len(names))
        monkeypatch.setattr(names_corpus, "split", lambda _: (
            shuffled[:4130], shuffled[4130:4646], shuffled[4646:]))
        dev.append(ngram.losses(names_corpus.load(), 5)["dev"])
    assert 0.05 < max(dev) - min(dev) < 0.1


def test_duplicates_flatter(tmp_path, counted):
    names = names_corpus.NAMES.read_text().split()
    path = tmp_path / "leaky.txt"
    twice = random.Random(0).sample(names, 1000)
    path.write_text("\n".join(names + twice))
    asked = argparse.Namespace(names=path, keep_duplicates=True)
    leaky = names_options.corpus(asked)
    inside = [name for name in leaky.dev if name in set(leaky.train)]
    assert len(inside) / len(leaky.dev) == pytest.approx(1 / 4, abs=0.04)
    honest = ngram.losses(names_corpus.load(path), 5)["dev"]
    assert ngram.losses(leaky, 5)["dev"] < honest - 0.08
    assert 0 < counted.found[3]["dev"] - counted.found[5]["dev"] < 0.05


def estimated_discount(count):
    once = (count == 1).sum().item()
    return once / (once + 2 * (count == 2).sum().item())


def test_estimated_discount_is_nearly_as_good(counted):
    dev = counted.examples["dev"]
    for length in range(1, 7):
        order = counted.orders[length]
        d = estimated_discount(order.count)
        assert 0.5 < d < 0.85
        if 1 < length < 6:
            assert estimated_discount(order.kinds) > d
        loss = ngram.cost(counted.orders, dev, [d], 27)[length].item()
        assert -1e-3 < loss - counted.found[length]["dev"] < 0.04
        assert length == 1 or d < counted.found[length]["discount"] - 0.1


def three_discounts(count):
    n = [(count == i).sum().item() for i in range(5)]
    y = n[1] / (n[1] + 2 * n[2])
    return [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]


def cost_with_three(orders, examples, discounts):
    (x, y, n), p = examples, 1 / 27
    places = ngram.recall(orders, x, y, 27)
    for order, (context, gram), d in zip(orders, places, discounts):
        last = order is orders[-1]
        count = order.count if last else order.kinds
        total = (order.total if last else order.total_kinds)[context]
        less = torch.tensor([0, *d]).double()[count.clamp(max=3).long()]
        freed = ngram.add(order.owner, len(order.contexts), less[:-1])[context]
        better = ((count - less)[gram] + freed * p) / total.clamp(min=1)
        p = better.where(total > 0, p)
    return -(p.log() @ n.double() / n.sum()).item()


def test_three_discounts_need_no_dev(counted):
    dev = counted.examples["dev"]
    for length in range(2, 6):
        orders = counted.orders[: length + 1]
        tables = [order.kinds for order in orders[1:-1]] + [orders[-1].count]
        d = [[0.5] * 3, *map(three_discounts, tables)]
        loss, tuned = cost_with_three(orders, dev, d), counted.found[length]
        one = ngram.cost(orders, dev, [estimated_discount(tables[-1])], 27)
        assert d[-1] == sorted(d[-1]) and loss < one[-1] - 0.005
        assert loss < tuned["dev"] + 0.005
        same = cost_with_three(orders, dev, [[tuned["discount"]] * 3] * 6)
        assert same == pytest.approx(tuned["dev"])
    d = [[0.5] * 3, [0.45, 0.75, 0.2], [0.9, 1.3, 1.3], [0.8, 1.15, 1.25],
         [0.85, 0.95, 1.0], [1.0, 1.25, 1.65]]
    for split, gain in ("dev", 0.010), ("test", 0.006):
        loss = cost_with_three(orders, counted.examples[split], d)
        assert tuned[split] - loss == pytest.approx(gain, abs=5e-4)


def test_counts_compress_better_than_lzma(counted):
    corpus = names_corpus.load()
    examples = counted.examples["test"][2].sum().item()
    bits = counted.found[5]["test"] * examples / math.log(2)
    train, test = "\n".join(corpus.train), "\n".join(corpus.test)
    both = lzma.compress(f"{train}\n{test}".encode())
    rival = len(both) - len(lzma.compress(train.encode()))
    assert bits / 8 < 0.85 * rival
    assert bits / 8 < 0.36 * len(test)
