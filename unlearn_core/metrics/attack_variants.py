"""Membership attacks as the papers print them, beside the balanced ones (docs/methods.md).

Trained on more members than non-members, an attack with a useless score calls everything training
data, so these numbers are for comparing with a paper's table; those of `attacks` are to judge by.
"""

from __future__ import annotations

import numpy as np

from unlearn_core.metrics.attacks import ENTROPY, LOSS, TOP
from unlearn_core.metrics.fitted_attack import FittedAttack, Score, register_attack
from unlearn_core.metrics.membership import modified_entropy

AS_PRINTED = "Membership, as printed"
RFA = "arXiv:2411.08443, section V"
MUDA = "arXiv:2407.17710, section 4.1"
EVERYONE = "Fitted on all of D_r against the whole test set, unbalanced"
ONE_DRAW = (
    "Fitted on D_r against test examples of the retained classes: one draw of as many of each, at "
    "most 1,000; the paper takes the first of D_r."
)

register_attack(
    "mia_rfa_unbalanced",
    FittedAttack(
        score=ENTROPY,
        model="svc",
        non_members="test",
        sides="all",
        fitted=f"{EVERYONE}; of more than 3,000 examples on a draw of 3,000 in the same ratio.",
    ),
    label="MIA (RFA, unbalanced)",
    source=RFA,
    group=AS_PRINTED,
)
register_attack(
    "mia_rfa_logistic",
    FittedAttack(
        score=ENTROPY,
        model="logistic",
        non_members="test",
        sides="all",
        class_weight="balanced",
        fitted=f"{EVERYONE}, but each side with the same weight.",
    ),
    label="MIA (RFA, logistic)",
    source=RFA,
    group=AS_PRINTED,
)
register_attack(
    "mia_muda_unbalanced",
    FittedAttack(
        score=TOP, model="logistic", non_members="test", sides="all", fitted=f"{EVERYONE}."
    ),
    label="MIA (MUDA, unbalanced)",
    source=MUDA,
    group=AS_PRINTED,
)
register_attack(
    "mia_muda_probability",
    FittedAttack(score=TOP, model="logistic", probability=True),
    label="MIA (MUDA, probability)",
    source=MUDA,
    group=AS_PRINTED,
)
register_attack(
    "mia_neglora_confidence",
    FittedAttack(score=TOP, model="logistic", reports_non_members=True),
    label="MIA-Efficacy (confidence)",
    source="NegLoRA, section 4",
    group=AS_PRINTED,
    definition=(
        "MIA-Efficacy by the top probability, which needs no label: a confident wrong answer "
        "looks like training data. It is one minus MIA (MUDA)."
    ),
)

USPARSE = {
    "correctness": Score(
        "whether the prediction is right",
        lambda records: (records.predictions == records.labels).astype(np.float64),
    ),
    "entropy": ENTROPY,
    "modified_entropy": Score(
        "the modified entropy",
        lambda records: modified_entropy(records.probabilities, records.labels),
    ),
    "probabilities": Score("the probabilities of all classes", lambda r: r.probabilities),
}
NOTES = {"probabilities": " Those of a forgotten class resemble nothing it was fitted on."}
for kind, score in USPARSE.items():
    register_attack(
        f"mia_usparse_{kind}",
        FittedAttack(
            score=score,
            model="svc",
            reports_non_members=True,
            sides="equal",
            fitted=ONE_DRAW + NOTES.get(kind, ""),
        ),
        label=f"MIA (USparse, {kind.replace('_', ' ')})",
        source="arXiv:2304.04934",
        group=AS_PRINTED,
    )

register_attack(
    "mia_prunelora_unbalanced",
    FittedAttack(
        score=LOSS,
        model="logistic",
        reports_non_members=True,
        sides="all",
        at_most=(9000, 5000),
        fitted=(
            "Fitted on up to 9,000 examples of D_r against up to 5,000 test examples of the "
            "retained classes, unbalanced."
        ),
    ),
    label="MIA (PruneLoRA, unbalanced)",
    source="arXiv:2411.11907",
    group=AS_PRINTED,
)
