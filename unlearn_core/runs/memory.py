"""The most memory that was in use while a method ran."""

from __future__ import annotations

from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): sets the peak resident size to the present one
KIBIBYTE = 1024


class PeakMemory:
    """Counts from when it is made: what tensors take on a GPU, or the process on a CPU."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.counts = True
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            CLEAR.write_text(RESET_PEAK)
        except OSError:  # not Linux, or not allowed; an earlier peak would be told as this one
            self.counts = False

    def bytes(self) -> int | None:
        """Return the peak so far in bytes; None where the system does not tell."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        if not self.counts:
            return None
        lines = STATUS.read_text().splitlines()
        [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(peak) * KIBIBYTE
