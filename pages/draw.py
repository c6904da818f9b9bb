"""Draw one yourself: what the original, the retrained and the unlearned models answer, live."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, queue, run_reads, selectors
from pages.components.canvas.canvas import canvas
from pages.components.examples import show_pictures
from pages.components.jobs import show_jobs
from pages.components.notices import without_damaged_runs
from pages.components.weights import with_weights
from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.own_picture import answers as answers_of
from unlearn_core.views import own_picture, samples
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

DRAW, UPLOAD = "Draw", "Upload"
SEEN = 112  # pixels of the picture as the models see it

selectors.under_app(__file__)
st.title("Draw your own")


def can_answer(other: Comparison) -> bool:
    """Say whether a comparison is on pictures, and a method's weights are here."""
    methods = (run for run in other.runs if run.config.role == "method")
    has_weights = any(map(run_reads.weights_of, methods))
    return has_weights and not data_reads.shows_texts(other.config.data)


comparison = selectors.chosen_comparison()
config = comparison.config
dataset = data_reads.dataset(config.data)
if not isinstance(dataset, ImageDataset):
    st.info(
        "These models read texts, and a picture is all that can be drawn here. Choose a comparison "
        "on pictures.",
        icon=":material/image:",
    )
    selectors.offer_others(can_answer)
    st.stop()
what = as_markdown(describe_forget(config.forget, dataset.class_names))
st.markdown(
    f"A picture that no model has ever seen. What do they take it for? Try {what}, which is to be "
    "forgotten: the **retrained** model shows what a network says that never learned it."
)
runs = selectors.choose_runs(comparison)
ready = with_weights(runs)
if not ready:
    show_jobs()
    selectors.offer_others(can_answer)
    st.stop()
queue.answerer().start()  # it loads torch while the person draws


def ask_picture(dataset: ImageDataset) -> tuple[bytes, str] | None:
    """Let the person draw or upload; return the file and what it is called."""
    kinds = [DRAW, UPLOAD] if own_picture.can_be_drawn(dataset) else [UPLOAD]
    kind = selectors.segments(
        "How", kinds, default=kinds[0], key="own_kind",
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    if kind == DRAW:
        drawn = canvas(pen=own_picture.pen_width(dataset), key="canvas")
        return (own_picture.from_canvas(drawn), "the canvas") if drawn else None
    file = st.file_uploader("A picture", type=["png", "jpg", "jpeg", "webp", "bmp"], key="own_file")
    return (file.getvalue(), file.name) if file else None


@st.fragment
@without_damaged_runs
def answers_live(comparison: Comparison, runs: list[RunArtefact], dataset: ImageDataset) -> None:
    left, right = st.columns([2, 5], gap="large")
    with left:
        given = ask_picture(dataset)
    with right:
        if given is None:
            st.info("Draw or upload something: the answers appear here.", icon=":material/draw:")
            return
        try:
            picture = own_picture.fitted(*given, dataset)
            with st.spinner("Asking the models; the first answer waits for torch…"):
                answers = answers_of(queue.answerer(), runs, picture, dataset)
        except (InputError, KnownFailureError) as error:
            st.error(str(error), icon=":material/error:")
            return
        st.markdown(as_markdown(own_picture.answer_text(answers, dataset.class_names), keep="*"))
        table = own_picture.probability_rows(answers, dataset.class_names)
        charts.chart(
            samples.probability_figure(table, ""), key="own_probabilities",
            config={"displayModeBar": False},
        )  # fmt: skip
    with left:
        st.image(data_reads.picture(picture), width=SEEN, caption="As the models see it")
    st.subheader("What it resembles")
    is_forget = data_reads.sets(comparison.config.data, comparison.config.forget).forget
    for run in runs:
        near = run_reads.nearest_to(run, answers[run.label].features)["example_id"].tolist()
        st.markdown(f"**{as_markdown(run.label)}**")
        show_pictures(comparison, near)
        if told := own_picture.resembles_text(run.config.method, near, is_forget):
            st.caption(told)
    st.caption(
        f"The {samples.NEAREST} images of the training set whose penultimate features have the "
        "largest cosine with those of your picture, the nearest first; a diamond marks images to "
        "forget, which the retrained model was never trained on. "
        f"Seed {runs[0].config.seed}."
    )


answers_live(comparison, ready, dataset)
if len(ready) < len(runs):
    show_jobs()  # below: what can be drawn comes first
