"""Time of a step of RFA over one of Finetune, and of NegLoRA over one of NegGrad.

Batches of 128 noise images of 3x32x32, a tenth of them to forget, ResNet-18 with batch
normalisation; steps take turns in one process.  Of "few layers" the pass over the layers below,
once for all epochs, is not in a step.  The paper's RFA pays 1.5 to 1.65 times a Finetune step.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import partial

import torch
from timing import hardware, ratio, take_turns
from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import Examples
from unlearn_core.data.inputs import TensorInputs
from unlearn_core.engine.environment import choose_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.models import build_model
from unlearn_core.seeding import torch_stream

BATCH, N_EXAMPLES, ENDLESS = 128, 640, 10**5
ADAPTERS = {"rank": 4, "alpha": 8}  # as in the presets for photographs
FEW = {"layers": ("layer4",)}
PARTS = {
    "finetune": ("finetune", {}),
    "rfa": ("rfa", {}),
    "rfa teacher": ("rfa", {"mode": "teacher"}),
    "rfa few layers": ("rfa", FEW),
    "neggrad": ("neggrad", {}),
    "neglora": ("neglora", {**ADAPTERS, "dropout": 0.0}),
    "neglora dropout": ("neglora", {**ADAPTERS, "dropout": 0.1}),
}
RATIOS = (
    ("rfa", "finetune"),
    ("rfa teacher", "finetune"),
    ("rfa few layers", "finetune"),
    ("neglora", "neggrad"),
    ("neglora dropout", "neggrad"),
)


def main(rounds: int = 7) -> None:
    device = choose_device()
    for width in (16, 64):
        for precision in ("bf16", "fp32"):
            model = build_model(
                ModelConfig(width=width, norm="batch"), 3, 10, torch_stream(0, "weights")
            ).to(device)
            if precision == "bf16":
                model = model.to(memory_format=torch.channels_last)
            steps = {name: _step(model, precision, name, device) for name in PARTS}
            take_turns(steps, 1)  # the first allocates, and "few layers" passes the layers below
            times = take_turns(steps, rounds if width == 16 else max(3, rounds // 2))
            for name, to in RATIOS:
                print(f"width {width}, {precision}: {ratio(times, name, to)}", flush=True)
    print(hardware())


def _step(
    model: nn.Module, precision: str, name: str, device: torch.device
) -> Callable[[], object]:
    """Return a function that takes the next step of a method which does not end."""
    images = torch.randn(N_EXAMPLES, 3, 32, 32, generator=torch_stream(0, "images"))
    labels = torch.arange(N_EXAMPLES) % 10
    both = Examples.of(
        TensorInputs(tensor=images.to(device)),
        labels.to(device),
        10,
        is_forget=(labels == 0).to(device),
    )
    method, settings = PARTS[name]
    inputs = UnlearnInputs(
        model=copy.deepcopy(model),
        forget=both.take(both.is_forget.nonzero().squeeze(1)),
        retain=both.take((~both.is_forget).nonzero().squeeze(1)),
        generator=torch_stream(0, "bench"),
        device=device,
        precision=precision,
    )
    if method in ("neggrad", "neglora"):  # whole batches of what is to be forgotten
        inputs = UnlearnInputs(**{**vars(inputs), "forget": both})
    changes = {**settings, "batch_size": BATCH, "epochs": ENDLESS}
    return partial(next, METHODS[method].run(inputs, resolve_settings(method, changes)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
