# Generated from README.org by tangle.el; edit README.org instead.
"""build/README.epub: the page to take along, every folded part open."""

import os
import re

import pypandoc

from common.files import ROOT

OUT = ROOT / "build/README.epub"
STYLE = "<style>pre.output { border-left: solid; padding-left: 1ex }</style>"
MENDED = [
    ("(?s)^.*<main.*?>|</main>.*", ""),  # only the text
    (r'(?s)<div class="turn">.*?</div></div>|<div id="c\d+">', ""),
    (r'<a href="(?!#|http)[^>]*>(.*?)</a>', r"\1"),  # files stay at home
    (r'<b id="(.*?)">(.*?)</b>', r'<span id="\1">\2</span>'),
    (r'<figure (.*?)id="(.*?)">', r'<div id="\2"></div><figure \1>'),
    (r'(?s)<svg role="img" aria-label="([^"]*)" data-file="(.*?)".*?</svg>',
     r'<img alt="\1" src="\2">'),
]


def main() -> None:
    """Write what README.html holds to OUT."""
    text = (ROOT / "README.html").read_text("utf-8")
    title = re.search("<title>(.*?)</title>", text)[1]
    for wrong, right in MENDED:
        text = re.sub(wrong, right, text)
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # the same bytes on every day
    new = str(OUT.with_name(f"{os.getpid()}.epub"))
    pypandoc.convert_text(text, "epub3", "html", outputfile=new, extra_args=[
        "--mathml", "--toc", "--toc-depth=2", "--shift-heading-level-by=-1",
        f"--resource-path={ROOT}", f"--variable=header-includes:{STYLE}",
        "--metadata=lang:en", "--metadata=identifier:pytorch-examples",
        f"--metadata=title:{title}"])
    os.replace(new, OUT)
    print(f"epub      {OUT.name}, {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
