# Generated from README.org by tangle.el; edit README.org instead.
"""What the page promises its readers."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile

import pytest
from bs4 import BeautifulSoup

import book.page
import figure_style
from book import drawing
from book.mathml import to_mathml
from book.source import README, ROOT, BookError, blocks

PAGE = (ROOT / "README.html").read_text("utf-8")
TREE = BeautifulSoup(PAGE, "html.parser")


def test_nothing_loads_from_elsewhere():
    loading = TREE.find_all(
        ["link", "img", "iframe", "object", "embed", "audio", "video"]
    )
    assert loading == []
    assert all(not script.get("src") for script in TREE.find_all("script"))
    assert not re.search(r"@import|url\((?!#)", TREE.find("style").string)


def test_every_inner_link_has_its_target():
    ids = [tag["id"] for tag in TREE.find_all(id=True)]
    assert len(ids) == len(set(ids))
    targets = {
        link["href"][1:] for link in TREE.find_all("a", href=re.compile("^#"))
    }
    assert targets <= set(ids)


def test_every_file_that_it_names_is_there():
    files = {
        link["href"]
        for link in TREE.find_all("a", href=re.compile(r"^(?!#|https:)"))
    }
    assert "src/logistic.py" in files
    assert all((ROOT / file).is_file() for file in files)


def test_it_is_light():
    assert len(PAGE.encode()) < 2_000_000


FIGURES = sorted(ROOT.glob("figs/*.svg"))


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_a_light_drawing_is_the_same_picture(path):
    def shown(svg):
        tree = BeautifulSoup(svg, "html.parser")
        for hidden in tree("clippath") + tree("path", style="fill: none"):
            hidden.decompose()
        return [(tag.name, tag.get_text().split())
                for tag in tree(["path", "use", "text"])]

    svg = path.read_text("utf-8")
    assert shown(drawing.light(svg, "f1-")) == shown(svg)


def test_light_drawings_are_light():
    files = [path.read_text("utf-8") for path in FIGURES]
    light = sum(len(drawing.light(svg, "f1-")) for svg in files)
    assert light < sum(map(len, files)) / 2


def test_words_of_a_drawing_look_as_the_style_of_figures_says():
    assert drawing.INK == figure_style.INK
    assert figure_style.STYLE["font.size"] == 10
    assert ".drawing text { font: 10px" in TREE.find("style").string


def test_punctuation_stays_beside_its_formula():
    loose = re.sub(r"<n->.*?</n->", "", PAGE, flags=re.S)
    assert len(PAGE) - len(loose) > 10_000
    assert not re.search(r"</math>[.,;:?)]|\(<math>", loose)
    assert "n- { white-space: nowrap; }" in TREE.find("style").string


DRAWN = (
    '<svg width="9pt" viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg">'
    '<style>text { }</style><g id="unused"><path style="fill: none" d="M 0"/>'
    '<defs><path id="m" d="M 0 1.0\nL 9.10 1.0\nL -2 3.009"/></defs>'
    '<use href="#m" x="1.234" y="20" style="fill: #0072b2"/>'
    '<text style="font-size: 10px; fill: #d55e00" x="1" y="2" '
    'transform="rotate(-0 1 2)">a</text><text style="fill: #262626; '
    'font-size: 7px" transform="rotate(-90 1 2)">b</text></g></svg>'
)


def test_a_drawing_is_pruned_and_not_changed():
    assert drawing.light(DRAWN, "f1-").splitlines() == [
        '<svg viewBox="0 0 9 9"><defs>'
        '<path id="f1-0" d="M0 1H9.1L-2 3" style="fill: #0072b2"/>', "</defs>",
        '<use href="#f1-0" x="1.23" y="20"/>',
        '<text style="fill: #d55e00" x="1" y="2">a</text>',
        '<text style="font-size: 7px" transform="rotate(-90 1 2)">b</text>',
        "</svg>",
    ]


def test_it_shows_every_block_figure_and_table():
    text = README.read_text("utf-8")
    names = {block.name for block in blocks(text) if block.name}
    names |= set(re.findall(r"^#\+name: ((?:fig|tbl|eq)-.*)$", text, re.M))
    tags = {tag["id"]: tag for tag in TREE.find_all(id=True)}
    assert names <= tags.keys()
    for block in blocks(text):
        if block.name:
            shown = tags[block.name].find("code").get_text()
            assert shown.split() == "\n".join(block.body).split()


def test_every_drawing_is_described():
    drawings = TREE.find_all("svg")
    assert len(drawings) == len(list((ROOT / "figs").glob("*.svg")))
    assert all(len(drawing["aria-label"]) > 40 for drawing in drawings)


def test_a_reference_is_a_number():
    links = TREE.find("main").find_all("a", href=re.compile("^#(fig|tbl|eq)-"))
    assert len(links) > 30
    for link in links:
        assert re.fullmatch(r"((Figure|Table) )?\d+|\(\d+\)", link.get_text())


def test_a_column_of_numbers_is_flush_right():
    head, *rows = TREE.find(id="tbl-results").find_all("tr")
    words = ["program or baseline", "measure"]
    for row in head, *rows:
        for cell, title in zip(row.find_all(["th", "td"]),
                               head.find_all("th"), strict=True):
            right = cell.get("class") == ["right"]
            assert right is (title.get_text() not in words)
    assert not TREE.find("td", string=re.compile(r"^-\d"))


def test_formulas_are_mathml():
    assert len(TREE.find_all("math")) > 100
    for text in TREE.find("main").find_all(string=re.compile(r"\\frac|\$")):
        assert text.find_parent("code")
    with pytest.raises(ValueError, match="nosuchcommand"):
        to_mathml([(r"x", False), (r"\nosuchcommand{x}", False)])


def test_hats_are_narrow_bold_is_upright_and_a_base_is_close():
    hat, bold, log = to_mathml(
        [(r"\hat{y}", False), (r"\mathbf{w}", False), (r"\log_2 p", False)])
    assert '<mo accent="true" stretchy="false">^</mo>' in hat
    assert "\N{MATHEMATICAL BOLD SMALL W}" in bold
    assert re.search(r"<mn>2</mn></msub><mspace [^>]*><mi>p</mi>", log)


EMACS = shutil.which(os.environ.get("EMACS", "emacs"))


def export(folder, out, **variables):
    command = [EMACS, "-Q", "--batch", "-l", "tangle.el",
               "-f", "book-batch", "page", out]
    subprocess.run(command, cwd=folder, check=True, capture_output=True,
                   env={"PATH": os.environ["PATH"]} | variables)
    return (folder / out).read_bytes()


@pytest.mark.skipif(not EMACS, reason="there is no Emacs here")
@pytest.mark.slow
def test_the_same_bytes_in_another_place(tmp_path):
    folder = tmp_path / "Bücher und mehr"
    ignored = shutil.ignore_patterns(".git", ".venv", "build")
    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    away = export(folder, "README.html", LC_ALL="C", TZ="Asia/Tokyo")
    (ROOT / "build").mkdir(exist_ok=True)
    assert away == export(ROOT, "build/README.html", TZ="UTC")


MISTAKES = {
    '<h2 id="org1234567">1 Introduction</h2>': "has no CUSTOM_ID",
    "<p>[BROKEN LINK: nothing]</p>": "nothing is named nothing",
    '<p>Figure <a href="#nowhere"></a></p>': "nothing is named nowhere",
    '<data class="latex-fragment">$\\nosuchcommand{x}$</data>':
        "pandoc cannot convert",
    "<table><tr><td>Knuth</td></tr></table>": "a table needs a #+name",
    '<figure><img src="figs/logistic.svg" alt="x"></figure>':
        "figs/logistic.svg needs a #+name",
    '<a href="#bibliography">Nobody (1900)</a>':
        "the bibliography has no Nobody (1900)",
}


@pytest.mark.parametrize("html", MISTAKES)
def test_a_mistake_names_its_line(html):
    with pytest.raises(BookError, match=r"README\.org:\d+: error: ") as error:
        book.page.build(html, "")
    assert MISTAKES[html] in str(error.value)


PACKAGES = ["axe-core@4.14.1", "vnu-jar@26.9.27"]


def need(*commands):
    """Return the folder of the npm packages, or skip."""
    missing = [command for command in commands if not shutil.which(command)]
    folder = ROOT / "build/npm"
    if not missing and not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        fresh = tempfile.mkdtemp(dir=folder.parent)  # then whole, or not there
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        done = subprocess.run([*npm, "--prefix", fresh, *PACKAGES],
                              capture_output=True)
        if done.returncode:
            missing = ["the npm packages"]
        else:
            with contextlib.suppress(OSError):  # another process was first
                os.rename(fresh, folder)
        shutil.rmtree(fresh, ignore_errors=True)
    if missing:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told(f"not here: {', '.join(missing)}")
    return folder / "node_modules"


def test_the_html_is_valid():
    validator = need("npm", "java") / "vnu-jar/build/dist/vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(validator), str(ROOT / "README.html")],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


FRAME = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<iframe style="border: 0; width: %dpx; height: 900px"></iframe><pre></pre>
<script>const page = %s, axe = %s;</script><script>
const frame = document.querySelector("iframe");
frame.onload = async () => {
  const inner = frame.contentWindow, root = inner.document.documentElement;
  const script = inner.document.createElement("script");
  script.textContent = axe;
  root.append(script);
  const found = await inner.axe.run();
  const formula = inner.document.querySelector("math");
  document.querySelector("pre").textContent = JSON.stringify({
    faults: found.violations.map(v => [v.id, v.nodes[0].html]),
    overflow: root.scrollWidth - inner.innerWidth,
    hidden: [...inner.document.querySelectorAll(".scroll > [id$=results]")]
      .map(table => table.scrollWidth - table.parentNode.clientWidth),
    math: formula.getBoundingClientRect().height,
  });
};
frame.srcdoc = page;
</script></html>"""


def script_string(text):
    return re.sub("<(?=[/!])", r"<\\", json.dumps(text))


CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking",
            "--window-size=1400,1000", "--virtual-time-budget=120000",
            "--dump-dom"]


@pytest.mark.slow
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_no_barriers_on_a_wide_page_and_on_a_phone(width, scheme, tmp_path):
    axe = (need("npm", "chromium") / "axe-core/axe.min.js").read_text("utf-8")
    wanted = "all" if scheme == "dark" else "not all"
    page = PAGE.replace("(prefers-color-scheme: dark)", wanted)
    file = tmp_path / "frame.html"
    file.write_text(FRAME % (width, script_string(page), script_string(axe)))
    done = subprocess.run([*CHROMIUM, f"--user-data-dir={tmp_path}/profile",
                           file.as_uri()], capture_output=True, text=True)
    found = re.search(r"<pre>(\{.*?\})</pre>", done.stdout, re.S)
    assert found, done.stderr
    result = json.loads(BeautifulSoup(found[1], "html.parser").get_text())
    assert result["faults"] == []
    assert result["overflow"] <= 0 and result["math"] > 5
    assert len(result["hidden"]) == 9 and max(result["hidden"]) <= 0
