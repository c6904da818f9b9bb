"""What is chosen once for all pages: the comparison, and from it the seed and the runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st

from pages.components import last_choice, queue, reads
from unlearn_core.config import DataConfig
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.manifold.points import default_runs
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import comparison_titles, title_of

CHOSEN = "comparison"
WANTED = "comparison_wanted"  # the key of one that a button leads to
NOT_HERE = "comparison_not_here"  # the title that a link asked for
EXAMPLE = "example"  # the id on the page Samples
FORGET_IDS = "forget_ids"  # left by a page for the Unlearn page: the ids that a person selected
FORGET_BACKDOOR = "backdoor_wanted"  # left likewise: the data set and the attacker's class
MOST_OFFERED = 3  # comparisons, where the chosen one lacks what a page is about
UNDER_APP = "under_app"
MADE_FOR = "made_for"  # the comparison for which each choice of a page was made


def under_app(page: str) -> None:
    """Start again under `app.py` where Streamlit ran the file `page` on its own.

    Until `st.navigation` has run once in a server, Streamlit takes a folder called `pages` for its
    older kind of app: the first visit of a new server to a page's own address runs that page
    alone, without the navigation and the choice of a comparison.
    """
    if UNDER_APP not in st.session_state:
        st.session_state[UNDER_APP] = True
        home, name = st.Page("pages/overview.py", default=True), Path(page).name
        here = [] if name == "overview.py" else [st.Page(f"pages/{name}")]
        st.navigation([home, *here], position="hidden")  # ends the older kind
        st.rerun()


def choose_comparison() -> None:
    """Show the choice of a comparison in the sidebar.

    It lives in the address; without one there, the browser's last choice counts, and else the
    default, which nobody's launch changes.
    """
    comparisons = reads.all_comparisons()
    with st.sidebar:
        if not comparisons:
            st.caption("No finished comparison yet.")
            return
        first = default_comparison(comparisons)
        titles = _titles(comparisons)
        wanted = st.session_state.pop(WANTED, None)
        if wanted in comparisons:
            st.session_state[CHOSEN] = wanted
        if CHOSEN not in st.session_state:
            asked = st.query_params.get(CHOSEN)
            st.session_state[NOT_HERE] = asked if asked not in titles.values() else None
            _start_with(last_choice.read(), comparisons)
        elif CHOSEN not in st.query_params:
            # a switch of pages cleared the address; what code sets is written there again
            st.session_state[CHOSEN] = st.session_state[CHOSEN]
        st.selectbox(
            "Comparison",
            options=sorted(comparisons, key=lambda key: key != first),
            format_func=titles.__getitem__,
            key=CHOSEN,
            bind="query-params",
            on_change=st.session_state.pop, args=(NOT_HERE, None),
            help="One data set, model and forget request, with every run on it. In brackets the "
            "network: resnet18 looks at pictures, distilbert sorts texts, distilgpt2 goes on with "
            "them; its width is how many channels or numbers it begins with.",
        )  # fmt: skip
        chosen = st.session_state[CHOSEN]
        with st.container(key="comparison_title"):  # look.css lays it over the box, which cuts off
            st.markdown(as_markdown(titles[chosen]))
        if asked := st.session_state.get(NOT_HERE):
            st.warning(
                "The link asks for a comparison that is not here; this one is shown instead of: "
                f"{as_markdown(asked)}",
                icon=":material/link_off:",
            )
        last_choice.keep(None if chosen == first else chosen)


def default_comparison(comparisons: Mapping[str, Comparison]) -> str:
    """Return the key of the lesson, or else of the first comparison that is not being made."""
    store = reads.store()
    shipped = (key for key, one in comparisons.items() if any(store.ships(r.key) for r in one.runs))
    busy = queue.comparisons_in_work()
    whole = (key for key in comparisons if key not in busy)
    return next(chain(shipped, whole, comparisons))


def _start_with(key: str | None, comparisons: Mapping[str, Comparison]) -> None:
    """Begin the session with this comparison, unless the address asks for one."""
    if key is not None and key in comparisons and CHOSEN not in st.query_params:
        st.session_state[CHOSEN] = key
        st.query_params[CHOSEN] = _titles(comparisons)[key]


def _titles(comparisons: Mapping[str, Comparison]) -> dict[str, str]:
    return comparison_titles(comparisons.values())


def choose(key: str) -> None:
    """Make a comparison the sidebar's choice, as a button's callback.

    It becomes so where the sidebar is drawn next: set by the run of a part of the page, the value
    of its widget would be lost to what the browser sends.
    """
    st.session_state[WANTED] = key


def offer_others(has_it: Callable[[Comparison], bool]) -> None:
    """Show buttons that lead to other comparisons which have what the page is about."""
    comparisons = reads.all_comparisons()
    chosen = chosen_key(comparisons)
    others = (each for key, each in comparisons.items() if key != chosen)
    found = list(islice(filter(has_it, others), MOST_OFFERED))
    if not found:
        return
    st.caption("This page has something to show in:")
    with st.container(horizontal=True):
        for each in found:
            st.button(
                as_markdown(title_of(each)),
                key=f"show_{each.key}",
                on_click=choose, args=(each.key,), icon=":material/visibility:",
            )  # fmt: skip


def sample_link(comparison: Comparison, example_id: int) -> str:
    """Return the address of an example's own page."""
    return sample_links(comparison, [example_id])[0]


def sample_links(comparison: Comparison, example_ids: Iterable[int]) -> list[str]:
    """Return the addresses of examples' own pages."""
    title = _titles(reads.all_comparisons())[comparison.key]
    return [f"samples?{urlencode({EXAMPLE: each, CHOSEN: title})}" for each in example_ids]


def sample_of(data: DataConfig, example_id: int) -> str | None:
    """Return the address of an example's page in a comparison on this data, if there is one.

    The chosen comparison comes first.
    """
    comparisons = reads.all_comparisons()
    alike = [each for each in comparisons.values() if each.config.data == data]
    if not alike:
        return None
    chosen = comparisons[chosen_key(comparisons)]
    return sample_link(chosen if chosen in alike else alike[0], example_id)


def go_to_sample(example_id: int) -> NoReturn:
    """Switch to an example's own page."""
    st.session_state[EXAMPLE] = example_id
    go_to("pages/samples.py", **{EXAMPLE: str(example_id)})


def go_to(page: str, **parameters: str) -> NoReturn:
    """Switch to another page of the app and keep the chosen comparison.

    What was chosen in this run is wanted again on that page: with a list of comparisons that has
    just grown, the browser may still send the choice of before.

    Without parameters of its own, `st.switch_page` clears the address, which it refuses where a
    widget is bound to it.  With a set, be it empty, it starts the page with these alone, and the
    choice in the sidebar is written there again.
    """
    if CHOSEN in st.session_state:
        choose(st.session_state[CHOSEN])
    st.switch_page(page, query_params=parameters)


def link_to_unlearn() -> None:
    """Show the way to the page that makes what this one lacks."""
    st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")


def chosen_comparison() -> Comparison:
    """Return the chosen comparison, or end the page with what to do next."""
    comparisons = reads.all_comparisons()
    if not comparisons:
        st.info(
            "There are no finished runs yet. Choose what to forget on the **Unlearn** page and "
            "start one; on the digits it takes about a minute.",
            icon=":material/play_circle:",
        )
        link_to_unlearn()
        st.stop()
    return comparisons[chosen_key(comparisons)]


def chosen_report() -> Report | None:
    """Return the report of the chosen comparison; None where nothing is finished yet."""
    comparisons = reads.all_comparisons()
    return reads.comparison_report(chosen_key(comparisons)) if comparisons else None


def chosen_key(comparisons: Mapping[str, Comparison]) -> str:
    """Return the key of the chosen comparison among those that there are."""
    key = str(st.session_state.get(CHOSEN))
    return key if key in comparisons else default_comparison(comparisons)


def choose_runs(comparison: Comparison, *, most: int = 9) -> list[RunArtefact]:
    """Let the reader choose models of one seed, or end the page where none is chosen."""
    seeds = comparison.seeds
    left, right = st.columns([5, 1]) if len(seeds) > 1 else (st.container(), None)
    seed = seeds[0]
    if right is not None:
        seed = right.selectbox("Seed", seeds, key="seed", bind="query-params")
    by_label = {run.label: run for run in comparison.runs if run.config.seed == seed}
    usual = [run.label for run in default_runs(list(by_label.values()))]
    restart(comparison, "models", usual)
    if not set(st.session_state.get("models", usual)) <= set(by_label):
        st.session_state["models"] = usual  # of another seed some are missing: never half of them
    chosen = left.multiselect(
        "Models",
        options=list(by_label),
        default=usual,
        key="models",
        bind="query-params",
        max_selections=most,
    )
    if not chosen:
        st.info("Choose at least one model above.")
        st.stop()
    return [by_label[name] for name in chosen]


def first_method(runs: Sequence[RunArtefact]) -> str:
    """Return the label of the first run that is no reference, or else of the last."""
    methods = [run.label for run in runs if run.config.method not in REFERENCES]
    return next(iter(methods), runs[-1].label)


def segments(words: str, options: Sequence[Any], *, default: Any, key: str, **more: Any) -> Any:
    """Let the reader choose one of a few options, which stands in the address.

    An address that names the choice and leaves it empty gives the default: `required` alone keeps
    readers from clearing it, not links.  `more` are options of `st.segmented_control`.
    """
    chosen = st.segmented_control(
        words, options, default=default, key=key, bind="query-params", required=True, **more
    )
    return default if chosen is None else chosen


def choose_one(
    comparison: Comparison,
    words: str,
    options: Sequence[str],
    key: str,
    usual: str,
    *,
    hidden: bool = False,
) -> str:
    """Let the reader choose one of `options`, which may change; return the choice.

    With `hidden` the words are for screen readers alone.
    """
    restart(comparison, key, usual)
    if st.session_state.get(key, usual) not in options:
        st.session_state[key] = usual
    index = options.index(usual)
    return str(
        st.selectbox(
            words, options, index=index, key=key, bind="query-params",
            label_visibility="collapsed" if hidden else "visible",
        )
    )  # fmt: skip


def preset(comparison: Comparison, choices: Mapping[str, object]) -> None:
    """Set choices of the page that is opened next, by the keys of its widgets."""
    made_for = st.session_state.setdefault(MADE_FOR, {})
    for choice, value in choices.items():
        made_for[choice] = comparison.key
        st.session_state[choice] = value


def stand_in_address(key: str, options: Collection[str], usual: str | None = None) -> None:
    """Let a choice begin with what the address names, and the address follow it afterwards.

    For a choice whose labels hold counts: `bind` writes the label, and a link would mean nothing
    once a count has changed.  Call before its widget is made, and after `restart`.
    """
    if key not in st.session_state:
        asked = st.query_params.get(key)
        if asked in options:
            st.session_state[key] = asked
        return
    chosen = st.session_state[key]
    if chosen in (None, usual):
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != chosen:
        st.query_params[key] = chosen


def restart(comparison: Comparison, choice: str, default: object) -> None:
    """Set a page's choice back to its default where it was made for another comparison.

    Call before its widget is made: Streamlit keeps a widget's value as long as its key lives.
    """
    made_for = st.session_state.setdefault(MADE_FOR, {})
    if made_for.setdefault(choice, comparison.key) != comparison.key:
        made_for[choice] = comparison.key
        st.session_state[choice] = default
