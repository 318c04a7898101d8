"""The size of this machine, and the server settings that fit it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB
SHARED = Path("/dev/shm")  # noqa: S108 (only measured)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the server may count on; a container's limits where they are lower."""

    memory_bytes: int
    core_count: int
    disk_bytes: int
    shared_bytes: int  # of /dev/shm


def measure(
    folder: Path, *, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")
) -> Machine:
    """Return the size of the machine, with the disk that `folder` lies on."""
    memory = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in (
        *_limits("memory.max", "", proc, cgroups),
        *_limits("memory.limit_in_bytes", "memory", proc, cgroups),
    ):
        text = file.read_text().strip()
        if text != "max":
            memory.append(int(text))
    cores = [float(len(os.sched_getaffinity(0)))]
    for file in _limits("cpu.max", "", proc, cgroups):
        quota, period = file.read_text().split()
        if quota != "max":
            cores.append(int(quota) / int(period))
    for file in _limits("cpu.cfs_quota_us", "cpu", proc, cgroups):
        quota_us = int(file.read_text())
        if quota_us > 0:
            cores.append(quota_us / int(file.with_name("cpu.cfs_period_us").read_text()))
    disk, shared = os.statvfs(folder), os.statvfs(SHARED)
    return Machine(
        memory_bytes=min(memory),
        core_count=max(1, round(min(cores))),
        disk_bytes=disk.f_blocks * disk.f_frsize,
        shared_bytes=shared.f_blocks * shared.f_frsize,
    )


def settings(machine: Machine) -> dict[str, str]:
    """Return the settings that depend on the machine.

    The web server and the worker live on the same machine, so the server takes a fifth of the
    memory for itself. More than 4 GiB makes each start slower (measured: 16 ms with 128 MiB, 70 ms
    with 4 GiB) and gains little over the system's own file cache.
    """
    memory, cores = machine.memory_bytes, machine.core_count
    per_query = min(cores, max(2, cores // 2), 4)
    return {
        "shared_buffers": _mib(memory // 5, at_least=32, at_most=4096),
        "effective_cache_size": _mib(memory * 3 // 5, at_least=64, at_most=1024 * 1024),
        "work_mem": _mib(memory // 400, at_least=4, at_most=64),
        "maintenance_work_mem": _mib(memory // 16, at_least=32, at_most=1024),
        "autovacuum_work_mem": _mib(memory // 32, at_least=16, at_most=512),
        "max_wal_size": _mib(machine.disk_bytes // 20, at_least=128, at_most=8192),
        # Parallel queries meet in /dev/shm, of which a container has 64 MB unless told otherwise.
        "dynamic_shared_memory_type": "posix" if machine.shared_bytes >= GIB // 2 else "sysv",
        "max_worker_processes": str(cores + 4),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(per_query if cores > 1 else 0),
        "max_parallel_maintenance_workers": str(per_query if cores > 1 else 0),
    }


def _mib(size: int, *, at_least: int, at_most: int) -> str:
    return f"{min(max(size // MIB, at_least), at_most)}MB"


def _limits(name: str, controller: str, proc: Path, cgroups: Path) -> Iterator[Path]:
    """Yield the files of this process's control group and of every group above it.

    controller  "" for version 2 of control groups, else the name of one of version 1

    In a container the group named by /proc may not be visible; then the root of what is visible is
    the container's own group, and is among those above.
    """
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        for above in (Path(group), *Path(group).parents):
            file = cgroups / controller / str(above).lstrip("/") / name
            if file.is_file():
                yield file
