"""When was which version of a plan in force?"""

from collections.abc import Sequence
from dataclasses import dataclass

from api.store.database import Rows
from api.store.versions import find_head


@dataclass(frozen=True, slots=True)
class Term:
    """From when on a version was in force, and when it was no more (RFC 3339, UTC); None while it is."""

    version: int
    start: str
    end: str | None


def read_terms(rows: Rows, plan_id: str) -> list[Term]:
    """Return the terms of a plan, oldest first; none overlaps another.

    Raises
    ------
    MissingError
        If there is no such plan.
    """
    find_head(rows, plan_id)
    told = rows.all(
        """SELECT version, status, at FROM statuses
           WHERE plan_id = ? AND status IN ('in_force', 'superseded') ORDER BY at, id""",
        plan_id,
    )
    terms: list[Term] = []
    for version, status, at in told:
        if terms and terms[-1].end is None and (status == "in_force" or terms[-1].version == version):
            terms[-1] = Term(terms[-1].version, terms[-1].start, str(at))
        if status == "in_force":
            terms.append(Term(int(version), str(at), None))
    return terms


def find_term(terms: Sequence[Term], start: str, end: str) -> Term | None:
    """Return the last term that meets an interval, both ends of which belong to it; None if none does."""
    met = (term for term in reversed(terms) if term.start <= end and (term.end is None or term.end > start))
    return next(met, None)
