# Generated from README.org by tangle.el; edit README.org instead.
"""Listings in four colours: keyword, string, comment, definition."""

from functools import cache
from html import escape

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Operator, String, Token


CLASSES = [
    (Comment, "c"),
    (String, "s"),
    (Name.Function, "d"),
    (Name.Class, "d"),
    (Name.Decorator, "d"),
    (Name.Tag, "d"),
    (Keyword, "k"),
    (Operator.Word, "k"),
]
LEXERS = {"emacs-lisp": "elisp"}


@cache
def token_class(kind: Token) -> str:
    """Return the class of the colour that tokens of KIND have, or nothing."""
    return next((name for parent, name in CLASSES if kind in parent), "")


def to_html(code: str, language: str) -> str:
    """Return CODE as HTML, its tokens in the elements k-, s-, c- and d-."""
    lexer = get_lexer_by_name(LEXERS.get(language, language), stripnl=False)
    runs: list[list[str]] = []
    for kind, text in lexer.get_tokens(code):
        name = token_class(kind)
        if runs and (runs[-1][0] == name or not text.strip()):
            runs[-1][1] += text
        else:
            runs.append([name, text])
    html = "".join(
        f"<{name}->{escape(text, quote=False)}</{name}->" if name
        else escape(text, quote=False) for name, text in runs)
    return html.replace("&gt;", ">").rstrip("\n")
