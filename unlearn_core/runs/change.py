"""How far a run's model is from the original on D_f, and whether that is next to nothing.

Settings that a paper found for large networks may do nothing to a small one, and a table alone
does not tell a method that failed from one that never moved.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from unlearn_core.records import Records
from unlearn_core.runs.artefact import RunArtefact

HARDLY = 0.02


@dataclass(frozen=True, kw_only=True)
class Change:
    """How far a model is from the original on D_f.

    Attributes
    ----------
    answers : float
        Share of the probability that moved to other answers, in [0, 1]: half the L1 distance of
        the predictions, averaged over D_f.  Of a language model, whose predictions are not kept, at
        least so much: by how much the right token's probability changed, averaged over all tokens.
    features : float
        Distance of the features from the original's in lengths of the original's, averaged over
        D_f; 0 where none were recorded.
    """

    answers: float
    features: float

    @property
    def is_hardly_any(self) -> bool:
        """Whether answers and features both moved by less than 2 %."""
        return self.answers < HARDLY and self.features < HARDLY

    @property
    def words(self) -> str:
        """What moved, in words for a log."""
        return (
            f"on D_f, {self.answers:.2%} of the probability went to other answers, and features "
            f"moved by {self.features:.2%} of their length"
        )

    def facts(self) -> dict[str, float]:
        """Return what the manifest keeps of it."""
        return {PREFIX + name: value for name, value in asdict(self).items()}


PREFIX = "changed_"


def change(own: Records, original: Records, is_forget: NDArray[np.bool_]) -> Change | None:
    """Compare a model with the original on D_f, by what was recorded of both.

    Parameters
    ----------
    own, original : Records
        Of the same examples.
    is_forget : bool ndarray of shape (n_examples,)
        Which of them are D_f, at least one.

    Returns
    -------
    change : Change or None
        None where outputs are not finite.
    """
    mine, theirs = own.where(is_forget), original.where(is_forget)
    moved = np.linalg.norm(mine.features.astype(np.float64) - theirs.features, axis=1)
    length = np.linalg.norm(theirs.features.astype(np.float64), axis=1)
    features = float((moved / np.maximum(length, np.finfo(np.float64).tiny)).mean())
    answers = _moved(mine, theirs)
    if not np.isfinite([answers, features]).all():
        return None
    return Change(answers=answers, features=features)


def _moved(mine: Records, theirs: Records) -> float:
    """Return the share of the probability that is on other answers."""
    if mine.tokens is None or theirs.tokens is None:
        return float(np.abs(mine.probabilities - theirs.probabilities).sum(axis=1).mean() / 2)
    right, before = (
        np.exp(-tokens.losses.astype(np.float64)) for tokens in (mine.tokens, theirs.tokens)
    )
    return float(np.abs(right - before).mean())


def change_of(run: RunArtefact) -> Change | None:
    """Return what a finished run keeps of its change; None for runs made before it was kept."""
    facts = run.manifest.get("facts", {})
    if not {PREFIX + "answers", PREFIX + "features"} <= facts.keys():
        return None
    return Change(answers=facts[PREFIX + "answers"], features=facts[PREFIX + "features"])
