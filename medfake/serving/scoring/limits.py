"""How much a scoring process takes before it is ended."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1 << 20


@dataclass(frozen=True)
class ScoringLimits:
    """How much of a job is taken.

    Attributes:
        expanded_bytes: Of the decoded slices of one job, and of any one file that is written.
        slice_pixels: Of one slice.
        file_s: For one file to be read, or a few slices to be scored.
        job_s: For one job.
        worker_memory_bytes: Of one scoring process (RLIMIT_DATA). The built-in detector took 0.7 GB for 200 slices of
            512 x 512, 1.0 GB for 1024 x 1024, 2.7 GB for 2048 x 2048.
        deaths: Of scoring processes in one job.
    """

    expanded_bytes: int = 8192 * MIB
    slice_pixels: int = 4096 * 4096
    file_s: float = 60.0
    job_s: float = 7200.0
    worker_memory_bytes: int = 4096 * MIB
    deaths: int = 20
