"""Turn errors into what a person is told: one line, with a traceback for faults of the program.

Three kinds end a run.  Bad input (`InputError`) and a known failure (`KnownFailureError`, such as
a full disk or a loss that diverged) say all there is to say in one line.  Everything else is a
fault of the program, and is shown with its traceback.
"""

from __future__ import annotations

import errno
import re
import traceback
from pathlib import Path

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.machine import free_bytes, in_gigabytes, memory_limit

MISTAKEN = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""What the system says of a path that the program itself got wrong."""

NO_MEMORY = (  # messages of torch, CUDA's and the C++ library, the dynamic loader, threads
    "DefaultCPUAllocator: can't allocate memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
    "failed to map segment from shared object",
    "can't start new thread",
)
UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
UNITS |= {"PiB": 2**50, "EiB": 2**60}
WANTED = re.compile(r"(?:tried|unable) to allocate ([\d.]+) (\w+)", re.IGNORECASE)
GPU = re.compile(r"total capacity of ([\d.]+) (\w+)")


class DiskError(KnownFailureError):
    """The disk is full or may not be written; the message names it."""


class NoMemoryError(KnownFailureError):
    """There was not enough memory; the message says how much was wanted and how much there is."""


def named(error: Exception, folder: Path, stage: str = "") -> Exception:
    """Translate errors of a full disk or memory into one that says so; return others as they are.

    Parameters
    ----------
    error : Exception
    folder : Path
        Where was written, if the error does not say.
    stage : str
        What was being done, as in `Status.stage`.
    """
    if isinstance(error, InputError | KnownFailureError):
        return error
    if _is_out_of_memory(error):
        return NoMemoryError(_memory_line(error, stage))
    if isinstance(error, OSError) and not isinstance(error, MISTAKEN):
        return DiskError(_disk_line(error, folder))
    return error


def is_fault(error: BaseException) -> bool:
    """Say whether an error, as `named` returns it, is a fault of the program."""
    return not isinstance(error, InputError | KnownFailureError)


def line(error: BaseException) -> str:
    """Return an error as one line for a person."""
    text = " ".join(str(error).splitlines())
    if not is_fault(error):
        return text
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind


def message(error: BaseException) -> str:
    """Return the line that a run's status keeps."""
    note = " (a fault of this program; the log has the traceback)"
    return line(error) + (note if is_fault(error) else "")


def details(error: BaseException) -> str:
    """Return what a run's log keeps: the traceback of a fault, the line of any other error."""
    if not is_fault(error):
        return line(error)
    return "".join(traceback.format_exception(error)).rstrip()


def report(error: BaseException, what: str) -> str:
    """Return what the command line prints: one line that begins with `what`.

    A fault's traceback comes before it.
    """
    if not is_fault(error):
        return f"{what}: {line(error)}"
    return f"{details(error)}\n{what}: {line(error)} (a fault of this program)"


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    is_suspect = isinstance(error, RuntimeError | ImportError)
    return is_suspect and any(text in str(error) for text in NO_MEMORY)


def _memory_line(error: Exception, stage: str) -> str:
    where = f"Out of memory at the stage {stage!r}" if stage else "Out of memory"
    wanted = _size(WANTED, error)
    tried = f"it tried to take {wanted} at once" if wanted else "it does not say how much it needs"
    gpu = _size(GPU, error)
    memory = f"this GPU has {gpu} of memory" if gpu else memory_limit()[1]
    return f"{where}: {tried}, and {memory}."


def _size(pattern: re.Pattern[str], error: Exception) -> str:
    size = pattern.search(str(error))
    if size is None or size[2] not in UNITS:
        return ""
    return in_gigabytes(float(size[1]) * UNITS[size[2]])


def _disk_line(error: OSError, folder: Path) -> str:
    named_file = Path(str(error.filename)) if error.filename else folder
    disk = folder if named_file.is_relative_to(folder) else named_file
    if error.errno == errno.ENOSPC:
        return f"No space left on the disk of {disk}: {in_gigabytes(free_bytes(disk))} free."
    if error.errno == errno.EDQUOT:
        return f"Your quota on the disk of {disk} is used up."
    if error.errno == errno.EROFS:
        return f"The disk of {disk} can only be read."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{named_file} may not be written or read: {error.strerror}."
    if error.errno == errno.EFBIG:
        return f"A file in {disk} became larger than this process may write (ulimit -f)."
    return " ".join(str(error).splitlines())
