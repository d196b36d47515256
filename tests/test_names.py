# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the chapter on names, and of counting."""

import json
import math

import pytest

import ngram
from common.names import load, read


@pytest.fixture(scope="module")
def corpus():
    return load()


def test_another_list_and_context(tmp_path):
    path, greek = tmp_path / "names.txt", [
        f"{a}{b}ο" for a in "βγδζ" for b in "αεηω"]
    path.write_bytes("\n".join(["\ufeffJosé\r", "JOSE\u0301", "",
                                " Mary  Ann ", *greek]).encode())
    assert read(path) == ["josé", "josé", "mary ann", *greek]
    for kept, size in (False, 18), (True, 19):
        few = load(path, keep_duplicates=kept)
        assert len(few.train + few.dev + few.test) == size
    ngram.main(["--names", str(path), "--context", "2", "--quiet",
                "--out", str(tmp_path)])
    found = json.loads((tmp_path / "ngram.json").read_text())
    assert found["parameters"] > 0 and math.isfinite(found["dev"])


def test_program_gives_what_the_formulas_give():
    names, tokens, d = ["anna", "hanna", "ana", "nan", "bab"], "\nabhn", 0.7
    triples = ngram.grams(names, 2)

    def c(gram):  # of a triple; k of what is shorter
        if len(gram) == 3:
            return triples[gram]
        longer = {triple[2 - len(gram):] for triple in triples}
        return sum(one[1:] == gram for one in longer)

    def p(w, h):
        after = [c(h + token) for token in tokens]
        shorter = p(w, h[1:]) if h else 1 / len(tokens)
        if not any(after):
            return shorter
        n = sum(count > 0 for count in after)
        return (max(c(h + w) - d, 0) + d * n * shorter) / sum(after)

    model = ngram.fit(names, 2, d)
    for h in "\n\n", "\na", "an", "nn", "bb", "bn", "ba":
        found = [model.probability(h, w) for w in tokens]
        assert found == pytest.approx([p(w, h) for w in tokens])
        assert sum(found) == pytest.approx(1)


def test_plain_counts_lose(corpus):
    model, found = ngram.fit(corpus.train, 5, 0.9), ngram.grams(corpus.dev, 5)
    good = ngram.loss(model.probability, found)
    model.total.clear()
    for length in range(6):
        for gram, n in ngram.grams(corpus.train, length).items():
            model.counts[gram] = n
            model.total[gram[:-1]] += n
    assert ngram.loss(model.probability, found) - good > 0.1


def test_pairs_are_as_good_backwards(corpus):
    losses = []
    for names in corpus.train, [name[::-1] for name in corpus.train]:
        pairs = ngram.grams(names, 1)
        losses.append(ngram.loss(ngram.relative(pairs, 0, 27), pairs))
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
