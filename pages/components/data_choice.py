"""Choose the data set, the network and the recipe that trains it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import catalogue_reads, own_data, own_weights
from pages.components.data_availability import is_available
from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.data import uploads
from unlearn_core.data.content import content_of, require_content
from unlearn_core.views.own_files import upload_labels

DATASET, MODEL = "dataset", "model"
RECEIVED = "received_config"
FIRST = "digits"  # the data set that a new form has
SEEDS = range(10)


def receive(config: RunConfig) -> None:
    """Set every field to what a comparison used; call before the widgets are made.

    What has no field, such as the batch size, is kept for as long as data and model are the same.
    """
    name = uploads.choice_of(config.data)
    st.session_state[RECEIVED] = config
    st.session_state[DATASET], st.session_state[MODEL] = name, config.model.name
    st.session_state[own_weights.CHOSEN] = config.model.weights
    st.session_state[f"width_{name}"] = config.model.width
    st.session_state[f"norm_{name}"] = config.model.norm
    st.session_state[f"part_{name}"] = config.data.train_examples
    st.session_state[f"epochs_{name}"] = config.training.epochs
    st.session_state[f"rate_{name}"] = config.training.learning_rate


def is_untouched() -> bool:
    """Say whether no data set was chosen yet."""
    return DATASET not in st.session_state and DATASET not in st.query_params


def is_here(config: RunConfig) -> bool:
    """Say whether the data of a comparison is on this machine, as it was."""
    try:
        require_content(config.data)
    except InputError:
        return False
    return bool(content_of(config.data.name, config.data.content))


def choose_data() -> tuple[RunConfig, list[int]] | None:
    """Show the choice; return a config without a request and the seeds, or None if impossible."""
    datasets = {row["name"]: row["label"] for row in catalogue_reads.catalogue()["datasets"]}
    datasets |= upload_labels(catalogue_reads.uploads())
    if wanted := st.session_state.pop(own_data.ADDED, None):
        st.session_state[DATASET] = wanted
    if st.session_state.get(DATASET, FIRST) not in datasets:
        st.session_state[DATASET] = FIRST  # an upload that was removed
    first, second, third = st.columns([3, 2, 2])
    name = first.selectbox(
        "Data set",
        sorted(datasets, key=lambda name: name != FIRST),
        format_func=datasets.__getitem__,
        key=DATASET,
        bind="query-params",
        persist_state="session",
        help="The digits are on every machine and take seconds; the others are larger.",
    )
    models = _models_for(name)
    model = second.selectbox(
        "Model",
        list(models),
        format_func=models.__getitem__,
        key=MODEL,
        bind="query-params",
        persist_state="session",
        on_change=_suit_training,
    )
    start = _start_config(name, model)
    _start(name, start)
    width = third.number_input(
        "Width",
        1,
        256,
        step=2,
        key=f"width_{name}",
        persist_state="session",
        help="Channels of the first stage; 64 in the papers. Narrow networks train faster.",
    )
    try:
        with st.expander("Training recipe and seeds", icon=":material/settings:"):
            config, seeds = _advanced(name, start, int(width))
    except InputError as error:
        st.error(str(error), icon=":material/error:")
        return None
    own_data.offer()
    if not is_available(config.data):
        return None
    given = own_weights.choose(config)
    return (given, seeds) if given and seeds else None


def _models_for(dataset: str) -> dict[str, str]:
    """Return the labels of the models that read what the data set has; one of them is chosen."""
    catalogue = catalogue_reads.catalogue()
    uploads = catalogue_reads.uploads()
    known = uploads[dataset].name if dataset in uploads else dataset
    [usual] = [row["model"] for row in catalogue["datasets"] if row["name"] == known]
    [tokenizer] = [row["tokenizer"] for row in catalogue["models"] if row["name"] == usual]
    labels = {
        row["name"]: row["label"]
        for row in catalogue["models"]
        if bool(row["tokenizer"]) == bool(tokenizer)
    }
    if st.session_state.get(MODEL, usual) not in labels:
        st.session_state[MODEL] = usual
    return labels


def _advanced(name: str, start: RunConfig, width: int) -> tuple[RunConfig, list[int]]:
    st.caption("How the original and the retrained model are trained. It is the data set's own.")
    recipe = start.training
    left, right = st.columns(2)
    epochs = left.number_input(
        "Epochs",
        1,
        1000,
        step=1,
        key=f"epochs_{name}",
        persist_state="session",
    )
    rate = right.number_input(
        "Learning rate",
        1e-6,
        10.0,
        step=0.01,
        format="%g",
        key=f"rate_{name}",
        persist_state="session",
    )
    part = left.number_input(
        "Training examples",
        min_value=1,
        value=None,
        step=1,
        key=f"part_{name}",
        placeholder="all of them",
        persist_state="session",
        help="Train on a part of this size, with equal shares of each class. Epochs and learning "
        "rate follow it.",
        on_change=_suit_training,
    )
    norm = start.model.norm
    if start.model.is_resnet:
        norm = right.selectbox(
            "Normalisation",
            ["group", "batch"],
            key=f"norm_{name}",
            persist_state="session",
            help="MUDA trains with group normalisation.",
        )
    seeds = st.multiselect(
        "Seeds",
        SEEDS,
        default=[0],
        key="seeds",
        persist_state="session",
        help="Every run is made once per seed; several seeds show the spread.",
    )
    if not seeds:
        st.error("Choose at least one seed.", icon=":material/error:")
    config = replace(
        start,
        data=replace(start.data, train_examples=None if part is None else int(part)),
        model=replace(start.model, width=width, norm=norm),
        training=replace(recipe, epochs=int(epochs), learning_rate=float(rate)),
    )
    return config, sorted(seeds)


def _start_config(name: str, model: str) -> RunConfig:
    """Return the received comparison's config while its data and model are chosen, or the usual."""
    part = st.session_state.get(f"part_{name}")
    usual = catalogue_reads.start_config(name, model, part)
    received: RunConfig | None = st.session_state.get(RECEIVED)
    if received is None or part != received.data.train_examples:
        return usual
    if (name, model) != (uploads.choice_of(received.data), received.model.name):
        return usual
    return replace(
        usual, model=received.model, training=received.training, precision=received.precision
    )


def _suit_training() -> None:
    """Set epochs and learning rate to what suits the model and the number of training images."""
    name = st.session_state[DATASET]
    suited = _start_config(name, st.session_state[MODEL]).training
    st.session_state[f"epochs_{name}"] = suited.epochs
    st.session_state[f"rate_{name}"] = suited.learning_rate


def _start(name: str, start: RunConfig) -> None:
    """Fill the fields of a data set that was not shown yet with what suits it."""
    fields = {
        "epochs": start.training.epochs,
        "rate": start.training.learning_rate,
        "part": None,
        "width": start.model.width,
        "norm": start.model.norm,
    }
    for field, value in fields.items():
        st.session_state.setdefault(f"{field}_{name}", value)
