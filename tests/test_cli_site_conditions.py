"""Every condition of a siting question can be asked on the command line, with the answer worked by hand."""

from pathlib import Path
from typing import Any

import pytest

from spatial.console import EXIT_UNUSABLE
from tests.test_cli_site import SITES, folder_of, run

PLAIN = "id\nA\nB\nC\nD\n"
MODES = "id,mode\nA,新建\nB,共享\nC,共享\nD,划转\n"
LEVELS = "id,level\nA,1\nB,1\nC,2\nD,2\n"
ROOMS = "id,capacity\nA,375\nB,375\nC,375\nD,375\n"

# Houses a, b, c and d with 100, 200, 50 and 400 (elderly: 10, 5, 50 and 0), 300 s apart, a site at each; in SITES D is
# open, and the sites stand at 0, 92, 276 and 460 m.
ASKED: dict[str, tuple[str, list[object], Any, float]] = {
    # A and B together would cost 15,000, but they stand 92 m apart
    "spacing": (SITES, ["--model", "pmedian", "--p", 2, "--spacing-m", 100], ["B", "C", "D"], 30_000),
    # 20 for B and 5 for D are the budget; C and D cost as much and 120,000
    "prices of modes": (
        MODES,
        ["--model", "pmedian", "--p", 2, "--cost-budget", 25, "--mode-prices", "新建=300,share=20,划转=5"],
        ["B", "D"],
        45_000,
    ),
    # A reaches a and b, D the others: all 750; of the elderly only those next door count, 10 at A
    "cutoffs of groups": (
        SITES,
        ["--model", "mclp", "--p", 1, "--cutoff-min", 5, "--weights", "weight=1,elderly=1", "--cutoffs", "elderly=0"],
        ["A", "D"],
        760,
    ),
    # somebody of level 2 within 10 minutes: D is 15 from a; anybody within 5: C is 10 from a
    "levels": (LEVELS, ["--model", "lscp", "--cutoff-min", 15, "--level", "1:5", "--level", "2:10"], None, 2),
    "the cheapest cover": (SITES, ["--model", "lscp", "--cutoff-min", 5, "--cheapest"], ["A", "D"], 10),
    # D holds 375 of d's 400; the others go to B and fill it with the rest of d, 600 s away
    "shared demand": (ROOMS, ["--model", "pmedian", "--p", 2, "--split"], ["B", "D"], 30_000 + 15_000 + 25 * 600),
    "backup": (PLAIN, ["--model", "pcenter", "--p", 3, "--backup", 2], None, 600),
    "a number of a kind": (SITES, ["--model", "pmedian", "--p", 3, "--kind", "mode=新建:0-0"], ["A", "C", "D"], 60_000),
    "room left aside": (ROOMS, ["--model", "pmedian", "--p", 1, "--no-capacity"], ["D"], 225_000),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_condition_is_kept_and_its_best_answer_found(case: str, tmp_path: Path) -> None:
    sites, asked, names, objective = ASKED[case]
    folder = folder_of(tmp_path)
    (folder / "candidates.csv").write_text(sites, encoding="gb18030")
    code, said, told = run(folder, *asked)
    assert code == 0, said
    assert (told["objective"], told["bound"], told["status"]) == (objective, objective, "optimal")
    assert names is None or told["sites"] == names
    if case == "levels":
        assert "C" in told["sites"]
    if case == "shared demand":
        assert [(one["demand_id"], one["site_id"], round(one["share"], 6)) for one in told["shares"]] == [
            ("d", "D", 0.9375), ("d", "B", 0.0625),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["--level", "1"], "found --level '1', needed a name, ':' and a number"),
        (["--level", "one:5"], "found --level 'one:5'"),
        (["--level", "1:5,1:6"], "found --level '1' twice"),
        (["--level", "1:5", "--cutoffs", "elderly=3"], "needed one of the two"),
        (["--mode-prices", "new"], "found --mode-prices 'new', needed a name, '=' and a number"),
        (["--cutoffs", "elderly=-1"], "cutoffs of 'elderly' is -60"),
        (["--kind", "mode=new:2-1"], "the most no fewer than the least"),
        (["--each-of", "street", "--floor-m2", -3], "--floor-m2 -3"),
        (["--cheapest"], "cheapest goes with set_cover"),
        (["--cost-budget", 10], "money needs a cost of at least 0 for every candidate"),
        (["--spacing-m", 5], "site 'A' has no coordinates; a spacing needs them"),
    ],
)
def test_words_that_say_no_condition_are_refused(asked: list[object], why: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "candidates.csv").write_text(
        PLAIN if {"--cost-budget", "--spacing-m"} & set(asked) else SITES, encoding="gb18030"
    )
    code, text, told = run(folder, "--model", "mclp", "--p", 1, "--cutoff-min", 5, *asked)
    assert (code, told) == (EXIT_UNUSABLE, {})
    assert why in " ".join(text.split())
