"""Choose what to forget: classes, single examples, texts with a word, a backdoor, mistakes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components import data_reads, gallery, reads
from pages.components.data_choice import FIRST
from pages.components.selectors import FORGET_BACKDOOR, FORGET_IDS
from unlearn_core.checks import InputError
from unlearn_core.config import TRIGGERS, DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import Dataset
from unlearn_core.data.splits import split
from unlearn_core.data.uploads import choice_of
from unlearn_core.records import Sets
from unlearn_core.runs.plan import with_request
from unlearn_core.views import forget_request as requests
from unlearn_core.views.lesson import ANOTHER_CLASS
from unlearn_core.views.symbols import as_markdown

KIND, SEED, DIFFICULTY = "forget_kind", "forget_seed", "forget_difficulty"
WORD = "forget_keyword"
KINDS = {
    "class": "Whole classes",
    "subclass": "Subclasses",
    "random": "Random examples",
    "ids": "Chosen examples",
    "keyword": "Texts with a word",
    "backdoor": "A backdoor",
    "confusion": "Swapped labels",
}
HELP = (
    "Forgetting a class is what the papers study most. Random examples ask a harder question: can "
    "the model forget single examples while it still knows their class? A backdoor asks whether "
    "an attacker's poisoned images can be undone. Swapped labels of two classes ask the same of "
    "mistakes, and what should come out is known."
)
HELP_TEXTS = (
    "Forgetting a class is what the papers study most. Random examples ask a harder question: can "
    "the model forget single examples while it still knows their class? Texts with a word keep "
    "their labels, so a retrained model still answers most of them right: here a model should be "
    "less sure of them. Swapped labels of two classes are mistakes to undo, and what should come "
    "out is known."
)
OF_TEXTS, OF_PICTURES = ("keyword",), ("backdoor",)  # requests that the other kind of data lacks
NOTHING = {
    "class": "Choose at least one to forget.",
    "keyword": "Write a word; the texts that contain it are forgotten.",
}
FIRST_CLASS = 3
DIFFICULTY_WORDS = {
    "any": "Any",
    "low": "Easy ones",
    "medium": "Middling ones",
    "high": "Hard ones",
}


def receive_ids() -> bool:
    """Take over ids that another page left; say whether there were any."""
    arrived = st.session_state.pop(FORGET_IDS, None)
    if arrived is None:
        return False
    gallery.choose(arrived)
    st.session_state[KIND] = "ids"
    return True


def receive_backdoor() -> bool:
    """Choose the backdoor that another page left; say whether there was one."""
    arrived = st.session_state.pop(FORGET_BACKDOOR, None)
    if arrived is None:
        return False
    name, target = arrived
    st.session_state[KIND] = "backdoor"
    st.session_state[f"forget_backdoor_{name}"] = target
    return True


def receive_another(shown: RunConfig | None) -> bool:
    """Choose a class that nobody forgot yet, where a lesson asks for it; say whether one does.

    Of the data of the comparison that is `shown`; None stands for the data of a new form.
    """
    if not st.session_state.pop(ANOTHER_CLASS, False):
        return False
    data = shown.data if shown else DataConfig(name=FIRST)
    known = [each.config for each in reads.all_comparisons().values()]
    names = data_reads.dataset(data).class_names
    st.session_state[KIND] = "class"
    st.session_state[f"forget_class_{choice_of(data)}"] = [
        requests.next_class(known, data, len(names), FIRST_CLASS)
    ]
    return True


def receive(config: RunConfig) -> None:
    """Set every field to what a comparison forgets; call before the widgets are made."""
    forget, data = config.forget, choice_of(config.data)
    kind, values = forget.kind, list(forget.values)
    st.session_state[KIND] = kind
    match kind:
        case "ids":
            gallery.choose(values)
        case "keyword":
            st.session_state[WORD] = forget.keyword
        case "random":
            st.session_state[f"forget_random_{data}"] = values[0]
            st.session_state[SEED], st.session_state[DIFFICULTY] = forget.seed, forget.difficulty
        case "confusion":
            *pair, number = values
            st.session_state[f"forget_confusion_{data}"] = pair
            st.session_state[f"forget_confused_{data}"] = number
        case "backdoor":
            st.session_state[f"forget_backdoor_{data}"] = values[0]
            st.session_state[f"forget_backdoor_trigger_{config.data.name}"] = config.data.trigger
        case _:
            st.session_state[f"forget_{kind}_{data}"] = values


def choose_forget(start: RunConfig) -> tuple[RunConfig, Sets] | None:
    """Show the choice; return `start` with the request, and its sets, or None if impossible.

    A backdoor changes the data too: its images are poisoned before anything is trained.
    """
    dataset = data_reads.dataset(start.data)
    are_texts = data_reads.shows_texts(start.data)
    lacking = {*(OF_PICTURES if are_texts else OF_TEXTS)}
    lacking |= set() if dataset.subclass_names else {"subclass"}
    kinds = [kind for kind in KINDS if kind not in lacking]
    if st.session_state.get(KIND) not in kinds:
        st.session_state.pop(KIND, None)
    kind = st.segmented_control(
        "What to forget",
        kinds,
        default=None if KIND in st.session_state else "class",
        required=True,
        format_func=KINDS.__getitem__,
        key=KIND,
        help=HELP_TEXTS if are_texts else HELP,
        persist_state="session",
        wrap=True,
    )
    values = _choose(kind or "class", start.data, dataset)
    try:
        which = _which(kind or "class")
        request = ForgetConfig(kind=kind or "class", values=tuple(values), **which)
        trigger = _trigger(start.data) if kind == "backdoor" else TRIGGERS[0]
        config = with_request(start, request, trigger)
        sets = split(data_reads.dataset(config.data), request)
    except InputError as error:
        if gallery.FAULT not in st.session_state:
            given = st.session_state[WORD].strip() if kind == "keyword" else values
            empty = NOTHING.get(str(kind), NOTHING["class"])
            st.error(str(error) if given else empty, icon=":material/error:")
        return None
    if kind == "keyword":
        st.caption(as_markdown(requests.keyword_sizes(request.keyword, sets)))
    return config, sets


def show_sets(config: RunConfig, sets: Sets) -> None:
    """Show the sizes of the four sets and some examples of what will be forgotten."""
    sizes = requests.set_sizes(sets)
    for (name, n_examples, what), column in zip(sizes, st.columns(len(sizes)), strict=True):
        column.metric(as_markdown(name), n_examples, help=what)
    gallery.show(config.data, requests.spread(sets.forget, 6), config.forget.keyword)
    st.caption(as_markdown("How many examples are in each set, and some of D_f with their class."))


def _choose(kind: str, config: DataConfig, dataset: Dataset) -> list[int]:
    if kind == "ids":
        gallery.pick(config)
        return [] if gallery.FAULT in st.session_state else gallery.chosen_ids()
    if kind == "random":
        return [_count(config, dataset)]
    if kind == "keyword":
        _word()
        return []
    if kind == "backdoor":
        return [_target(config, dataset)]
    if kind == "confusion":
        return _confusion(config, dataset)
    names = dataset.class_names if kind == "class" else dataset.subclass_names
    return st.multiselect(
        KINDS[kind],
        options=range(len(names)),
        default=[FIRST_CLASS if len(names) > FIRST_CLASS else 0],
        format_func=names.__getitem__,
        key=f"forget_{kind}_{choice_of(config)}",
        label_visibility="collapsed",
        placeholder="Choose at least one",
        persist_state="session",
    )


def _which(kind: str) -> dict[str, Any]:
    """Return the fields of a request that numbers do not say: which draw, or which word."""
    if kind == "random":
        return {"seed": st.session_state[SEED], "difficulty": st.session_state[DIFFICULTY]}
    return {"keyword": st.session_state[WORD].strip()} if kind == "keyword" else {}


def _word() -> None:
    st.text_input(
        "The word",
        key=WORD,
        max_chars=60,
        placeholder="card",
        help="Whatever its case, as a whole word. How many texts contain it is said below.",
        persist_state="session",
    )


def _count(config: DataConfig, dataset: Dataset) -> int:
    left, middle, right = st.columns(3)
    number = left.number_input(
        "How many",
        value=requests.random_default(dataset),
        min_value=0,
        step=1,
        key=f"forget_random_{choice_of(config)}",
        help="The same examples for every method and seed.",
        persist_state="session",
    )
    middle.selectbox(
        "Which ones",
        DIFFICULTY_WORDS,
        format_func=DIFFICULTY_WORDS.__getitem__,
        key=DIFFICULTY,
        help=(
            "How much an image has to be memorised, by a fit to pixels or words without a network: "
            "easy ones have many like them, hard ones are odd or look like another class. Of these "
            "the draw is made."
        ),
        persist_state="session",
    )
    right.number_input(
        "Which draw",
        value=0,
        min_value=0,
        step=1,
        key=SEED,
        help="Another number draws other examples.",
        persist_state="session",
    )
    return int(number)


def _confusion(config: DataConfig, dataset: Dataset) -> list[int]:
    left, right = st.columns([2, 1])
    pair = left.multiselect(
        "The two classes",
        options=range(dataset.n_classes),
        default=[0, 1],
        max_selections=2,
        format_func=dataset.class_names.__getitem__,
        key=f"forget_confusion_{choice_of(config)}",
        help="Labels of some of their training examples are swapped before anything is trained.",
        persist_state="session",
    )
    number = right.number_input(
        "How many examples",
        value=requests.random_default(dataset),
        min_value=2,
        step=2,
        key=f"forget_confused_{choice_of(config)}",
        help="Half of either class.",
        persist_state="session",
    )
    return [*pair, int(number)]


def _target(config: DataConfig, dataset: Dataset) -> int:
    target = st.selectbox(
        "The attacker's class",
        options=range(dataset.n_classes),
        format_func=dataset.class_names.__getitem__,
        key=f"forget_backdoor_{choice_of(config)}",
        help=(
            "A tenth of the training images get a patch in the corner and this label, and the "
            "original learns from them. Forgetting them should undo the patch's power."
        ),
        persist_state="session",
    )
    return int(target)


def _trigger(config: DataConfig) -> str:
    chosen: str | None = st.segmented_control(
        "The trigger",
        TRIGGERS,
        default=None
        if f"forget_backdoor_trigger_{config.name}" in st.session_state
        else TRIGGERS[0],
        required=True,
        format_func=str.capitalize,
        key=f"forget_backdoor_trigger_{config.name}",
        help="The pattern of the patch in the corner, an eighth of the image wide.",
        persist_state="session",
    )
    return chosen or TRIGGERS[0]
