"""What stays frozen while adapters are trained, computed once for each example.

Where no pass augments the examples, the layers below the first adapted block give an example the
same features in every step, and the network without its adapters gives it the same outputs.  Both
are kept while they take at most `ROOM`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearn_core.data.batches import Batch, Examples
from unlearn_core.data.inputs import TensorInputs
from unlearn_core.models.hooks import InputReached, stopping_at
from unlearn_core.models.parts import parts_of

ROOM = 2 * 2**30  # bytes


def first_changing_block(model: nn.Module, layers: Sequence[str]) -> str | None:
    """Return the first block with one of the layers in it, if blocks that stay come before it.

    None too where the network cannot be run from a block on (`Parts.resume`), or a layer is in
    no block.
    """
    parts = parts_of(model)
    if parts.resume is None:
        return None
    homes = [next((b for b in parts.blocks if n.startswith(f"{b}.")), None) for n in layers]
    if None in homes:
        return None
    first = min(map(parts.blocks.index, homes))
    return parts.blocks[first] if first else None


@torch.no_grad()
def inputs_of_block(model: nn.Module, block: str, examples: Examples) -> Tensor | None:
    """Return the block's inputs (n_examples, ...), or None where they take too much room."""
    parts: list[Tensor] = []
    with stopping_at(model, block):
        for batch in examples.ordered():
            try:
                model(batch.inputs)
            except InputReached as reached:
                parts.append(reached.features)
            if parts[0][0].nbytes * len(examples) > ROOM:
                return None
    return torch.cat(parts)


def with_inputs(examples: Examples, features: Tensor) -> Examples:
    """Return the same examples, each with the row of `features` at its place as its input."""
    return Examples(
        inputs=TensorInputs(tensor=features),
        stored_labels=examples.labels,
        stored_ids=examples.example_ids,
        rows=torch.arange(len(examples), device=examples.device),
        is_forget=examples.is_forget,
        n_classes=examples.n_classes,
    )


@dataclass(frozen=True)
class KeptOutputs:
    """Outputs of the frozen network's layers for all examples.

    `layers` are tensors (n_examples, ...), `place_of` int64 (largest id + 1,) the row of each id.
    """

    layers: list[Tensor]
    place_of: Tensor

    def of(self, batch: Batch) -> list[Tensor]:
        """Return the outputs of a batch's examples."""
        places = self.place_of[batch.example_ids]
        return [layer[places] for layer in self.layers]


def kept_outputs(
    outputs_of: Callable[[Tensor], list[Tensor]], examples: Examples
) -> KeptOutputs | None:
    """Return what `outputs_of` gives of every example, or None where it takes too much room."""
    parts: list[list[Tensor]] = []
    for batch in examples.ordered():
        parts.append(outputs_of(batch.inputs))
        if sum(layer[0].nbytes for layer in parts[0]) * len(examples) > ROOM:
            return None
    ids = examples.example_ids
    place_of = torch.zeros(int(ids.max()) + 1, dtype=torch.int64, device=ids.device)
    place_of[ids] = torch.arange(len(ids), device=ids.device)
    return KeptOutputs([torch.cat(layer) for layer in zip(*parts, strict=True)], place_of)
