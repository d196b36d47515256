# Generated from README.org by tangle.el; edit README.org instead.
"""Drawings for the page: the same picture in fewer characters."""

import re
from collections import defaultdict
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

SPACE = re.compile(r"\{.*?\}")  # the XML namespace of a name
INK = "#262626"  # of figure_style; the page sets words in its own ink


def shorter(numbers: str) -> str:
    """Return NUMBERS, such as those of a path, in fewer characters."""
    numbers = re.sub(r"(\.\d\d)\d+", r"\1", numbers)
    numbers = re.sub(r"(\.\d*?)0+\b", r"\1", numbers)
    numbers = re.sub(r"\.(?!\d)", "", numbers)
    numbers = re.sub(r" (\S+)\s+L (\S+) \1(?!\S)", r" \1 H \2", numbers)
    numbers = re.sub(r"\s*([A-Za-z])\s*", r"\1", numbers)
    return numbers.replace(" -", "-").strip()


def shorten(element: Element, ids: dict[str, str]) -> None:
    """Say in fewer characters what ELEMENT says; take its id from IDS."""
    said = {SPACE.sub("", name): text for name, text in element.items()}
    said["id"] = ids.get(said.get("id"), "")
    for name, text in said.items():
        if name in ("d", "x", "y"):
            text = shorter(text)
        elif name == "transform":
            text = re.sub(r"rotate\(-?0 .*?\)", "", text).strip()
        elif name == "style" and "font-size" in text:
            text = re.sub(rf"(font-family: [^;]*|font-size: 10px|fill: {INK})"
                          "(; |$)", "", text).removesuffix("; ")
        elif name in ("href", "clip-path"):
            text = re.sub(r"#([^)]*)", lambda id_: "#" + ids[id_[1]], text)
        said[name] = text
    element.tag = SPACE.sub("", element.tag)
    element.attrib = {name: text for name, text in said.items() if text}


def share_styles(root: Element) -> None:
    """Move the style that all uses of a marker have to the marker."""
    uses = defaultdict(list)
    for use in root.iter("use"):
        uses[use.get("href")].append(use)
    for marker in root.iter("path"):
        own = uses["#" + marker.get("id", "")]
        styles = {use.attrib.get("style", "") for use in own}
        if len(styles) == 1:
            said = f"{styles.pop()}; {marker.get('style', '')}".split("; ")
            marker.set("style", "; ".join(dict.fromkeys(filter(None, said))))
            for use in own:
                use.attrib.pop("style", None)


def prune(element: Element) -> None:
    """Take out of ELEMENT what cannot be seen."""
    kept = []
    for child in element:
        prune(child)
        child.tail = "\n"
        if child.tag == "g" and not child.attrib:
            kept.extend(child)
        elif child.tag != "style" and child.get("style") != "fill: none":
            kept.append(child)
    element[:] = kept
    element.text = (element.text or "").strip()


def light(svg: str, mark: str) -> str:
    """Return the drawing SVG for the page, its ids beginning with MARK."""
    root = ElementTree.fromstring(svg)
    used = dict.fromkeys(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    ids = {name: f"{mark}{n}" for n, name in enumerate(used)}
    for element in root.iter():
        shorten(element, ids)
    share_styles(root)
    prune(root)
    root.attrib = {"viewBox": root.get("viewBox")}
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")
