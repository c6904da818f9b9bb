"""What an attacker sees: scores of members and others, a threshold to drag, ROC, who is exposed."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, run_reads, selectors
from pages.components.examples import show_examples, show_pictures
from pages.components.opening import with_models
from unlearn_core.views import attacker, privacy
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.symbols import as_markdown

MODEL = "attacked_model"

selectors.under_app(__file__)
opening = with_models(
    "Privacy",
    "An attacker who sees only the model's answers asks of each example: **was it trained "
    "on?** Examples that a model learned get surer answers than unseen ones of "
    "the same kind. After unlearning, the examples to "
    "forget should score as they do in the **retrained** model, neither higher nor lower.",
    most=6,
)
comparison, sets, runs, recipe = opening.comparison, opening.sets, opening.runs, opening.recipe
usable = attacker.usable_scores(runs)
score = str(
    selectors.segments(
        "The attacker looks at", usable,
        format_func=lambda name: attacker.SCORES[name].name, default=usable[0], key="score",
        wrap=True,
    )
)  # fmt: skip
kinds = attacker.kinds_of_non_members(sets)
others = str(
    selectors.segments(
        "Non-members", kinds, format_func=privacy.NON_MEMBER_NAMES.__getitem__, default=kinds[0],
        key="non_members", wrap=True,
    )
)  # fmt: skip
rows = run_reads.attack_scores(tuple(run.key for run in runs), score, others)
low, high = attacker.threshold_range(rows)
usual = attacker.usual_threshold(rows)

st.subheader("Scores, and a threshold")
choice = f"threshold_{score}"
selectors.restart(comparison, choice, usual)
if not low <= st.session_state.get(choice, low) <= high:
    st.session_state[choice] = usual
threshold = st.slider(
    "Threshold: at or above it the attacker says *trained on*", low, high, usual, 0.1,
    key=choice, bind="query-params",
)  # fmt: skip
charts.chart(privacy.distributions_figure(rows, score, threshold), key="distributions")
st.caption(
    f"{attacker.SCORES[score].meaning} Lines are shares of a set in {privacy.BINS} equal bins; the "
    "upright line is the threshold. It starts where it tells members from non-members best in the "
    f"first model or, where none tells {attacker.TELLING:.0%} more of them, amid the members. "
    f"{recipe}"
)
found = privacy.finding_text(rows, REFERENCE_NAMES["original"], REFERENCE_NAMES["retrain"])
beside = privacy.against_retrained_text(
    rows, REFERENCE_NAMES["original"], REFERENCE_NAMES["retrain"]
)
if told := " ".join(filter(None, (found, beside))):
    st.markdown(as_markdown(told, keep="*"))
charts.table(privacy.threshold_table(rows, threshold))
st.caption(
    as_markdown(
        "How many examples the attacker calls training data at this threshold, and how well D_f is "
        "told from non-members over all thresholds: AUC 0.5 is guessing; TPR at 1 % FPR is the "
        "share of D_f found with one false alarm in a hundred. Aim at the retrained model's. MIA "
        "rates under Metrics are no AUC: they are how much of D_f a fitted attacker calls training "
        "data, who may say so of as many examples that were never seen. " + privacy.few_words(rows)
    )
)

st.subheader("On both sides of the threshold")
labels = [run.label for run in runs]
model = selectors.choose_one(comparison, "Model", labels, MODEL, selectors.first_method(runs))
sides = privacy.sides_of(rows, model, threshold)
for column, (called, ids) in zip(st.columns(2), sides.items(), strict=True):
    with column:
        st.markdown(as_markdown(f"**{len(ids):,} of D_f called {called}**", keep="*"))
        show_pictures(comparison, ids)

st.subheader("Few false alarms")
charts.chart(privacy.roc_figure(rows), key="roc")
st.caption(
    as_markdown(
        "Both axes are logarithmic: an attacker who errs rarely is the dangerous one. Above the "
        "dotted line D_f is found more often than by guessing; below, it stands out as forgotten. "
    )
    + f"The left end is one false alarm. {attacker.SCORES[score].name}. {recipe}"
)

st.subheader("The most exposed")
exposed = privacy.most_exposed(rows, model, REFERENCE_NAMES["retrain"])
if not exposed["exposure"]:
    st.info("Choose the retrained model above too: it is what exposure is measured by.")
    st.stop()
show_examples(
    comparison, runs, list(exposed["exposure"]), key="exposed",
    more={name: list(values.values()) for name, values in exposed.items()},
    columns={name: st.column_config.NumberColumn(format="%.2f") for name in exposed},
)  # fmt: skip
st.caption(
    f"Examples of $D_{{f}}$ whose score in {as_markdown(model)} most exceeds that in the "
    f"retrained model ({attacker.SCORES[score].axis}). {recipe}"
)
