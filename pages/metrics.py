"""Every metric of every run, next to the retrained model's."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, notices, reads, selectors
from pages.components.exports import CSV_FILES, export_buttons, handout_buttons
from unlearn_core.runs.report import UNRANKED
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.handout.archive import columns_of
from unlearn_core.views.markup import side_legend, table_html
from unlearn_core.views.metric_definitions import explained, grouped, groups, names_in, usual_groups
from unlearn_core.views.remaining_gap import gap_figure, gap_rows
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.tables import cost_rows, missing_rows, with_values
from unlearn_core.views.verdicts import evidence_text, rule_text
from unlearn_core.views.wording import file_stem

BY_VERDICT = "Verdict"
MOST_DOTTED = 6  # methods that a row of dots can tell apart
FEW_DOTTED = "The first six of the table; choose others under Methods, above it."

selectors.under_app(__file__)
st.title("Metrics")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
notices.show_unmeasured(comparison)
notices.show_weak_yardstick(report)
notices.show_hardly_changed(comparison)
st.markdown(
    "A method has unlearned well if its numbers are those of the **retrained** model, which never "
    "saw the forget set. Lower accuracy on it is not better in itself."
)

chosen = st.pills(
    "Metrics",
    groups(),
    selection_mode="multi",
    default=usual_groups(with_values(report, names_in(groups()))),
    key="metric_groups",
    bind="query-params",
)
if not chosen:
    st.info("Choose at least one group of metrics above.", icon=":material/checklist:")
    st.stop()
names = with_values(report, names_in(chosen))
selectors.restart(comparison, "metric_methods", [])
which, order = st.columns([3, 1])
some = which.multiselect(
    "Methods", report.ranking, key="metric_methods", bind="query-params", placeholder="All",
    help="Those of the table. The original and the retrained models are always there.",
)  # fmt: skip
ranked = [name for name in names if name != UNRANKED]
by_label = {spec.label: spec.name for spec in grouped(chosen) if spec.name in ranked}
with order:
    by = selectors.choose_one(
        comparison, "Sorted by", [BY_VERDICT, *by_label], "metric_order", BY_VERDICT
    )
ranking = report.nearest_first(by_label[by]) if by in by_label else report.ranking
shown = report.only([label for label in ranking if label in (some or ranking)])

first = [by_label[by]] if by in by_label else []
charts.html(table_html(shown, list(dict.fromkeys([*first, *names]))))
charts.html(f"<small>{side_legend()}</small>")
st.caption(
    f"{len(names)} columns; where the right edge fades, there are more of them to scroll to. "
    "In parentheses the distance to the mean of the retrained models (of percentages, in points), "
    "and in σ, their deviations, where there are several; beside their own number how far from it "
    "still counts as alike; in bold the nearest of each column, or "
    "the best where lower or higher is better in itself; sorted by a metric, these come first. "
    "Rest the pointer on a heading for its definition, on a method for the reason of its verdict, "
    "on a number of several seeds for its interval or range, on a dash for why it is missing. "
    f"{as_markdown(evidence_text(report))} "
    f"{comparison_caption(report)}."
)
export_buttons(report, shown, names, file_stem(comparison))
handout_buttons(comparison, report)

missing = missing_rows(report, {spec.name: spec.label for spec in grouped(chosen)})
left, right = st.columns(2)
with left, st.expander("Why each run has its verdict", icon=":material/gavel:", key="why"):
    for row in report.verdicts.to_dict("records"):
        word = ", ".join(filter(None, (row["word"], row["agreement"])))
        st.markdown(f"- **{row['label']}**: {word}. {as_markdown(str(row['because']))}")
with left, st.expander("How the verdict is reached", icon=":material/rule:", key="rule"):
    st.markdown(as_markdown(rule_text(report), keep="*#"))
with right, st.expander("What the metrics mean", icon=":material/menu_book:", key="definitions"):
    for spec in explained(chosen, with_values(report, names_in(groups()))):
        st.markdown(
            f"**{as_markdown(spec.label)}**: {spec.plain} {as_markdown(spec.text)} {spec.better} "
            f"{spec.origin}"
        )
with right, st.expander("What the CSV files hold", icon=":material/table:", key="csv_columns"):
    for button, file in CSV_FILES.items():
        st.markdown(f"**{button}**. {columns_of(file)}")
with right, st.expander(f"Missing values ({len(missing)})", icon=":material/help:", key="missing"):
    if missing.empty:
        st.markdown("None: every metric applies to every run.")
    else:
        st.dataframe(missing, hide_index=True, key="missing_table")

st.subheader("How much of the gap to retrained is left")
dotted = [label for label in ranking if label in some] or ranking[:MOST_DOTTED]
rows, left_out = gap_rows(report.only(dotted))
if rows.empty:
    st.info(
        "This needs a method's run beside the original and the retrained one.",
        icon=":material/info:",
    )
else:
    charts.chart(gap_figure(rows), key="gap")
    st.caption(
        "Each dot is one method on one metric: 1 is the original, 0 the retrained model, below 0 "
        "is past it. An arrow stands for a dot outside the plot. Means over seeds. "
        f"{FEW_DOTTED if ranking[MOST_DOTTED:] and not some else ''}"
    )
    if left_out:
        st.caption(
            "Left out, because original and retrained are less than two deviations apart in them: "
            f"{as_markdown(', '.join(left_out))}."
        )

with st.expander("Cost and environment of each run", icon=":material/memory:", key="environment"):
    seconds = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        cost_rows(report),
        hide_index=True,
        column_config={"Seconds": seconds},
        key="environment_table",
    )
    st.caption(
        "Seconds of the method's own loop, without probes, metrics and maps; the original has "
        "none, for it took no unlearning steps."
    )
