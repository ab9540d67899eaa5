"""Who takes jobs in, gives them to workers, follows them, and stops them? All of it kept in a book."""

import asyncio
import logging
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import orjson

from api.jobs.bell import Bell
from api.jobs.book import Book
from api.jobs.catalog import Process
from api.jobs.errors import BusyError, JobFailedError, NoSuchJobError, NotReadyError
from api.jobs.record import Job, now
from api.jobs.serving import Serving
from api.jobs.slot import Ended, Slot

_IDLE_S = 300.0
"""An idle worker is let go after this long."""
_ATTEMPTS = 2
"""A job that ends the server twice is not begun a third time."""
_ENDING_S = 5.0
_BEAT_S = 2.0
"""Between two times that a server tells others that it lives, and looks what they did."""
_EMPTY = b"{}"
_LOG = logging.getLogger("wangge.jobs")


@dataclass(frozen=True, slots=True)
class Office:
    """Jobs of one server. Made by ``open_office``; any thread may call it."""

    book: Book
    serving: Serving
    processes: Mapping[str, Process]
    bell: Bell
    slots: tuple[Slot, ...]
    line: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)
    waiting: set[str] = field(default_factory=set)
    threads: list[threading.Thread] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, process: str, inputs: bytes, *, waited: bool = False) -> Job:
        """Return a new job that waits for a worker; it is kept on the disk by then.

        Raises
        ------
        BusyError
            If as many jobs wait as may.
        """
        most = self.serving.settings.job_queue_max
        at = now()
        job = Job(token_hex(8), process, "accepted", 0, "waiting for a worker", waited, 0, at, None, None, at, None)
        with self.lock:
            if len(self.waiting) >= most:
                raise BusyError(f"{len(self.waiting)} jobs wait already, at most {most} may; ask again later")
            self.waiting.add(job.job_id)
        try:
            self.book.add(job, inputs)
        except BaseException:
            self.waiting.discard(job.job_id)
            raise
        self.line.put(job.job_id)
        return job

    def dismiss(self, job_id: str) -> Job:
        """Return a job as dismissed: one that runs is stopped, one that is finished is removed with its results.

        Raises
        ------
        NoSuchJobError
            If there is none.
        """
        if self.book.find(job_id).done:
            return self._remove(job_id)
        at = now()
        job = self.book.finish(job_id, None, status="dismissed", message="dismissed", finished=at, updated=at)
        if job.status != "dismissed":  # it was finished in between
            return self._remove(job_id)
        self.waiting.discard(job_id)
        for slot in self.slots:
            slot.stop(job_id, "dismissed")
        self.bell.ring(job_id)
        return job

    def _remove(self, job_id: str) -> Job:
        job = self.book.find(job_id)
        self.book.remove(job_id)
        self.bell.ring(job_id)
        told = {name: getattr(job, name) for name in Job.__dataclass_fields__}
        return Job(**{**told, "status": "dismissed", "message": "removed"})

    def results(self, job_id: str) -> bytes:
        """Return the results of a job, a JSON object by output.

        Raises
        ------
        NoSuchJobError, NotReadyError, JobFailedError
            If there is no such job, or it is not finished, or ended otherwise.
        """
        job = self.book.find(job_id)
        if not job.done:
            raise NotReadyError(
                f"job {job_id} is {job.status} ({job.progress} %); its results come when it is successful"
            )
        if job.status == "dismissed":
            raise JobFailedError({"status": 404, "detail": f"job {job_id} was dismissed; it has no results"})
        if job.problem is not None:
            raise JobFailedError(job.problem)
        return self.book.results(job_id) or _EMPTY

    async def wait(self, job_id: str, seconds: float) -> Job:
        """Return a job when it is finished, or as it stands after so many seconds."""
        deadline = asyncio.get_running_loop().time() + seconds
        with self.bell.listening(job_id) as rung:
            while not (job := await asyncio.to_thread(self.book.find, job_id)).done:
                left = deadline - asyncio.get_running_loop().time()
                try:
                    await asyncio.wait_for(rung.wait(), max(0.0, left))
                except TimeoutError:
                    return await asyncio.to_thread(self.book.find, job_id)
                rung.clear()
        return job

    def close(self) -> None:
        """Stop all workers and close the book; what ran or waited is taken up again by the next server of this book."""
        self.closing.set()
        for slot in self.slots:
            self.line.put(None)
            slot.stop("", "closing")
        for thread in self.threads:
            thread.join(_ENDING_S)
        self.book.close()

    def _resume(self) -> None:
        """Take up what servers that are gone left unfinished, each from its beginning: equal inputs, equal results."""
        for job in self.book.adopt():
            if job.job_id in self.waiting or any(slot.job_id == job.job_id for slot in self.slots):
                continue  # this server was silent for so long that it took over from itself
            if job.waited or job.attempts >= _ATTEMPTS:
                why = "while its client waited" if job.waited else f"{job.attempts} times while it ran"
                self._fail(job.job_id, {"status": 503, "detail": f"the server ended {why}", "error": "Interrupted"})
                continue
            message = "waiting for a worker, after the server began anew"
            self.waiting.add(job.job_id)
            self.book.update(job.job_id, status="accepted", progress=0, message=message, updated=now())
            self.line.put(job.job_id)

    def _keep_up(self) -> None:
        """Tell other servers that this one lives, stop what they dismissed, take up what those left that are gone."""
        while not self.closing.wait(_BEAT_S):
            held = {*self.waiting, *(slot.job_id for slot in self.slots if slot.job_id)}
            try:
                for job_id in self.book.beat(held):
                    self.waiting.discard(job_id)
                    for slot in self.slots:
                        slot.stop(job_id, "dismissed")
                self._resume()
            except Exception:  # such as a store that is out of reach: it may come back
                _LOG.exception("the other servers could not be told that this one lives")
            self.bell.ring_others(held)

    def _serve(self, slot: Slot) -> None:
        """Do one job after another in a slot, for as long as the server lives."""
        while True:
            try:
                job_id = self.line.get(timeout=_IDLE_S)
            except queue.Empty:
                slot.rest()
                continue
            if job_id is None or self.closing.is_set():
                slot.rest()
                return
            if job_id not in self.waiting:  # dismissed meanwhile, or another server's
                continue
            try:
                with slot.holding(job_id):
                    self.waiting.discard(job_id)
                    self._do(slot, job_id)
            except NoSuchJobError:  # dismissed and removed while it waited or ran
                continue
            except Exception:  # such as a full disk: the next job may fare better
                _LOG.exception("job %s could not be followed", job_id)

    def _do(self, slot: Slot, job_id: str) -> None:
        settings, at = self.serving.settings, now()
        before = self.book.find(job_id)
        job = self.book.update(
            job_id, status="running", started=at, updated=at, message="starting", attempts=before.attempts + 1
        )
        if job.done or self.closing.is_set():
            return
        self.bell.ring(job_id)
        head = orjson.dumps(
            {
                "run": self.processes[job.process].run,
                "serving": self.serving.to_dict(),
                "memory": settings.job_memory_max,
            }
        )
        clock = threading.Timer(settings.job_seconds_max, slot.stop, (job_id, "late"))
        clock.daemon = True
        clock.start()
        try:
            ended = slot.work(head, self.book.inputs(job_id), lambda message: self._hear(job_id, message))
        finally:
            clock.cancel()
        self._close_job(job_id, ended)

    def _hear(self, job_id: str, message: Mapping[str, Any]) -> None:
        """Keep what a worker tells while it runs."""
        if "event" in message:
            self.book.tell(job_id, message["event"], orjson.dumps(message["data"]))
            self.bell.ring(job_id)
            return
        before = self.book.find(job_id)
        share = min(max(float(message["progress"]), 0.0), 1.0)
        percent = min(99, max(before.progress, int(100 * share)))
        if (percent, message["message"]) != (before.progress, before.message):
            self.book.update(job_id, progress=percent, message=message["message"], updated=now())
            self.bell.ring(job_id)

    def _close_job(self, job_id: str, ended: Ended) -> None:
        if ended.reason in ("dismissed", "closing"):
            return
        at = now()
        if ended.reason == "late":
            most = self.serving.settings.job_seconds_max
            told = {"status": 422, "detail": f"the job ran for {most:g} s, as long as a job may", "error": "Late"}
            self._fail(job_id, told)
        elif ended.results is not None:
            times = {"finished": at, "updated": at}
            self.book.finish(job_id, ended.results, status="successful", progress=100, message="done", **times)
            self.bell.ring(job_id)
        elif ended.problem is not None:
            self._fail(job_id, ended.problem)
        else:
            detail = f"the process that worked on the job ended (exit code {ended.exit_code}); was memory short?"
            self._fail(job_id, {"status": 500, "detail": detail, "error": "WorkerEnded"})
        self._prune()

    def _fail(self, job_id: str, problem: dict[str, Any]) -> None:
        at = now()
        changes = {"status": "failed", "message": problem["detail"], "finished": at, "updated": at, "problem": problem}
        self.book.finish(job_id, None, **changes)
        self.bell.ring(job_id)

    def _prune(self) -> None:
        """Forget the oldest of the finished jobs, where more are kept than may."""
        done = [job for job in self.book.every() if job.done]
        for job in done[self.serving.settings.jobs_kept_max :]:
            self.book.remove(job.job_id)


def open_office(book: Book, serving: Serving, processes: Mapping[str, Process]) -> Office:
    """Return an office whose workers take up what the book holds unfinished."""
    slots = tuple(Slot() for _ in range(serving.settings.job_workers))
    office = Office(book, serving, processes, Bell(), slots)
    office._resume()
    for number, slot in enumerate(slots, 1):
        thread = threading.Thread(target=office._serve, args=(slot,), name=f"job slot {number}", daemon=True)
        office.threads.append(thread)
        thread.start()
    keeper = threading.Thread(target=office._keep_up, name="keeper of jobs", daemon=True)
    office.threads.append(keeper)
    keeper.start()
    return office
