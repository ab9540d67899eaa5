"""Profile: every policy number of a plan, frozen, with its unit in its name and its source beside it.

A profile is made from a nested mapping (a TOML file, read by ``spatial.io``). Each number is either bare or a table
``{value, source, mark}``; marks are those of the field notes: S0-S4 (the five city reports), V (read in a public text),
M-h / M-m / M-l (from memory: high, medium, low confidence), D (derived).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from spatial.errors import ProfileError

MARKS = ("S0", "S1", "S2", "S3", "S4", "V", "M-h", "M-m", "M-l", "D")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number comes from, and how far it can be trusted."""

    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class GridRules:
    """Size of a grid, and what may not be torn."""

    level: str
    target_households: int
    floor_households: int
    ceiling_households: int
    two_phase_estates: bool
    """Closed estates are grids of their own; only open land is merged towards the target (Hefei)."""


@dataclass(frozen=True, slots=True)
class CommunityRules:
    """Size of a community that is proposed where none is known."""

    target_households: int
    floor_households: int
    ceiling_households: int


@dataclass(frozen=True, slots=True)
class LandRules:
    """How land is cut into blocks."""

    face_strength: float
    """Barriers of at least this strength cut the land into faces."""
    clear_strength: float
    """A border on a barrier of at least this strength is clear."""
    clear_tolerance_m: float
    min_shared_m: float
    sliver_area_m2: float
    sliver_width_m: float
    artifact_index: float
    """Land without households below this index, ln(A^2 / area of the smallest circle about it), is a by-product of how
    streets are drawn: strips between carriageways, islands of junctions (Fleischmann & Vybornova 2024)."""
    verge_m: float
    """Empty land beside a wall or an estate's outline, up to this width, belongs to what the wall encloses."""
    near_barrier_m: float
    share_block_m: float
    cut_oversize: bool
    unknown_access: str
    max_households_per_ha: float
    max_estate_households: int
    barrier_strength: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HouseholdRules:
    """How households are estimated where only footprints exist."""

    m2_per_household: float
    default_levels: float
    net_floor_share: float
    estate_reach_m: float
    """A point of a register in a face without homes stands for the homes across the street within this distance."""


@dataclass(frozen=True, slots=True)
class DivisionRules:
    """What the division's objective counts; each term is of order one per grid."""

    balance_weight: float
    """Cost of a grid a quarter of the target away from its aim; grows with the square."""
    far_weight: float
    """Added cost per target that a grid is farther from its aim than ``far_share``."""
    far_share: float
    border_weight: float
    unclear_weight: float
    change_weight: float
    """Cost of a target's worth of households that leave today's grid; acts only where today's grids are given."""
    familiarity_weight: float
    """Cost of a border between two neighbouring blocks of one estate or one property company."""
    span_weight: float
    """Cost of a span as long as the side of a mean grid; the span is the longest way across a grid."""
    floor_penalty: bool
    """A grid below the floor is avoided at almost any cost; else it costs its distance from the aim alone."""
    largest_is_aim: bool
    """The aim of a grid is its largest block where that exceeds the target; else only where it exceeds the ceiling."""
    oversize_alone: bool
    """A block above the ceiling stands alone; else it may take land without households into its grid."""
    size_column: str
    """Column of the blocks that band and balance count: households, or a measure of work."""
    clear_target: float
    moves_per_block: int
    proof_nodes_per_block: int
    """Effort of the search: counted in moves, so that every machine finds the same division."""


@dataclass(frozen=True, slots=True)
class WalkRules:
    """Walking speeds, limits and penalties."""

    adult_m_per_s: float
    elderly_m_per_s: float
    stroller_m_per_s: float
    steps_factor: float
    elevator_s: float
    circle_min: tuple[float, ...]
    circle_m: tuple[float, ...]
    max_access_m: float
    """Walks from a door to the network beyond this are flagged: the map lacks paths there."""
    component_detour: float
    component_reach_m: float
    """Within this distance the main part of the network is taken, however near an island of it lies."""
    sidewalk_detour: float
    """A carriageway with sidewalks mapped apart is not walked where they lead as far with at most this much detour."""
    sidewalk_beside_m: float
    """Sidewalks farther than this from the carriageway's centre line are not its own."""
    gate_snap_m: float
    """A gate stands on the way that passes within this distance."""
    circle_buffer_m: float
    """Half the width of the strip about a reached street that a circle shows."""
    circle_tolerance_m: float
    """How far a circle's outline may lie from where it is, so that it has few vertices."""
    circle_hole_m2: float
    """Holes of a circle below this area are filled."""
    plaza_entries: int
    """Squares with at most this many entries are crossed freely; larger ones are walked around."""
    patrol_min: float


@dataclass(frozen=True, slots=True)
class SitingRules:
    """How many centres, of what reach, and how large."""

    model: str
    households_per_site: int
    cutoff_min: float
    floor_m2_per_100_households: float
    min_floor_m2: float


@dataclass(frozen=True, slots=True)
class CheckRules:
    """What a plan is held against beside the size of its grids."""

    sliver_area_m2: float
    """A grid of less land is an error."""
    sliver_thinness: float
    """4 pi area / perimeter squared; a grid below it is a warning."""
    cut_building_m2: float
    """A border cuts a building where more than this lies in each of two grids."""
    total_tolerance: float
    """A community may differ from its known total of households by this share of it."""


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """What everybody may be told."""

    least_households: int
    """Counts of fewer homes are left out of public feeds, and so is what would tell them; 1 leaves nothing out."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of policy numbers; ``sources`` maps ``section.key`` to where each number comes from."""

    name: str
    title: str
    grid: GridRules
    community: CommunityRules
    land: LandRules
    households: HouseholdRules
    division: DivisionRules
    walking: WalkRules
    siting: SitingRules
    checks: CheckRules
    privacy: PrivacyRules
    sources: Mapping[str, Source]


_SECTIONS: Mapping[str, type] = {
    "grid": GridRules,
    "community": CommunityRules,
    "land": LandRules,
    "households": HouseholdRules,
    "division": DivisionRules,
    "walking": WalkRules,
    "siting": SitingRules,
    "checks": CheckRules,
    "privacy": PrivacyRules,
}


def build_profile(document: Mapping[str, Any]) -> Profile:
    """Return the profile that a nested mapping describes, checked.

    Raises
    ------
    ProfileError
        If a key is unknown or missing, a value has the wrong type, a source or a mark is missing, or numbers contradict
        each other; the text names the key as ``section.key``.
    """
    unknown = sorted(set(document) - set(_SECTIONS) - {"name", "title"})
    if unknown:
        raise ProfileError(f"profile: unknown key {unknown[0]!r}; known are name, title, {', '.join(_SECTIONS)}")
    for key in ("name", "title"):
        if not isinstance(document.get(key), str) or not document[key]:
            raise ProfileError(f"profile: {key} is {document.get(key)!r}, needed a text")
    sources: dict[str, Source] = {}
    sections = {name: _build_section(name, kind, document.get(name, {}), sources) for name, kind in _SECTIONS.items()}
    profile = Profile(name=document["name"], title=document["title"], sources=sources, **sections)
    _check(profile)
    return profile


def _build_section(section: str, kind: type, given: Any, sources: dict[str, Source]) -> Any:
    if not isinstance(given, Mapping):
        raise ProfileError(f"profile: {section} is {given!r}, needed a table")
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ProfileError(f"profile: unknown key {section}.{unknown[0]}; known are {', '.join(names)}")
    values = {}
    for name in names:
        if name not in given:
            raise ProfileError(f"profile: {section}.{name} is missing")
        values[name] = _read_value(f"{section}.{name}", given[name], hints[name], sources)
    return kind(**values)


def _read_value(key: str, given: Any, hint: Any, sources: dict[str, Source]) -> Any:
    if isinstance(given, Mapping) and "value" in given:
        unknown = sorted(set(given) - {"value", "source", "mark"})
        if unknown:
            raise ProfileError(f"profile: unknown key {key}.{unknown[0]}; known are value, source, mark")
        text, mark = given.get("source", ""), given.get("mark", "")
        if not isinstance(text, str) or not text or mark not in MARKS:
            raise ProfileError(
                f"profile: {key} has source {text!r} and mark {mark!r}, needed a text and one of {MARKS}"
            )
        sources[key] = Source(text, mark)
        given = given["value"]
    else:
        raise ProfileError(f"profile: {key} is {given!r}, needed {{value, source, mark}}")
    return _coerce(key, given, hint)


def _coerce(key: str, given: Any, hint: Any) -> Any:
    number = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < float("inf")
    if hint is bool and isinstance(given, bool):
        return given
    if hint is int and number and given == int(given):
        return int(given)
    if hint is float and number:
        return float(given)
    if hint is str and isinstance(given, str):
        return given
    if hint == tuple[float, ...] and isinstance(given, list) and given:
        return tuple(_coerce(f"{key}[{i}]", v, float) for i, v in enumerate(given))
    if hint == Mapping[str, float] and isinstance(given, Mapping):
        return {str(k): _coerce(f"{key}.{k}", v, float) for k, v in given.items()}
    raise ProfileError(f"profile: {key} is {given!r}, needed {getattr(hint, '__name__', hint)}")


def _check(profile: Profile) -> None:
    """Refuse numbers that contradict each other."""
    for section in ("grid", "community"):
        rules = getattr(profile, section)
        low, target, high = rules.floor_households, rules.target_households, rules.ceiling_households
        if not 0 < low <= target <= high:
            raise ProfileError(
                f"profile: {section}.floor_households {low}, target_households {target}, ceiling_households {high}: "
                "needed 0 < floor <= target <= ceiling"
            )
    _check_range(profile, "land", ("face_strength", "clear_strength"), 0.0, 1.0)
    _check_range(profile, "division", ("clear_target",), 0.0, 1.0)
    if not profile.division.size_column:
        raise ProfileError("profile: division.size_column is '', needed the name of a column of the blocks")
    for kind, strength in profile.land.barrier_strength.items():
        if not 0.0 <= strength <= 1.0:
            raise ProfileError(f"profile: land.barrier_strength.{kind} is {strength}, needed 0 to 1")
    if profile.land.unknown_access not in ("gated", "open"):
        raise ProfileError(f"profile: land.unknown_access is {profile.land.unknown_access!r}, needed gated or open")
    if profile.siting.model not in ("p_median", "max_cover", "set_cover", "p_center"):
        raise ProfileError(
            f"profile: siting.model is {profile.siting.model!r}, needed p_median, max_cover, set_cover or p_center"
        )
    for section in ("land", "households", "division", "walking", "siting", "checks", "privacy"):
        rules = getattr(profile, section)
        for f in fields(rules):
            value = getattr(rules, f.name)
            values = value if isinstance(value, tuple) else (value,)
            if any(isinstance(v, int | float) and not isinstance(v, bool) and v < 0 for v in values):
                raise ProfileError(f"profile: {section}.{f.name} is {value}, needed no negative number")
    for name in ("adult_m_per_s", "elderly_m_per_s", "stroller_m_per_s"):
        if getattr(profile.walking, name) <= 0:
            raise ProfileError(f"profile: walking.{name} is {getattr(profile.walking, name)}, needed above 0")
    for name in ("circle_min", "circle_m"):
        limits = getattr(profile.walking, name)
        if list(limits) != sorted(set(limits)) or limits[0] <= 0:
            raise ProfileError(f"profile: walking.{name} is {list(limits)}, needed rising numbers above 0")


def _check_range(profile: Profile, section: str, names: tuple[str, ...], low: float, high: float) -> None:
    for name in names:
        value = getattr(getattr(profile, section), name)
        if not low <= value <= high:
            raise ProfileError(f"profile: {section}.{name} is {value}, needed {low:g} to {high:g}")
