"""Jobs are kept in the store as in a file of one server's own; servers share them, and take over from those gone."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from api.jobs.book import Book
from api.jobs.errors import NoSuchJobError
from api.jobs.owner import is_surely_gone, name_self
from api.jobs.record import Job, now
from api.jobs.sqlite_book import open_book
from api.jobs.store_book import StoreBook
from api.store.place import Place
from api.store.store import create_store, open_store
from tests.api.test_jobs import end_of, is_gone, office_of, pid_of, send, statuses, wait_for

Opener = Callable[[str], StoreBook]


@pytest.fixture
def open_as(place: Place) -> Opener:
    """Opens the book of an empty store as a server of a name."""
    create_store(place).close()
    return lambda owner: StoreBook(open_store(place).database, owner)


@pytest.fixture(params=["of one server", "shared"])
def book(open_as: Opener, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    """A book of either kind; that of a store in either database."""
    opened: Book = open_as("server one") if request.param == "shared" else open_book(tmp_path / "jobs.sqlite")
    with closing(opened):
        yield opened


def job_of(job_id: str, **changes: object) -> Job:
    at = now()
    return replace(Job(job_id, "echo", "accepted", 0, "", False, 0, at, None, None, at, None), **changes)  # type: ignore[arg-type]


def test_what_is_kept_of_a_job_comes_back_as_it_was(book: Book) -> None:
    one, two = job_of("one", message="名"), job_of("two", waited=True, attempts=1)
    for job in (one, two):
        book.add(job, b"\x00in " + job.job_id.encode())
    assert (book.find("one"), book.every(), book.inputs("two")) == (one, [two, one], b"\x00in two")
    assert book.results("one") is None
    assert book.update("one", status="running", progress=40).progress == 40
    book.tell("one", "better", b'{"gap": 0}')
    failed = book.finish("one", None, status="failed", problem={"status": 500, "detail": "so"})
    assert (failed.problem, failed.done) == ({"status": 500, "detail": "so"}, True)
    assert book.finish("two", b"out\x00", status="successful").status == "successful"
    assert book.results("two") == b"out\x00"
    assert [(event.number, event.kind) for event in book.events("one", 0)] == [
        (1, "status"), (2, "status"), (3, "better"), (4, "status"),
    ]  # fmt: skip
    assert [event.number for event in book.events("one", 3)] == [4]


def test_a_finished_job_stays_as_it_is_and_a_removed_one_is_gone(book: Book) -> None:
    book.add(job_of("one"), b"")
    book.finish("one", b"1", status="successful")
    assert book.finish("one", b"2", status="dismissed").status == "successful"
    assert book.update("one", progress=3).progress == 0
    book.tell("one", "word", b"{}")
    assert (book.results("one"), len(book.events("one", 0))) == (b"1", 2)
    book.remove("one")
    for look in (book.find, book.inputs, book.results):
        with pytest.raises(NoSuchJobError):
            look("one")
    assert (book.events("one", 0), book.every()) == ([], [])


def test_a_job_of_a_server_that_lives_is_left_to_it(open_as: Opener) -> None:
    with closing(open_as("server one")) as one, closing(open_as("server two")) as two:
        one.add(job_of("a"), b"")
        assert two.adopt() == []
        assert [job.job_id for job in two.every()] == ["a"]
        assert one.beat({"a"}) == []
        assert one.update("a", status="running").status == "running"


def test_the_jobs_of_a_server_that_fell_silent_go_over_to_one_other_oldest_first(open_as: Opener) -> None:
    with closing(open_as("one")) as one, closing(open_as("two")) as two, closing(open_as("three")) as three:
        for name in ("b", "a", "done"):
            one.add(job_of(name), b"")
        one.finish("done", b"", status="successful")
        with one.database.writing() as rows:
            rows.run("UPDATE jobs SET alive = alive - 31")
        assert [job.job_id for job in two.adopt()] == ["b", "a"]
        assert three.adopt() == []
        assert one.beat({"a", "b"}) == ["a", "b"]  # it was only slow, and learns that they are no longer its own
        assert two.beat({"a", "b"}) == []


def test_the_jobs_of_a_process_that_ended_go_over_at_once(open_as: Opener) -> None:
    command = [sys.executable, "-c", "from api.jobs.owner import name_self; print(name_self())"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert (is_surely_gone(ended), is_surely_gone(name_self())) == (True, False)
    assert not is_surely_gone("elsewhere 0 room 1 1")
    with closing(open_as(ended)) as gone, closing(open_as(name_self())) as here:
        gone.add(job_of("a"), b"")
        assert [job.job_id for job in here.adopt()] == ["a"]


def test_a_server_that_closes_leaves_its_jobs_to_the_next(open_as: Opener) -> None:
    one = open_as("one")
    one.add(job_of("a"), b"")
    one.close()
    with closing(open_as("two")) as two:
        assert [job.job_id for job in two.adopt()] == ["a"]


def test_a_job_is_done_with_the_book_in_the_store(open_as: Opener) -> None:
    with office_of(open_as("one")) as office:
        job_id = send(office, "echo", "hello")
        assert end_of(office, job_id).status == "successful"
        assert statuses(office, job_id) == ["accepted", "running", "successful"]


def test_a_job_that_another_server_dismisses_is_stopped_for_real(open_as: Opener) -> None:
    with office_of(open_as("one")) as here, office_of(open_as("two")) as there:
        job_id = send(here, "endless")
        pid = pid_of(here, job_id)
        assert pid_of(there, job_id) == pid  # what happens at one server is heard at the other
        assert not is_gone(pid)
        assert there.dismiss(job_id).status == "dismissed"
        following = send(here, "echo")  # waits for the only slot of that server
        assert end_of(here, following).status == "successful"
        assert is_gone(pid)


def test_a_server_that_is_there_takes_up_what_one_left_that_closed(open_as: Opener) -> None:
    with office_of(open_as("two")) as there:
        with office_of(open_as("one")) as here:
            job_id = send(here, "endless")
            pid = pid_of(here, job_id)
        assert pid_of(there, job_id, turn=2) != pid
        assert wait_for(there, job_id, lambda: there.book.find(job_id).attempts) == 2
        assert is_gone(pid)
