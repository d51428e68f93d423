"""How many cores this process may use: of the machine, of its affinity, of what a container allows."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/proc/self/cgroup")
_CGROUPS: Final = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """At least 1; a container that may use 1.5 cores has 2.

    Linux knows an affinity of processes (sched_setaffinity(2)) and quotas of control groups: cpu.max of version 2,
    cpu.cfs_quota_us and cpu.cfs_period_us of version 1. A quota that is overdrawn halts all threads of a process, so
    that more threads than cores make it slower.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, quotas(_CGROUP, _CGROUPS))]))


def quotas(own: Path, mounted: Path) -> Iterator[float]:
    """Cores that each control group of a process allows, its own and those above it; nothing where none limits it.

    Args:
        own: Lists the process's groups, as /proc/self/cgroup.
        mounted: Where the groups are, as /sys/fs/cgroup.
    """
    try:
        groups = [line.split(":", 2)[1:] for line in own.read_text(encoding="utf-8").splitlines()]
    except OSError:  # another system than Linux
        return
    for controllers, name in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = mounted / controllers if controllers else mounted
        inner = Path(name.lstrip("/"))
        for group in (inner, *inner.parents):  # inside of a container its own group is mounted as the topmost
            quota, period = _limit(top / group, version=1 if controllers else 2)
            if quota > 0 and period > 0:
                yield quota / period


def _limit(group: Path, version: int) -> tuple[float, float]:
    """Quota and period, us; a quota of 0 or less is none."""
    names = ("cpu.max",) if version == 2 else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    try:
        words = [word for name in names for word in (group / name).read_text(encoding="utf-8").split()]
        quota, period = (0.0 if word == "max" else float(word) for word in words)
    except (OSError, ValueError):  # no such group here, or it limits nothing
        return 0.0, 0.0
    return quota, period
