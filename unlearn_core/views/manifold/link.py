"""What the address of the maps says of the examples that are selected; `map/address.js` writes it.

Classes seen alone and the camera stand there too, but only the browser reads those.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from itertools import accumulate

import numpy as np

SELECTED, PINNED = "picked", "pin"  # parameters of the address
BITS = re.compile(r"_(?P<n>[0-9a-z]{1,6})\.(?P<bits>[\w-]+)", re.ASCII)
WRITTEN = re.compile(r"[0-9a-z]{1,6}(\.[0-9a-z]{1,6})*")


def ids_in(text: str | None, known: Collection[int]) -> list[int]:
    """Return the ids that an address names, those among `known`; none where it is not ours.

    They are steps from one id to the next, in base 36; where these would be long, a bit for each
    of the known ids in ascending order, in base 64, behind how many there are.

    Examples
    --------
    >>> ids_in("5.1.a", range(100))
    [5, 6, 16]
    >>> ids_in("5.1.a", range(10))
    [5, 6]
    >>> ids_in("_a.gUA", range(10))
    [0, 7, 9]
    >>> ids_in("5; drop", range(10))
    []
    """
    if text is not None and (found := BITS.fullmatch(text)):
        return _ids_of_bits(found["bits"], int(found["n"], 36), known)
    if text is None or not WRITTEN.fullmatch(text):
        return []
    named = accumulate(int(step, 36) for step in text.split("."))
    allowed = set(known)
    return [example_id for example_id in named if example_id in allowed]


def _ids_of_bits(text: str, n: int, known: Collection[int]) -> list[int]:
    """Return the known ids whose bit is set; none where other ids were known to who wrote it."""
    if n != len(known) or len(text) != -(-4 * -(-n // 8) // 3):
        return []
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=n)
    return [example_id for example_id, bit in zip(sorted(known), bits, strict=True) if bit]


def pinned_in(text: str | None, known: Collection[int]) -> int | None:
    """Return the id that an address says is pinned, if it is among `known`.

    Examples
    --------
    >>> pinned_in("7", range(10)), pinned_in("70", range(10)), pinned_in("x", range(10))
    (7, None, None)
    """
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return int(text) if int(text) in known else None
