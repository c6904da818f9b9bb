"""What a person is told of an error: what the machine lacks is named, a fault has a traceback."""

import errno
import os
import resource
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch

from unlearn_core import machine
from unlearn_core.checks import InputError
from unlearn_core.runs import faults
from unlearn_core.training import DivergedError

ROOT = Path(__file__).resolve().parents[2]
TORCH_CPU = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 1610000000 bytes. Error code 12 (Cannot allocate memory)"
)
TORCH_GPU = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 80.00 GiB "
    "of which 1.00 GiB is free."
)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def eight_gigabytes(monkeypatch):
    sentence = "this machine has 8.00 GB of memory"
    monkeypatch.setattr(faults, "memory_limit", lambda: (8e9, sentence))
    return sentence


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError(TORCH_CPU), "it tried to take 1.61 GB at once, and this machine has 8.00 GB"),
        (torch.OutOfMemoryError(TORCH_GPU), "21.47 GB at once, and this GPU has 85.90 GB"),
        (MemoryError(), "it does not say how much it needs, and this machine has 8.00 GB"),
        (MemoryError("Unable to allocate 1.50 GiB for an array"), "1.61 GB at once"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "it does not say"),
        (ImportError("x.so: failed to map segment from shared object"), "it does not say"),
    ],
)
@pytest.mark.usefixtures("eight_gigabytes")
def test_a_lack_of_memory_says_what_was_wanted_when_and_what_there_is(error, expected):
    known = faults.named(error, Path("/x"), "map")
    assert not faults.is_fault(known)
    assert faults.line(known).startswith("Out of memory at the stage 'map': ")
    assert expected in faults.line(known)


def test_numpys_own_words_are_understood():
    with pytest.raises(MemoryError) as caught:
        np.empty((2**50,), dtype=np.float64)
    assert "it tried to take 9,007,199.25 GB at once" in str(faults.named(caught.value, Path("/x")))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "No space left on the disk of {}: 0.3 MB free."),
        (errno.EDQUOT, "Your quota on the disk of {} is used up."),
        (errno.EROFS, "The disk of {} can only be read."),
        (errno.EFBIG, "A file in {} became larger than this process may write (ulimit -f)."),
        (errno.EACCES, "{}/work/a may not be written or read: Permission denied."),
    ],
)
def test_a_disk_that_cannot_be_written_is_named(tmp_path, monkeypatch, number, expected):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(1, 1, 300_000))
    cache = tmp_path / "cache"
    known = faults.named(OSError(number, os.strerror(number), str(cache / "work" / "a")), cache)
    assert faults.line(known) == expected.format(cache)
    assert not faults.is_fault(known)


def test_another_disk_than_the_caches_is_named_where_it_is_meant(tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device", "/elsewhere/out.json")
    assert "the disk of /elsewhere/out.json" in str(faults.named(error, tmp_path))


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("x"), FileNotFoundError(2, "No such file", "x")]
)
def test_everything_else_is_a_fault_with_a_traceback(error):
    try:
        raise error
    except Exception as raised:
        known = faults.named(raised, Path("/x"))
    assert known is error
    assert faults.message(known).startswith(type(error).__name__)
    assert faults.message(known).endswith("(a fault of this program; the log has the traceback)")
    assert faults.details(known).startswith("Traceback (most recent call last)")
    assert (
        faults.report(known, "error").splitlines()[-1].startswith(f"error: {type(error).__name__}")
    )


@pytest.mark.parametrize("error", [InputError("a\nb"), DivergedError("a\nb")])
def test_what_a_person_can_act_on_is_one_line(error):
    known = faults.named(error, Path("/x"))
    assert known is error
    assert faults.message(known) == faults.details(known) == "a b"


def test_the_smallest_limit_of_memory_counts(tmp_path, monkeypatch):
    container = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "CONTAINER_LIMIT", container)
    container.write_text("max\n")
    assert machine.memory_limit()[0] == machine.memory_bytes() > 1e8
    container.write_text("50000000\n")
    assert machine.memory_limit() == (5e7, "this container may take 50.0 MB of memory")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_a_command_without_memory_is_one_line_and_exit_code_1(tmp_path):
    """The network fits, by what its weights take; training it does not."""
    command = ["-m", "unlearn_core", "compare", "--forget-class", "3", "--methods", "retrain"]
    options = ["--width", "256", "--epochs", "1", "--train-examples", "200", "--device", "cpu"]
    limit = 5_500_000_000
    done = subprocess.run(
        [sys.executable, *command, *options, "--quiet"],
        cwd=ROOT,
        env={**os.environ, "UNLEARN_CACHE": str(tmp_path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1
    assert lines[0].startswith("error: Out of memory at the stage ")
    assert "it tried to take " in lines[0]
    assert "this process may take 5.50 GB of memory (ulimit -v)" in lines[0]
