"""What the address of the maps says of the examples that are selected; `map/address.js` writes it.

Classes seen alone and the camera stand there too, but only the browser reads those.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import accumulate

SELECTED, PINNED = "picked", "pin"  # parameters of the address
WRITTEN = re.compile(r"[0-9a-z]{1,6}(\.[0-9a-z]{1,6})*")


def ids_in(text: str | None, known: Collection[int]) -> list[int]:
    """Return the ids that an address names, those among `known`; none where it is not ours.

    They are steps from one id to the next, in base 36.

    Examples
    --------
    >>> ids_in("5.1.a", range(100))
    [5, 6, 16]
    >>> ids_in("5.1.a", range(10))
    [5, 6]
    >>> ids_in("5; drop", range(10))
    []
    """
    if text is None or not WRITTEN.fullmatch(text):
        return []
    named = accumulate(int(step, 36) for step in text.split("."))
    allowed = set(known)
    return [example_id for example_id in named if example_id in allowed]


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
