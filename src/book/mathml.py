# Generated from README.org by tangle.el; edit README.org instead.
"""TeX to MathML, all formulas of the page in one run of pandoc."""

import json
import re

import pypandoc


# What pandoc's MathML writer sets differently from what the book means.
ROW = '<mtr><mtd columnalign="right"'
MENDED = [
    # a hat is a character of its own, not a combining one
    ("\u0302</mo>", "^</mo>"),
    ("\u0303</mo>", "~</mo>"),
    ("\u0307</mo>", "\u02d9</mo>"),
    ('<mo accent="true">', '<mo accent="true" stretchy="false">'),
    # the rows of aligned are displayed formulas
    (f"<mtable>{ROW}", f'<mtable displaystyle="true">{ROW}'),
]


BEFORE = re.compile(r"(</(?:mi|mn|msup|msub|mfrac|msqrt)>)"
                    r'(?=<mrow><mi mathvariant="normal">\w+</mi><mo>&#8289;)')
AFTER = re.compile(r"(<mo>&#8289;</mo></mrow>"
                   r"(?:<m([ni])>[^<]*</m\2></msu[bp]>)?)"  # log to a base
                   r'(?!(?:<mrow>)?<mo[^>]*form="prefix")')
THIN = r'\1<mspace width="0.17em"/>'
LEFT_OUT = re.compile(r"</?semantics>|<annotation.*?</annotation>"
                      r'| xmlns="[^"]*"| display="inline"'
                      r'| mathvariant="(?!normal)[^"]*"'
                      r'| form="prefix"(?=>[([])| form="postfix"(?=>[])])',
                      re.S)
UPRIGHT = {code: code - 0x68 for code in range(0x1D468, 0x1D49C)}


def to_mathml(formulas: list[tuple[str, bool]]) -> list[str]:
    """Return MathML for FORMULAS, pairs of TeX and whether it is displayed.

    Raises ValueError, with the TeX, for a formula that pandoc cannot convert.
    """
    kinds = {True: {"t": "DisplayMath"}, False: {"t": "InlineMath"}}
    document = {
        "pandoc-api-version": [1, 23],
        "meta": {},
        "blocks": [
            {"t": "Para", "c": [{"t": "Math", "c": [kinds[shown], tex]}]}
            for tex, shown in formulas
        ],
    }
    html = pypandoc.convert_text(
        json.dumps(document),
        "html",
        format="json",
        extra_args=["--mathml", "--wrap=none", "--quiet"],
    )
    found = re.findall(r"<p>(.*?)</p>", html, re.S)
    for (tex, _), result in zip(formulas, found, strict=True):
        if not result.startswith("<math"):
            raise ValueError(tex)
    return [mend(result) for result in found]


def mend(mathml: str) -> str:
    """Put right what pandoc sets differently; drop what browsers ignore."""
    for found, wanted in MENDED:
        mathml = mathml.replace(found, wanted)
    mathml = AFTER.sub(THIN, BEFORE.sub(THIN, mathml))
    return LEFT_OUT.sub("", mathml.translate(UPRIGHT))
