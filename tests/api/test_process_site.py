"""Sites are chosen over the wire as from files: a street worked by hand, and tables that cannot be used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.jobs.site_models import Choice
from api.jobs.words import say_inputs
from tests.api.live import serving
from tests.api.test_processes import TIMEOUT_S, listen, run

# A street with four houses, five minutes apart; D is open already.
PAIRS = [(a, b, 300.0 * abs(i - k)) for i, a in enumerate("ABCD") for k, b in enumerate("abcd")]
TIMES = {"source_id": [p[0] for p in PAIRS], "demand_id": [p[1] for p in PAIRS], "seconds": [p[2] for p in PAIRS]}
ROWS = [dict(zip(TIMES, pair, strict=True)) for pair in PAIRS]
DEMAND = [
    {"id": name, "weight": weight, "elderly": elderly}
    for name, weight, elderly in (("a", 100, 10), ("b", 200, 5), ("c", 50, 50), ("d", 400, 0))
]
SITES = [
    {"id": "A", "cost": 10, "mode": "划转", "street": "东街", "lon": 108.700, "lat": 34.3, "floor_area_m2": 100},
    {"id": "B", "cost": 300, "mode": "新建", "street": "东街", "lon": 108.701, "lat": 34.3, "floor_area_m2": 40},
    {"id": "C", "cost": 20, "mode": "共享", "street": "西街", "lon": 108.703, "lat": 34.3, "floor_area_m2": 100},
    {"id": "D", "cost": None, "mode": "腾退", "street": "西街", "lon": 108.705, "lat": 34.3, "fixed": True},
]
STREET = {"times": TIMES, "demand": DEMAND, "candidates": SITES, "budget_s": 20}


@pytest.fixture(scope="module")
def jobs(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    kept = str(tmp_path_factory.mktemp("jobs") / "jobs.sqlite")
    with serving(toy_folder, jobs=kept) as at, httpx.Client(base_url=at, timeout=TIMEOUT_S) as one:
        yield one


def ended(client: httpx.Client, **inputs: Any) -> tuple[dict[str, Any], httpx.Response]:
    job = run(client, "site", **{**STREET, **inputs})
    return list(listen(client, job))[-1][2], client.get(f"{job}/results")


ASKED: list[tuple[dict[str, Any], list[str], float]] = [
    ({"model": "p_median", "p": 1}, ["B", "D"], 100 * 300 + 50 * 300),
    ({"model": "max_cover", "p": 1, "cutoff_min": 5}, ["B", "D"], 750),
    ({"model": "set_cover", "cutoff_min": 5}, ["B", "D"], 1),
    ({"model": "p_median", "p": 1, "closable": True}, ["D"], 225_000),
    ({"model": "p_median", "p": 1, "budget": 30}, ["A", "D"], 75_000),
    ({"model": "p_median", "p": 1, "weights": {"elderly": 1}}, ["C", "D"], 10 * 600 + 5 * 300),
    ({"model": "max_cover", "p": 1, "cutoff_min": 5, "backup": 2}, ["C", "D"], 450),
    # 30 square metres for 100: B has room for 133, A and C for 333 each; D has no area known, and room for all
    ({"model": "p_median", "p": 1, "floor_m2": 30}, ["A", "D"], 200 * 300 + 50 * 300),
    (
        {"model": "p_median", "p": 2, "each_of": "street", "kinds": [{"column": "mode", "value": "新建", "least": 1}]},
        ["A", "B", "D"],
        15_000,
    ),
]


@pytest.mark.parametrize(("asked", "sites", "objective"), ASKED)
def test_the_sites_are_those_worked_by_hand(
    jobs: httpx.Client, asked: dict[str, Any], sites: list[str], objective: float
) -> None:
    state, answer = ended(jobs, **asked)
    assert state["status"] == "successful", state
    told = Choice.model_validate(answer.json())
    assert (told.status, told.sites, told.objective) == ("optimal", sites, pytest.approx(objective))
    assert told.bound == pytest.approx(objective)
    assert told.pareto is None
    assert set(told.assignment) == set("abcd")


def test_every_choice_worth_choosing_between_is_listed_where_that_is_asked(jobs: httpx.Client) -> None:
    _, answer = ended(jobs, model="max_cover", p=2, cutoff_min=5, pareto=True)
    listed = Choice.model_validate(answer.json()).pareto
    assert listed is not None
    assert [(one.sites, one.value, one.cost) for one in listed] == [([], 450, 0), (["A"], 750, 10)]


def test_times_by_row_are_those_by_column(jobs: httpx.Client) -> None:
    asked = {"model": "p_median", "p": 1}
    walked = [{**row, "metres": 1.1 * row["seconds"]} for row in ROWS]  # as the answers about walks have them
    by_row, by_column = (ended(jobs, **asked, times=times)[1].json() for times in (walked, TIMES))
    assert (
        by_row["assignment"]
        == by_column["assignment"]
        == {"a": "B", "b": "B", "c": by_row["assignment"]["c"], "d": "D"}
    )


# The same street in metres, two houses of it 400 m from the next.
METRES: dict[str, Any] = {
    "source_id": TIMES["source_id"],
    "demand_id": TIMES["demand_id"],
    "cost": [p[2] * 4 / 3 for p in PAIRS],
}
METRES_BY_ROW: list[dict[str, Any]] = [
    dict(zip(METRES, pair, strict=True)) for pair in zip(*METRES.values(), strict=True)
]
IN_METRES: list[tuple[dict[str, Any], list[str], float]] = [
    ({"model": "p_median", "p": 1}, ["B", "D"], 100 * 400 + 50 * 400),
    ({"model": "max_cover", "p": 1, "cutoff": 400}, ["B", "D"], 750),
    ({"model": "max_cover", "p": 1, "cutoff": 399}, ["B", "D"], 600),
    ({"model": "max_cover", "p": 1, "cutoff": 800, "full_until": 200}, ["B", "D"], 600 + 150 * 2 / 3),
    (
        {"model": "max_cover", "p": 1, "cutoff": 800, "cutoffs": {"elderly": 0}, "weights": {"elderly": 1}},
        ["C", "D"],
        50,
    ),
]


@pytest.mark.parametrize(("asked", "sites", "objective"), IN_METRES)
def test_a_cost_in_any_unit_stands_in_place_of_seconds(
    jobs: httpx.Client, asked: dict[str, Any], sites: list[str], objective: float
) -> None:
    for times in (METRES, METRES_BY_ROW):
        state, answer = ended(jobs, **asked, times=times)
        assert state["status"] == "successful", state
        told = Choice.model_validate(answer.json())
        assert (told.status, told.sites, told.objective) == ("optimal", sites, pytest.approx(objective))


def test_levels_have_their_cutoffs_in_the_unit_of_the_costs(jobs: httpx.Client) -> None:
    sites = [{**site, "level": 2} for site in SITES]
    asked = {"model": "max_cover", "p": 1, "cutoff": 800, "candidates": sites}
    told = ended(jobs, **asked, times=METRES, levels=[{"level": 1, "cutoff": 400}, {"level": 2, "cutoff": 800}])[1]
    minutes = {"model": "max_cover", "p": 1, "cutoff_min": 10, "candidates": sites}
    walked = ended(jobs, **minutes, levels=[{"level": 1, "cutoff_min": 5}, {"level": 2, "cutoff_min": 10}])[1]
    assert (told.json()["sites"], told.json()["objective"]) == (walked.json()["sites"], walked.json()["objective"])
    assert told.json()["objective"] == 1500


def test_what_would_do_is_told_in_the_unit_of_the_costs(jobs: httpx.Client) -> None:
    told = ended(jobs, model="p_center", p=1, cutoff=300, times=METRES)[1].json()
    assert told["error"] == "InfeasibleError"
    assert told["facts"]["smallest_cutoff"] == 400


def test_seconds_may_have_their_cutoff_in_seconds(jobs: httpx.Client) -> None:
    asked = {"model": "max_cover", "p": 1}
    minutes, seconds = (ended(jobs, **asked, **cutoff)[1].json() for cutoff in ({"cutoff_min": 5}, {"cutoff": 300}))
    assert (minutes["sites"], minutes["objective"]) == (seconds["sites"], seconds["objective"]) == (["B", "D"], 750)


def test_where_no_sites_keep_the_conditions_the_problem_says_so(jobs: httpx.Client) -> None:
    state, answer = ended(jobs, model="set_cover", cutoff_min=5, budget=1)
    assert (state["status"], answer.status_code) == ("failed", 422)
    told = answer.json()
    assert told["error"] == "InfeasibleError"
    assert told["facts"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": "p_median"}, "without p"),
    ({"model": "max_cover", "p": 1}, "without cutoff_min"),
    ({"model": "p_median", "p": 1, "demand": [{"id": "a"}]}, "needed weight"),
    (
        {"model": "p_median", "p": 1, "demand": [{"id": "a", "weight": -1}]},
        "weight of 'a' is '-1'; needed a number",
    ),
    ({"model": "p_median", "p": 1, "times": {**TIMES, "seconds": [1.0]}}, "needed equally many"),
    (
        {"model": "p_median", "p": 1, "candidates": [{"id": "Z"}, *SITES, {"id": "Z"}]},
        "'Z' stands in more than one row",
    ),
    ({"model": "p_median", "p": 1, "candidates": SITES[:3]}, "D"),
    (
        {"model": "max_cover", "p": 1, "times": METRES, "cutoff_min": 5},
        "found cutoff_min in minutes with a table of costs; needed times in seconds, or the unit of the costs",
    ),
    (
        {"model": "max_cover", "p": 1, "cutoff_min": 5, "cutoff": 300},
        "found cutoff_min in minutes beside cutoff in seconds; needed all in one of the two",
    ),
    ({"model": "max_cover", "p": 1, "times": METRES}, "without cutoff_min"),
    (
        {"model": "max_cover", "p": 1, "times": METRES, "cutoff": 5, "levels": [{"level": 1}]},
        "levels: level 1 needs one of cutoff_min (minutes) and cutoff (the unit of the costs)",
    ),
    ({"model": "p_median", "p": 1, "times": {**METRES, "cost": [1.0]}}, "needed equally many"),
]


@pytest.mark.parametrize(
    "times",
    [
        {**TIMES, "cost": TIMES["seconds"]},
        [ROWS[0], METRES_BY_ROW[1]],
        [METRES_BY_ROW[0], ROWS[1]],
        [{"cost": 1.0}],
        [],
    ],
)
def test_a_table_of_times_and_costs_at_once_is_refused_before_it_is_a_job(jobs: httpx.Client, times: Any) -> None:
    asked = {**STREET, "times": times, "model": "p_median", "p": 1}
    answer = jobs.post("/processes/site/execution", json={"inputs": asked})
    assert answer.status_code == 400
    assert "times" in answer.json()["detail"]


def test_the_process_says_that_it_takes_costs(jobs: httpx.Client) -> None:
    schema = jobs.get("/processes/site").json()["inputs"]
    assert "in their place a cost in any unit" in schema["times"]["description"]
    assert "unit of the costs" in schema["cutoff"]["description"]
    assert "CostColumns" in str(schema["times"]) or "cost" in str(schema["times"]["schema"])


@pytest.mark.parametrize(("asked", "sentence"), WRONG)
def test_tables_that_cannot_be_used_are_told(jobs: httpx.Client, asked: dict[str, Any], sentence: str) -> None:
    state, answer = ended(jobs, **asked)
    assert (state["status"], answer.status_code) == ("failed", 400), state
    assert sentence in answer.json()["detail"]


def test_models_are_known_by_the_names_of_the_literature_too(jobs: httpx.Client) -> None:
    names = [("lscp", "set_cover"), ("mclp", "max_cover"), ("pmedian", "p_median"), ("pcenter", "p_center")]
    for short, long in names:
        told = [ended(jobs, model=name, p=1, cutoff_min=5)[1].json() for name in (short, long)]
        assert [one["model"] for one in told] == [long, long]
        assert told[0]["sites"] == told[1]["sites"]


def test_times_of_unknown_sites_are_refused_in_the_words_of_inputs_unless_they_are_skipped(jobs: httpx.Client) -> None:
    asked = {"model": "p_median", "p": 1, "times": [*ROWS, {"source_id": "Z", "demand_id": "a", "seconds": 1.0}]}
    told = ended(jobs, **asked)[1].json()["detail"]
    assert told == (
        "times names 1 ids that are not in the candidates ('Z'); needed known ids, or skip_unknown: true to leave "
        "those pairs out"
    )
    whole = ended(jobs, **asked, skip_unknown=True)[1].json()
    assert whole["sites"] == ["B", "D"]
    assert any("'Z'" in note and ".csv" not in note for note in whole["notes"])


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("demand: demand.csv has no rows; needed at least one", "demand has no rows; needed at least one"),
        ("demand.csv: weight of 'a' is '-1'; needed a number", "demand: weight of 'a' is '-1'; needed a number"),
        ("blocks.geojson: no column 'n' (--households)", "blocks: no column 'n'"),
        ("a sentence that is about no file: b", "a sentence that is about no file: b"),
    ],
)
def test_sentences_about_files_are_said_of_inputs(sentence: str, said: str) -> None:
    assert say_inputs(sentence) == said
