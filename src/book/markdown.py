# Generated from README.org by tangle.el; edit README.org instead.
"""The tree of README.org as Markdown, numbered and linked."""

import re

from book.tree import fault, nodes, slug, words

NUMBERED = {"paragraph": "Figure", "table": "Table", "latex-environment": ""}
NUMBER = re.compile(r"[-+]?\d[\d.,]*%?")


def said_of(node: dict) -> dict[str, str]:
    """Return what #+attr_html: says of NODE."""
    return dict(re.findall(r":(\w+)\s+(.*?)\s*(?=\s:\w+\s|$)",
                           node.get("attributes", "")))


def folded(heading: dict) -> bool:
    """Say whether the section of HEADING is closed until a reader opens it."""
    return "fold" in heading.get("tags", ())


class Markdown:
    """Writes nodes as Markdown; knows every name and number."""

    def __init__(self, tree: dict):
        self.names, self.numbers, self.chapter = {}, {}, ""
        counts, section = dict.fromkeys(NUMBERED, 0), [0, 0]
        for node in nodes(tree, "headline", "src-block", "item", *NUMBERED):
            kind, name = node["t"], node.get("name")
            if kind == "headline":
                name, level = self.name_heading(node), node["level"]
                if level <= 2 and not folded(node):
                    section = ([section[0] + 1, 0] if level == 1
                               else [section[0], section[1] + 1])
                    self.numbers[name] = ".".join(map(str, section[:level]))
            elif kind == "item" and "tag" in node:
                name = node["name"] = slug(f"bib {words(node['tag'])}")
            elif name and kind in counts:
                counts[kind] += 1
                self.numbers[name] = str(counts[kind])
            if kind != "item" and name in self.names:
                raise fault(node["at"], f"the name {name} is taken twice")
            if name:
                self.names[name] = node

    def name_heading(self, node: dict) -> str:
        """Give the heading NODE an id: its CUSTOM_ID, or its title."""
        node["id"] = node.get("CUSTOM_ID") or slug(words(node["title"]))
        if "CUSTOM_ID" not in node and node["id"] in self.names:
            node["id"] = f"{self.chapter}-{node['id']}"
        if node["level"] == 1:
            self.chapter = node["id"]
        return node["id"]

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
            case "link" if node["type"] == "metric":
                return re.sub(r"^-(?=\d)", "\u2212", inside)
            case "link":
                return f"[{inside or self.label(node)}]({self.url(node)})"
        return inside

    def label(self, link: dict) -> str:
        """Return what LINK says if its author does not: a number."""
        path = link["path"]
        if path not in self.names:
            return link["raw-link"]
        formula = self.names[path]["t"] == "latex-environment"
        return ("({})" if formula else "{}").format(self.numbers.get(path))

    def url(self, link: dict) -> str:
        """Return where LINK leads; it must be somewhere."""
        path, said = link["path"], words(link.get("c", []))
        if link["type"] not in ("custom-id", "fuzzy"):
            return path if link["type"] == "file" else link["raw-link"]
        if path == "bibliography" and said.endswith(")"):
            path = slug(f"bib {said}")
        if path not in self.names:
            raise fault(link["at"], f"nothing is named {path}")
        return self.place(path)

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
                return self.heading(node)
            case "paragraph":
                first = content[0] if isinstance(content[0], dict) else {}
                if first.get("type") == "file" and "c" not in first:
                    return self.figure(node, first["path"])
                return self.text(content)
            case "plain-list":
                return "".join(self.item(node["type"], number, item)
                               for number, item in enumerate(content, 1))
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
                return "> " + self.blocks(content).strip().replace("\n", "\n> ")
            case "section" | "dynamic-block":
                return self.blocks(content)
        return ""

    def item(self, kind: str, number: int, node: dict) -> str:
        """Return NODE, the item NUMBER of a list of KIND, Org's word."""
        text = self.blocks(node.get("c", [])).strip().replace("\n", "\n    ")
        if kind == "descriptive":
            return self.term(node, self.text(node["tag"]), text)
        return f"{number}.  {text}\n" if kind == "ordered" else f"-   {text}\n"

    def term(self, node: dict, tag: str, text: str) -> str:
        """Return NODE, which says what TAG means, in a list."""
        return f"-   **{tag}** \u2013 {text}\n"

    def table(self, node: dict) -> str:
        """Return the table NODE; a column of numbers is set to the right."""
        rows = [[self.text(cell.get("c", [])).strip() for cell in row["c"]]
                for row in node["c"] if row.get("type") != "rule"]
        right = [all(NUMBER.fullmatch(text.strip("*")) for text in column[1:]
                     if text) for column in zip(*rows)]
        rows = [[re.sub(r"^(\**)-(?=\d)", "\\1\u2212", text) for text in row]
                for row in rows]
        rows.insert(1, ["--:" if of else ":--" for of in right])
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def caption(self, node: dict) -> str:
        """Return the caption of NODE behind its number."""
        text, name = self.text(node.get("caption", [])).strip(), node.get("name")
        return f"{NUMBERED[node['t']]} {self.numbers[name]}. {text}" if (
            name) else text

    def fence(self, text: str, said: str) -> str:
        """Return TEXT as it stands, as code of the language SAID."""
        return f"~~~~~ {said}\n{text}\n~~~~~"
