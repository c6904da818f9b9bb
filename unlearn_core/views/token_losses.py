"""One text in language models: how surprised each was by every token, as a shade behind it.

The stronger its shade, the less a model expected it there.  A model that remembers a text finds it
light; one that was trained without it is surprised by names and turns that only it has.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.examples import rows_of

MOST = 10.0  # nats, from which on a shade is darkest: one in 22,000
LIGHTEST, DARKEST = 0.0, 0.75  # of the shade
BLANK = "\u2003"  # stands for a token whose text is not here
SHADE = "230, 159, 0"  # orange, which black and white letters are read on
BOX = "white-space: pre-wrap; line-height: 1.9; font-size: 1rem; overflow-wrap: anywhere"


def token_rows(
    runs: Sequence[RunArtefact], example_id: int, pieces: Sequence[str] | None
) -> pd.DataFrame:
    """Return one row a token of a text: `token`, and each run's loss (nats) by its label.

    `pieces` are the parts of the text that its tokens stand for, None where they are not known.

    Raises
    ------
    ValueError
        If a run was recorded with other tokens than `pieces`.
    """
    found: dict[str, object] = {}
    for run in runs:
        recorded = run.predictions()
        assert recorded.tokens is not None
        [row] = rows_of(np.array([example_id]), recorded.example_ids)
        losses = recorded.tokens.of(int(row))
        if pieces is None:
            pieces = [BLANK] * len(losses)
        if len(losses) != len(pieces):
            raise ValueError(
                f"`pieces` must be the {len(losses)} tokens of example {example_id} that "
                f"{run.label} was recorded with, got {len(pieces)}."
            )
        found[run.label] = losses.astype(np.float64)
    return pd.DataFrame({"token": list(pieces or ()), **found})


def perplexity_text(rows: pd.DataFrame, label: str) -> str:
    """Return the perplexity of the text in one model, such as "perplexity 84"."""
    return f"perplexity {np.exp(rows[label].mean()):,.0f}"


def losses_html(rows: pd.DataFrame, label: str) -> str:
    """Return the text with each token on a shade of one model's loss, which a hover tells."""
    marks = [_mark(token, loss) for token, loss in zip(rows["token"], rows[label], strict=True)]
    return f'<div style="{BOX}">{"".join(marks)}</div>'


def scale_html() -> str:
    """Return the scale of the shades, from certain to hardly expected."""
    steps = (0.0, 2.0, 4.0, 6.0, 8.0, MOST)
    marks = " ".join(
        f'<span style="{_style(loss)}; padding: 0 .5rem">{_chance(loss)}</span>' for loss in steps
    )
    return f"<small>Probability that the model gave the token: {marks}</small>"


def _mark(token: str, loss: float) -> str:
    told = f"{loss:.2f} nats, {_chance(loss)}"
    return f'<span style="{_style(loss)}" title="{told}">{html.escape(token)}</span>'


def _style(loss: float) -> str:
    share = float(np.clip(loss / MOST, 0.0, 1.0))
    alpha = LIGHTEST + (DARKEST - LIGHTEST) * share
    return f"background: rgba({SHADE}, {alpha:.2f}); border-radius: 3px"


def _chance(loss: float) -> str:
    """Return a token's probability in words.

    >>> _chance(0.0), _chance(6.9)
    ('100 %', '1 in 992')
    """
    probability = float(np.exp(-loss))
    if probability < 0.1:
        return f"1 in {1 / probability:,.0f}"
    return f"{100 * probability:.0f} %"
