"""What a method's settings do: every combination that was tried, as lines and as a table."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, charts, reads, selectors
from pages.components.jobs import show_jobs
from unlearn_core.runs.grid import variants
from unlearn_core.views import grid as views
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.symbols import as_markdown

METHOD, SHOWN, ONLY = "grid_method", "grid_metrics", "grid_only"

selectors.under_app(__file__)
st.title("Settings tried")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
st.markdown(
    "The same method with other settings, on the same request. Each line is one combination: "
    "follow it from its settings on the left to what came out, and to its verdict. Good is a line "
    "that meets the stars, the **retrained** model's numbers."
)
methods = variants(comparison)
if not methods:
    st.info(
        "No method ran with several settings here yet. On the **Unlearn** page, open a method's "
        "settings and choose what to *try several values of*.",
        icon=":material/stacked_line_chart:",
    )
    selectors.offer_others(lambda other: bool(variants(other)))
    selectors.link_to_unlearn()
    show_jobs()
    st.stop()


def chosen_of(words: str, key: str, options: list[str], usual: list[str]) -> list[str]:
    """Let the reader choose several; what is no option any more is the usual choice again."""
    selectors.restart(comparison, key, usual)
    if not set(st.session_state.get(key, usual)) <= set(options):
        st.session_state[key] = usual
    return st.multiselect(
        words, options, default=usual, key=key, bind="query-params", placeholder="all of them"
    )


labels = catalogue_reads.method_labels()
first, left, right = st.columns([2, 3, 3])
with first:
    by_label = {labels.get(name, name): name for name in methods}
    label = selectors.choose_one(comparison, "Method", list(by_label), METHOD, next(iter(by_label)))
grid = views.grid_of(comparison, report, by_label[label])
with left:
    by_text = {text: name for name, text in grid.metrics.items()}
    usual = [text for text, name in by_text.items() if name in views.USUAL_METRICS]
    metrics = [by_text[text] for text in chosen_of("Numbers", SHOWN, list(by_text), usual)]
with right:
    asked = chosen_of("Only lines with", ONLY, list(views.conditions(grid)), [])
rows = views.only(grid, asked)
if rows.empty:
    st.info(
        "No combination has all of this. Choose fewer conditions above.", icon=":material/info:"
    )
    st.stop()
event = charts.chart(
    views.grid_figure(grid, rows, metrics), key="grid", on_select="rerun",
    selection_mode=("box", "points"),
)  # fmt: skip
picked = views.picked(event["selection"]["points"], rows)
st.caption(
    f"{views.count_text(grid, rows)} Drag over a part of an axis to list only the lines that "
    f"cross it; rest the pointer on a line for its numbers. Each number's axis ends at the "
    f"smallest and the largest value of all lines and both references. Means over seeds. "
    f"{as_markdown(comparison_caption(report))}."
)
st.dataframe(
    views.grid_table(grid, picked, metrics), key="grid_table", hide_index=True, placeholder="–",
    column_config={
        grid.metrics[name]: st.column_config.NumberColumn(format=views.number_format(name))
        for name in metrics
    },
)  # fmt: skip
st.page_link("pages/unlearn.py", label="Try more values", icon=":material/add:")
show_jobs()
