"""Wangge: divide a city into grids, walk it, site its service centres.

One function per capability, loaded when first used so that ``import spatial`` is quick::

    import spatial

    inputs, profile = spatial.read_district("data/sample")
    plan = spatial.make_plan(inputs, profile)
    spatial.measure_plan(plan)
    spatial.write_plan(plan, "plan/")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spatial.division.divide import Division, divide
    from spatial.division.improve import improve_plan
    from spatial.division.locks import Locks
    from spatial.division.redivide import redivide
    from spatial.division.tradeoff import TradeOff, trade_off
    from spatial.errors import SpatialError
    from spatial.inputs import Inputs
    from spatial.io.district import read_district, read_inputs
    from spatial.io.osm import read_osm
    from spatial.io.plan_folder import write_plan
    from spatial.io.profiles import list_profiles, read_profile
    from spatial.io.relief import read_relief
    from spatial.io.sample import write_sample
    from spatial.io.sources import Sources
    from spatial.io.spots import read_heights
    from spatial.io.streets import read_streets
    from spatial.io.walk_network import read_walk_network
    from spatial.land.blocks import Land, build_blocks
    from spatial.pipeline import make_plan
    from spatial.plan.checks import check_plan
    from spatial.plan.edits import apply_edits
    from spatial.plan.ground import build_ground
    from spatial.plan.metrics import measure_plan
    from spatial.plan.model import Plan
    from spatial.plan.repair import propose_repair
    from spatial.plan.state import begin
    from spatial.profile import Profile
    from spatial.siting.choose import choose_sites
    from spatial.siting.compare import compare_choices, list_pareto
    from spatial.siting.conditions import Conditions, KindRule, LevelRule
    from spatial.siting.service import SiteChoice
    from spatial.walking.changes import affected_sites, change_network
    from spatial.walking.counts import count_reached
    from spatial.walking.coverage import measure_coverage
    from spatial.walking.isochrones import build_isochrones
    from spatial.walking.labels import reach_nodes
    from spatial.walking.network import build_walk_network
    from spatial.walking.reasons import explain_unreached
    from spatial.walking.survey import Survey, Walks, survey_walks
    from spatial.walking.themes import cover_themes
    from spatial.walking.travel import travel_times
    from spatial.walking.walker import Walker

__version__ = "0.1.0"

_HOME = {
    "Conditions": "siting.conditions",
    "Division": "division.divide",
    "Inputs": "inputs",
    "KindRule": "siting.conditions",
    "Land": "land.blocks",
    "LevelRule": "siting.conditions",
    "Locks": "division.locks",
    "Plan": "plan.model",
    "Profile": "profile",
    "SiteChoice": "siting.service",
    "Sources": "io.sources",
    "SpatialError": "errors",
    "Survey": "walking.survey",
    "TradeOff": "division.tradeoff",
    "Walker": "walking.walker",
    "Walks": "walking.survey",
    "affected_sites": "walking.changes",
    "apply_edits": "plan.edits",
    "begin": "plan.state",
    "build_blocks": "land.blocks",
    "build_ground": "plan.ground",
    "build_isochrones": "walking.isochrones",
    "build_walk_network": "walking.network",
    "change_network": "walking.changes",
    "check_plan": "plan.checks",
    "choose_sites": "siting.choose",
    "compare_choices": "siting.compare",
    "count_reached": "walking.counts",
    "cover_themes": "walking.themes",
    "divide": "division.divide",
    "explain_unreached": "walking.reasons",
    "improve_plan": "division.improve",
    "list_pareto": "siting.compare",
    "list_profiles": "io.profiles",
    "make_plan": "pipeline",
    "measure_coverage": "walking.coverage",
    "measure_plan": "plan.metrics",
    "propose_repair": "plan.repair",
    "reach_nodes": "walking.labels",
    "read_district": "io.district",
    "read_heights": "io.spots",
    "read_inputs": "io.district",
    "read_osm": "io.osm",
    "read_profile": "io.profiles",
    "read_relief": "io.relief",
    "read_streets": "io.streets",
    "read_walk_network": "io.walk_network",
    "redivide": "division.redivide",
    "survey_walks": "walking.survey",
    "trade_off": "division.tradeoff",
    "travel_times": "walking.travel",
    "write_plan": "io.plan_folder",
    "write_sample": "io.sample",
}

__all__ = [
    "Conditions",
    "Division",
    "Inputs",
    "KindRule",
    "Land",
    "LevelRule",
    "Locks",
    "Plan",
    "Profile",
    "SiteChoice",
    "Sources",
    "SpatialError",
    "Survey",
    "TradeOff",
    "Walker",
    "Walks",
    "affected_sites",
    "apply_edits",
    "begin",
    "build_blocks",
    "build_ground",
    "build_isochrones",
    "build_walk_network",
    "change_network",
    "check_plan",
    "choose_sites",
    "compare_choices",
    "count_reached",
    "cover_themes",
    "divide",
    "explain_unreached",
    "improve_plan",
    "list_pareto",
    "list_profiles",
    "make_plan",
    "measure_coverage",
    "measure_plan",
    "propose_repair",
    "reach_nodes",
    "read_district",
    "read_heights",
    "read_inputs",
    "read_osm",
    "read_profile",
    "read_relief",
    "read_streets",
    "read_walk_network",
    "redivide",
    "survey_walks",
    "trade_off",
    "travel_times",
    "write_plan",
    "write_sample",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOME:
        raise AttributeError(f"module 'spatial' has no attribute {name!r}")
    return getattr(import_module(f"spatial.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
