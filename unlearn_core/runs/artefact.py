"""Read a finished run: its manifest, arrays, tables and, with torch, its weights."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.metrics.base import Cost
from unlearn_core.records import Records, TokenRecords, softmax

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_core.runs.manifest import Environment, FileEntry, Manifest, MapFacts

MANIFEST = "manifest.json"
MODEL = "model.safetensors"
ADAPTER = "adapter.safetensors"
TOKENIZER = "tokenizer.json"
ARRAYS = "arrays.safetensors"
TRIGGERED = "triggered.safetensors"
HISTORY = "history.parquet"
REFILLING = "refilling.parquet"  # of a relearning: the map after each number of images shown
METRICS = "metrics.json"
LOG = "log.txt"
LOSS_PREFIX, PROBE_PREFIX = "loss/", "probe/"  # of the columns of `HISTORY`
COMPRESSED = ".zst"
PREDICTIONS_KEPT = 32  # runs; a few megabytes each at 60,000 examples, as features are left out
MOST_VERIFIED = 20_000  # files
NO_CLASS = -1
JUST_WRITTEN_NS = 100_000_000  # a file this new may change again without another time

Mark = tuple[int, ...]
_verified: set[tuple[Mark, str]] = set()


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """A model's predictions and probabilities for the recorded examples. Shared: do not change it.

    Attributes
    ----------
    example_ids, labels, predictions : int64 ndarray of shape (n_examples,)
        The prediction is `NO_CLASS` where a language model answers with tokens.
    probabilities : float64 ndarray of shape (n_examples, n_classes)
        Of a language model there are no columns.
    tokens : TokenRecords, optional
        What a language model answers.
    """

    example_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    tokens: TokenRecords | None = None

    @property
    def sureness(self) -> NDArray[np.float64]:
        """Probability of each answer, shape (n_examples,): of the class that is answered.

        Of a text the geometric mean of its tokens', which is one over its perplexity.
        """
        if self.tokens is not None:
            return np.exp(-self.tokens.text_losses)
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def of_label(self) -> NDArray[np.float64]:
        """Probability of each right answer, shape (n_examples,); of a text as `sureness`."""
        if self.tokens is not None:
            return self.sureness
        return np.asarray(self.probabilities[np.arange(len(self.labels)), self.labels])


def steps_file(map_file: str) -> str:
    """Return the name of the table of a map's steps, which stands beside the map's."""
    return map_file.replace(".parquet", "-steps.parquet")


class RunNotFoundError(InputError, LookupError):
    """There is no finished run of this key."""


class CorruptRunError(KnownFailureError):
    """A file of a finished run is missing or is not what was written; the message names it.

    Attributes
    ----------
    key : str
        The run's; "" where it is not known.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key

    def __reduce__(self) -> tuple[type[CorruptRunError], tuple[str, str]]:
        """Keep the key where the error comes from another process."""
        return type(self), (str(self), self.key)


class OtherVersionError(CorruptRunError):
    """Another version of the program wrote the run; this one cannot read it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunArtefact:
    """One finished run: its config and manifest, and its files on demand.

    Every read checks the file against the size and SHA-256 in the manifest.
    """

    folder: Path
    config: RunConfig
    manifest: Manifest

    @property
    def key(self) -> str:
        """Name of the run's folder."""
        return self.folder.name

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings that the method ran with, defaults included."""
        return self.manifest["settings"]

    @property
    def unusual(self) -> Mapping[str, Any]:
        """The settings that differ from those that the method usually has on such a request."""
        return self.manifest.get("changed", {})

    @property
    def label(self) -> str:
        """Name in tables: the method's label and its unusual settings."""
        unusual = ", ".join(f"{name}={value}" for name, value in self.unusual.items())
        name = self.manifest.get("label", self.config.method)
        return f"{name} ({unusual})" if unusual else name

    @property
    def map_facts(self) -> MapFacts:
        """What is known of the run's map: its `file`, or the `reason` for its absence."""
        maps = self.manifest.get("maps")
        return maps[0] if maps else {"file": None, "reason": "no map was made of it"}

    @property
    def cost(self) -> Cost:
        """What making the model cost, in its own loop only."""
        return Cost(
            seconds=self.manifest["seconds"],
            steps=self.manifest["steps"],
            samples_seen=self.manifest["samples_seen"],
            trainable_parameters=self.manifest["trainable_parameters"],
            peak_memory_bytes=self.manifest["peak_memory_bytes"],
        )

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes where only the data's own files tell them; else none."""
        return self.manifest.get("class_names", ())

    @property
    def total_seconds(self) -> float:
        """Time that making the run took, with probes, metrics and maps."""
        return self.manifest["total_seconds"]

    @property
    def created(self) -> float:
        """When making the run began, in seconds since 1970."""
        return self.manifest["created"]

    @property
    def environment(self) -> Environment:
        """Where the run was made: versions, device, commit."""
        return self.manifest["environment"]

    def origin(self) -> dict[str, Any]:
        """Return what is needed to repeat the run elsewhere, as JSON types.

        `config` with every setting written out, `environment` and `data_content`.
        """
        return {
            "config": {**self.config.to_dict(), "settings": dict(self.settings)},
            "environment": self.environment,
            "data_content": self.manifest["data_content"],
        }

    @property
    def made_by(self) -> Mapping[str, str] | None:
        """Hashes of the sources that made the run; see `runs.provenance`."""
        return self.environment.get("code")

    @property
    def files(self) -> Mapping[str, FileEntry]:
        """Size and SHA-256 of each file, by name."""
        return self.manifest["files"]

    def has(self, name: str) -> bool:
        """Say whether the run holds this file; a shipped demo run leaves some out."""
        return name in self.files or name + COMPRESSED in self.files

    def records(self) -> Records:
        """Return ids, labels, logits and features of all recorded examples."""
        return Records.from_arrays(self.arrays(ARRAYS))

    def predictions(self) -> Predictions:
        """Return labels, predicted classes and probabilities of the recorded examples.

        They are read once a process, and again when the file that holds them changes.
        """
        name = ARRAYS if ARRAYS in self.files else ARRAYS + COMPRESSED
        if name not in self.files:
            raise self._corrupt(f"The run {self.key} holds no {ARRAYS}.")
        return _predictions(_Source(self), self._mark(name), self.files[name]["sha256"])

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of one safetensors file."""
        try:
            arrays: dict[str, NDArray[Any]] = load_arrays(self.read(name))
        except SafetensorError as error:
            raise self._corrupt(f"{self.folder / name} is not a safetensors file.") from error
        return arrays

    def table(self, name: str) -> pd.DataFrame:
        """Return one parquet table; half precision, as in shipped runs, becomes single."""
        table = pd.read_parquet(io.BytesIO(self.read(name)))
        halves = table.select_dtypes(np.float16).columns
        return table.astype(dict.fromkeys(halves, np.float32))

    def history(self) -> pd.DataFrame:
        """Return the losses of every step and, at probe steps, the probes' values."""
        return self.table(HISTORY)

    def metrics(self) -> dict[str, Any]:
        """Return `values`, `reasons` and `layers`, as the pipeline measured them."""
        if not self.has(METRICS):
            return {"values": {}, "reasons": {}, "layers": []}
        try:
            content: dict[str, Any] = json.loads(self.read(METRICS))
        except CorruptRunError:
            now = self._as_it_is_now()
            if now.manifest == self.manifest:
                raise
            content = json.loads(now.read(METRICS))  # they were measured again meanwhile
        return content

    def _as_it_is_now(self) -> RunArtefact:
        from unlearn_core.runs.manifest import read_manifest

        return replace(self, manifest=read_manifest(self.folder / MANIFEST))

    def projections(self) -> list[str]:
        """Return the names of the run's maps."""
        return sorted(name for name in self.files if name.startswith("projection-"))

    @property
    def steps_file(self) -> str | None:
        """Name of the table of the map during unlearning; None where none was kept."""
        name = steps_file(self.map_facts.get("file") or "")
        return name if self.has(name) else None

    def frames(self) -> dict[int, NDArray[np.float32]]:
        """Return the tracked examples' features (n_tracked, n_features) by step."""
        names = sorted(name for name in self.files if name.startswith("frames/"))
        return {int(Path(name).stem): self.arrays(name)["features"] for name in names}

    def weights(self) -> dict[str, Tensor]:
        """Return the model's state dict."""
        from safetensors.torch import load

        return load(self.read(MODEL))

    def read(self, name: str, *, fresh: bool = False) -> bytes:
        """Return a file's bytes, decompressed where it is kept so.

        They are hashed when this process first reads the file, and again after it was written to;
        every time if `fresh`.

        Raises
        ------
        CorruptRunError
            If the file is missing, or its size or content differs from the manifest.
        """
        if name + COMPRESSED in self.files:
            stream = pa.BufferReader(self.read(name + COMPRESSED, fresh=fresh))
            content: bytes = pa.CompressedInputStream(stream, "zstd").read()
            return content
        if name not in self.files:
            raise self._corrupt(f"The run {self.key} holds no {name}.")
        expected, path = self.files[name], self.folder / name
        mark = self._mark(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise self._corrupt(f"{path} is missing.") from None
        except OSError as error:
            raise self._corrupt(f"{path} cannot be read: {error.strerror}.") from error
        if len(content) != expected["bytes"]:
            has = f"has {len(content)} bytes, the manifest says {expected['bytes']}"
            raise self._corrupt(f"{path} {has}.")
        known = mark, expected["sha256"]
        if fresh or known not in _verified:
            if hashlib.sha256(content).hexdigest() != expected["sha256"]:
                raise self._corrupt(f"{path} has changed since it was written.")
            _remember(known)
        return content

    def require_whole(self) -> None:
        """Raise `CorruptRunError` unless every file is what was written.

        Files that this process has hashed, and that bear the same time since, are not read again.
        """
        for name, entry in self.files.items():
            if (self._mark(name), entry["sha256"]) not in _verified:
                self.read(name)

    def _mark(self, name: str) -> Mark:
        """Return device, number, time and size of a file, which change with it; () if missing."""
        try:
            stat = (self.folder / name).stat()
        except OSError:
            return ()
        return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _corrupt(self, message: str) -> CorruptRunError:
        return CorruptRunError(message, self.key)


class _Source:
    """A run as `_predictions`' source: equal to any other, as the file's mark and hash decide."""

    def __init__(self, run: RunArtefact) -> None:
        self.run: RunArtefact | None = run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=PREDICTIONS_KEPT)
def _predictions(source: _Source, mark: Mark, sha256: str) -> Predictions:  # noqa: ARG001
    run, source.run = source.run, None  # the cache keeps its arguments
    assert run is not None
    return predictions_of(run.records())


def predictions_of(records: Records) -> Predictions:
    """Return what recorded outputs say; a language model says no class."""
    of_classes = records.tokens is None
    return Predictions(
        example_ids=records.example_ids,
        labels=records.labels,
        predictions=records.predictions if of_classes else np.full(len(records), NO_CLASS),
        probabilities=softmax(records.logits) if of_classes else np.zeros((len(records), 0)),
        tokens=records.tokens,
    )


def _remember(known: tuple[Mark, str]) -> None:
    """Note that a file was hashed, unless it is so new that its time would not tell a change."""
    mark = known[0]
    if not mark or time.time_ns() - mark[2] < JUST_WRITTEN_NS:
        return
    if len(_verified) >= MOST_VERIFIED:
        _verified.clear()
    _verified.add(known)
