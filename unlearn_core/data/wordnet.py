"""Names of WordNet ids, by which ImageNet and its parts call their classes.

`words.txt` of the data set has a line an id: ``n01818515<tab>macaw``.  Where it is not there, the
same list as timm ships it is read, without importing timm.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


def class_names(folder: Path, wnids: Sequence[str]) -> tuple[str, ...]:
    """Return ``"n01818515 macaw"`` for each id, and what is no known id as it is.

    The id stays in front because two ids can share a name (`crane`, the bird and the machine).
    """
    words = _words(folder)
    return tuple(f"{wnid} {words[wnid]}" if wnid in words else wnid for wnid in wnids)


def _words(folder: Path) -> dict[str, str]:
    """Return the first of each id's names."""
    file = folder / "words.txt"
    if not file.is_file():
        shipped = _shipped()
        if shipped is None:
            return {}
        file = shipped
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if "\t" in line)
    return {wnid: names.split(",")[0].strip() for wnid, names in pairs}


def _shipped() -> Path | None:
    package = find_spec("timm")
    if package is None or package.origin is None:
        return None
    file = Path(package.origin).parent / "data" / "_info" / "imagenet_synset_to_lemma.txt"
    return file if file.is_file() else None
