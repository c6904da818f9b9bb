"""What every unlearning method must do, as checks that the tests and `check-method` share.

Each check runs a method on a small network and 48 small images, in a moment; it raises
`BrokenContractError` with what must hold and what came.  Every registered method is checked.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import cache
from inspect import getsourcefile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import to_device
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.methods.base import Method, UnlearnInputs, resolve_settings
from unlearn_core.models import initialise
from unlearn_core.settings import Settings
from unlearn_core.training import Progress

CPU = torch.device("cpu")
RECIPE = TrainingConfig(epochs=2, batch_size=16, learning_rate=0.01)
QUICK = {"epochs": 2, "iterations": 6, "batch_size": 8, "recover_epochs": 1}
LEAST_WORDS = 100  # characters of a description: idea, what is trained, data, cost, source


class BrokenContractError(AssertionError):
    """A method does not keep to the contract; the message says in what."""


class Forbidden:
    """Stands for a retain set that must not be looked at."""

    def __getattr__(self, name: str) -> Any:
        """Refuse whatever is read."""
        raise BrokenContractError(f"it declares uses_retain=False and read the retain set's {name}")

    def __len__(self) -> int:
        """Refuse the size too."""
        raise BrokenContractError("it declares uses_retain=False and read the retain set's size")


def example_dataset() -> ImageDataset:
    """Return four classes of twelve 8x8 grey images whose brightness gives the class away."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(4), 12)
    images = random.integers(0, 60, (48, 1, 8, 8)) + 60 * labels[:, None, None, None]
    is_train = np.arange(48) < 32
    return ImageDataset(
        images=images.astype(np.uint8),
        labels=labels.astype(np.int64),
        is_train=is_train,
        is_test=~is_train,
        class_names=("a", "b", "c", "d"),
        mean=(0.5,),
        std=(0.3,),
        subclass_labels=np.arange(48, dtype=np.int64) % 8,
        subclass_names=tuple("stuvwxyz"),
    )


def make_inputs(
    forget: NDArray[np.bool_] | None = None, *, norm: str = "group", seed: int = 0, **changes: Any
) -> UnlearnInputs:
    """Return what a method is given here: a fresh ResNet of one block a stage, class 1 to forget.

    `changes` are fields of `UnlearnInputs`.
    """
    dataset = example_dataset()
    if forget is None:
        forget = dataset.labels == 1
    return UnlearnInputs(
        **{
            "model": copy.deepcopy(_network(norm)),
            "forget": to_device(dataset, forget & dataset.is_train, CPU, forget=forget),
            "retain": to_device(dataset, ~forget & dataset.is_train, CPU, forget=forget),
            "generator": torch.Generator().manual_seed(seed),
            "recipe": RECIPE,
            **changes,
        }
    )


@cache
def _network(norm: str) -> nn.Module:
    from torchvision.models.resnet import BasicBlock

    from unlearn_core.models import state_parts
    from unlearn_core.models.resnet import resnet_parts
    from unlearn_core.models.slim_resnet import build_resnet

    model = build_resnet(BasicBlock, (1, 1, 1, 1), ModelConfig(width=2, norm=norm), 1, 4)
    state_parts(model, resnet_parts(model))
    initialise(model, torch.Generator().manual_seed(0))
    return model


def run(method: Method, inputs: UnlearnInputs, **changes: Any) -> list[Progress]:
    """Run a method to its end with few steps, and return what it yielded."""
    known = {f.name for f in fields(method.settings_class)}
    quick = {k: v for k, v in {**QUICK, **changes}.items() if k in known}
    return list(method.run(inputs, resolve_settings(method.name, quick)))


def is_finite(model: nn.Module) -> bool:
    """Say whether all weights and buffers are finite."""
    tensors = (t for t in model.state_dict().values() if t.is_floating_point())
    return all(bool(torch.isfinite(t).all()) for t in tensors)


def require(holds: bool, message: str) -> None:
    """Raise `BrokenContractError` with the message unless it holds."""
    if not holds:
        raise BrokenContractError(message)


def require_whole_run(progress: list[Progress]) -> None:
    """Demand that steps are counted from 1 to the total that was announced."""
    require(bool(progress), "it yielded nothing")
    is_progress = all(isinstance(p, Progress) for p in progress)
    require(is_progress, "it must yield `Progress` and nothing else")
    steps, totals = [p.step for p in progress], sorted({p.total for p in progress})
    n = len(progress)
    require(totals == [n], f"it yielded {n} times and announced a total of {totals}")
    require(steps == list(range(1, n + 1)), f"its steps must count from 1 to {n}, got {steps}")


def _whole_and_finite(method: Method, inputs: UnlearnInputs, **changes: Any) -> None:
    require_whole_run(run(method, inputs, **changes))
    require(is_finite(inputs.model), "it left weights that are not finite")


def a_run_counts_its_steps_and_ends_with_a_finite_plain_model(method: Method) -> None:
    """Demand the same layers and shapes as before, changed weights, and nothing left frozen.

    Settings with which nothing changes, on so few images, have to be told in the log.
    """
    notes: list[str] = []
    inputs = make_inputs(log=notes.append)
    before = {n: t.clone() for n, t in inputs.model.state_dict().items()}
    _whole_and_finite(method, inputs)
    after = inputs.model.state_dict()
    shapes = [{n: t.shape for n, t in state.items()} for state in (before, after)]
    require(shapes[0] == shapes[1], "it left other layers than the model had")
    changed = any(not torch.equal(after[n], before[n]) for n in before)
    require(changed or bool(notes), "it changed no weight, and its log does not say why")
    frozen = [n for n, p in inputs.model.named_parameters() if not p.requires_grad]
    require(not frozen, f"it left parameters frozen: {', '.join(frozen)}")


def losses_are_plain_finite_numbers(method: Method) -> None:
    """Demand floats, as they are stored and drawn, not tensors."""
    for progress in run(method, make_inputs()):
        for name, value in progress.losses.items():
            is_plain = type(value) is float and math.isfinite(value)
            require(is_plain, f"its loss {name} must be a finite float, got {value!r}")


def the_same_seed_gives_the_same_weights_bit_for_bit(method: Method) -> None:
    """Demand that chance comes from `inputs.generator` alone."""
    states = []
    global_states = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    try:
        for noise in (1, 2):
            torch.manual_seed(noise)  # the global generators must not matter
            np.random.seed(noise)  # noqa: NPY002
            inputs = make_inputs(seed=7)
            run(method, inputs)
            states.append({**inputs.model.state_dict(), **inputs.extras})
    finally:
        torch.set_rng_state(global_states[0])
        np.random.set_state(global_states[1])  # noqa: NPY002
    first, second = states
    same = first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)
    require(same, "the same seed gave other weights: draw from `inputs.generator` only")


def the_retain_set_is_read_only_where_that_is_declared(method: Method) -> None:
    """Demand that `uses_retain=False` is true."""
    if not method.uses_retain:
        require_whole_run(run(method, make_inputs(retain=Forbidden())))


def one_forget_example_is_enough(method: Method) -> None:
    """Demand a whole run where D_f is one image."""
    _whole_and_finite(method, make_inputs(np.arange(48) == 5))


def all_but_one_class_can_be_forgotten(method: Method) -> None:
    """Demand a whole run where D_f is three times as large as D_r."""
    _whole_and_finite(method, make_inputs(example_dataset().labels != 2))


def one_retained_example_is_enough(method: Method) -> None:
    """Demand a whole run where D_r is one image."""
    _whole_and_finite(method, make_inputs(np.arange(48) != 5))


def a_network_with_batch_normalisation_works_too(method: Method) -> None:
    """Demand a whole run, whatever size the last batch has."""
    _whole_and_finite(method, make_inputs(norm="batch"))


def half_precision_ends_with_a_finite_model_of_full_precision_weights(method: Method) -> None:
    """Demand that forward passes are in `inputs.autocast()`, and weights stay as they were."""
    inputs = make_inputs(precision="bf16", recipe=replace(RECIPE, epochs=1, batch_size=64))
    _whole_and_finite(method, inputs, epochs=1, iterations=2, batch_size=64)
    kinds = {p.dtype for p in inputs.model.parameters()}
    require(kinds == {torch.float32}, f"its weights must stay float32, got {kinds}")


def it_trains_what_it_declares(method: Method) -> None:
    """Demand that some weights stay frozen all the time just where `trains` is not "all"."""
    inputs = make_inputs()
    known = {f.name for f in fields(method.settings_class)}
    quick = {k: v for k, v in QUICK.items() if k in known}
    always: set[str] | None = None
    for _ in method.run(inputs, resolve_settings(method.name, quick)):
        frozen = {
            name.replace(".base_layer", "")
            for name, parameter in inputs.model.named_parameters()
            if not parameter.requires_grad
        }
        always = frozen if always is None else always & frozen
    observed = "some weights were" if always else "no weight was"
    declared = f"it declares trains={method.trains!r}"
    is_declared = bool(always) == (method.trains != "all")
    require(is_declared, f"{declared} and {observed} frozen throughout")


def batch_normalisation_runs_in_the_declared_mode(method: Method) -> None:
    """Demand that statistics stay or follow the batches, as `norm_mode` says."""
    inputs = make_inputs(norm="batch")
    before = {n: t.clone() for n, t in inputs.model.named_buffers()}
    known = {f.name for f in fields(method.settings_class)}
    quick = {k: v for k, v in QUICK.items() if k in known}
    for _ in method.run(inputs, resolve_settings(method.name, quick)):
        pass
    moved = [n for n, t in inputs.model.named_buffers() if not torch.equal(t, before[n])]
    change = f"the statistics {', '.join(moved)} changed" if moved else "no statistics changed"
    # layers that start again may have had fresh statistics before
    is_declared = method.norm_mode == "fresh" or bool(moved) == (method.norm_mode == "train")
    require(is_declared, f"it declares norm_mode={method.norm_mode!r} and {change}")


def it_tells_what_it_is(method: Method) -> None:
    """Demand a label, a source, and a module docstring that describes it."""
    require(bool(method.label), "it needs a label")
    require(bool(method.source), "it needs a source")
    n = len(method.description)
    what = "its module's docstring must say what is trained, what data it needs, its source"
    require(n > LEAST_WORDS, f"{what}: at least {LEAST_WORDS + 1} characters, got {n}")
    cls = method.settings_class
    is_frozen = getattr(getattr(cls, "__dataclass_params__", None), "frozen", False)
    require(is_frozen and issubclass(cls, Settings), "its settings must be a frozen `Settings`")


def its_name_stands_in_its_file(method: Method) -> None:
    """Demand that its file can be found by its text, so that its runs name the code."""
    file = getsourcefile(method.run)
    text = Path(file).read_text(encoding="utf-8") if file else ""
    written = re.search(rf"^@register_method\(\s*[\"']{method.name}[\"']", text, re.MULTILINE)
    require(bool(written), "its name must stand as text in `@register_method(...)`")


def every_setting_has_a_default_and_a_hint_and_every_preset_is_valid(method: Method) -> None:
    """Demand that a form can be made of its settings."""
    method.settings_class()
    for f in fields(method.settings_class):
        require(bool(f.metadata.get("help")), f"its setting {f.name} needs a hint: `setting(...)`")
    for preset, given in method.presets.items():
        resolved = resolve_settings(method.name, preset=preset)
        wrong = [key for key, value in given.items() if getattr(resolved, key) != value]
        require(not wrong, f"its preset {preset!r} does not set {', '.join(wrong)}")
    plain = resolve_settings(method.name, preset="no such preset")
    require(plain == method.settings_class(), "a preset that it lacks must mean its defaults")


def a_wrong_setting_is_named(method: Method) -> None:
    """Demand that a setting of the wrong type, out of range or unknown is refused by its name."""
    _refused(method, "colour", 1, f"{method.name} has no setting 'colour'")
    for f in fields(method.settings_class):
        wrong = f"{method.name}.{f.name} must be of type"
        _refused(method, f.name, {"not": "a setting"}, wrong)
        for value in _out_of_range(method.settings_class, f.name, f.metadata):
            _refused(method, f.name, value, f.name)


def _out_of_range(cls: type[Settings], name: str, rules: Any) -> Iterable[Any]:
    kind = type(getattr(cls(), name))
    bad = [kind(0), kind(-1)] if rules["positive"] else []
    if rules["between"]:
        low, high = rules["between"]
        bad += [kind(low - 1), kind(high + 1)]
    if rules["choices"]:
        bad += ["nonsense"]
    if kind is float:
        bad += [math.nan]
    has_range = bool(rules["positive"] or rules["between"] or rules["choices"])
    is_number = kind in (int, float)
    require(has_range or not is_number, f"its setting {name} is a number and needs a range")
    return bad


def _refused(method: Method, name: str, value: Any, words: str) -> None:
    try:
        resolve_settings(method.name, {name: value})
    except ValueError as error:
        said = str(error)
        require(words in said, f"its setting {name}={value!r} must be refused by name, got: {said}")
    else:
        raise BrokenContractError(f"its setting {name} took {value!r}")


Check = Callable[[Method], None]
CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        it_tells_what_it_is,
        its_name_stands_in_its_file,
        every_setting_has_a_default_and_a_hint_and_every_preset_is_valid,
        a_wrong_setting_is_named,
        a_run_counts_its_steps_and_ends_with_a_finite_plain_model,
        losses_are_plain_finite_numbers,
        the_same_seed_gives_the_same_weights_bit_for_bit,
        the_retain_set_is_read_only_where_that_is_declared,
        one_forget_example_is_enough,
        all_but_one_class_can_be_forgotten,
        one_retained_example_is_enough,
        a_network_with_batch_normalisation_works_too,
        half_precision_ends_with_a_finite_model_of_full_precision_weights,
        it_trains_what_it_declares,
        batch_normalisation_runs_in_the_declared_mode,
    )
}


def broken_checks(method: Method) -> list[str]:
    """Return what a method does not keep to, one line each; empty if nothing."""
    lines = []
    for name, check in CHECKS.items():
        try:
            check(method)
        except BrokenContractError as error:
            lines.append(f"{name.replace('_', ' ')}: {error}")
        except Exception as error:  # whatever a method raises is told, and the next check runs
            first = (str(error).strip().splitlines() or [""])[0]
            lines.append(f"{name.replace('_', ' ')}: {type(error).__name__}: {first}")
    return lines
