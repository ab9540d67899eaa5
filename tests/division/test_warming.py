"""Warming compiles all that a division needs, for whatever sizes a profile asks for."""

import subprocess
import sys
from pathlib import Path

import pytest

import spatial
from spatial.division.divide import divide
from spatial.division.warming import compile_search, is_search_kept

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
MEET = f"""
import sys
import spatial
from spatial.division.by_community import divide_communities
from spatial.division.warming import compile_search

def met():
    return {{
        f"{{module.__name__}}.{{name}}{{signature}}"
        for module in list(sys.modules.values())
        if module.__name__.startswith("spatial.division.")
        for name, value in vars(module).items()
        for signature in getattr(value, "signatures", ())
    }}

profile = spatial.read_profile("about_500")
inputs, _ = spatial.read_district({str(SAMPLE)!r})
land = spatial.build_blocks(inputs, profile)
compile_search(profile)
before = met()
assert before, "nothing was compiled"
divide_communities(land.blocks, land.adjacency, profile, seed=0)
print(sorted(met() - before))
"""


def test_after_warming_the_sample_meets_no_kernel_for_the_first_time() -> None:
    ran = subprocess.run([sys.executable, "-c", MEET], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["about_500", "micro_30_100", "bench_j"])
def test_under_every_kind_of_profile_the_towns_are_searched_and_proved(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def watch(*given: object, **options: object) -> None:
        made.append(divide(*given, **options))  # type: ignore[arg-type]

    monkeypatch.setattr("spatial.division.warming.divide", watch)
    compile_search(spatial.read_profile(name))
    small, large = made
    assert small.status in ("optimal", "gap")
    assert large.status in ("optimal", "gap")
    assert large.assignment.nunique() > small.assignment.nunique() > 1
    assert is_search_kept()
