"""A guided tour for a lesson: where to go, what to look at, what to ask the class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One step of the tour; `page` is the file that shows it."""

    page: str
    icon: str
    title: str
    look: str
    ask: str


TOUR = (
    Stop(
        page="pages/manifolds.py",
        icon=":material/scatter_plot:",
        title="Before and after",
        look="Find the class to forget in the original's map, then in the retrained model's map.",
        ask="The retrained model never saw this class. Why does it not lie apart any more?",
    ),
    Stop(
        page="pages/metrics.py",
        icon=":material/table_chart:",
        title="Accuracy is not enough",
        look="Compare accuracy on the forget set of all methods with the retrained model's.",
        ask="Several methods reach the same accuracy. Have they all forgotten?",
    ),
    Stop(
        page="pages/metrics.py",
        icon=":material/table_chart:",
        title="The trick",
        look="Look at the row of the head-only trick: accuracy against DA, LP, F1 and NMI.",
        ask="What did the trick change in the model, and what is still there?",
    ),
    Stop(
        page="pages/alignment.py",
        icon=":material/timeline:",
        title="Forgetting step by step",
        look="Follow DA by step: which method reaches the retrained model's line, which stays?",
        ask="Why should the features of forgotten images move into the subspace of the others?",
    ),
    Stop(
        page="pages/gamma.py",
        icon=":material/tune:",
        title="One setting, two goals",
        look="See what gamma trades: moving the features against solving the task.",
        ask="Which value would you choose for a class, and which for a few images?",
    ),
    Stop(
        page="pages/unlearn.py",
        icon=":material/play_circle:",
        title="Your own request",
        look="Choose another class, or single images, and watch a run.",
        ask="Predict first: is a class or a handful of images easier to forget?",
    ),
)
