"""One example in all models: its picture, probabilities, nearest neighbours, and its way."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    catalogue_reads,
    charts,
    data_reads,
    map_reads,
    previews,
    queue,
    reads,
    run_reads,
    selectors,
)
from pages.components.examples import show_pictures
from pages.components.jobs import show_jobs
from pages.components.opening import with_models
from pages.components.weights import with_weights
from unlearn_core.runs.answerer import NotAnsweredError
from unlearn_core.runs.artefact import TOKENIZER
from unlearn_core.views import continuations, samples, token_losses
from unlearn_core.views.examples import kept_sets, picture_caption, without_classes
from unlearn_core.views.excerpts import whole_html
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.symbols import as_markdown

PICTURE, MOST_PATHS = 192, 4
BLANKS = "A blank stands for each token: the text or what cuts it is not on this machine. "

selectors.under_app(__file__)
opening = with_models(
    "Samples",
    "One example, and what each model makes of it. Examples on other pages lead here; step through "
    "the examples of its set, or type an id.",
)
comparison, sets, runs, recipe = opening.comparison, opening.sets, opening.runs, opening.recipe
config, dataset = comparison.config, opening.dataset
names = dataset.class_names
kept = kept_sets(runs, sets)
last, usual = samples.last_id(sets), samples.usual_example(sets, kept)
selectors.restart(comparison, selectors.EXAMPLE, usual)


def move(step: int) -> None:
    """Go to another example of the same set."""
    here = st.session_state[selectors.EXAMPLE]
    st.session_state[selectors.EXAMPLE] = samples.next_in_set(kept, here, step)


with st.container(horizontal=True, vertical_alignment="bottom"):
    st.button("Previous", key="previous_example", icon=":material/arrow_back:", on_click=move,
              args=(-1,))  # fmt: skip
    example = int(
        st.number_input(
            f"Id, 0 to {last:,}", 0, last, usual, 1, key=selectors.EXAMPLE, bind="query-params",
            width=160,
        )
    )  # fmt: skip
    st.button("Next", key="next_example", icon=":material/arrow_forward:", on_click=move,
              args=(1,))  # fmt: skip
if not samples.is_recorded(kept, example):
    why = "kept" if samples.is_recorded(sets, example) else "trained or tested on"
    st.info(
        f"Example {example} is not among those that were {why} in this comparison. Choose another.",
        icon=":material/info:",
    )
    st.stop()
name, true = str(sets.names()[example]), names[dataset.labels[example]]

left, right = st.columns([1, 3], gap="medium")
with left:
    caption = picture_caption(example, dataset, sets)
    if data_reads.shows_texts(config.data):
        st.caption(as_markdown(f"{caption}: an example {SET_NAMES[name]}"))
        [text] = dataset.previews([example])
        st.html(whole_html(str(text), config.forget.keyword))
    else:
        previews.show(config.data, example, width=PICTURE, caption=caption)
        st.caption(as_markdown(f"An example {SET_NAMES[name]}"))


def show_classes() -> None:
    table = samples.probability_rows(runs, example, names)
    charts.chart(
        samples.probability_figure(table, true), key="probabilities",
        config={"displayModeBar": False},
    )  # fmt: skip
    is_few = len(names) > len(table.columns)
    few = " Only the classes that some model finds likely." if is_few else ""
    bold = "the name of its label is in bold"
    if dataset.poisoned is not None and dataset.poisoned[example]:
        bold += ", which the attacker chose"
    st.caption(f"Probability of each class; {bold}.{few} {recipe}")


def reads_text() -> bool:
    """Say whether the text is here, and what cuts it into tokens."""
    base = reads.store().load(config.base().key())
    return base.has(TOKENIZER) and not data_reads.only_labels(config.data)


def show_tokens() -> None:
    pieces = None
    if reads_text():
        [text] = dataset.previews([example])
        base = config.base()
        pieces = run_reads.token_pieces(base.key(), text, base.model.length)
    rows = token_losses.token_rows(runs, example, pieces)
    for run in runs:
        told = token_losses.perplexity_text(rows, run.label)
        st.markdown(f"**{as_markdown(run.label)}**: {told}")
        st.html(token_losses.losses_html(rows, run.label))
    st.html(token_losses.scale_html())
    st.caption(
        "How surprised each model is by every token after those before it: the stronger the "
        "shade, the more, and the mouse on a token tells its number. A text that was learned by "
        f"heart has little. Perplexity of these {len(rows)} tokens; what is longer was cut off. "
        f"{'' if pieces else BLANKS}"
        f"{recipe}"
    )


def show_written() -> bool:
    """Show what each model writes after the example's question; say whether all could answer."""
    st.subheader("What each model writes")
    if not reads_text():
        st.caption("The models write where the texts and their tokenizer are on this machine.")
        return True
    [text] = dataset.previews([example])
    base = reads.store().load(config.base().key())
    prompt = run_reads.prompt(base, text)
    if prompt is None:
        st.caption("This text is too short to leave out its end and let the models write another.")
        return True
    ready = with_weights(runs)
    if not ready:
        return False
    st.markdown("After this beginning, word by word always the likeliest:")
    st.text(prompt.text)
    try:
        written = {run.label: queue.written(run, base, prompt) for run in ready}
    except NotAnsweredError as error:
        st.error(str(error), icon=":material/error:")
        return True
    st.html(continuations.cards_html(prompt.rest, written))
    st.caption(f"{continuations.recipe_text(prompt)} {recipe}")
    return len(ready) == len(runs)


with right:
    if without_classes(runs):
        show_tokens()
    else:
        show_classes()
place = st.container()

st.subheader("Nearest neighbours")
found = {run.label: run_reads.neighbours(run, example) for run in runs}
if lacking := [label for label, near in found.items() if near.empty]:
    st.caption(as_markdown(f"No usable features were kept of {', '.join(lacking)}."))
for label, near in found.items():
    if near.empty:
        continue
    ids = near["example_id"].tolist()
    shared = samples.neighbours_text([names[dataset.labels[i]] for i in ids])
    st.markdown(f"**{as_markdown(label)}**: {as_markdown(shared)}")
    show_pictures(comparison, ids)
st.caption(
    f"The {samples.NEAREST} training examples whose penultimate features have the largest cosine "
    f"with this one's, the nearest first; a diamond marks examples to forget. {recipe}"
)


def show_way() -> None:
    """Show the example's way over each model's map, where it is followed."""
    st.subheader("Its way during unlearning")
    steps = {run.label: map_reads.map_steps(run.key) for run in runs}
    paths = {
        label: table
        for label, table in steps.items()
        if table is not None and example in set(table["example_id"])
    }
    if not paths:
        st.info(
            "Only a few examples are followed while a method is at work, and this one is not among "
            "them in the chosen models. Example "
            f"{usual} is.",
            icon=":material/info:",
        )
        return
    shown = dict(list(paths.items())[:MOST_PATHS])
    followed = next(iter(shown.values()))["example_id"].unique().tolist()
    charts.chart(
        samples.path_figure(shown, {i: dataset.labels[i] for i in followed}, example, name),
        key="paths", config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(
        "UMAP of the followed examples' penultimate features; each step's map starts from the one "
        "before. Small points are the other followed examples at the last step, coloured by class. "
        f"{recipe}"
    )


show_way()
if catalogue_reads.writes(config):
    with place:  # at last, for the first answer waits for torch
        are_all_here = show_written()
    if not are_all_here:
        show_jobs()
