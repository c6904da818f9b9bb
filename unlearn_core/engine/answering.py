"""Answer for finished models, in a process that stays warm beside the pages.

``python -m unlearn_core.engine.answering`` reads one question a line and writes one answer a line
(`runs.answerer`); it ends when its standard input does, and so with the server that started it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import OrderedDict
from dataclasses import replace
from typing import Any, TextIO

import numpy as np
import torch
from torch import nn

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.engine.probes import half_precision, outputs_of
from unlearn_core.engine.threads import threads_of
from unlearn_core.engine.writing import written
from unlearn_core.models import build_model
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.store import Store
from unlearn_core.seeding import torch_stream

MOST_WEIGHTS = 300_000_000  # numbers of all models together, 1.2 GB
CPU = torch.device("cpu")

Loaded = OrderedDict[tuple[str, float], nn.Module]


def answer(question: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
    """Return what each model answers, by the key of its run, or an `error` in one line.

    `question` has the store's `root`, the `keys` of the runs that hold the weights, and what it is
    `about`: "picture" (`about_picture`) or "text" (`about_text`), with what these take.
    """
    try:
        store = Store(question["root"], demo=True)
        ask = ABOUT[question["about"]]
        return {"models": {k: ask(store.load(k), question, loaded) for k in question["keys"]}}
    except (InputError, KnownFailureError) as error:
        return {"error": str(error)}


def about_picture(
    run: RunArtefact, question: dict[str, Any], loaded: Loaded
) -> dict[str, list[float]]:
    """Return `logits` and `features` of a picture.

    Of the data set the question has the `shape` of a picture, its `pixels` (base64 of 8-bit
    values), `mean`, `std` and `n_classes`.
    """
    picture, n_classes = _picture(question), question["n_classes"]
    model = _model(run, loaded, channels=picture.images.shape[1], n_classes=n_classes)
    examples = Examples.of(picture, torch.zeros(1, dtype=torch.int64), n_classes)
    with threads_of(run.config), half_precision(model, CPU, run.config.precision):
        logits, features = outputs_of(model, examples)
    return {"logits": logits[0].tolist(), "features": features[0].tolist()}


def _picture(question: dict[str, Any]) -> ImageInputs:
    pixels = np.frombuffer(base64.b64decode(question["pixels"]), np.uint8)
    images = torch.from_numpy(pixels.reshape(1, *question["shape"]).copy())
    mean, std = (torch.tensor(question[name]).view(-1, 1, 1) for name in ("mean", "std"))
    return ImageInputs(images=images, mean=mean, std=std)


def about_text(run: RunArtefact, question: dict[str, Any], loaded: Loaded) -> list[int]:
    """Return the tokens that a language model writes after the question's `tokens`.

    At most `n_tokens`; it has ended where it writes the mark of a beginning, which comes first.
    """
    prompt = question["tokens"]
    model = _model(run, loaded)
    with threads_of(run.config), half_precision(model, CPU, run.config.precision):
        [tokens] = written(model, [prompt], question["n_tokens"], end=prompt[0])
    return tokens


ABOUT = {"picture": about_picture, "text": about_text}


def _model(run: RunArtefact, loaded: Loaded, *, channels: int = 0, n_classes: int = 0) -> nn.Module:
    """Return a run's network, kept for the next question; a run made again is loaded again."""
    mark = run.key, run.created
    if mark not in loaded:
        loaded[mark] = network_of(run, channels=channels, n_classes=n_classes)
        while len(loaded) > 1 and sum(map(_n_weights, loaded.values())) > MOST_WEIGHTS:
            loaded.popitem(last=False)
    loaded.move_to_end(mark)
    return loaded[mark]


def network_of(run: RunArtefact, *, channels: int = 0, n_classes: int = 0) -> nn.Module:
    """Return a run's network with its weights, in evaluation mode.

    A language model needs neither `channels` of pictures nor a number of classes.
    """
    network = replace(run.config.model, pretrained=False)  # its weights are replaced at once
    model = build_model(network, channels, n_classes, torch_stream(0, "initial weights"))
    model.load_state_dict(run.weights())
    return model.eval()


def _n_weights(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer each line until there are no more."""
    loaded: Loaded = OrderedDict()
    for line in questions:
        print(json.dumps(answer(json.loads(line), loaded)), file=answers, flush=True)


if __name__ == "__main__":
    to_pages, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    serve(sys.stdin, to_pages)
