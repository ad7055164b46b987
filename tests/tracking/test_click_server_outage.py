"""The click server while PostgreSQL is away, slow or cut off: nothing that was answered is lost or doubled."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from config.env import embedded_database_url
from config.runtime.claims import make_data_folder, release, take_lock
from config.runtime.embedded import EmbeddedServers
from tests.factories import make_link
from tests.live import wait_for
from tests.tracking.click_servers import ClickServer, Line, click_server, database_url
from tracking.models import Click
from tracking.partitions import CREATE_TABLE

pytestmark = pytest.mark.django_db(transaction=True)

ONE = ("--processes", "1")


@pytest.fixture
def line(transactional_db) -> Iterator[Line]:
    line = Line()
    try:
        yield line
    finally:
        line.end()


@pytest.fixture
def code(transactional_db) -> str:
    return make_link(code=f"c{uuid.uuid4().hex}").code


def visit(server: ClickServer, code: str, times: int) -> list[uuid.UUID]:
    """The ids that so many visitors at once were answered with."""

    def one(_: int) -> uuid.UUID:
        answer = server.get(f"/r/{code}")
        assert answer.status == 302, server.log
        return answer.click_id

    with ThreadPoolExecutor(10) as visitors:
        return list(visitors.map(one, range(times)))


def committed() -> list[uuid.UUID]:
    return sorted(Click.objects.values_list("id", flat=True))


def files(server: ClickServer) -> list[str]:
    return sorted(path.name for path in server.spool.glob("clicks-*"))


def test_clicks_are_spooled_while_postgresql_is_away_and_replayed_once(line, code):
    with click_server(database_url(line.port)) as server:
        answered = visit(server, code, 20)
        line.cut()
        answered += visit(server, code, 60)
        wait_for(lambda: server.health()["spooling"])
        assert len(committed()) == 20
        assert files(server)
        assert server.get("/health/").status == 200
        assert server.get("/r/unknown").status == 503  # who knows
        assert server.get("/r/unknown").headers["retry-after"] == "2"

        line.mend()

        wait_for(lambda: len(committed()) == 80, told=lambda: server.log)
        wait_for(lambda: not files(server))
        wait_for(lambda: server.get("/r/unknown").status == 404)
        wait_for(lambda: server.health()["spooling"] is False)
        answered += visit(server, code, 20)
        assert committed() == sorted(answered)
        assert server.health()["spooled"] == 0
        assert "Replayed" in server.log


def test_postgresql_stops_and_starts_and_the_click_server_is_killed_in_between(code):
    with postgres_of_its_own() as (servers, url), click_server(url) as server:
        answered = visit(server, code, 20)
        servers.stop("postgres")
        answered += visit(server, code, 50)

        server.kill()
        [*spooled] = files(server)
        servers.start()
        server.start()

        wait_for(lambda: len(clicks_at(url)) == 70, told=lambda: server.log)
        wait_for(lambda: not files(server))
        answered += visit(server, code, 10)
        assert spooled
        assert clicks_at(url) == sorted(map(str, answered))


def test_what_a_killed_run_left_is_replayed_once_though_its_last_line_is_torn(line, code):
    with click_server(database_url(line.port), arguments=ONE) as server:
        line.cut()
        answered = visit(server, code, 30)
        server.kill()
        [name] = files(server)
        with open(server.spool / name, "a") as file:
            file.write('{"id": "0193')  # the power went while this was written: nobody was answered for it
        line.mend()
        server.arguments = ("--processes", "3")  # and none of them replays what another one does

        server.start()

        wait_for(lambda: not files(server), told=lambda: server.log)
        assert committed() == sorted(answered)
        assert (server.spool / "rejected.txt").read_text() == '{"id": "0193\n'


def test_a_replay_of_what_is_committed_already_changes_nothing(line, code):
    """Killed between the commit and the removal of the file."""
    with click_server(database_url(line.port), arguments=ONE) as server:
        line.cut()
        answered = visit(server, code, 5)
        server.kill()
        [name] = files(server)
        shutil.copy(server.spool / name, server.spool / f"again-{name}")
        line.mend()
        server.start()
        wait_for(lambda: not files(server))

        (server.spool / f"again-{name}").rename(server.spool / name)

        wait_for(lambda: not files(server))
        assert committed() == sorted(answered)


def test_a_commit_whose_answer_was_lost_is_one_row(line, code):
    with click_server(database_url(line.port), arguments=ONE) as server:
        for _ in range(5):
            line.swallow_next_commit = True
            answer = server.get(f"/r/{code}")
            assert answer.status == 302
            assert not line.swallow_next_commit

        assert Click.objects.count() == 5
        assert answer.click_id in committed()
        assert files(server) == []


def test_a_connection_that_is_cut_is_replaced_without_anybody_noticing(code):
    with click_server(database_url(), arguments=ONE) as server:
        for round_ in range(3):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = 'tributary clicks' AND datname = current_database()"
                )
            assert server.get(f"/r/{code}").status == 302
            wait_for(lambda done=round_ + 1: Click.objects.count() == done)
        new = make_link(code=f"n{uuid.uuid4().hex}")
        wait_for(lambda: server.get(f"/r/{new.code}").status == 302)


def test_visitors_do_not_wait_for_a_postgresql_that_hangs(line, code):
    with click_server(database_url(line.port), arguments=ONE) as server:
        answered = visit(server, code, 3)
        line.hang()

        answered += visit(server, code, 10)  # the first of them wait for some seconds, then the spool takes over
        assert server.health()["spooling"]
        assert len(committed()) == 3

        line.release()
        wait_for(lambda: len(committed()) == 13, told=lambda: server.log)
        wait_for(lambda: server.health()["spooling"] is False)
        assert committed() == sorted(answered)


def test_visitors_do_not_wait_for_a_table_that_is_locked(code):
    with click_server(database_url(), arguments=ONE) as server:
        other = psycopg2.connect(database_url())
        try:
            other.cursor().execute("LOCK TABLE tracking_click IN ACCESS EXCLUSIVE MODE")
            answered = visit(server, code, 10)
            assert server.health()["spooling"]
        finally:
            other.close()

        wait_for(lambda: len(committed()) == 10, told=lambda: server.log)
        assert committed() == sorted(answered)


def test_it_starts_without_postgresql_and_serves_once_that_is_there(line, code):
    line.cut()
    with click_server(database_url(line.port), wait=False, arguments=ONE) as server:
        wait_for(lambda: server.health().get("status") == "starting", told=lambda: server.log)
        assert server.get("/health/").status == 503
        assert server.get(f"/r/{code}").status == 503

        line.mend()

        wait_for(lambda: server.health()["status"] == "ok", told=lambda: server.log)
        answered = visit(server, code, 1)
        assert committed() == answered


def test_sigterm_answers_everything_in_hand(line, code):
    with click_server(database_url(line.port), arguments=("--processes", "2")) as server:
        line.hang()
        waiting = []
        for _ in range(20):
            visitor = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
            visitor.request("GET", f"/r/{code}")
            waiting.append(visitor)
        idle = server.connect()

        server.process.send_signal(signal.SIGTERM)

        answers = [visitor.getresponse() for visitor in waiting]
        assert {answer.status for answer in answers} == {302}
        assert {answer.getheader("connection") for answer in answers} == {"close"}
        assert idle.recv(10) == b""
        assert server.process.wait(10) == 0, server.log
        line.release()
        server.start()
        wait_for(lambda: len(committed()) == 20, told=lambda: server.log)
        wait_for(lambda: not files(server))


def test_sigterm_to_the_whole_group_and_a_killed_parent_leave_nobody_behind(code):
    with click_server(database_url()) as server:
        visit(server, code, 3)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()

        wait_for(lambda: not server.health())  # its processes were told
        assert server.start().stop() == 0


def test_a_process_that_dies_takes_the_others_with_it_for_the_supervisor_to_see(code):
    with click_server(database_url(), arguments=("--processes", "2")) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()

        os.kill(int(children[0]), signal.SIGKILL)

        assert server.process.wait(10) == 1
        assert "ended by itself" in server.log


def test_a_click_that_no_disk_takes_is_not_answered_as_if_it_were(line, code):
    with click_server(database_url(line.port), arguments=ONE, largest_file=4000) as server:
        line.cut()
        answered = []
        for _ in range(12):  # each takes a third of a kilobyte and more; each refusal is in the log
            answer = server.get(f"/r/{code}")
            if answer.status == 503:
                assert answer.headers["retry-after"] == "2"
                break
            answered.append(answer.click_id)
        else:
            pytest.fail("the disk was never full")
        assert answered

        line.mend()

        wait_for(lambda: len(committed()) >= len(answered), told=lambda: server.log)
        wait_for(lambda: not files(server))
        assert committed() == sorted(answered)
        assert not (server.spool / "rejected.txt").exists()


def test_a_spooled_row_that_postgresql_never_takes_is_set_aside(line, code):
    with click_server(database_url(line.port), arguments=ONE) as server:
        line.cut()
        answered = visit(server, code, 5)
        server.kill()
        [name] = files(server)
        lines = (server.spool / name).read_text().splitlines()
        bad = json.dumps(json.loads(lines[0]) | {"id": str(uuid.uuid4()), "visitor": 2**70})
        (server.spool / name).write_text("\n".join([*lines[:2], bad, *lines[2:]]) + "\n")
        line.mend()

        server.start()

        wait_for(lambda: not files(server), told=lambda: server.log)
        assert committed() == sorted(answered)
        [aside] = (server.spool / "rejected.txt").read_text().splitlines()
        assert json.loads(aside)["visitor"] == 2**70


@contextmanager
def postgres_of_its_own() -> Iterator[tuple[EmbeddedServers, str]]:
    """A PostgreSQL that a test may stop, with copies of the tables that the click server reads and of what is in them."""
    data = Path(tempfile.mkdtemp(prefix="trb-own-", dir="/tmp"))
    make_data_folder(data)
    lock = take_lock(data, "command")
    assert lock is not None
    servers = EmbeddedServers(data, valkey=False, durable=False, lock=lock)
    try:
        servers.start()
        copy_tables(embedded_database_url(data))
        yield servers, embedded_database_url(data)
    finally:
        servers.stop()
        release(lock)
        shutil.rmtree(data)


def copy_tables(url: str) -> None:
    other = psycopg2.connect(url)
    with connection.cursor() as ours, other, other.cursor() as theirs:
        theirs.execute(CREATE_TABLE)
        for table in ("tracking_link", "programs_offer", "programs_program", "affiliates_enrollment"):
            ours.execute(
                "SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)"
                " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [table],
            )
            theirs.execute(f"CREATE TABLE {table} ({ours.fetchone()[0]})")
            ours.execute(f"SELECT * FROM {table}")
            for row in ours.fetchall():
                theirs.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)
    other.close()


def clicks_at(url: str) -> list[str]:
    other = psycopg2.connect(url)
    with other, other.cursor() as cursor:
        cursor.execute("SELECT id::text FROM tracking_click ORDER BY id")
        ids = [row[0] for row in cursor.fetchall()]
    other.close()
    return ids
