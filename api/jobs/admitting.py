"""May who asks run this as a job, on what is served here, and which jobs may he see?

A token for some plans alone runs jobs on those, and on what it sends; it sees the jobs that it asked for. Circles are
counted on the homes of the plan folder that is served, which is none of those.
"""

from typing import Any

from fastapi import Request

from api.jobs.envelope import read_wanted
from api.jobs.errors import NoSuchJobError
from api.jobs.models import BlocksAsked, ImportAsked
from api.jobs.office import Office
from api.jobs.record import Job
from api.jobs.serving import Serving
from api.store.errors import AccessError
from api.tokens import Caller
from api.walk_models import CirclesAsked
from spatial.errors import InputError


def admit(inputs: Any, serving: Serving, caller: Caller | None) -> None:
    """Refuse inputs of which it is known at once that no job can be made, or not for who asks.

    Raises
    ------
    InputError
        If there is nothing to divide: neither blocks nor a plan.
    AccessError
        If the token is for other plans alone.
    """
    limited = caller is not None and bool(caller.plans)
    if limited and isinstance(inputs, ImportAsked):
        told = "found a token for some plans alone, needed one for the whole store to put a plan in"
        raise AccessError(told, known=True)
    if limited and isinstance(inputs, CirclesAsked) and serving.folder is not None:
        told = "found a token for some plans of the store alone, needed one for all that is served: circles count the "
        raise AccessError(f"{told}homes of the plan folder", known=True)
    if not isinstance(inputs, BlocksAsked) or inputs.blocks is not None:
        return
    if inputs.plan is None and (serving.folder is None or limited):
        where = "a plan of the store" if serving.store is not None else "blocks: no plan is served here"
        raise InputError(f"found neither blocks nor plan among the inputs, needed one of them: {where}")
    if inputs.plan is not None and caller is not None:
        caller.require_plan(inputs.plan)


def caller_of(request: Request) -> Caller | None:
    """Return who asks about jobs, as it was noted when the request was let pass; None where no token tells."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller


def see_job(office: Office, job_id: str, caller: Caller | None) -> Job:
    """Return a job that who asks may see; raises NoSuchJobError."""
    job = office.book.find(job_id)
    if not may_see(office, job, caller):
        raise NoSuchJobError(f"no job {job_id!r} that this token asked for; it may have been removed")
    return job


def may_see(office: Office, job: Job, caller: Caller | None) -> bool:
    """Tell whether who asks may see a job: every one, but with a token for some plans only those it asked for."""
    if caller is None or not caller.plans:
        return True
    return read_wanted(office.book.inputs(job.job_id)).who == caller.name
