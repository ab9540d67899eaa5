"""Jobs are done by processes of their own, kept in a book, stopped for real, and taken up again after a restart."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from api.jobs.book import Book
from api.jobs.catalog import Process
from api.jobs.envelope import Wanted, seal
from api.jobs.errors import BusyError, JobFailedError, NoSuchJobError, NotReadyError
from api.jobs.office import Office, open_office
from api.jobs.record import Job, now
from api.jobs.serving import Serving, read_serving
from api.jobs.sqlite_book import open_book
from api.settings import Settings
from spatial.errors import InputError

LONG_S = 60.0
NAMES = ("echo", "endless", "infeasible", "broken", "deadly", "greedy")
PROCESSES = {
    name: Process(name, name, "", BaseModel, {"words": ("Words", {})}, f"tests.api.job_work:{name}") for name in NAMES
}


@contextmanager
def office_of(book: Book | None = None, **settings: Any) -> Iterator[Office]:
    serving = Serving(None, None, Settings(**{"job_workers": 1, "job_memory_max": 0, **settings}))
    office = open_office(book or open_book(None), serving, PROCESSES)
    try:
        yield office
    finally:
        office.close()


def send(office: Office, process: str, words: str = "hello", *, waited: bool = False) -> str:
    return office.submit(process, seal(orjson.dumps({"inputs": {"words": words}}), Wanted()), waited=waited).job_id


def end_of(office: Office, job_id: str) -> Job:
    job = asyncio.run(office.wait(job_id, LONG_S))
    assert job.done, f"not finished after {LONG_S} s"
    return job


def wait_for(office: Office, job_id: str, found: Callable[[], Any]) -> Any:
    """Return what is found once it is, looked for whenever something happens to the job."""

    async def look() -> Any:
        with office.bell.listening(job_id) as rung:
            while not (what := found()):
                await asyncio.wait_for(rung.wait(), LONG_S)
                rung.clear()
            return what

    return asyncio.run(look())


def pid_of(office: Office, job_id: str, *, turn: int = 1) -> int:
    """Return the process in which an endless job runs, once it runs; the second one for its second turn."""

    def found() -> list[int]:
        told = [orjson.loads(one.data)["pid"] for one in office.book.events(job_id, 0) if one.kind == "pid"]
        return told[turn - 1 :]

    return int(wait_for(office, job_id, found)[0])


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that waits to be buried has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def statuses(office: Office, job_id: str) -> list[str]:
    told = [orjson.loads(one.data)["status"] for one in office.book.events(job_id, 0) if one.kind == "status"]
    return list(dict.fromkeys(told))


def test_a_job_is_done_in_another_process_and_everything_that_happens_is_told_in_order() -> None:
    with office_of() as office:
        job_id = send(office, "echo")
        job = end_of(office, job_id)
        assert (job.status, job.progress, job.message, job.attempts) == ("successful", 100, "done", 1)
        results = orjson.loads(office.results(job_id))
        assert results["words"] == "hello"
        assert results["nothing"] is None
        assert results["pid"] != os.getpid()
        events = office.book.events(job_id, 0)
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert statuses(office, job_id) == ["accepted", "running", "successful"]
        assert [orjson.loads(event.data) for event in events if event.kind == "heard"] == [{"words": "hello"}]
        assert job.created <= str(job.started) <= str(job.finished)


def test_a_worker_is_kept_warm_for_the_next_job() -> None:
    with office_of() as office:
        pids = []
        for word in ("one", "two"):
            job_id = send(office, "echo", word)
            end_of(office, job_id)
            pids.append(orjson.loads(office.results(job_id))["pid"])
        assert pids[0] == pids[1]


def test_a_dismissed_job_stops_for_real_and_the_next_one_is_done() -> None:
    with office_of() as office:
        job_id = send(office, "endless")
        pid = pid_of(office, job_id)
        with pytest.raises(NotReadyError, match="running"):
            office.results(job_id)
        assert office.dismiss(job_id).status == "dismissed"
        following = send(office, "echo")
        assert end_of(office, following).status == "successful"
        assert is_gone(pid)
        assert office.book.find(job_id).status == "dismissed"
        with pytest.raises(JobFailedError, match="dismissed"):
            office.results(job_id)


def test_a_job_that_is_dismissed_while_it_waits_is_never_begun() -> None:
    with office_of() as office:
        blocking = send(office, "endless")
        pid_of(office, blocking)
        waiting = send(office, "echo")
        assert office.dismiss(waiting).status == "dismissed"
        office.dismiss(blocking)
        assert end_of(office, send(office, "echo")).status == "successful"
        assert statuses(office, waiting) == ["accepted", "dismissed"]
        assert office.book.find(waiting).started is None


def test_a_finished_job_that_is_dismissed_is_gone_with_all_it_left() -> None:
    with office_of() as office:
        job_id = send(office, "echo")
        end_of(office, job_id)
        assert office.dismiss(job_id).status == "dismissed"
        for look in (office.book.find, office.results, office.dismiss, office.book.inputs):
            with pytest.raises(NoSuchJobError):
                look(job_id)
        assert office.book.events(job_id, 0) == []


def test_an_error_that_spatial_raises_is_told_with_its_facts() -> None:
    with office_of() as office:
        job = end_of(office, send(office, "infeasible"))
        assert job.status == "failed"
        assert job.problem == {
            "status": 422,
            "detail": "nobody can walk there",
            "error": "InfeasibleError",
            "facts": {"proved": True, "ids": ["a", "b"]},
        }


def test_an_error_that_nobody_foresaw_tells_nothing_of_the_inside() -> None:
    with office_of() as office:
        job = end_of(office, send(office, "broken", "a word that stays inside"))
        assert job.problem is not None
        assert job.problem["status"] == 500
        assert "a word that stays inside" not in str(job.problem)


def test_a_job_whose_process_dies_has_failed_and_the_next_one_is_done() -> None:
    with office_of() as office:
        job = end_of(office, send(office, "deadly"))
        assert job.status == "failed"
        assert "exit code -9" in job.message
        assert end_of(office, send(office, "echo")).status == "successful"


def test_a_job_that_needs_more_memory_than_a_job_may_have_has_failed() -> None:
    with office_of(job_memory_max=4 * 2**30) as office:
        job = end_of(office, send(office, "greedy"))
        assert job.problem is not None
        assert job.problem["status"] == 413
        assert "4,294,967,296 bytes" in job.message


def test_a_job_that_runs_too_long_is_stopped_and_has_failed() -> None:
    with office_of(job_seconds_max=0.2) as office:
        job = end_of(office, send(office, "endless"))
        assert job.problem is not None
        assert (job.status, job.problem["status"]) == ("failed", 422)
        assert "0.2 s, as long as a job may" in job.message


def test_no_more_jobs_wait_than_may() -> None:
    with office_of(job_queue_max=1) as office:
        pid_of(office, send(office, "endless"))
        send(office, "echo")
        with pytest.raises(BusyError, match="1 jobs wait already"):
            send(office, "echo")
        assert len(office.book.every()) == 2


def test_only_the_newest_of_the_finished_jobs_are_kept() -> None:
    with office_of(jobs_kept_max=2) as office:
        sent = [send(office, "infeasible") for _ in range(4)]
        end_of(office, sent[-1])
        assert end_of(office, send(office, "echo")).status == "successful"
        wait = send(office, "endless")  # begun when the job before it is wholly put away
        pid_of(office, wait)
        assert [job.process for job in office.book.every()] == ["endless", "echo", "infeasible"]


def test_what_a_closed_server_left_unfinished_is_done_by_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "jobs.sqlite"
    with office_of(open_book(file)) as office:
        running, waiting, waited = send(office, "endless"), send(office, "echo"), send(office, "echo", waited=True)
        pid = pid_of(office, running)
    assert is_gone(pid)
    with office_of(open_book(file), job_workers=2) as office:
        assert pid_of(office, running, turn=2) != pid
        assert office.book.find(running).attempts == 2
        assert end_of(office, waiting).status == "successful"
        assert "after the server began anew" in str([event.data for event in office.book.events(waiting, 0)])
        gone = end_of(office, waited)
        assert (gone.status, gone.message) == ("failed", "the server ended while its client waited")


def test_a_job_that_ended_the_server_twice_is_not_begun_again(tmp_path: Path) -> None:
    at = now()
    with closing(open_book(tmp_path / "jobs.sqlite")) as book:
        book.add(
            Job("j", "endless", "running", 7, "", False, 2, at, at, None, at, None), seal(b'{"inputs": {}}', Wanted())
        )
    with office_of(open_book(tmp_path / "jobs.sqlite")) as office:
        job = office.book.find("j")
        assert (job.status, job.message) == ("failed", "the server ended 2 times while it ran")


def test_a_job_that_is_finished_stays_as_it_is() -> None:
    at = now()
    with closing(open_book(None)) as book:
        book.add(Job("j", "echo", "running", 7, "", False, 1, at, at, None, at, None), b"{}")
        assert book.finish("j", b"1", status="successful").status == "successful"
        assert book.finish("j", b"2", status="dismissed").status == "successful"
        assert book.update("j", progress=3).progress == 7
        assert book.results("j") == b"1"
        book.tell("j", "word", b"{}")
        told = [orjson.loads(event.data)["status"] for event in book.events("j", 0)]
        assert told == ["running", "successful"]


@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(0, 14))
def test_events_are_replayed_from_any_number_on(told: list[bytes], after: int) -> None:
    at = now()
    with closing(open_book(None)) as book:
        for job_id in ("j", "k"):
            book.add(Job(job_id, "echo", "running", 0, "", False, 1, at, at, None, at, None), b"{}")
        for data in told:
            book.tell("j", "word", data)
        every = book.events("j", 0)
        assert [event.data for event in every[1:]] == told
        assert book.events("j", after) == every[after:]
        assert [event.kind for event in book.events("k", 0)] == ["status"]


def test_events_of_a_job_that_is_gone_are_not_kept() -> None:
    with closing(open_book(None)) as book:
        book.tell("nobody", "word", b"1")
        assert book.events("nobody", 0) == []


WRITER = """
import sys
from pathlib import Path
from api.jobs.record import Job, now
from api.jobs.sqlite_book import open_book
book, at = open_book(Path(sys.argv[1])), now()
for number in range(10**6):
    name = f"{sys.argv[2]}-{number}"
    book.add(Job(name, "echo", "running", 0, "", False, 1, at, at, None, at, None), b"x" * 5000)
    book.finish(name, b"y" * 5000, status="successful")
    print(name, flush=True)
"""


def test_no_job_that_was_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    file, kept = tmp_path / "jobs.sqlite", list[str]()
    for turn, count in enumerate((1, 7, 40, 3, 25)):
        command = [sys.executable, "-c", WRITER, str(file), str(turn)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            kept += [process.stdout.readline().strip() for _ in range(count)]
            process.kill()
        with closing(open_book(file)) as book:
            assert book.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            for name in kept:
                assert (book.find(name).status, book.results(name)) == ("successful", b"y" * 5000)
                assert [event.number for event in book.events(name, 0)] == [1, 2]


def test_a_book_belongs_to_one_server(tmp_path: Path) -> None:
    file = tmp_path / "jobs.sqlite"
    with closing(open_book(file)), pytest.raises(InputError, match="another server keeps its jobs there"):
        open_book(file)
    open_book(file).close()


FIRST_BOOK = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, status TEXT NOT NULL,
    progress INTEGER NOT NULL, message TEXT NOT NULL, waited INTEGER NOT NULL, attempts INTEGER NOT NULL,
    created TEXT NOT NULL, started TEXT, finished TEXT, updated TEXT NOT NULL, problem BLOB,
    inputs BLOB NOT NULL, results BLOB
);
CREATE TABLE events (
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
INSERT INTO jobs VALUES (1, 'a', 'echo', 'accepted', 0, '', 0, 0, 't', NULL, NULL, 't', NULL, x'31', NULL);
INSERT INTO events VALUES ('a', 1, 'status', x'32');
PRAGMA user_version = 1;
"""


def test_a_book_of_an_earlier_server_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(FIRST_BOOK)
    for _ in range(2):
        with closing(open_book(file)) as book:
            assert [(job.job_id, book.inputs(job.job_id)) for job in book.adopt()] == [("a", b"1")]
            assert book.events("a", 0)[0].data == b"2"
    with closing(open_book(file)) as book:
        assert [event.number for event in book.events("a", 0)] == [1]
        book.update("a", progress=5)
        assert [event.number for event in book.events("a", 0)] == [1, 2]
        book.remove("a")
        assert book.events("a", 0) == []


def test_a_file_that_is_no_book_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text, other = tmp_path / "text.sqlite", tmp_path / "other.sqlite"
    text.write_text("not a database at all " * 100)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    for file in (text, other, tmp_path):
        before = file.read_bytes() if file.is_file() else b""
        with pytest.raises(InputError, match=r"cannot keep jobs|no book of jobs"):
            open_book(file)
        assert not file.is_file() or file.read_bytes() == before


def test_what_a_worker_is_told_of_the_server_is_what_the_server_knows(tmp_path: Path) -> None:
    serving = Serving(tmp_path, None, Settings(job_points_max=7, web=tmp_path))
    assert read_serving(orjson.loads(orjson.dumps(serving.to_dict()))) == serving
