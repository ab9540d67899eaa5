"""The public names are a decision: this list changes on purpose or not at all."""

import inspect
import subprocess
import sys

import spatial

PUBLIC = [
    "Conditions", "Division", "Inputs", "KindRule", "Land", "LevelRule", "Locks", "Plan", "Profile", "SiteChoice",
    "Sources", "SpatialError", "Survey", "TradeOff", "Walker", "Walks", "affected_sites", "apply_edits", "begin",
    "build_blocks", "build_ground", "build_isochrones", "build_walk_network", "change_network", "check_plan",
    "choose_sites", "compare_choices", "count_reached", "cover_themes", "divide", "explain_unreached",
    "improve_plan", "list_pareto", "list_profiles", "make_plan", "measure_coverage", "measure_plan",
    "propose_repair", "reach_nodes", "read_district", "read_heights", "read_inputs", "read_osm", "read_profile",
    "read_relief", "read_streets", "read_walk_network", "redivide", "survey_walks", "trade_off", "travel_times",
    "write_plan", "write_sample",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert spatial.__all__ == PUBLIC
    assert sorted(spatial._HOME) == PUBLIC
    assert set(PUBLIC) < set(dir(spatial))


def test_every_public_name_loads_and_says_what_it_returns() -> None:
    for name in PUBLIC:
        thing = getattr(spatial, name)
        assert inspect.getdoc(thing), name
        assert thing.__module__ == f"spatial.{spatial._HOME[name]}", name


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(spatial, "divine")


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'geopandas', 'pandas', 'numba', 'shapely', 'osmnx', 'fastapi'}"
    code = f"import sys, spatial, api.command; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
