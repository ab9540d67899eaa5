"""OR-Library p-median networks as tables of a siting question: every node asks and may serve."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.siting_instances import PMED_OPTIMA, read_pmed
from tests.siting.towns import candidate_frame, demand_frame, times_frame

OPTIMA = PMED_OPTIMA


def pmed_tables(path: Path) -> tuple[Any, Any, Any, int]:
    """Travel times, demand, candidates and p of a network."""
    question = read_pmed(path)
    ways, n = question.ways, question.ways.rows
    metres = np.full((n, n), np.inf)
    metres[np.repeat(np.arange(n), np.diff(ways.ptr)), ways.site] = ways.cost
    ids = [f"n{i:03}" for i in range(n)]
    return times_frame(metres.T, ids, ids), demand_frame(dict.fromkeys(ids, 1)), candidate_frame(ids), question.p
