# Generated from README.org by tangle.el; edit README.org instead.
"""The house: what users could lose, and what authors could break."""

import ast
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import time
from html.parser import HTMLParser

import nbformat
import pytest
import torch

from book import numbers, outputs, train, tree
from common import checkpoint, digits, files, names, options, style

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


BAD_NAMES = {
    "empty.txt": (b"", "0 distinct names"),
    "few.txt": (b"ann\nbob\n", "2 distinct names"),
    "latin.txt": ("ann\nZoë\n".encode("latin-1"), ":2: not UTF-8"),
    "binary.txt": (b"ann\n\0\0\0\n", ":2: not a name"),
    "long.txt": (b"ann\nbob\n" + b"x" * 1000, ":3: not a name"),
}


@pytest.mark.parametrize("name", [*BAD_NAMES, "missing.txt"])
def test_a_bad_list_of_names_is_one_line(name, tmp_path):
    content, said = BAD_NAMES.get(name, (b"", "No such file"))
    if name in BAD_NAMES:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(options.InputError, match=said) as error:
        names.load(tmp_path / name)
    assert name in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"1,2,3\n", b"a\n", b"\x1f\x8b\x08"])
def test_a_bad_file_of_digits_is_one_line(content, tmp_path):
    path = tmp_path / ("digits.csv.gz" if content[:1] == b"\x1f" else "d.csv")
    path.write_bytes(content)
    with pytest.raises(options.InputError, match=str(path)):
        digits.load(path)


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


@pytest.mark.parametrize("argv, said", [
    (["--steps", "-1"], "--steps must be at least 0"),
    (["--steps", "many"], "invalid int value: 'many'"),
    (["--stps", "1"], "unrecognized arguments"),
    (["--device", "mars"], "invalid choice"),
])
def test_a_wrong_option_is_one_line_and_status_2(argv, said, capsys):
    def main():
        parser = options.parser("demo", "About.", steps=10, seed=0)
        options.read(parser, argv)

    with pytest.raises(SystemExit) as stop:
        options.run(main)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and said in error and error.count("\n") == 1


def test_a_run_that_diverges_is_one_line_and_status_1(capsys):
    def main():
        raise options.RunError("a result is not finite")

    with pytest.raises(SystemExit) as stop:
        options.run(main)
    assert stop.value.code == 1
    assert capsys.readouterr().err.endswith("failed: a result is not finite\n")


# Results that are kept


def test_every_result_was_made_from_these_sources():
    stale = [path.name for path in sorted((ROOT / "figs").glob("*.json"))
             if json.loads(path.read_text("utf-8"))["made_from"]
             != files.made_from(path.stem)]
    assert not stale, f"run make train: {stale}"


def test_a_digest_knows_what_a_program_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    for name, text in {"src/one.py": "X = 1\n", "src/two.py": "Y = 1\n",
                       "src/experiments/ask.py": "from one import X\n",
                       "requirements.txt": "torch\n"}.items():
        files.write(tmp_path / name, text)
    before = {name: files.made_from(name) for name in ("one", "two", "ask")}
    files.write(tmp_path / "src/one.py", "X = 2\n")
    after = {name: files.made_from(name) for name in before}
    assert [before[name] == after[name] for name in before] == [
        False, True, False]


def test_a_result_is_reproduced_within_three_spreads():
    kept = {"made_from": "a", "seed": 1, "dev": 2.0, "spread": 0.01,
            "rungs": [{"test": 1.0, "seconds": 5.0}]}

    def fresh(dev=2.0, test=1.0, **more):
        rungs = [{"test": test, "seconds": 9.0}]
        return kept | {"dev": dev, "rungs": rungs} | more

    assert train.reproduced(kept, fresh(dev=2.029))
    assert not train.reproduced(kept, fresh(dev=2.031))
    assert not train.reproduced(kept, fresh(test=1.1))
    assert not train.reproduced(kept, fresh(made_from="b"))
    assert not train.reproduced(kept, fresh(seed=2))
    assert not train.reproduced({}, fresh())


def test_a_traceback_leads_to_the_line_of_the_book():
    file = ROOT / "src/common/files.py"
    line = 1 + file.read_text("utf-8").split("\n").index("def write("
        "path: Path, content: str | bytes) -> None:")
    said = train.traced(f'  File "{file}", line {line}, in write\n    x')
    number = int(re.match(r"README\.org:(\d+): write\n", said)[1])
    text = tree.README.read_text("utf-8").split("\n")
    assert text[number - 1].startswith("def write(")


# What README.org quotes


@pytest.mark.parametrize("item, form, said", [
    (1.23456, ".2f", "1.23"), (26000, "", "26,000"), (None, "", ""),
    (["ann", "bob"], "", "ann, bob"), ("text", "", "text")])
def test_a_number_is_quoted_in_its_format(item, form, said):
    assert numbers.shown(item, form) == said


def test_an_unknown_number_names_the_line():
    with pytest.raises(tree.BookError, match=r"README.org:1: error: .*nothere"):
        numbers.value("nothere.dev", 0)


def test_an_output_goes_below_its_block_and_is_renewed(monkeypatch):
    block = {"t": "src-block", "language": "python", "body": "print(1)",
             "output": True, "at": 0, "end": 7}
    text = "block..\n\nmore\n"
    monkeypatch.setattr(outputs, "kept", lambda _: ["1\n"])
    chapter = {"t": "headline", "title": ["X"],
               "c": [{"t": "section", "c": [block]}]}
    [(start, end, fresh)] = outputs.edits(chapter, text)
    text = text[:start] + fresh + text[end:]
    assert text == "block..\n\n#+RESULTS:\n: 1\n\nmore\n"
    result = {"t": "fixed-width", "result": True, "at": 9, "end": 25}
    chapter["c"][0]["c"].append(result)
    monkeypatch.setattr(outputs, "kept", lambda _: ["2\n3\n"])
    [(start, end, fresh)] = outputs.edits(chapter, text)
    text = text[:start] + fresh + text[end:]
    assert text == "block..\n\n#+RESULTS:\n: 2\n: 3\n\nmore\n"


def test_long_output_is_an_example_as_org_has_it():
    assert outputs.quoted("x\n" * 9) == "\n".join([": x"] * 9)
    assert outputs.quoted("x\n" * 10).startswith("#+begin_example\nx\n")


# The house rules, all at once


def test_programs_import_from_common_and_experiments_from_programs():
    programs = {path.stem for path in (ROOT / "src").glob("*.py")}
    allowed = {"common": {"common"}, "book": {"common", "book"},
               "src": {"common"}, "experiments": {"common"} | programs}
    local = programs | {"common", "book", "experiments"}
    faults = []
    for path in sorted((ROOT / "src").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found = ([node.module] if isinstance(node, ast.ImportFrom) else
                     [alias.name for alias in node.names]
                     if isinstance(node, ast.Import) else [])
            faults += [f"{path.relative_to(ROOT)} imports {name}"
                       for name in found if name.split(".")[0] in local
                       - allowed[path.parent.name]]
    assert not faults


# The page


class Links(HTMLParser):
    """The ids and the links of a page, and what it would load."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.loads = [], [], []

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.ids += [said["id"]] if said.get("id") else []
        self.links += [said["href"]] if tag == "a" else []
        self.loads += [tag] if "src" in said or tag == "link" else []


def test_the_page_is_whole_and_every_link_in_it_arrives():
    page = Links()
    page.feed(PAGE)
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert len(page.ids) == len(set(page.ids)) and inner <= set(page.ids)
    style = PAGE.partition("<style>")[2].partition("</style>")[0]
    assert page.loads == [] and "url(" not in style
    assert "\ue000" not in PAGE and 'class="math' not in PAGE


def test_outputs_stand_below_their_listings_and_parts_fold():
    assert re.search(r'</figure>\s*<pre class="output"|'
                     r'</figure>\s*<pre tabindex="0" class="output"', PAGE)
    assert PAGE.count("<details") == PAGE.count("</details>") > 50


@functools.cache
def notebooks():
    return {path.stem: nbformat.read(path, as_version=4)
            for path in sorted((ROOT / "src/notebooks").glob("*.ipynb"))}


def test_the_notebooks_hold_every_cell_and_its_output():
    printed = sum(len(cell.get("outputs", ())) for book in notebooks().values()
                  for cell in book.cells)
    blocks = sum(bool(block.get("output"))
                 for block in tree.nodes(tree.load(), "src-block"))
    assert printed == blocks > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", notebooks())
def test_a_notebook_runs_and_prints_what_the_book_prints(name):
    from nbclient import NotebookClient
    book = notebooks()[name]
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


# The tools that make runs, in a copy


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


CHAPTER = '''
* A guest
:PROPERTIES:
:CUSTOM_ID: guest
:END:
A chapter that a reader added.

#+begin_src python :tangle src/guest.py
"""A program of a reader's."""

from common import options, results
from common.style import new_figure


def plot():
    """Return the figure."""
    figure, ax = new_figure()
    ax.plot([0, 1])
    return figure


def main(argv=None):
    """Draw and save."""
    args = options.read(options.parser("guest", __doc__, steps=1, seed=0),
                        argv)
    results.save(args, {"dev": 0.25}, {"guest": plot()})
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
print(plot().get_figwidth())
#+end_src
'''


@pytest.mark.slow
def test_a_chapter_is_added_by_editing_readme_org_alone(copy):
    readme = copy / "README.org"
    text = readme.read_text("utf-8")
    readme.write_text(text.replace("\n* Bibliography\n", CHAPTER
                                   + "\n* Bibliography\n", 1), "utf-8")
    done = make(copy, "all")
    assert done.returncode == 0, done.stderr
    text = readme.read_text("utf-8")
    assert "[[metric:guest.dev%.2f][0.25]]" in text
    assert "#+RESULTS:\n: 6.4\n" in text
    assert (copy / "src/notebooks/guest.ipynb").exists()
    assert 'aria-label="A line."' in (copy / "README.html").read_text("utf-8")


MISTAKES = {
    "#+begin_src python\nx = 1\n": "this block has no end",
    "#+begin_src sh :tangle ../x.sh\n:\n#+end_src\n": ":tangle ../x.sh",
    "See [[#nowhere][there]].\n": "nothing is named nowhere",
    "#+name: fig-first\n| a |\n": "the name fig-first is taken",
    "#+begin_src python :results output\n1 / 0\n#+end_src\n": "block fails",
    "[[metric:first.nothing%d][0]]\n": "figs/ has no first.nothing",
}


@pytest.mark.slow
def test_an_authors_mistake_names_its_line(copy):
    readme = copy / "README.org"
    text = readme.read_text("utf-8")
    line = text.count("\n", 0, text.index("\n* Tensors")) + 2
    for mistake, said in MISTAKES.items():
        readme.write_text(text.replace("\n* Tensors", f"\n{mistake}\n* Tensors",
                                       1), "utf-8")
        done = make(copy, "html")
        assert done.returncode != 0 and said in done.stderr
        number = re.search(r"README\.org:(\d+): error: ", done.stderr)
        assert line <= int(number[1]) <= line + 2, done.stderr


@pytest.mark.slow
def test_a_program_is_trained_anew_and_its_figures_stay(copy):
    shutil.rmtree(copy / "build/results/logistic")
    figures = {path: path.read_bytes() for path in (copy / "figs").iterdir()}
    done = make(copy, "train")
    assert "train     logistic reproduced: test 0.07" in done.stdout
    assert figures == {path: path.read_bytes()
                       for path in (copy / "figs").iterdir()}


@pytest.mark.slow
def test_the_same_bytes_in_another_place(copy):
    for name in ("README.html", "src/common/files.py"):
        (copy / name).unlink()
    done = make(copy, "html", "notebooks")
    assert done.returncode == 0, done.stderr
    for name in ("README.org", "README.html", "src/common/files.py",
                 "src/notebooks/tensors.ipynb"):
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes(), name


def need(*commands):
    """Return the folder of the npm packages, or skip."""
    folder = ROOT / "build/npm/node_modules"
    missing = [command for command in commands if not shutil.which(command)]
    missing += [] if folder.exists() else ["build/npm"]
    if missing:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told(f"not here: {', '.join(missing)}")
    return folder


@pytest.mark.slow
def test_the_html_is_valid():
    validator = need("java") / "vnu-jar/build/dist/vnu.jar"
    done = subprocess.run(["java", "-jar", validator, ROOT / "README.html"],
                          capture_output=True, text=True)
    assert done.stderr == ""


SCRIPT = """
const { chromium } = require('playwright-core');
(async () => {
  const [page, width, scheme, axe] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'] });
  const tab = await browser.newPage({ colorScheme: scheme,
    viewport: { width: +width, height: 900 } });
  await tab.goto(page + '#checks-of-the-house');
  const opened = await tab.evaluate(() =>
    document.getElementById('checks-of-the-house').open);
  await tab.evaluate(() => document.querySelectorAll('details').forEach(
    (part) => { part.open = true; }));
  await tab.addScriptTag({ path: axe });
  console.log(JSON.stringify({ opened,
    faults: await tab.evaluate(async () => (await axe.run()).violations.map(
      (fault) => [fault.id, fault.nodes[0].html])),
    overflow: await tab.evaluate(() =>
      document.documentElement.scrollWidth - innerWidth) }));
  await browser.close();
})();
"""


@pytest.mark.slow
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_no_barriers_on_a_wide_page_and_on_a_phone(width, scheme, tmp_path):
    packages = need("node", "chromium")
    (tmp_path / "look.js").write_text(SCRIPT)
    done = subprocess.run(
        ["node", tmp_path / "look.js", (ROOT / "README.html").as_uri(),
         str(width), scheme, packages / "axe-core/axe.min.js"],
        capture_output=True, text=True,
        env=os.environ | {"NODE_PATH": str(packages)})
    found = json.loads(done.stdout or "null")
    assert found == {"opened": True, "faults": [], "overflow": 0}, done.stderr


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
            assert text.endswith(("}\n", "</svg>\n")), path
