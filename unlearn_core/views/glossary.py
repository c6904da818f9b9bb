"""Plain words for what pages speak of: metrics that verdicts rest on, sets, models, verdicts."""

from __future__ import annotations

from unlearn_core.metrics.base import METRICS
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.palette import VERDICT_ICONS
from unlearn_core.views.verdicts import MEANING

ATTACK = "Attacker's success"  # the plain name of the one attack that verdicts rest on
# what a metric says, before its definition says how it is computed
PLAIN = {
    "retain_accuracy": "How often it still answers right on the training examples that stay.",
    "forget_accuracy": "How often it still answers right on the examples to forget.",
    "retain_test_accuracy": "How often it answers right on new examples of what stays.",
    "forget_test_accuracy": "How often it answers right on new examples of what is to be "
    "forgotten.",
    "perplexity_retain": "Among how many words, as it were, a language model guesses the next one "
    "in training texts that stay: fewer is surer.",
    "perplexity_forget": "The same in the texts to forget: it should be as surprised as a model "
    "that never saw them.",
    "perplexity_retain_test": "The same in new texts of what stays.",
    "perplexity_forget_test": "The same in new texts of what is to be forgotten.",
    "dimensional_alignment": "How much of what is left of the forgotten examples fits in with the "
    "others: 1 when nothing about them is their own any more.",
    "cluster_f1": "Whether a program that sorts the features into heaps, without being told any "
    "class, finds the forgotten examples in one heap: 1 means all of them and nothing else.",
    "cluster_nmi": "How much such heaps tell about who is to be forgotten: 0 nothing, 1 all.",
    "linear_probe_forget": "How often a small classifier that is trained on the features anew "
    "gets the forgotten examples right: what can still be read there.",
    "linear_probe_retain": "The same on what stays.",
    "prototype_forget": "How often the forgotten class is found again from the mean of a few of "
    "its examples, without any training.",
    "mia_rfa": "How many of the forgotten examples an attacker, who sees only how sure the model "
    "is, still takes for training examples.",
    "relearn_k": "How well the forgotten class is known again after a few of its examples were "
    "shown.",
    "relearn_gap": "How much sooner it is known again than by a model that never saw it.",
    "backdoor_asr": "How often the trigger still makes the model give the attacker's answer.",
    "triggered_accuracy": "How often images with the trigger are answered as what they show.",
    "top_wrong_answer": "How many of the forgotten examples get one and the same wrong answer: a "
    "model that never saw them spreads them over what looks alike.",
    "mutual_confusion": "How often the two classes whose labels were swapped are still confused.",
    "feature_distance_retrained": "How far the features are from the retrained model's.",
    "cka_retrained": "How alike the features are to the retrained model's, whatever their axes.",
    "effective_rank": "In how many directions, as it were, the features differ: few means that "
    "much has been flattened.",
    "tow": "One number for three: 1 where it is right as often as the retrained model on what is "
    "to be forgotten, on what stays and on new examples; every difference takes some away.",
    "speedup": "How much faster it is than training again.",
}
TERMS = {
    f"Examples to forget ({SET_SYMBOLS['forget']})": "training examples that the model must "
    "forget, diamonds on every map",
    f"Examples to keep ({SET_SYMBOLS['retain']})": "all other training examples",
    f"Test examples ({SET_SYMBOLS['test']})": "examples that no model was trained on; "
    f"{SET_SYMBOLS['forget_test']} are those of a forgotten class, {SET_SYMBOLS['retain_test']} "
    "the others",
    "Original": "the model before anything is forgotten",
    "Retrained": "the goal: trained again from the start without the examples to forget",
    "Features": "the numbers in which a network describes an example, just before it answers "
    "(penultimate: of its last layer but one)",
    "Map": "features in two dimensions (UMAP); examples that a model finds alike lie together. How "
    "true a map is to its features is its trustworthiness (1: neighbours are neighbours); maps are "
    "turned onto one another (Procrustes)",
    "LoRA": "small matrices that are trained beside a network's own weights, which stay",
    "± and σ": "behind a verdict's number ± is by what one more retrained model may differ, by "
    "chance alone, never less than was measured on other data, and σ counts it; in tables ± is by "
    "what the seeds at hand differ",
    "AUC": "how well an attacker tells two kinds of examples apart: 0.5 is guessing, 1 always",
    "Log-odds": "how sure a model is, on a scale without end: 0 is 50 %, 4.6 is 99 %",
    "resnet18, vit_s": "networks that look at pictures and name a class",
    "distilbert, distilgpt2": "networks that read texts: one names a class, one goes on with them",
    "Width": "how many channels, or numbers for a word, a network begins with: a narrow one is "
    "small and fast",
    "Seed": "where chance starts; another seed shows what chance alone changes",
    "Trick": "an edit that looks like forgetting to some metrics and forgets nothing",
}
IN_SHORT = (
    "dimensional_alignment", "cluster_f1", "cluster_nmi", "linear_probe_forget",
    "prototype_forget", "mia_rfa", "relearn_gap", "effective_rank", "tow", "cka_retrained",
    "speedup",
)  # fmt: skip
VERDICTS_TOLD = (
    "matched", "partly matched", "pretends", "remembers", "over-forgotten", "broken",
    "nothing to tell",
)  # fmt: skip


def verdict_lines() -> list[tuple[str, str]]:
    """Return each verdict with its symbol, and what it means."""
    return [(f"{word} {VERDICT_ICONS[word]}", MEANING[word]) for word in VERDICTS_TOLD]


def metric_lines() -> list[tuple[str, str]]:
    """Return the label and the plain words of the metrics that verdicts rest on most."""
    return [(METRICS[name].label, PLAIN[name]) for name in IN_SHORT]
