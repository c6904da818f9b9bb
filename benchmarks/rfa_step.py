"""Time of one RFA step over one Finetune step, in the same process and on the same batches.

The paper's RFA pays 1.5 to 1.65 times a Finetune step; direct mode needs no teacher and no weight
gradients of frozen layers.
"""

from __future__ import annotations

import copy
import statistics
import time

import torch

from unlearn_core.config import ForgetConfig, ModelConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.splits import split
from unlearn_core.engine.environment import choose_device, describe
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.models import build_model
from unlearn_core.runs.plan import comparison_config
from unlearn_core.seeding import torch_stream

ROUNDS = 7


def main() -> None:
    device = choose_device()
    config = comparison_config("digits", ForgetConfig(kind="class", values=(3,)))
    dataset = load_dataset(config.data)
    sets = split(dataset, config.forget)
    for width in (8, 16, 64):
        model = build_model(ModelConfig(width=width), 1, 10, torch_stream(0, "w")).to(device)
        times: dict[str, list[float]] = {"finetune": [], "rfa direct": [], "rfa teacher": []}
        for _ in range(ROUNDS):
            for name in times:
                method, _, mode = name.partition(" ")
                overrides = {"batch_size": 128, "epochs": 1, **({"mode": mode} if mode else {})}
                inputs = UnlearnInputs(
                    model=copy.deepcopy(model),
                    forget=to_device(dataset, sets.forget, device, forget=sets.forget),
                    retain=to_device(dataset, sets.retain, device),
                    generator=torch_stream(0, "bench"),
                    device=device,
                )
                steps = METHODS[method].run(inputs, resolve_settings(method, overrides))
                next(steps)  # the first step allocates
                started = time.perf_counter()
                count = sum(1 for _ in steps)
                if device.type == "cuda":
                    torch.cuda.synchronize()
                times[name].append((time.perf_counter() - started) / count)
        base = times["finetune"]
        for name in ("rfa direct", "rfa teacher"):
            ratios = [a / b for a, b in zip(times[name], base, strict=True)]
            print(
                f"width {width:>3}  {name:<12} / finetune: median {statistics.median(ratios):.2f} "
                f"(min {min(ratios):.2f}, max {max(ratios):.2f}, n={ROUNDS}); finetune step "
                f"{statistics.median(base) * 1e3:.1f} ms"
            )
    print(describe(device))


if __name__ == "__main__":
    main()
