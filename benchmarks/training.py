"""The training loop over a plain one: a DataLoader, torchvision's crop and flip, autocast.

Both train the same network on the same images with the same recipe; the plain loop reads images
with a DataLoader's default settings.  One pass over 2,000 random images of 3x32x32.
"""

from __future__ import annotations

import torch
from timing import hardware, ratio, take_turns
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.data.recipes import photographs
from unlearn_core.engine.environment import choose_device
from unlearn_core.machine import has_fast_bf16
from unlearn_core.models import build_model
from unlearn_core.seeding import torch_stream
from unlearn_core.training import train

N, WIDTH, ROUNDS = 2_000, 16, 3


def main() -> None:
    device = choose_device()
    precision = "bf16" if has_fast_bf16() else "fp32"
    generator = torch_stream(0, "benchmark")
    pixels = torch.randint(0, 256, (N, 3, 32, 32), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (N,), generator=generator)
    recipe = photographs(N)

    def network() -> nn.Module:
        model = build_model(ModelConfig(width=WIDTH, norm="batch"), 3, 10, torch_stream(0, "w"))
        if precision == "bf16":
            model = model.to(memory_format=torch.channels_last)
        return model.to(device)

    def ours() -> None:
        inputs = ImageInputs(
            images=pixels.to(device),
            mean=torch.full((3, 1, 1), 0.5, device=device),
            std=torch.full((3, 1, 1), 0.25, device=device),
            augment=recipe.augment,
        )
        examples = Examples.of(inputs, labels.to(device), 10)
        steps = train(network(), examples, recipe, torch_stream(0, "b"), precision)
        for _ in range(examples.steps(recipe.batch_size)):
            next(steps)

    def plain() -> None:
        model = network().train()
        varied = v2.Compose(
            [
                v2.RandomCrop(32, padding=4),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize((0.5,) * 3, (0.25,) * 3),
            ]
        )
        loader = DataLoader(TensorDataset(pixels, labels), recipe.batch_size, shuffle=True)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
        for images, targets in loader:
            inputs = torch.stack([varied(image) for image in images]).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                loss = functional.cross_entropy(model(inputs), targets.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    times = take_turns({"ours": ours, "plain loop": plain}, ROUNDS)
    print(f"one pass over {N:,} images, width {WIDTH}, {precision}")
    print("  " + ratio(times, "ours", "plain loop"))
    print(hardware())


if __name__ == "__main__":
    main()
