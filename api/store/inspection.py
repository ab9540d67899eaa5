"""Is a store whole: every version what its digest says, every layer what the last version says?"""

from collections import Counter

from api.store.database import Rows
from api.store.findings import LAYER, read_all, read_findings
from api.store.grids import read_contents, read_grids
from api.store.plans import digest_ground, list_plans
from api.store.records import Grid, PlanRecord
from api.store.taken import find_taken, inspect_layers
from api.store.versions import digest_version, list_versions


def inspect_plans(rows: Rows) -> list[str]:
    """Return what is wrong with the plans of a store, a sentence each; none when all is well."""
    return [f"plan {plan.plan_id}: {found}" for plan in list_plans(rows) for found in _inspect(rows, plan)]


def _inspect(rows: Rows, plan: PlanRecord) -> list[str]:
    ground = rows.one("SELECT digest FROM plans WHERE plan_id = ?", plan.plan_id)
    assert ground is not None
    versions = list_versions(rows, plan.plan_id)
    found = _inspect_ground(rows, plan, ground[0])
    if [one.version for one in versions] != list(range(1, plan.head + 1)):
        return [*found, f"found versions {[one.version for one in versions]}, needed 1 to {plan.head}"]
    blocks = {str(row[0]) for row in rows.all("SELECT feature_id FROM blocks WHERE plan_id = ?", plan.plan_id)}
    for one in versions:
        grids = read_grids(rows, plan.plan_id, one.version)
        found += [f"version {one.version}: {text}" for text in _inspect_grids(grids, blocks)]
        living = {grid.grid_id: grid.content for grid in grids if grid.feature}
        if digest_version(ground[0], living, find_taken(rows, plan.plan_id, one.version)) != one.digest:
            found.append(f"version {one.version}: its grids or layers are not those its digest was made of")
    return found + _inspect_layers(rows, plan)


def _inspect_ground(rows: Rows, plan: PlanRecord, digest: str) -> list[str]:
    names = [str(row[0]) for row in rows.all("SELECT content FROM contents WHERE plan_id = ?", plan.plan_id)]
    held = read_contents(rows, plan.plan_id, names)
    changed = [name for name in names if name not in held or Grid("", *held[name]).content != name]
    whole = digest_ground(rows, plan.plan_id) == digest
    found = [] if whole else ["the ground, or a layer that no edit changes, was changed"]
    return found + [f"a grid of content {content} was changed" for content in changed]


def _inspect_grids(grids: list[Grid], blocks: set[str]) -> list[str]:
    held = Counter(block for grid in grids if grid.feature for block in grid.document["blocks"])
    twice = sorted(block for block, times in held.items() if times > 1)
    lost, strange = sorted(blocks - held.keys()), sorted(held.keys() - blocks)
    codes = Counter(grid.document["code"] for grid in grids)
    shared = sorted(code for code, times in codes.items() if times > 1)
    told = {"in two grids": twice, "in no grid": lost, "unknown": strange}
    found = [f"{len(some)} blocks are {what}, such as {some[0]!r}" for what, some in told.items() if some]
    return found + [f"code {code!r} is given to two grids" for code in shared]


def _inspect_layers(rows: Rows, plan: PlanRecord) -> list[str]:
    """Hold the layers of grids and blocks against the last version."""
    last = [grid for grid in read_grids(rows, plan.plan_id, plan.head) if grid.feature]
    shown: dict[str, str] = dict(rows.all("SELECT feature_id, content FROM grids WHERE plan_id = ?", plan.plan_id))
    found = [] if shown == {g.grid_id: g.content for g in last} else ["the layer of grids is not the last version"]
    grid_of: dict[str, str] = dict(rows.all("SELECT feature_id, grid_id FROM blocks WHERE plan_id = ?", plan.plan_id))
    if grid_of != {block: grid.grid_id for grid in last for block in grid.document["blocks"]}:
        found.append("the layer of blocks is not the last version")
    told = {feature["id"] for feature in read_all(read_findings(rows, plan.plan_id, plan.head))}
    if told != {row[0] for row in rows.all(f"SELECT feature_id FROM {LAYER} WHERE plan_id = ?", plan.plan_id)}:
        found.append("the layer of violations is not the last version")
    return found + inspect_layers(rows, plan.plan_id, plan.head)
