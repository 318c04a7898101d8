"""The settings follow the machine, and a container's limits where they are lower."""

from pathlib import Path

import pytest

from marketable.postgres.machine import GIB, MIB, Machine, measure, settings


def machine(
    *, memory: int = 8 * GIB, cores: int = 4, disk: int = 100 * GIB, shared: int = 4 * GIB
) -> Machine:
    return Machine(memory_bytes=memory, core_count=cores, disk_bytes=disk, shared_bytes=shared)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_machine_itself_counts_without_limits(tmp_path: Path) -> None:
    found = measure(tmp_path, proc=tmp_path, cgroups=tmp_path)
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal:")
    )
    assert found.memory_bytes == total
    assert found.core_count >= 1
    assert found.disk_bytes > 0


def test_the_lowest_limit_of_all_groups_above_counts(tmp_path: Path) -> None:
    write(tmp_path / "self/cgroup", "0::/system.slice/marketable.service\n")
    groups = tmp_path / "cgroup"
    write(groups / "system.slice/marketable.service/memory.max", "max\n")
    write(groups / "system.slice/memory.max", f"{300 * MIB}\n")
    write(groups / "system.slice/marketable.service/cpu.max", "100000 100000\n")
    found = measure(tmp_path, proc=tmp_path, cgroups=groups)
    assert found.memory_bytes == 300 * MIB
    assert found.core_count == 1


def test_limits_of_the_first_version_of_control_groups_count(tmp_path: Path) -> None:
    write(tmp_path / "self/cgroup", "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n")
    groups = tmp_path / "cgroup"
    # In a container the group that /proc names is not there: only the container's own, as the root.
    write(groups / "memory/memory.limit_in_bytes", f"{512 * MIB}\n")
    write(groups / "cpu/cpu.cfs_quota_us", "50000\n")
    write(groups / "cpu/cpu.cfs_period_us", "100000\n")
    found = measure(tmp_path, proc=tmp_path, cgroups=groups)
    assert found.memory_bytes == 512 * MIB
    assert found.core_count == 1


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    write(tmp_path / "self/cgroup", "4:memory:/\n2:cpu:/\n0::/\n")
    groups = tmp_path / "cgroup"
    write(groups / "memory/memory.limit_in_bytes", "9223372036854771712\n")
    write(groups / "cpu/cpu.cfs_quota_us", "-1\n")
    write(groups / "cpu.max", "max 100000\n")
    bare = measure(tmp_path, proc=tmp_path / "nothing", cgroups=groups)
    assert measure(tmp_path, proc=tmp_path, cgroups=groups) == bare


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "work_mem"),
    [(256 * MIB, "51MB", "4MB"), (8 * GIB, "1638MB", "20MB"), (256 * GIB, "4096MB", "64MB")],
)
def test_memory_is_shared_with_the_web_server(
    memory: int, shared_buffers: str, work_mem: str
) -> None:
    chosen = settings(machine(memory=memory))
    assert (chosen["shared_buffers"], chosen["work_mem"]) == (shared_buffers, work_mem)


def test_a_single_core_runs_nothing_in_parallel() -> None:
    assert settings(machine(cores=1))["max_parallel_workers_per_gather"] == "0"
    assert settings(machine(cores=2))["max_parallel_workers_per_gather"] == "2"
    assert settings(machine(cores=32))["max_parallel_workers_per_gather"] == "4"


def test_a_small_disk_keeps_a_short_log() -> None:
    assert settings(machine(disk=4 * GIB))["max_wal_size"] == "204MB"
    assert settings(machine(disk=1000 * GIB))["max_wal_size"] == "8192MB"


def test_a_containers_small_shared_memory_is_not_used() -> None:
    assert settings(machine(shared=64 * MIB))["dynamic_shared_memory_type"] == "sysv"
    assert settings(machine(shared=4 * GIB))["dynamic_shared_memory_type"] == "posix"
