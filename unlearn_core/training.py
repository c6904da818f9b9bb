"""The one training loop: of original and retrained models, and of every unlearning method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from unlearn_core.checks import KnownFailureError
from unlearn_core.config import SCHEDULES, TrainingConfig
from unlearn_core.data.batches import Batch, Examples
from unlearn_core.data.images import smaller
from unlearn_core.tasks import CLASSIFICATION, Task

OPTIMIZERS = ("sgd", "adam", "adamw")
OBJECTIVE = "objective"
READ_EVERY = {"cpu": 1}  # steps between two looks at the losses; reading the CPU's costs nothing
READ_EVERY_ELSEWHERE = 16  # each look waits until an accelerator has done what it was asked to

Losses = dict[str, Tensor]
LossesOf = Callable[[Batch], Losses]
B = TypeVar("B")  # a batch, or what a method draws together, such as a pair of batches


class DivergedError(KnownFailureError):
    """The loss or the weights stopped being finite; the message says at which step."""


class StepLosses(Mapping[str, float]):
    """The losses of a step, in nats, which stay on the device until one of them is asked for.

    `is_read` says whether they are here already, so that looking at them waits for nothing.
    """

    def __init__(self, losses: Losses) -> None:
        self._places = {name: place for place, name in enumerate(losses)}
        self._unread: list[Tensor] | None = [value.detach() for value in losses.values()]
        self._values: list[float] = []

    @property
    def is_read(self) -> bool:
        """Whether the values have been fetched."""
        return self._unread is None

    def __getitem__(self, name: str) -> float:
        """Return a loss; the first call for any waits for the step."""
        place = self._places[name]
        if self._unread is not None:
            self._values = torch.stack([value.float() for value in self._unread]).tolist()
            self._unread = None
        return self._values[place]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return the number of losses."""
        return len(self._places)


def are_read(losses: Mapping[str, float]) -> bool:
    """Say whether looking at a step's losses waits for nothing."""
    return not isinstance(losses, StepLosses) or losses.is_read


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step of a run, for a progress bar and for the stored learning curve.

    `losses` are in nats, and may still be on the device (`StepLosses`); `phase` names what the
    step belongs to, such as "recover"; `n_examples` is how many examples the step looked at.
    """

    step: int
    total: int
    n_examples: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    phase: str = ""


def make_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Build the optimiser called `name` over the parameters that require a gradient."""
    trained = [p for p in parameters if p.requires_grad]
    if name == "sgd":
        return torch.optim.SGD(
            trained,
            lr=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )
    if name == "adam":
        return torch.optim.Adam(trained, lr=learning_rate, weight_decay=weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(trained, lr=learning_rate, weight_decay=weight_decay)
    raise ValueError(f"Unknown optimiser {name!r}. Known: {', '.join(OPTIMIZERS)}.")


def to_train_mode(model: nn.Module, n_examples: int, batch_size: int) -> nn.Module:
    """Put `model` in train mode for passes over `n_examples`, and return it.

    One example has no batch statistics.  Where a batch would be one alone, batch normalisation
    stays in evaluation mode, with its running statistics.
    """
    model.train()
    if min(n_examples, batch_size) == 1:
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
    return model


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which forward passes run: bfloat16 where asked for."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def in_order_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return images (n, C, H, W) in the order in memory of the model's first weight.

    Recording a network in channels-last order is a third faster so.  Where both orders are the
    same, as with one channel, nothing is changed.
    """
    first = next((weight for weight in model.parameters() if weight.dim() == inputs.dim()), None)
    order = torch.channels_last
    if (
        first is None
        or inputs.dim() != 4
        or first.is_contiguous()
        or not first.is_contiguous(memory_format=order)
    ):
        return inputs
    return inputs.contiguous(memory_format=order)


def optimise(
    optimizer: torch.optim.Optimizer,
    batches: Iterable[B],
    losses_of: Callable[[B], Losses],
    *,
    total: int,
    first_step: int = 0,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    phase: str = "",
) -> Iterator[Progress]:
    """Take one step per batch down the entry "objective" of `losses_of(batch)`.

    On the CPU each step's losses are looked at before its update.  Elsewhere a look waits for the
    device, so they are looked at every few steps, and a step that needs a loss, such as the end
    of an ascent, has it by asking (`StepLosses`).

    Raises
    ------
    DivergedError
        If the objective is not finite, naming the step; on the CPU the weights are then those of
        the step before, elsewhere later steps may have broken them.  Or if the weights are not
        finite after the last step.
    """
    step = first_step
    unseen: list[tuple[int, StepLosses]] = []
    for step, batch in enumerate(batches, start=first_step + 1):
        losses = losses_of(batch)
        objective, kept = losses[OBJECTIVE], StepLosses(losses)
        unseen.append((step, kept))
        if len(unseen) >= READ_EVERY.get(objective.device.type, READ_EVERY_ELSEWHERE):
            _require_finite_losses(unseen, total)
        if objective.requires_grad:  # else nothing in this batch has a gradient
            optimizer.zero_grad(set_to_none=True)
            objective.backward()
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
        yield Progress(
            step=step, total=total, n_examples=_n_examples(batch), losses=kept, phase=phase
        )
    _require_finite_losses(unseen, total)
    trained = (p for group in optimizer.param_groups for p in group["params"])
    require_finite(trained, f"step {step} of {total}")


def _require_finite_losses(unseen: list[tuple[int, StepLosses]], total: int) -> None:
    """Raise `DivergedError` for the first step whose objective is not finite; forget the steps."""
    for step, losses in unseen:
        if not math.isfinite(losses[OBJECTIVE]):
            raise DivergedError(f"The loss became {losses[OBJECTIVE]} at step {step} of {total}.")
    unseen.clear()


def require_finite(weights: Iterable[Tensor], when: str) -> None:
    """Raise `DivergedError` unless all weights are finite."""
    if not all(bool(torch.isfinite(weight).all()) for weight in weights):
        raise DivergedError(f"The weights were no longer finite after {when}.")


def _n_examples(batch: object) -> int:
    batches = batch if isinstance(batch, tuple) else (batch,)
    return sum(len(each) for each in batches)


def warmup_cosine(
    optimizer: torch.optim.Optimizer, total: int, warmup_fraction: float
) -> torch.optim.lr_scheduler.LambdaLR:
    """Rise linearly over the first share of `total` steps, then follow a half cosine to 0."""
    factor = rate_factor("cosine", total, warmup_fraction)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def rate_factor(
    schedule: str,
    total: int,
    warmup_fraction: float,
    *,
    decay: float = 1.0,
    steps_per_epoch: int = 1,
) -> Callable[[int], float]:
    """Return what multiplies the learning rate at each step, counted from 0.

    It rises linearly to 1 over the first share of `total` steps, at least one, then follows
    `TrainingConfig.schedule`.  Epochs of "exponential" are counted from the first step.

    Raises
    ------
    ValueError
        If the schedule is unknown.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"`schedule` must be one of {', '.join(SCHEDULES)}, got {schedule!r}.")
    warmup = max(1, round(warmup_fraction * total))

    def factor(step: int) -> float:
        done = max(0, step - warmup) / max(1, total - warmup)
        falling = {
            "cosine": 0.5 * (1 + math.cos(math.pi * done)),
            "linear": 1 - done,
            "exponential": decay ** (step // steps_per_epoch),
            "constant": 1.0,
        }
        return min(1.0, (step + 1) / warmup) * falling[schedule]

    return factor


def smaller_at_first(batches: Iterable[Batch], n_steps: int) -> Iterator[Batch]:
    """Yield the batches, the first `n_steps` of them with smaller images."""
    for step, batch in enumerate(batches):
        yield replace(batch, inputs=smaller(batch.inputs)) if step < n_steps else batch


def train(
    model: nn.Module,
    examples: Examples,
    recipe: TrainingConfig,
    generator: torch.Generator,
    precision: str = "fp32",
    task: Task = CLASSIFICATION,
) -> Iterator[Progress]:
    """Train all of `model` in place on the examples' labels, yielding once per step."""
    to_train_mode(model, len(examples), recipe.batch_size)
    device = examples.device
    steps_per_epoch = examples.steps(recipe.batch_size)
    total = recipe.epochs * steps_per_epoch
    optimizer = make_optimizer(
        recipe.optimizer,
        model.parameters(),
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
    )

    factor = rate_factor(
        recipe.schedule,
        total,
        recipe.warmup_fraction,
        decay=recipe.decay,
        steps_per_epoch=steps_per_epoch,
    )

    def losses_of(batch: Batch) -> Losses:
        with autocast(device, precision):
            answers = task.answers(model(in_order_of(model, batch.inputs)), batch)
            smoothing = recipe.label_smoothing
            return {OBJECTIVE: task.loss(answers.logits, answers.targets, smoothing=smoothing)}

    batches = examples.epochs(recipe.epochs, recipe.batch_size, generator, even=recipe.even_batches)
    yield from optimise(
        optimizer,
        smaller_at_first(batches, round(recipe.small_share * total)),
        losses_of,
        total=total,
        scheduler=torch.optim.lr_scheduler.LambdaLR(optimizer, factor),
    )
    model.eval()
