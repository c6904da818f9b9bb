"""What this machine has: memory, disk, fast half precision, and where the program's files lie."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from itertools import takewhile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
GPUS = (Path("/proc/driver/nvidia/gpus"), Path("/dev/nvidia0"))  # a sandbox shows one of them
CPU_FACTS = Path("/proc/cpuinfo")
BF16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}  # Intel and AMD, Intel, ARM
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")  # Linux, control groups version 2


def memory_bytes() -> float:
    """Return the memory that this process may take; infinity where the system does not tell."""
    return memory_limit()[0]


def memory_limit() -> tuple[float, str]:
    """Return the memory that this process may take in bytes, and a sentence that says why."""
    limits = [
        (_machine(), "this machine has {} of memory"),
        (_container(), "this container may take {} of memory"),
        (_process(), "this process may take {} of memory (ulimit -v)"),
    ]
    limit, sentence = min(limits, key=lambda entry: entry[0])
    if limit == float("inf"):
        return limit, "this machine does not tell how much memory it has"
    return limit, sentence.format(in_gigabytes(limit))


def in_gigabytes(n_bytes: float) -> str:
    """Return a size as a person reads it.

    Examples
    --------
    >>> in_gigabytes(1_610_000_000), in_gigabytes(300_000)
    ('1.61 GB', '0.3 MB')
    """
    return f"{n_bytes / 1e9:,.2f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"


def free_bytes(folder: Path) -> int:
    """Return the room on the disk of a folder, which need not exist yet."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free


def has_gpu() -> bool:
    """Say whether torch can use a GPU here, without loading torch.

    The driver shows one, it is not hidden from this process, and torch was not built without CUDA.
    """
    is_there = any(path.exists() for path in GPUS)
    return is_there and visible_gpus() != [] and not metadata.version("torch").endswith("+cpu")


def visible_gpus() -> list[str] | None:
    """Return the GPUs that `CUDA_VISIBLE_DEVICES` leaves to this process; None for all there are.

    As CUDA reads it: what follows a name that cannot be, such as -1, does not count.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    names = (name.strip() for name in named.split(","))
    return list(takewhile(lambda name: name and not name.startswith("-"), names))


def has_fast_bf16(device: str = "auto") -> bool:
    """Say whether bfloat16 is computed in hardware here: on a GPU, or by the processor.

    `device` is where is computed: "auto" (a GPU where there is one), "cpu" or "cuda".
    """
    if device == "cuda" or (device == "auto" and has_gpu()):
        return True
    try:
        flags = CPU_FACTS.read_text(encoding="ascii", errors="ignore").split()
    except OSError:  # not Linux
        return False
    return not BF16_INSTRUCTIONS.isdisjoint(flags)


def _machine() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _container() -> float:
    try:
        return float(CONTAINER_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max": without a limit
        return float("inf")


def _process() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else float(limit)


def default_root() -> Path:
    """Return the store's folder: `UNLEARN_CACHE`, or `cache/` in the project.

    An installed copy has no project around it and keeps its runs beside the user's data sets.
    """
    is_project = (PROJECT / "pyproject.toml").is_file()
    default = PROJECT / "cache" if is_project else Path.home() / ".cache" / "unlearn" / "runs"
    return Path(os.environ.get("UNLEARN_CACHE") or default).resolve()
