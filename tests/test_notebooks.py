# Generated from README.org by tangle.el; edit README.org instead.
"""What the notebooks promise."""

import functools
import os
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import book.notebooks
from book.source import README, ROOT, BookError, blocks


TEXT = README.read_text("utf-8")
NAMES = sorted(path.stem for path in ROOT.glob("src/notebooks/*.ipynb"))
every_notebook = pytest.mark.parametrize("name", NAMES)


def notebook(name):
    return nbformat.read(ROOT / f"src/notebooks/{name}.ipynb", 4)


def prose(name):
    """Return the Markdown of a notebook without code."""
    text = "\n\n".join(cell.source for cell in notebook(name).cells
                       if cell.cell_type == "markdown")
    return re.sub(r"^ *```.*?^ *```$|`[^`]*`", "", text, flags=re.M | re.S)


@pytest.fixture(scope="module")
def fresh():
    return book.notebooks.notebooks(TEXT)


def test_they_are_what_the_text_makes(fresh):
    assert book.notebooks.present() == fresh
    chapters = re.findall(r"^\* .*\n.*\n:CUSTOM_ID: (.*)$", TEXT, re.M)
    assert NAMES == sorted(set(chapters) - {"bibliography"})


def test_drift_is_found_and_put_right(fresh, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book.notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(book.notebooks, "notebooks", lambda text: fresh)
    book.notebooks.refresh(fresh)
    file = tmp_path / "src/notebooks/how-to-read-a-program.ipynb"
    file.write_text(file.read_text().replace("a whole number", "a letter"))
    file.with_name("introduction.ipynb").rename(file.with_name("old.ipynb"))
    file.with_name("mine.ipynb").write_text("{}")
    faults = "\n".join(book.notebooks.stale(TEXT))
    line = TEXT[:TEXT.index("#+name: command-line-count\n")].count("\n") + 1
    assert re.findall(r":(\d+): error: src/notebooks/(.*);", faults) == [
        (str(line), "how-to-read-a-program.ipynb is changed"),
        ("11", "introduction.ipynb is missing"), ("1", "old.ipynb is stale")]
    capsys.readouterr()
    book.notebooks.refresh(fresh)
    assert capsys.readouterr().out.count("\n") == 3
    assert book.notebooks.stale(TEXT) == []
    assert file.with_name("mine.ipynb").exists()


@every_notebook
def test_it_is_valid_and_holds_no_results(name):
    made = notebook(name)
    nbformat.validate(made)
    assert len({cell.id for cell in made.cells}) == len(made.cells)
    assert "generated from\n`README.org`" in made.cells[0].source
    assert "README.org" in made.metadata.note
    for cell in made.cells:
        assert cell.metadata == {}
        assert not cell.get("outputs") and not cell.get("execution_count")


@every_notebook
def test_every_block_is_a_cell(name):
    at = TEXT.index(f"\n:CUSTOM_ID: {name}\n")
    chapter = TEXT[at:].partition("\n* ")[0]
    wanted = [block for block in blocks(chapter)
              if block.target.endswith(".py")]
    cells = [cell for cell in notebook(name).cells
             if cell.cell_type == "code" and cell.id != "set-up"]
    assert [cell.id for cell in cells] == [block.name for block in wanted]
    for cell, block in zip(cells, wanted, strict=True):
        code = "\n".join(block.body).strip()
        whole = re.split('^if __name__ == "', code, flags=re.M)[0].strip()
        assert cell.source.startswith(f"# {block.target}\n{whole}")
        calls = re.search(r"^main\(\[\]\);$", cell.source, re.M)
        assert bool(calls) == (whole != code and "book/" not in block.target)


@every_notebook
def test_formulas_are_closed(name):
    outside, *formulas = re.split(r"\$\$", prose(name))
    assert len(formulas) % 2 == 0
    for tex in formulas[::2]:
        assert "\n\n" not in tex.strip("\n")
        begun = re.findall(r"\\begin\{(\w+)", tex)
        assert sorted(begun) == sorted(re.findall(r"\\end\{(\w+)", tex))
    for text in [outside, *formulas[1::2]]:
        for paragraph in text.split("\n\n"):
            assert len(re.findall(r"(?<!\\)\$", paragraph)) % 2 == 0
    assert not re.search(r"\[\[|metric:|#\+", prose(name))


@functools.cache
def headings(name):
    text = "\n".join(cell.source for cell in notebook(name).cells
                     if cell.cell_type == "markdown")
    words = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[`*\\$]", "", each).replace(" ", "-") for each in words}


@every_notebook
def test_every_link_and_image_has_its_target(name):
    links = re.findall(r"\]\((?!https?:)([^)]*)\)", prose(name))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        path = ROOT / "src/notebooks" / (file or f"{name}.ipynb")
        assert path.is_file(), link
        if anchor and path.suffix == ".ipynb":
            assert unquote(anchor) in headings(path.stem), link


def test_every_figure_is_shown_and_described():
    images = [image for name in NAMES for image in
              re.findall(r"!\[([^\]]{40,})\]\(../../(.*?)\)", prose(name))]
    figures = [path.relative_to(ROOT).as_posix()
               for path in ROOT.glob("figs/*.svg")]
    assert sorted(path for _, path in images) == sorted(figures)


def test_a_dead_link_names_its_line():
    text = "* A\n:PROPERTIES:\n:CUSTOM_ID: a\n:END:\nSee [[#b][there]].\n"
    with pytest.raises(BookError, match="README.org:5: .* nothing is named b"):
        book.notebooks.notebooks(text)


@pytest.mark.parametrize("away, said", [
    (True, "clone the repository"),
    (False, "No module named 'torch': type `make setup` in ")])
def test_it_says_what_is_missing(away, said, tmp_path):
    done = subprocess.run([sys.executable, "-S", "-c", book.notebooks.SET_UP],
                          cwd=tmp_path if away else ROOT / "src/notebooks",
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert said in done.stderr and done.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel")
    ignored = shutil.ignore_patterns(".git", ".venv", "build")
    shutil.copytree(ROOT, folder / "book", ignore=ignored)
    (folder / "book/.venv").symlink_to(ROOT / ".venv")
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=300)
    own = {"IPYTHONDIR": str(folder), "PYTEST_ADDOPTS": "--collect-only"}
    with client.setup_kernel(cwd=str(folder / "book/src/notebooks"),
                             env=os.environ | own):
        yield client


def execute(client, source):
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells = [cell]
    client.execute_cell(cell, 0)
    return "".join(output.get("text", "") for output in cell.outputs)


UNDRAWN = """
import command_line
command_line.to_svg = lambda *_: "<svg/>"
"""


@pytest.mark.slow
@every_notebook
def test_it_runs_from_top_to_bottom(name, client):
    for cell in notebook(name).cells:
        if cell.id == "set-up":
            cell.source += UNDRAWN
        if cell.source.endswith("\nmain([]);"):
            program = ROOT / cell.source.split()[1]
            takes_steps = "command_line.parse(" in program.read_text("utf-8")
            few = 'main(["--steps", "20"]);' if takes_steps else ""
            cell.source = cell.source.removesuffix("main([]);") + few
        if cell.cell_type == "code":
            execute(client, cell.source)


@pytest.mark.slow
def test_a_check_runs_on_the_code_in_the_cells(client):
    cells = {cell.id: cell.source for cell in
             notebook("linear-regression").cells}
    execute(client, cells["set-up"] + "\nos.environ.pop('PYTEST_ADDOPTS')")
    data = cells["known-line-known-line"]
    check = cells["test-linear-known-line"]
    execute(client, cells["test-linear-head"])
    assert "1 passed" in execute(client, check)
    execute(client, data.replace("SLOPE * x", "2 * x"))
    with pytest.raises(CellExecutionError, match="CheckFailed: test_the_data"):
        execute(client, check)
    execute(client, data)
    assert "1 passed" in execute(client, check)
    slow = "# tests/test_linear.py\n@pytest.mark.slow\ndef test_x(): pass\n"
    said = execute(client, f"{slow}check(test_x)")
    assert "to run: check(test_x, slow=True)" in said and "1 desel" in said
    assert "1 passed" in execute(client, f"{slow}check(test_x, slow=True)")
    execute(client, "os.environ['PYTEST_ADDOPTS'] = '--collect-only'")
