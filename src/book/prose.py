# Generated from README.org by tangle.el; edit README.org instead.
"""The chapters as cells; pandoc reads the Org and writes the Markdown."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import pypandoc

from book.source import Block, BookError, blocks, line_at


Node = dict  # of a text, as pandoc sees it: {"t": kind, "c": content}


@dataclass
class Cell:
    """Code, where there is a BLOCK; else prose: nodes, then Markdown."""

    id: str
    block: Block | None = None
    nodes: list[Node] = field(default_factory=list)
    markdown: str = ""


@dataclass
class Chapter:
    """A chapter: its CUSTOM_ID, its cells, and the works that it cites."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    cited: set[str] = field(default_factory=set)


@dataclass
class Place:
    """Where a named thing stands, and what a bare reference to it says."""

    chapter: Chapter
    heading: str
    words: list[Node]


@dataclass
class Book:
    """README.org while it is read: what was found so far."""

    text: str
    blocks: list[Block]
    chapters: list[Chapter] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    works: dict[str, list[Node]] = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    heading: str = ""
    name: str = ""  # of the formula that comes next


def node(kind: str, *parts) -> Node:
    """Return a node; one of several parts has a list as its content."""
    return {"t": kind, "c": parts[0] if len(parts) == 1 else list(parts)}


def changed(value, change: Callable[[Node], list[Node] | None]):
    """Return VALUE with each node replaced by what CHANGE makes of it."""
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    fresh = []
    for item in value:
        item = changed(item, change)
        made = change(item) if isinstance(item, dict) and "t" in item else None
        fresh += [item] if made is None else made
    return fresh


def plain(value) -> str:
    """Return the words of a node or of a list, without their markup."""
    if isinstance(value, list):
        return "".join(map(plain, value))
    if not isinstance(value, dict):
        return ""
    kind, content = value["t"], value.get("c", [])
    if kind in ("Space", "SoftBreak"):
        return " "
    if kind in ("Str", "Code", "Math"):
        return content if kind == "Str" else content[1]
    return plain(content)


def add(book: Book, *nodes: Node) -> None:
    """Let NODES follow what the current chapter holds."""
    cells = book.chapters[-1].cells
    if cells[-1].block:
        cells.append(Cell(f"after-{cells[-1].id}"))
    cells[-1].nodes += nodes


def place(book: Book, name: str, words: list[Node]) -> None:
    """Remember that what is called NAME stands here."""
    book.places[name] = Place(book.chapters[-1], book.heading, words)


def counted(book: Book, kind: str, name: str, form: str = "%d") -> int:
    """Return the number of the next thing of this KIND, called NAME."""
    book.counts[kind] += 1
    place(book, name, [node("Str", form % book.counts[kind])])
    return book.counts[kind]


def header(book: Book, level: int, identity: list, words: list[Node]) -> None:
    """Start a cell, and at level 1 a chapter."""
    if level == 1:
        book.chapters.append(Chapter(identity[0]))
    book.heading = plain(words)
    book.chapters[-1].cells.append(Cell(identity[0]))
    place(book, identity[0], words)
    add(book, node("Header", level, ["", [], []], words))


def keyword(book: Book, language: str, text: str) -> None:
    """Keep the name that a keyword gives to the formula after it."""
    if found := re.match(r"#\+name:\s*(\S+)", text, re.I):
        book.name = found[1]


EQUATION = re.compile(r"\\begin\{equation\*?\}(.*)\\end\{equation\*?\}", re.S)


def paragraph(book: Book, *nodes: Node) -> None:
    """Add a paragraph, with its TeX as displayed formulas."""
    def formula(item: Node) -> list[Node] | None:
        found = item["t"] == "RawInline" and EQUATION.match(item["c"][1])
        if not found:
            return None
        lines = [line for line in found[1].splitlines() if line.strip()]
        if book.name:
            number = counted(book, "Equation", book.name, "(%d)")
            lines.append(f"\\tag{{{number}}}")
            book.name = ""
        tex = "\n".join(["", *lines, ""])
        return [node("Math", {"t": "DisplayMath"}, tex)]

    add(book, node("Para", changed(list(nodes), formula)))


def caption(book: Book, kind: str, name: str, words: list) -> Node:
    """Return a paragraph with the number and the caption of a thing."""
    label = node("Str", f"{kind} {counted(book, kind, name)}.")
    inlines = words[1][0]["c"] if words[1] else []
    return node("Para", [node("Strong", [label]), {"t": "Space"}, *inlines])


def figure(book: Book, attributes: list, words: list, content: list) -> None:
    """Add a drawing and, below it, its caption."""
    name, _, pairs = attributes
    below = caption(book, "Figure", name, words)
    image = content[0]["c"][0]["c"]
    image[1] = [node("Str", dict(pairs).get("alt", ""))]
    add(book, node("Para", [node("Image", *image)]), below)


def table(book: Book, attributes: list, words: list, *rest: list) -> None:
    """Add a caption and, below it, the table."""
    add(book, caption(book, "Table", attributes[0], words),
        node("Table", ["", [], []], [None, []], *rest))


def descriptions(book: Book, *pairs: list) -> None:
    """Add a list of terms and what they mean, as a list of items."""
    items = []
    for term, (meaning, *_) in pairs:
        first = [node("Strong", term), node("Str", ":"), {"t": "Space"}]
        item = [node("Plain", [*first, *meaning[0]["c"]]), *meaning[1:]]
        book.works[plain(term)] = item
        items.append(item)
    add(book, node("BulletList", items))


def listing(book: Book, attributes: list, code: str) -> None:
    """Add a block: a cell of its own, if it is a part of a Python file."""
    number = dict(attributes[2]).get("block")
    block = book.blocks[int(number)] if number else None
    if block and block.target.endswith(".py"):
        book.chapters[-1].cells.append(Cell(block.name, block))
        return
    if block and block.target != "no":
        add(book, node("Para", [node("Code", ["", [], []], block.target),
                                node("Str", ":")]))
    add(book, node("CodeBlock", attributes, code.rstrip("\n")))


HANDLERS = {"Header": header, "RawBlock": keyword, "Para": paragraph,
            "Figure": figure, "Table": table, "CodeBlock": listing,
            "DefinitionList": descriptions}


def read(text: str) -> Book:
    """Return TEXT as a book whose cells hold nodes."""
    document = json.loads(pypandoc.convert_text(text, "json", format="org"))
    book = Book(text, blocks(text))
    numbers = iter(range(len(book.blocks)))

    def prepared(item: Node) -> list[Node] | None:
        if item["t"] == "CodeBlock" and item["c"][0][1]:
            number = next(numbers)
            language = book.blocks[number].language
            item["c"][0] = ["", [language], [["block", str(number)]]]
        return item["c"][1] if item["t"] == "Div" else None

    for item in changed(document["blocks"], prepared):
        if item["t"] in HANDLERS:
            if book.chapters or item["t"] == "Header":
                HANDLERS[item["t"]](book, *item["c"])
        else:
            add(book, item)
    return book


def reference(book: Book, chapter: Chapter, name: str,
              words: list[Node]) -> Node:
    """Return a link to what is called NAME, as WORDS or as its number."""
    if name == "bibliography" and plain(words) in book.works:
        chapter.cited.add(plain(words))
        return node("Link", ["", [], []], words, ["#References", ""])
    if name not in book.places:
        at = max(book.text.find(f"[[{name}"), book.text.find(f"[[#{name}"), 0)
        raise BookError(line_at(book.text, at), f"nothing is named {name}")
    there = book.places[name]
    file = f"{there.chapter.name}.ipynb"
    if there.chapter.name == "bibliography":
        goal = f"../../README.html#{name}"
    else:
        file = "" if there.chapter is chapter else file
        goal = f"{file}#{quote(there.heading.replace(' ', '-'), ':')}"
    return node("Link", ["", [], []], words or there.words, [goal, ""])


def set_links(book: Book, chapter: Chapter) -> None:
    """Let the links in CHAPTER lead from its notebook to their targets."""
    def linked(item: Node) -> list[Node] | None:
        kind, content = item["t"], item.get("c")
        if kind == "Span":
            name = dict(content[0][2]).get("target", "")
            return [reference(book, chapter, name, [])]
        if kind not in ("Link", "Image"):
            return None
        target = content[2][0]
        if target.startswith("metric:"):
            return content[1]
        if target.startswith("#"):
            words = [] if plain(content[1]) == target else content[1]
            return [reference(book, chapter, target[1:], words)]
        if not re.match(r"[a-z]+:", target):
            content[2][0] = f"../../{target}"
        return None

    for cell in chapter.cells:
        cell.nodes = changed(cell.nodes, linked)


def add_references(book: Book, chapter: Chapter) -> None:
    """End CHAPTER with the works that it cites."""
    if chapter.cited:
        items = [book.works[who] for who in sorted(chapter.cited)]
        title = node("Header", 2, ["", [], []], [node("Str", "References")])
        chapter.cells.append(
            Cell("references", nodes=[title, node("BulletList", items)]))


END = "\ue000"


def write_markdown(cells: list[Cell]) -> None:
    """Turn the nodes of CELLS into Markdown, in one run of pandoc."""
    end = node("Para", [node("Str", END)])
    nodes = [item for cell in cells for item in [*cell.nodes, end]]
    text = pypandoc.convert_text(
        json.dumps({"pandoc-api-version": [1, 23], "meta": {},
                    "blocks": nodes}), "gfm-tex_math_gfm", format="json",
        extra_args=["--wrap=preserve", "--quiet"])
    for cell, piece in zip(cells, text.split(END)[:-1], strict=True):
        cell.markdown = re.sub(r"\n{3,}", "\n\n", piece.strip())


def chapters(text: str) -> list[Chapter]:
    """Return the chapters of an Org TEXT but the bibliography."""
    book = read(text)
    found = [each for each in book.chapters if each.name != "bibliography"]
    for chapter in found:
        set_links(book, chapter)
        add_references(book, chapter)
    write_markdown([cell for chapter in found for cell in chapter.cells
                    if not cell.block])
    return found
