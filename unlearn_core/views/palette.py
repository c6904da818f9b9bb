"""The same colour for a class and for a method everywhere, told apart by colour-blind people.

Colours: M. Okabe and K. Ito, "Color universal design", 2008; beyond eight classes, P. Tol's
"muted" scheme, then repeated with other marker shapes.
"""

from __future__ import annotations

import hashlib

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip
TOL_MUTED = (
    "#882255", "#999933", "#332288", "#117733", "#AA4499", "#88CCEE", "#DDCC77", "#44AA99",
)  # fmt: skip
CLASS_COLOURS = (*OKABE_ITO, *TOL_MUTED)
METHOD_COLOURS = {
    "original": "#000000",
    "retrain": "#0072B2",
    "rfa": "#D55E00",
    "muda": "#009E73",
    "neglora": "#882255",
    "sparse_neglora": "#AA4499",
    "neggrad": "#CC79A7",
    "neggrad_ft": "#EE8866",
    "neggrad_plus": "#FFAABB",
    "partial_neggrad": "#CC3311",
    "finetune": "#E69F00",
    "scrub": "#332288",
    "badt": "#999933",
    "fisher": "#88CCEE",
    "cf_k": "#DDCC77",
    "eu_k": "#117733",
    "incremental": "#663333",
    "trick_head_finetune": "#56B4E9",
    "trick_forget_bias": "#999999",
    "trick_calibration": "#44BB99",
}
FORGET_COLOUR, MUTED = "#D55E00", "#B8BEC6"
VERDICT_COLOURS = {
    "matched": "#009E73",
    "under-forgotten": "#E69F00",
    "over-forgotten": "#CC79A7",
    "collapsed": "#D55E00",
    "original": "#555555",
    "reference": "#0072B2",
    "unknown": "#999999",
}


def class_colour(label: int) -> str:
    """Return the colour of a class."""
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def method_colour(method: str) -> str:
    """Return the colour of a method; one that has none of its own always gets the same."""
    if method in METHOD_COLOURS:
        return METHOD_COLOURS[method]
    digest = hashlib.sha256(method.encode()).digest()
    return TOL_MUTED[digest[0] % len(TOL_MUTED)]
