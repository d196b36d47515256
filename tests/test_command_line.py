# Generated from README.org by tangle.el; edit README.org instead.
"""What every program does with its command line."""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import command_line
import figure_style
from atomic_file import write
from book.source import ROOT
from known_line import known_line


PROGRAMS = [
    "linear_autograd",
    "linear_dataloader",
    "linear_module",
    "logistic",
    "ngram",
    "bigram",
    "mlp",
    "deep",
    "cnn",
    "notes",
]
LONG = ["mlp", "deep", "cnn", "notes"]
RUNS = [pytest.param(program, marks=[pytest.mark.slow] * (program in LONG))
        for program in PROGRAMS]


def load(program):
    return importlib.import_module(program)


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    def call(program, *words):
        folder = tmp_path / "figs"
        monkeypatch.chdir(tmp_path)  # where build/ would be written
        monkeypatch.setattr(sys, "argv", [f"src/{program}.py"])
        options = ["--out", str(folder), *words]
        status = command_line.run(lambda: load(program).main(options))
        return status, capsys.readouterr().err, folder
    return call


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("words", [
    ["--steps", "-1"], ["--steps", "x"], ["--step", "1"], ["--seed", "1.5"],
    ["--seed", "99999999999999999999"],
    ["--device", "gpu"], ["--out", "/dev/null"], ["--out", "/dev/null/figs"],
    ["--out", ""], ["--out", "a" * 300], ["--bad\n"],
])
def test_bad_input_is_one_line_and_status_2(program, words, run):
    status, said, folder = run(program, *words)
    assert status == 2
    assert said.startswith(f"{program}: error: ") and said.count("\n") == 1
    assert not folder.exists()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_missing(device, run):
    if getattr(torch, device).is_available():
        pytest.skip(f"this machine has {device}")
    status, said, folder = run("logistic", "--device", device)
    assert (status, folder.exists()) == (2, False)
    assert said == (f"logistic: error: --device {device}: there is none here; "
                    "use --device cpu\n")


@pytest.mark.parametrize("program", RUNS)
def test_zero_steps_work_and_repeat_byte_for_byte(
    program, tmp_path, monkeypatch
):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert load(program).main(["--steps", "0", "--quiet"]) == 0
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert Path(f"figs/{program}.json") in one
    assert one == two


def numbers(value, place=()):
    """Return the numbers in nested dicts and lists by where they stand."""
    if not isinstance(value, (dict, list)):
        return {place: value} if isinstance(value, (int, float)) else {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {where: number for key, item in items
            for where, number in numbers(item, (*place, key)).items()}


@pytest.mark.parametrize("program", RUNS)
@pytest.mark.usefixtures("undrawn")
def test_a_run_gives_the_quoted_numbers(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(program).main(["--quiet"]) == 0
    name = f"figs/{program}.json"
    measured = json.loads((tmp_path / name).read_text("utf-8"))
    quoted = json.loads((ROOT / name).read_text("utf-8"))
    for key in ("seed", "steps", "parameters", "measure"):
        assert measured[key] == quoted[key]
    for key in quoted.keys() & {"train", "dev", "test"}:
        assert measured[key] == pytest.approx(quoted[key], rel=1e-2)
    if program not in LONG:
        assert numbers(measured) == pytest.approx(numbers(quoted), 1e-2)
    drawn = {path.name for path in tmp_path.glob("figs/*.svg")}
    assert drawn == {path.name for path in ROOT.glob(f"figs/{program}*.svg")}


SLOW = """import os, pathlib, signal, sys, time, atomic_file, command_line
signal.signal(signal.SIGINT, signal.default_int_handler)  # never ignored
def stall(*_):
    print("at work", flush=True)
    time.sleep(60)
os.replace = stall
path = pathlib.Path("results.json")
sys.exit(command_line.run(lambda: atomic_file.write(path, "half")))"""


def test_ctrl_c_leaves_no_file(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "at work\n"
    program.send_signal(signal.SIGINT)
    assert "interrupted" in program.communicate(timeout=60)[1]
    assert program.returncode == 130
    assert list(tmp_path.iterdir()) == []


TALK = """import sys, command_line
n = int(sys.argv[1])
sys.exit(command_line.run(lambda: print("é" * n) or 0))"""


@pytest.mark.parametrize("words, status, said", [
    ("1 | true", 141, ""), ("99999 | true", 141, ""), ("1", 0, ""),
    ("1 >/dev/full", 1, "-c: failed: [Errno 28] No space left on device\n"),
])
def test_standard_output_that_fails(words, status, said):
    script = f'"$0" -c "$1" {words}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, TALK], capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"),
                          "PYTHONIOENCODING": "ascii:replace",
                          "PYTHONUNBUFFERED": ""})
    assert (done.returncode, done.stderr.decode()) == (status, said)


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    assert command_line.output_folder(str(folder)) == folder


def test_a_program_uses_one_thread_of_the_cpu(monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    args = command_line.parse("x", "about", [], steps=1, seed=0)
    assert (torch.get_num_threads(), args.device.type) == (1, "cpu")


def test_results_are_sorted_and_rounded_under_a_note():
    text = command_line.as_json("x", {"z": [2 / 3], "a": 1})
    note, *lines = text.split("\n")
    assert note.startswith('{"//": "Generated from README.org by src/x.py')
    assert "".join(lines) == ' "a": 1, "program": "x", "z": [  0.666667 ]}'


@pytest.mark.parametrize("quiet", [False, True])
def test_a_program_says_what_it_wrote(quiet, tmp_path, capsys):
    args = argparse.Namespace(program="x", out=tmp_path, quiet=quiet)
    command_line.save(args, {"steps": 3}, {})
    said = "" if quiet else f"x: 3 steps; wrote x.json to {tmp_path}\n"
    assert capsys.readouterr().out == said
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_result_that_is_no_number_fails(tmp_path, capsys):
    args = argparse.Namespace(program="x", out=tmp_path, quiet=True, steps=1)

    def main():
        command_line.save(args, {"train": float("nan")}, {})

    assert command_line.run(main) == 1
    assert "not a finite number" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: os.stat("/nowhere"))
    with pytest.raises(OSError, match="results.json'$"):
        write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_rename(tmp_path, monkeypatch):
    calls, replace = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: calls.append(
        os.fstat(handle).st_size))
    monkeypatch.setattr(os, "replace", lambda *names: (
        calls.append("renamed"), replace(*names)))
    write(path := tmp_path / "new/folder/results.json", "new")
    assert calls == [3, "renamed"]
    assert path.stat().st_mode & 0o777 == 0o644  # a temporary file's is 0o600


def test_a_link_stays_a_link(tmp_path):
    link, path = tmp_path / "link.json", tmp_path / "disk" / "results.json"
    link.symlink_to(path)
    write(link, "new")
    assert link.is_symlink() and path.read_text() == "new"
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(command_line.InputError, match="No such file"):
        command_line.output_folder(str(link))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
        for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("light, dark", figure_style.DARK.items())
def test_a_colour_stands_out_from_its_page(light, dark):
    assert (luminance("#fdfcfa") + 0.05) / (luminance(light) + 0.05) >= 3
    assert (luminance(dark) + 0.05) / (luminance("#16181b") + 0.05) >= 3
    for part in ("fill", "stroke"):
        assert (f'[style*="{part}: {light}"] {{ {part}: {dark} !important }}'
                in figure_style.dark_rules())


def test_curves_grow_stronger():
    strengths = [figure_style.fade(index, 5) for index in range(5)]
    assert strengths == sorted(strengths) and strengths[-1] == 1


def test_a_figure_is_the_same_on_every_run():
    def drawn():
        figure, axes = figure_style.new_figure()
        axes.plot(
            [1, 2],
            [2, 1],
            color=figure_style.BLUE,
            alpha=figure_style.fade(2, 3),
        )
        return figure_style.to_svg(figure, "some_program")

    assert drawn() == drawn() and "date" not in drawn()
    assert "#ffffff" not in drawn()


def test_a_figure_may_hold_any_letter():
    figure, axes = figure_style.new_figure()
    axes.set_title("\N{DEVANAGARI LETTER KA}\N{DEVANAGARI VOWEL SIGN I}")
    svg = figure_style.to_svg(figure, "some_program")
    assert "\N{DEVANAGARI LETTER KA}" in svg


@pytest.mark.usefixtures("undrawn")
def test_solution_the_starting_loss_is_the_mean_square(tmp_path):
    load("linear_autograd").main(
        ["--steps", "0", "--quiet", "--out", str(tmp_path)]
    )
    result = json.loads((tmp_path / "linear_autograd.json").read_text())
    _, y = known_line(seed=0)
    assert result["train"] == pytest.approx((y**2).mean().item(), rel=1e-5)


@pytest.mark.usefixtures("undrawn")
def test_solution_seeds_move_the_loss_by_tens_of_percent(tmp_path):
    losses = []
    for seed in range(5):
        options = ["--seed", str(seed), "--quiet", "--out", str(tmp_path)]
        load("linear_module").main(options)
        result = json.loads((tmp_path / "linear_module.json").read_text())
        losses.append(result["train"])
    spread = torch.tensor(losses).std() / 900
    assert 0.05 < spread < 0.35


@pytest.mark.parametrize("cuda, mps, chosen", [
    (False, False, "cpu"), (False, True, "mps"), (True, True, "cuda")])
def test_solution_auto_takes_the_first_device(cuda, mps, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert command_line.choose_device("auto").type == chosen
