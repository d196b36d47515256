# Generated from README.org by tangle.el; edit README.org instead.
"""What the build promises."""

import ast
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import book.emacs
import book.numbers
import book.source
import book.where
from book.source import README, ROOT, BookError, blocks

TEXT = README.read_text("utf-8")
BLOCKS = blocks(TEXT)
TANGLED = sorted({block.target for block in BLOCKS} - {"no"})
PROGRAMS = re.search(
    r"^PROGRAMS := (.*)$", (ROOT / "Makefile").read_text(), re.M
)[1].split()


@pytest.mark.parametrize("target", TANGLED)
def test_every_tangled_line_leads_back(target):
    source = TEXT.splitlines()
    mapping = book.source.line_map(target)
    lines = (ROOT / target).read_text("utf-8").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            found = source[mapping[number] - 1]
            assert re.sub(r"^,(?=,*(\*|#\+))", "", found) == line


def test_a_name_belongs_to_what_follows_it():
    lines = ["#+name: tbl-x", "| 1 |", "", "#+begin_src sh", "#+end_src",
             "#+name: x", "#+caption: y", "#+begin_src sh", "#+end_src"]
    found = blocks("\n".join(lines))
    assert [block.name for block in found] == ["", "x"]


@pytest.mark.slow
def test_checks_have_the_same_names_in_every_process(tmp_path):
    def collected(hashes, **more):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-o",
             "addopts=-q -p no:cacheprovider"], cwd=ROOT, check=True,
            env=os.environ | {"PYTHONHASHSEED": hashes} | more,
            capture_output=True, text=True,
        ).stdout.splitlines()[:-1]  # the last line says how long it took

    first = collected("1")
    time.sleep(1)
    assert collected("2", TMPDIR=str(tmp_path)) == first
    assert len(first) > 1000


PASSIVE = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef,
           ast.ClassDef)


@pytest.mark.parametrize("program", PROGRAMS)
def test_importing_a_program_runs_nothing(program):
    code = (ROOT / f"src/{program}.py").read_text("utf-8")
    docstring, *body, last = ast.parse(code).body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(statement, PASSIVE) for statement in body)
    assert ast.unparse(last.test) == "__name__ == '__main__'"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.target != "no"],
                         ids=lambda b: f"line{b.line}")
def test_a_block_is_named_and_short(block):
    stem = re.sub(r"^(src|tests)/|\.\w+$", "", block.target)
    stem = re.sub(r"[/_.]", "-", stem)
    assert block.name == stem or block.name.startswith(f"{stem}-")
    if block.language == "python":
        assert len(block.body) <= 25
        assert max(map(len, block.body)) <= 79


def test_no_block_is_lost():
    nowhere = [block for block in BLOCKS if block.target == "no"]
    lost = [f"README.org:{block.line - 1}" for block in nowhere
            if block.name or block.language not in ("sh", "text")]
    assert lost == []


def test_a_sentence_stands_between_two_blocks():
    end, name = r"^#\+end_src\n\s*", r"(?:#\+(?:name|header).*\n)*"
    assert not re.search(rf"{end}{name}#\+begin_src", TEXT, re.M)


def test_every_heading_has_an_id():
    for found in re.finditer(r"^\*+ .*\n(.*)\n(.*)", TEXT, re.M):
        assert found[1] == ":PROPERTIES:" and found[2].startswith(
            ":CUSTOM_ID: "
        )


def test_every_figure_is_shown_captioned_and_described():
    shown = re.findall(
        r"^#\+name: fig-.*\n#\+caption: .+\n#\+attr_html: :alt .{40,}\n"
        r"\[\[file:(figs/.*\.svg)\]\]$",
        TEXT,
        re.M,
    )
    drawn = [
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("figs/*.svg")
    ]
    assert sorted(shown) == sorted(drawn)


def test_every_exercise_has_a_solution_and_every_chapter_three():
    for part in re.split(r"^\*\* Exercises$", TEXT, flags=re.M)[1:]:
        part = re.split(r"^\*\*? ", part, flags=re.M)[0]
        exercises = re.findall(r"^\*\*\* .*", part, re.M)
        assert len(exercises) == len(
            re.findall(r"^\*\*\*\* Solution: ", part, re.M)
        )
        assert 3 <= len(exercises) <= 5


def imports(path):
    """Return PATH and every module and data file that it leads to."""
    found, due = set(), [path]
    while due:
        path = due.pop()
        found.add(path)
        if path.suffix == ".py":
            text = path.read_text("utf-8")
            names = re.findall(r"^(?:import|from) (\w+)", text, re.M)
            files = [ROOT / f"src/{name}.py" for name in names]
            files += [data for data in ROOT.glob("data/*")
                      if f'"{data.name}"' in text]
            due += [file for file in files if file.exists()
                    and file not in found]
    return found


USED = {program: imports(ROOT / f"src/{program}.py") for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_has_tests(program):
    tests = [path.read_text("utf-8") for path in ROOT.glob("tests/*.py")]
    named = re.compile(rf"^(import|from) {program}\b", re.M)
    assert any(map(named.search, tests))


@pytest.mark.parametrize(
    "file", sorted(set().union(*USED.values())), ids=lambda file: file.name
)
def test_a_new_file_runs_the_programs_that_lead_to_it(file, tree):
    name = file.relative_to(ROOT).as_posix()
    due = {program for program in PROGRAMS if file in USED[program]}
    assert trained(make(tree, "-n", "-W", name, "train").stdout) == due


def make(folder, *words, **variables):
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment | variables,
    )


def trained(output):
    return set(re.findall(r"src/(\w+)\.py >", output))


def is_dated_back(path):
    own = ".venv" not in path.parts and not path.is_symlink()
    return own and path.is_file()


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "book"
    ignored = shutil.ignore_patterns(".git", ".venv", "build")
    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / "build").mkdir()
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(ROOT / ".venv" / name)
    for path in filter(is_dated_back, folder.rglob("*")):
        os.utime(path, (1e9, 1e9))
    steps = ["emacs", *PROGRAMS, "numbers", "notebooks"]
    for name in [".venv/ready", "build/tangled.mk",
                 *(f"build/{step}.stamp" for step in steps), "README.html"]:
        (folder / name).touch()
    return folder


def test_a_finished_tree_has_nothing_to_do(tree):
    assert make(tree, "-q", "all").returncode == 0


def test_new_code_runs_its_own_program_only(tree):
    assert trained(
        make(tree, "-n", "-W", "src/logistic.py", "all").stdout
    ) == {"logistic"}


def test_a_lost_figure_is_drawn_again(tree):
    (tree / "figs/linear_module_features.svg").unlink()
    assert trained(make(tree, "-n", "all").stdout) == {"linear_module"}


EMACS = shutil.which(os.environ.get("EMACS", "emacs"))
needs_emacs = pytest.mark.skipif(not EMACS, reason="there is no Emacs here")


@needs_emacs
@pytest.mark.slow
def test_an_edit_of_the_prose_only_exports_what_shows_it(tree):
    text = (tree / "README.org").read_text("utf-8")
    (tree / "README.org").write_text(
        text.replace(":END:\n", ":END:\nMore words. ", 1)
    )
    done = make(tree, "all")
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"^\w+", done.stdout, re.M)) == [
        "notebook", "page"]
    tangled = tree / "src/logistic.py"
    assert tangled.stat().st_mtime == 1e9
    assert "This is my book" in (tree / "README.html").read_text("utf-8")
    assert make(tree, "-q", "all").returncode == 0


@needs_emacs
def test_a_failing_program_stops_the_build_and_loses_nothing(tree):
    text = (tree / "README.org").read_text("utf-8")
    wrong = text.replace(
        '    args = command_line.parse("logistic"',
        '    1 / 0\n    args = command_line.parse("logistic"',
    )
    (tree / "README.org").write_text(wrong)
    before = {path: path.read_bytes() for path in tree.glob("figs/*")}
    done = make(tree, "all")
    line = wrong[: wrong.index("    1 / 0")].count("\n") + 1
    assert done.returncode != 0 and "ZeroDivisionError" in done.stderr
    assert f"README.org:{line}: in main (src/logistic.py:" in done.stderr
    assert before == {path: path.read_bytes() for path in tree.glob("figs/*")}
    assert (tree / "README.html").read_bytes() == (
        ROOT / "README.html"
    ).read_bytes()


def test_without_emacs_the_committed_files_serve(tree):
    os.utime(tree / "README.org")  # tangling would be due
    done = make(tree, "train", "EMACS=no-such-emacs")
    assert done.returncode == 0
    assert (
        "there is no Emacs here" in done.stdout and "train " not in done.stdout
    )


@pytest.mark.parametrize(
    "manager, command",
    [
        (
            "apt-get",
            "sudo apt-get install --yes --no-install-recommends emacs-nox",
        ),
        ("brew", "brew install emacs"),
        ("dnf", "sudo dnf install --assumeyes emacs-nox"),
        ("", "install GNU Emacs 28 or newer"),
    ],
)
def test_the_one_command_that_installs_emacs(manager, command, monkeypatch):
    monkeypatch.setattr(
        shutil, "which", lambda name: name if name == manager else None
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command in book.emacs.advice()


def test_an_old_emacs_is_refused(tmp_path, monkeypatch, capsys):
    old = tmp_path / "emacs"
    old.write_text("#!/bin/sh\necho GNU Emacs 27.1\n")
    old.chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["emacs.py", str(old)])
    assert book.emacs.main() == 1
    error = capsys.readouterr().err
    assert "is version 27; the book needs GNU Emacs 28 or newer" in error
    assert error.count("\n") == 1


def test_where_answers(capsys):
    line = TEXT[: TEXT.index("\ndef known_line(")].count("\n") + 2
    tangled = (ROOT / "src/known_line.py").read_text().splitlines()
    at = 1 + next(
        i
        for i, text in enumerate(tangled)
        if text.startswith("def known_line(")
    )
    assert book.where.answer(f"src/known_line.py:{at}") == 0
    assert capsys.readouterr().out == f"README.org:{line}\n"


@pytest.mark.parametrize(
    "place",
    [
        "",
        "src/logistic.py",
        "src/none.py:1",
        "src/logistic.py:1",
        "src/logistic.py:99999",
    ],
)
def test_where_refuses(place, capsys):
    assert book.where.answer(place) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_traceback_leads_to_the_book():
    line = book.source.where("src/known_line.py", 14)
    there = f"README.org:{line}: %s(src/known_line.py:14)\n"
    frame = f'  File "{ROOT}/src/known_line.py", line 14'
    library = '  File "/usr/lib/x.py", line 20, in f\n    y = 1\n'
    assert line and book.where.traced(
        f"{frame}, in f\n    x = 1\n{library}"
    ) == there % "in f " + "    x = 1\n" + library
    assert book.where.traced(f"{frame}\n    x = )\n    ^\n") == (
        there % "" + "    x = )\n    ^\n")


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(book.numbers, "ROOT", tmp_path)
    monkeypatch.setattr(book.numbers, "README", tmp_path / "README.org")
    (tmp_path / "figs").mkdir()
    (tmp_path / "figs/p.json").write_text(
        '{"a": {"b": [0.5, 1.25]}, "n": 12345}'
    )
    return tmp_path / "README.org"


def test_a_stale_number_is_found_and_refreshed(small):
    stale = "one\n[[metric:p.a.b.1%.1f][7]] and [[metric:p.n%,d][12,345]]\n"
    assert list(book.numbers.stale(stale)) == [
        "README.org:2: error: 7 is stale, it is 1.2 now"
    ]
    fresh = book.numbers.refreshed(stale)
    assert fresh == stale.replace("[7]", "[1.2]")
    assert list(book.numbers.stale(fresh)) == []


@pytest.mark.parametrize(
    "link, fault",
    [
        ("p.none%.1f", "figs/p.json has no none"),
        ("p.a.b.9%d", "figs/p.json has no a.b.9"),
        ("q.n%d", "there is no figs/q.json; run make train"),
        ("p.a%d", "%d does not fit metric:p.a"),
    ],
)
def test_a_missing_number_names_its_line(link, fault, small):
    with pytest.raises(
        BookError, match=f"README.org:3: error: {re.escape(fault)}"
    ):
        book.numbers.refreshed(f"one\ntwo\n[[metric:{link}][0]]\n")


@pytest.mark.parametrize("edited_later", [False, True])
def test_a_refresh_does_not_hide_an_edit(edited_later, small):
    small.write_text("[[metric:p.n%d][0]]\n")
    stamp = small.with_name("stamp")
    stamp.touch()
    os.utime(stamp, (1e9, 1e9))
    os.utime(small, (1e9 + 1, 1e9 + 1) if edited_later else (1e9 - 1, 1e9 - 1))
    book.numbers.refresh(str(stamp))
    assert small.read_text() == "[[metric:p.n%d][12345]]\n"
    needs_tangling = small.stat().st_mtime > stamp.stat().st_mtime
    assert needs_tangling == edited_later


@pytest.mark.parametrize("text", [
    "[[metric:p.n][1]]", "[[metric:p.n%d]]", "[[METRIC:p.n%d][1]]",
    "#+BEGIN: results :programs p :name x\n#+END:",
    '#+BEGIN: results :programs "p\n#+END:'])
def test_a_malformed_quotation_names_its_line(text, small):
    with pytest.raises(BookError, match="README.org:2: error: "):
        book.numbers.refreshed(f"one\n{text}\n")


def test_a_quotation_that_is_only_shown_stays(small):
    shown = ("=[[metric:p.n%d][1]]=\n#+begin_example\n[[metric:x][1]]\n"
             "#+end_example\n")
    assert book.numbers.refreshed(shown) == shown


def test_broken_results_are_one_line(small):
    (small.parent / "figs/p.json").write_text("{")
    with pytest.raises(BookError, match="figs/p.json cannot be read"):
        book.numbers.refreshed("[[metric:p.n%d][1]]")


def test_every_number_in_the_book_is_the_measured_one():
    assert list(book.numbers.stale(TEXT)) == []
    assert TEXT.count("[[metric:") > 20


def emacs(*words):
    return subprocess.run(
        [EMACS, "-Q", "--batch", *words],
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@needs_emacs
def test_tangle_el_passes_its_own_tests():
    done = emacs(
        "-l",
        "tangle.el",
        "-l",
        "tests/test_tangle.el",
        "-f",
        "ert-run-tests-batch-and-exit",
    )
    assert done.returncode == 0, done.stdout


@needs_emacs
def test_tangle_el_is_short_and_compiles_without_a_warning(tmp_path):
    copy = Path(shutil.copy(ROOT / "tangle.el", tmp_path))
    assert len(copy.read_text().splitlines()) <= 200
    done = emacs(
        "--eval",
        "(setq byte-compile-error-on-warn t)",
        "-f",
        "batch-byte-compile",
        str(copy),
    )
    assert done.returncode == 0 and "Warning" not in done.stdout, done.stdout


def test_solution_a_quoted_number():
    link = "[[metric:logistic.parameters%%d][%s]]\n"
    assert book.numbers.refreshed(link % "many") == link % 2
    assert list(book.numbers.stale(link % 3)) == [
        "README.org:1: error: 3 is stale, it is 2 now"]


def test_solution_every_tangled_file_says_where_it_came_from():
    for target in TANGLED:
        first = (ROOT / target).read_text("utf-8").splitlines()[0]
        assert "Generated from README.org by tangle.el" in first


def test_solution_what_would_run(tree):
    linear = {program for program in PROGRAMS if program.startswith("linear_")}
    assert (
        trained(make(tree, "-n", "-W", "src/known_line.py", "train").stdout)
        == linear
    )
    changed = make(tree, "-n", "-W", "src/command_line.py", "train").stdout
    assert trained(changed) == set(PROGRAMS)
