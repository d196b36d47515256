# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on names, and of counting."""

import json
import lzma
import math
from collections import Counter

import pytest

import ngram
from common.names import NAMES, load, read, windows


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
        total = sum(model.probability(h, w) for w in "\nabhn")
        assert total == pytest.approx(1)


@pytest.fixture(scope="module")
def corpus():
    return load()


def test_distinct_names_are_split(corpus, tmp_path):
    names = corpus.train + corpus.dev + corpus.test
    assert sorted(names) == NAMES.read_text("ascii").split()
    assert len(names) == len(set(names)) == 32471
    path = tmp_path / "names.txt"
    path.write_text("\n".join("abcdefghijk" * 2))
    for kept, size in (False, 11), (True, 22):
        few = load(path, keep_duplicates=kept)
        assert len(few.train + few.dev + few.test) == size


def test_spellings_of_one_name_become_one(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffJosé\r\nJOSE\u0301\n\n Mary  Ann \n".encode())
    assert read(path) == ["josé", "josé", "mary ann"]


def test_counts_are_those_of_the_windows(corpus):
    x, y = windows(corpus.dev, corpus.letters, context=2)
    tokens = ngram.EDGE + corpus.letters
    assert ngram.grams(corpus.dev, 2) == Counter(
        "".join(tokens[i] for i in (*before, after))
        for before, after in zip(x.tolist(), y.tolist()))


def test_continuation_counts_keep_the_frequency_of_letters(corpus):
    pairs, share = (ngram.grams(corpus.train, t) for t in (1, 0))
    f, k = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    for w in share:
        implied = sum(max(pairs[v + w] - 0.5, 0)
                      + 0.5 * f[v] * k[w] / len(pairs) for v in share)
        assert implied == pytest.approx(share[w])


def test_another_list_and_context(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(f"{a}{b}ο" for a in "βγδζ" for b in "αεηω"))
    ngram.main(["--names", str(path), "--context", "2", "--quiet",
                "--out", str(tmp_path)])
    found = json.loads((tmp_path / "ngram.json").read_text())
    assert found["dev"] < math.log(10)


def test_plain_counts_lose(corpus):
    model, found = ngram.fit(corpus.train, 5, 0.9), ngram.grams(corpus.dev, 5)
    good = ngram.loss(model.probability, found)
    model.total.clear()
    for length in range(6):
        for gram, n in ngram.grams(corpus.train, length).items():
            model.counts[gram] = n
            model.total[gram[:-1]] += n
    assert ngram.loss(model.probability, found) - good > 0.1


def test_counts_compress_better_than_lzma(corpus):
    model = ngram.fit(corpus.train, 5, 0.9)
    train, test = "\n".join(corpus.train), "\n".join(corpus.test)
    ours = ngram.name_losses(model, corpus.test).sum().item() / math.log(2) / 8
    both = lzma.compress(f"{train}\n{test}".encode())
    rival = len(both) - len(lzma.compress(train.encode()))
    assert ours < 0.85 * rival and ours < 0.4 * len(test)
