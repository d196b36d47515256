# Generated from README.org by tangle.el; edit README.org instead.
"""Files of the book: written whole, and known by what they are made from."""

import hashlib
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, content: str | bytes) -> None:
    """Write CONTENT beside PATH, then rename: PATH is never half there."""
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        part.write_bytes(content.encode() if isinstance(content, str)
                         else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def imported(path: Path) -> list[str]:
    """Return the modules that the program at PATH imports."""
    text = path.read_text("utf-8")
    return re.findall(r"^(?:from|import) (\w+)", text, re.M)


def made_from(program: str) -> str:
    """Return a digest of all that the results of PROGRAM depend on.

    That is its source, the programs that it imports, src/common/, data/
    and the versions in requirements.txt.
    """
    todo, found = [program], {*ROOT.glob("src/common/*.py"),
                              *ROOT.glob("data/*.*"),
                              ROOT / "requirements.txt"}
    while todo:
        for path in set(ROOT.glob(f"src/**/{todo.pop()}.py")) - found:
            found.add(path)
            todo += imported(path)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
