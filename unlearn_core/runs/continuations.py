"""Let finished language models go on with the beginning of a text."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_core.data.prompts import Prompt, prompt_of
from unlearn_core.data.tokens import decoded
from unlearn_core.runs.answerer import Answerer
from unlearn_core.runs.artefact import TOKENIZER, RunArtefact


def prompt_for(base: RunArtefact, text: str) -> Prompt | None:
    """Return the question of a text for the networks on a base; None where nothing is left."""
    return prompt_of(_tokenizer(base), text, base.config.model.length)


def continuations(
    answerer: Answerer, runs: Sequence[RunArtefact], base: RunArtefact, prompt: Prompt
) -> dict[str, str]:
    """Return what each run's model writes after a question, by the run's label.

    Parameters
    ----------
    answerer : Answerer
    runs : sequence of RunArtefact
        Each has weights (`answerer.weights_of`).
    base : RunArtefact
        What they were made from; it keeps their tokenizer.
    prompt : Prompt

    Raises
    ------
    NotAnsweredError
        If the process ends or a run's weights are not what was written.
    """
    question = {"tokens": list(prompt.tokens), "n_tokens": prompt.n_tokens}
    told = answerer.ask(runs, "text", question)
    tokenizer = _tokenizer(base)
    return {label: decoded(tokenizer, tokens) for label, tokens in told.items()}


def _tokenizer(base: RunArtefact) -> str:
    return base.read(TOKENIZER).decode()
