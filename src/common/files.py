# Generated from README.org by tangle.el; edit README.org instead.
"""Files of the book: written whole, and known by what they are made from."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, content: str | bytes) -> None:
    """Write CONTENT beside PATH, then rename: PATH is never half there."""
    data = content.encode() if isinstance(content, str) else content
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def made_from(program: str) -> str:
    """Return a digest of all that the results of PROGRAM depend on.

    That is its source, the programs that it imports, src/common/, data/
    and the versions in requirements.txt.
    """
    src, todo, found = ROOT / "src", [program], set()
    while todo:
        for path in src.glob(f"**/{todo.pop()}.py"):
            if path not in found:
                found.add(path)
                todo += re.findall(r"^from (\w+) import", path.read_text(
                    "utf-8"), re.M)
    found |= {*src.glob("common/*.py"), *ROOT.glob("data/*.*"),
              ROOT / "requirements.txt"}
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
