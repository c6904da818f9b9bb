"""The result tables of the three papers, as printed, with a column for known errors.

One row for each printed number.  Columns: `paper`, `table` (as printed), `dataset`, `model`,
`scenario`, `method`, `metric`, `value`, `unit`, `erratum`.

Conventions
-----------
* Methods and metrics carry the names of the registries where they exist.
* Rates are fractions (printed 92.9 is 0.929); the other units are number, seconds, ratio, count.
* `metric@set` names the set where a table has several: `@retain`, `@forget`, `@retain_test`,
  `@forget_test`, `@test`.  MUDA's `metric@difference` is the printed absolute difference from the
  retrained model, and `metric@spread` the printed ± over five runs.
* `value` is NaN where the paper prints no number or the text cannot be read; `erratum` says why.
* `erratum` is empty or says what is wrong or doubtful about the printed number, which is
  otherwise left as it is.

Reading notes
-------------
* RFA's activation distances are stored as L1: the text says L2, but values exceed its bound √2.
* RFA does not say which data set the image models of Table XI were timed on: `not_stated`.
* MUDA does not say whether Acc(D_f) and Acc(D_r) are taken on training or on test images; they
  are stored as `forget_accuracy` and `retain_accuracy`.
* NegLoRA prints its result tables as figures; Figure 2's network is called TinyViT in the text,
  and is a plain ViT-S by its size and the released notebooks.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from unlearn_core.checks import InputError

__all__ = ["COLUMNS", "PAPERS", "paper_table", "papers"]

PAPERS = ("rfa", "muda", "neglora")
COLUMNS = (
    "paper",
    "table",
    "dataset",
    "model",
    "scenario",
    "method",
    "metric",
    "value",
    "unit",
    "erratum",
)


def papers() -> dict[str, list[str]]:
    """Return the tables of each paper, in printed order.

    Returns
    -------
    dict of str to list of str
        Table names as printed, by paper.

    Examples
    --------
    >>> papers()["neglora"]
    ['Figure 2', 'Figure 4']
    """
    return {paper: list(_read(paper)["table"].unique()) for paper in PAPERS}


def paper_table(paper: str, table: str) -> pd.DataFrame:
    """Return one printed table in long form, one row for each number.

    Parameters
    ----------
    paper : str
        One of `PAPERS`.
    table : str
        The table's name as printed; `papers` lists them.

    Returns
    -------
    pandas.DataFrame
        A copy with the columns described at the top of this module, in printed order.

    Raises
    ------
    ValueError
        If the paper or the table is unknown.

    Examples
    --------
    >>> rows = paper_table("muda", "7").query("method == 'muda' and metric == 'backdoor_asr'")
    >>> float(rows["value"].iloc[0])
    0.0829
    """
    if paper not in PAPERS:
        raise InputError(f"Unknown paper {paper!r}; known: {', '.join(PAPERS)}.")
    rows = _read(paper)
    chosen = rows[rows["table"] == table]
    if chosen.empty:
        known = ", ".join(rows["table"].unique())
        raise InputError(f"Unknown table {table!r} of {paper!r}; known: {known}.")
    return chosen.reset_index(drop=True)


@cache
def _read(paper: str) -> pd.DataFrame:
    """Return all rows of a paper; text columns keep empty cells as empty strings."""
    path = Path(__file__).with_name(f"{paper}.csv")
    frame = pd.read_csv(
        path,
        encoding="utf-8",
        dtype=dict.fromkeys(COLUMNS, str) | {"value": "float64"},
        keep_default_na=False,
        na_values={"value": [""]},
    )
    return frame[list(COLUMNS)]
