"""Tasks such as classification: their answers and loss, what is recorded, which metrics decide.

Methods ask the task for its answers and its loss and never write one for labels themselves, so
that a new task needs no edit in `methods/`.  torch is loaded where it is used: verdicts are read
without it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

PADDING = 0  # the token that stands for none, in every vocabulary
LIKELIEST = 10  # tokens by which an attacker sees how sure a language model is


class Asked(Protocol):
    """A batch of examples that a network was given."""

    @property
    def inputs(self) -> Tensor:
        """What the network eats, (B, ...)."""

    @property
    def labels(self) -> Tensor:
        """The class of each example, int64 (B,)."""

    @property
    def is_forget(self) -> Tensor:
        """Which examples are in D_f, bool (B,)."""


@dataclass(frozen=True)
class Answers:
    """What a network answered in a batch, a row an answer: of an example, or of a token in a text.

    Attributes
    ----------
    logits : tensor of shape (n_answers, n_choices)
    targets : int64 tensor of shape (n_answers,)
        What it is taught to answer.
    is_forget : bool tensor of shape (n_answers,)
        Whether the answer's example is in D_f.
    """

    logits: Tensor
    targets: Tensor
    is_forget: Tensor


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What a network is trained to do: the right choice for each of its answers.

    Attributes
    ----------
    name : str
    deciding : mapping of str to tuple of str
        The metrics that decide a verdict (`metrics.verdict`), by what they look at: "utility" (what
        was to be kept), "answers" on D_f, "features" and "attacks".
    answers_classes : bool
        Whether an answer is the class of an example, so that it has an accuracy and probabilities.
    writes : bool
        Whether a network can go on with the beginning of an example (`engine.writing`).
    at_once : int
        How many examples are recorded in one pass.
    """

    name: str
    deciding: Mapping[str, tuple[str, ...]]
    answers_classes: bool = True
    writes: bool = False
    at_once: int = 1024

    @abstractmethod
    def answers(self, outputs: Tensor, batch: Asked) -> Answers:
        """Return a network's outputs on a batch as answers, beside what they should have been."""

    @abstractmethod
    def targets(self, batch: Asked) -> tuple[Tensor, Tensor]:
        """Return the right answers of a batch, int64 (n_answers,), and which are about D_f."""

    @abstractmethod
    def recorded(self, outputs: Tensor, batch: Asked) -> dict[str, Tensor]:
        """Return what is stored of a batch's outputs, by its name in `records.Records`.

        On the CPU, a row an example; `token_losses` have one a token, text after text.
        """

    def losses(self, logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return each answer's cross-entropy (n_answers,) in nats, with smoothed targets if asked.

        `targets` may be probabilities of the choices, (n_answers, n_choices).
        """
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)

    def loss(self, logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return the mean cross-entropy of the answers in nats, a scalar."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits, targets, label_smoothing=smoothing)


class Classification(Task):
    """One of several classes for each example; outputs are logits (B, n_classes)."""

    def answers(self, outputs: Tensor, batch: Asked) -> Answers:
        """Return the outputs as they are: one answer an example."""
        return Answers(outputs, batch.labels, batch.is_forget)

    def targets(self, batch: Asked) -> tuple[Tensor, Tensor]:
        """Return the labels."""
        return batch.labels, batch.is_forget

    def recorded(self, outputs: Tensor, batch: Asked) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the logits (B, n_classes)."""
        return {"logits": outputs.float().cpu()}


class LanguageModelling(Task):
    """The next token at each position of a text; outputs are logits (B, longest, n_tokens).

    A text's first token, which nothing predicts, and padding are no answers.
    """

    def answers(self, outputs: Tensor, batch: Asked) -> Answers:
        """Return an answer for each token but the first of each text, text after text."""
        return Answers(outputs[:, :-1][_is_predicted(batch.inputs)], *self.targets(batch))

    def targets(self, batch: Asked) -> tuple[Tensor, Tensor]:
        """Return the tokens that are predicted, text after text."""
        is_asked = _is_predicted(batch.inputs)
        is_forget = batch.is_forget[:, None].expand_as(is_asked)[is_asked]
        return batch.inputs[:, 1:][is_asked], is_forget

    def recorded(self, outputs: Tensor, batch: Asked) -> dict[str, Tensor]:
        """Return each token's loss, and each text's number of tokens and mean entropy.

        The entropy is that of the ten likeliest tokens, as if there were no others.
        """
        answers = self.answers(outputs, batch)
        logits = answers.logits.float()
        n_tokens = _is_predicted(batch.inputs).sum(dim=1)
        likeliest = logits.topk(min(LIKELIEST, logits.shape[1]), dim=1).values.log_softmax(dim=1)
        entropies = -(likeliest.exp() * likeliest).sum(dim=1)
        texts = n_tokens.new_tensor(range(len(n_tokens))).repeat_interleave(n_tokens)
        summed = logits.new_zeros(len(n_tokens)).index_add(0, texts, entropies)
        return {
            "token_losses": self.losses(logits, answers.targets).cpu(),
            "n_tokens": n_tokens.cpu(),
            "entropies": (summed / n_tokens).cpu(),
        }


def _is_predicted(tokens: Tensor) -> Tensor:
    """Say which tokens behind the first of each text are none of padding, (B, longest - 1)."""
    return tokens[:, 1:] != PADDING


CLASSIFICATION = Classification(
    name="classification",
    deciding={
        "utility": ("retain_test_accuracy", "retain_accuracy", "triggered_accuracy"),
        "answers": ("backdoor_asr", "mutual_confusion", "forget_accuracy", "forget_test_accuracy"),
        "features": (
            "dimensional_alignment",
            "cluster_f1",
            "cluster_nmi",
            "linear_probe_forget",
            "prototype_forget",
        ),
        "attacks": ("mia_rfa",),
    },
)
LANGUAGE_MODELLING = LanguageModelling(
    name="language modelling",
    deciding={
        "utility": ("perplexity_retain_test", "perplexity_retain"),
        "answers": ("perplexity_forget", "perplexity_forget_test"),
        "features": CLASSIFICATION.deciding["features"],
        "attacks": ("mia_rfa",),
    },
    answers_classes=False,
    writes=True,
    at_once=32,
)
TASKS = (CLASSIFICATION, LANGUAGE_MODELLING)
