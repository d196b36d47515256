# Generated from README.org by tangle.el; edit README.org instead.
"""The tree of README.org as Markdown, numbered and linked."""

import re

from book.tree import fault, nodes, slug, words

NUMBERED = {"paragraph": "Figure", "table": "Table", "latex-environment": ""}


def folded(heading: dict) -> bool:
    """Say whether the section of HEADING is closed until a reader opens it."""
    return "fold" in heading.get("tags", ())


def fence(text: str, said: str = "") -> str:
    """Return TEXT as it stands, as code of the language SAID."""
    return f"~~~~~ {said}\n{text}\n~~~~~"


def minus(text: str) -> str:
    """Return TEXT, which may be a number, with a true minus sign."""
    return re.sub(r"^(\**)-(?=\d)", "\\1\u2212", text)


class Markdown:
    """Writes nodes as Markdown; knows every name, its number and chapter."""

    def __init__(self, tree: dict):
        self.names, self.numbers, self.home = {}, {}, {}
        counts, section, home = dict.fromkeys(NUMBERED, 0), [0, 0], ""
        for node in nodes(tree, "headline", "src-block", "item", *NUMBERED):
            kind, name = node["t"], node.get("name")
            if kind == "headline":
                level, title = node["level"], words(node["title"])
                home = "" if level == 1 else home
                name = node.get("CUSTOM_ID") or slug(f"{home} {title}")
                home, node["name"] = home or name, name
                if level <= 2 and not folded(node):
                    section = ([section[0] + 1, 0] if level == 1
                               else [section[0], section[1] + 1])
                    self.numbers[name] = ".".join(map(str, section[:level]))
            elif kind == "item" and "tag" in node:
                name = node["name"] = slug(f"bib {words(node['tag'])}")
            elif name and kind in counts:
                counts[kind] += 1
                self.numbers[name] = str(counts[kind])
            if name:
                if name in self.names:
                    raise fault(node["at"], f"the name {name} is taken twice")
                self.names[name], self.home[name] = node, home

    def text(self, content: list) -> str:
        """Return CONTENT, objects and strings, as one text."""
        return "".join(
            re.sub(r"([\\`*_\[\]<>$~^@|])", r"\\\1", node)
            if isinstance(node, str) else self.object(node)
            for node in content)

    def object(self, node: dict) -> str:
        """Return NODE, which stands in a text."""
        inside, value = self.text(node.get("c", [])), node.get("value", "")
        match node["t"]:
            case "bold":
                return f"**{inside}**"
            case "italic":
                return f"*{inside}*"
            case "code" | "verbatim":
                return f"`` {value} ``" if "`" in value else f"`{value}`"
            case "latex-fragment":
                return value
            case "link":
                return self.link(node, inside)
        return inside

    def link(self, node: dict, inside: str) -> str:
        """Return the link NODE around INSIDE, or else around a number."""
        path, kind = node["path"], node["type"]
        if kind == "metric":
            return minus(inside)
        if kind not in ("custom-id", "fuzzy"):
            to = path if kind == "file" else node["raw-link"]
            return f"[{inside or to}]({to})"
        if path == "bibliography" and inside.endswith(")"):
            path = slug(f"bib {words(node['c'])}")
        if path not in self.names:
            raise fault(node["at"], f"nothing is named {path}")
        number = self.numbers.get(path, path)
        if self.names[path]["t"] == "latex-environment":
            number = f"({number})"
        return f"[{inside or number}]({self.place(path)})"

    def place(self, name: str) -> str:
        """Return the address of the thing called NAME."""
        return f"#{name}"

    def blocks(self, content: list[dict]) -> str:
        """Return CONTENT, a list of elements, with blank lines between."""
        return "".join(f"{self.block(node).strip()}\n\n" for node in content)

    def block(self, node: dict) -> str:
        """Return the element NODE."""
        content, value = node.get("c", []), node.get("value", "").rstrip("\n")
        match node["t"]:
            case "headline":
                return self.heading(node, self.text(node["title"]))
            case "paragraph":
                first = content[0] if isinstance(content[0], dict) else {}
                if first.get("type") == "file" and "c" not in first:
                    return self.figure(node, first["path"])
                return self.text(content)
            case "plain-list":
                return "".join(map(self.item, content, (
                    f"{number}.  " if node["type"] == "ordered" else "-   "
                    for number in range(1, len(content) + 1))))
            case "table":
                return self.table(node)
            case "latex-environment":
                tex = re.sub(r"\\(begin|end)\{equation\*?\}", "", value)
                return self.equation(node, f"$${' '.join(tex.split())}$$")
            case "src-block":
                return self.listing(node)
            case "example-block" | "fixed-width":
                return self.output(node, value)
            case "quote-block":
                return "> " + self.blocks(content).replace("\n", "\n> ")
            case "section" | "dynamic-block":
                return self.blocks(content)
        return ""

    def item(self, node: dict, mark: str) -> str:
        """Return NODE, an item of a list, behind its MARK."""
        text = self.blocks(node.get("c", [])).strip().replace("\n", "\n    ")
        if "tag" in node:
            tag = self.text(node["tag"])
            text = f'<b id="{node["name"]}">{tag}</b> \u2013 {text}'
        return f"{mark}{text}\n"

    def table(self, node: dict) -> str:
        """Return the table NODE; a column of numbers is set to the right."""
        rows = [[self.text(cell.get("c", [])).strip() for cell in row["c"]]
                for row in node["c"] if row.get("type") != "rule"]
        rule = ["--:" if all(re.fullmatch(r"(\**[-+]?\d[\d.,]*%?\**)?", text)
                             for text in column[1:]) else ":--"
                for column in zip(*rows)]
        return "".join(f"| {' | '.join(map(minus, row))} |\n"
                       for row in [rows[0], rule, *rows[1:]])

    def caption(self, node: dict) -> str:
        """Return the caption of NODE behind its number."""
        text = self.text(node.get("caption", [])).strip()
        if "name" not in node:
            return text
        return f"{NUMBERED[node['t']]} {self.numbers[node['name']]}. {text}"
