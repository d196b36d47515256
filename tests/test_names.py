# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on names, and of counting."""

import hashlib
import json
import lzma
import math
from collections import Counter

import pytest
import torch

import ngram
from common.names import NAMES, encode, load, read, windows
from common.options import InputError


def test_program_gives_what_the_formulas_give():
    names, d, size = ["anna", "hanna", "ana", "nan", "bab"], 0.7, 5
    rows = list(ngram.grams(names, 2).elements())

    def p(h, w):
        seen = rows if len(h) == 2 else [
            row[-len(h) - 1:] for row in {row[-len(h) - 2:] for row in rows}]
        after = [row[-1] for row in seen if row[:-1] == h]
        lower = p(h[1:], w) if h else 1 / size
        return lower if not after else (
            max(after.count(w) - d, 0) + d * len(set(after)) * lower
        ) / len(after)

    model = ngram.fit(names, 2, d)
    for h in "\n\n", "\na", "an", "nn", "bb", "bn", "ba":
        for w in "\nabhn":
            assert model.probability(h, w) == pytest.approx(p(h, w))


@pytest.fixture(scope="module")
def corpus():
    return load()


@pytest.fixture(scope="module")
def model(corpus):
    return ngram.fit(corpus.train, 5, 0.9)


def test_list_is_the_one_described():
    content = NAMES.read_bytes()
    names = content.decode("ascii").split("\n")
    assert names.pop() == ""  # the file ends in a line break
    assert len(names) == len(set(names)) == 32471 and names == sorted(names)
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert hashlib.sha256(content).hexdigest() == (
        "c8fe404ce4de809171d16cd4fc732a45d0ca39230f557bdc2002a72a1456807f")


def test_splits_share_no_name(corpus, tmp_path):
    splits = [set(names) for names in (corpus.train, corpus.dev, corpus.test)]
    assert [len(names) for names in splits] == [25976, 3247, 3248]
    assert len(set.union(*splits)) == 32471 and corpus.vocabulary == 27
    path = tmp_path / "names.txt"
    path.write_text("\n".join("abcdefghijk" * 2) + "\n\nA\n")
    for kept, size in (False, 11), (True, 23):
        few = load(path, keep_duplicates=kept)
        assert len(few.train + few.dev + few.test) == size


def test_spellings_of_one_name_become_one(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffJosé\r\nJOSE\u0301\r\n\n Mary  Ann \n"
                     "Strauß\nSTRAUSS\n".encode())
    assert read(path) == ["josé"] * 2 + ["mary ann"] + ["strauss"] * 2


@pytest.mark.parametrize("context", [1, 2, 5])
def test_windows_are_those_of_a_plain_loop(context):
    names, rows = ["emma", "a", "mae"], []
    for name in names:
        tokens = [0] * context + encode(name, "aem") + [0]
        rows += [tokens[i - context:i + 1]
                 for i in range(context, len(tokens))]
    x, y = windows(names, "aem", context)
    assert torch.cat([x, y[:, None]], dim=1).tolist() == rows
    spelled = Counter("".join("\naem"[token] for token in row)
                      for row in rows)
    assert ngram.grams(names, context) == spelled


def test_probabilities_sum_to_one(model, corpus):
    for history in "\n\n\n\n\n", "\nemma", "qqqqq", "\n\n\n\nq":
        p = [model.probability(history, token)
             for token in ngram.EDGE + corpus.letters]
        assert min(p) > 0 and sum(p) == pytest.approx(1)


def test_continuation_counts_keep_the_frequency_of_letters(corpus):
    pairs, share = (ngram.grams(corpus.train, t) for t in (1, 0))
    f, k = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    for lower, kept in (k, True), (share, False):
        implied = {w: sum(max(pairs[v + w] - 0.5, 0)
                          + 0.5 * f[v] * lower[w] / lower.total()
                          for v in share) for w in share}
        error = max(abs(implied[w] / share[w] - 1) for w in share)
        assert (error < 1e-9) == kept


def test_losses_of_names_add_up(model, corpus):
    names = corpus.dev[:300]
    losses = ngram.name_losses(model, names)
    mean = losses.sum().item() / sum(len(name) + 1 for name in names)
    assert losses.shape == (300,) and mean == pytest.approx(
        ngram.loss(model.probability, ngram.grams(names, 5)))


def test_kneser_ney_reaches_what_the_text_says(model, corpus):
    for names, reached in (corpus.dev, 1.963), (corpus.test, 1.958):
        loss = ngram.loss(model.probability, ngram.grams(names, 5))
        assert loss == pytest.approx(reached, abs=5e-4)


def test_lead_over_itself_is_nothing(corpus, model):
    losses = ngram.name_losses(model, corpus.dev[:99])
    assert ngram.lead(losses, losses, corpus.dev[:99]) == (0, 0)
    mean, error = ngram.lead(losses, 2 * losses, corpus.dev[:99])
    assert 1.5 < mean < 2.5 and 0.02 < error < 0.1


def test_another_list_and_another_context(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(f"{a}{b}ο" for a in "βγδζ" for b in "αεηω"))
    ngram.main(["--names", str(path), "--context", "2", "--quiet",
                "--out", str(tmp_path)])
    found = json.loads((tmp_path / "ngram.json").read_text())
    assert found["context"] == 2 and found["dev"] < math.log(10)


@pytest.mark.parametrize("content, said", [
    (None, "No such file"), (b"", "0 distinct names"),
    (b"anna\n\xff\xfe\n", "2: not UTF-8"), (b"a" * 2000, "1: not a name")])
def test_bad_list_ends_in_one_line(tmp_path, content, said):
    path = tmp_path / "names.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        ngram.main(["--names", str(path), "--quiet"])
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="--context"):
        ngram.main(["--context", "11"])


def test_plain_counts_lose(corpus):
    excess = {}
    for t in 3, 5:
        model = ngram.fit(corpus.train, t, 0.9)
        found = ngram.grams(corpus.dev, t)
        good = ngram.loss(model.probability, found)
        tables = [ngram.grams(corpus.train, length) for length in range(t)]
        for gram in (gram for table in tables for gram in table):
            model.total[gram[:-1]] = 0
        for table in tables:
            model.counts |= table
            for gram, n in table.items():
                model.total[gram[:-1]] += n
        excess[t] = ngram.loss(model.probability, found) - good
    assert excess[5] > 0.1 > excess[3] > 0.02


def test_estimated_discount_costs_little(corpus, model):
    n = Counter(ngram.grams(corpus.train, 5).values())
    guess = ngram.replace(model, discount=n[1] / (n[1] + 2 * n[2]))
    found = ngram.grams(corpus.dev, 5)
    cost = (ngram.loss(guess.probability, found)
            - ngram.loss(model.probability, found))
    assert 0.6 < guess.discount < 0.8 and 0.01 < cost < 0.04


def test_counts_compress_better_than_lzma(corpus, model):
    train, test = "\n".join(corpus.train), "\n".join(corpus.test)
    ours = ngram.name_losses(model, corpus.test).sum().item() / math.log(2) / 8
    both = lzma.compress(f"{train}\n{test}".encode())
    rival = len(both) - len(lzma.compress(train.encode()))
    assert ours < 0.85 * rival and ours < 0.4 * len(test)
