"""Which conditions may a planner set beside the model, the number of sites and the cutoff?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from spatial.errors import InputError

MODELS = ("p_median", "max_cover", "set_cover", "p_center")
MODEL_NAMES: Mapping[str, str] = {
    **{name: name for name in MODELS},
    "pmedian": "p_median", "mclp": "max_cover", "lscp": "set_cover", "pcenter": "p_center",
}  # fmt: skip
"""By every name a planner may call a model, also those of the literature: its name here."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """Of the sites whose column has this value at least ``least`` and at most ``most`` are open (None: any number)."""

    column: str
    value: str
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class LevelRule:
    """Everybody asks for a site of at least this level within a cutoff of its own; ``weight`` is what that counts."""

    level: int
    cutoff: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What limits a choice of sites; without any, a number of sites and a cutoff do. All of them go with every model.

    Attributes
    ----------
    weights:
        Group -> what one of its members counts; by default one household counts 1 and nobody else.
    cutoffs:
        Group -> its own cutoff, in the unit of the travel times, instead of the general one.
    closable:
        Centres that are open today may close; then they count among the ``p`` sites, and cost nothing to keep.
    budget, mode_prices:
        Money for all new sites, and the price of a candidate without a cost of its own, by acquisition mode.
    cheapest:
        Set cover minimises money instead of the number of sites.
    spacing_m:
        No two open sites are nearer to each other than this, in a straight line. Two centres open today may be.
    room, split:
        Sites have room for so much only; and a demand point may be shared by several of them.
    backup:
        A demand point is served by its ``backup``-th nearest open site. Where sites have limited room it is served by
        the one that has room for it, and that many open sites must be able to serve it.
    full_until:
        Maximal cover counts everybody up to this walk, and beyond it a share that falls to nothing at the cutoff.
    each_of:
        Column of the sites: each of its values has at least one open site ("every street has one").
    kinds:
        Numbers of open sites of some kind, mode or other column.
    levels:
        Nested levels: a site also serves the levels below its own.
    refuse_unreachable:
        Demand that no site can serve makes the question unanswerable, instead of being listed and left out.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    cutoffs: Mapping[str, float] = field(default_factory=dict)
    closable: bool = False
    budget: float | None = None
    mode_prices: Mapping[str, float] = field(default_factory=dict)
    cheapest: bool = False
    spacing_m: float = 0.0
    room: bool = False
    split: bool = False
    backup: int = 1
    full_until: float | None = None
    each_of: str = ""
    kinds: tuple[KindRule, ...] = ()
    levels: tuple[LevelRule, ...] = ()
    refuse_unreachable: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that the conditions name."""
        return tuple(dict.fromkeys([*self.weights, *self.cutoffs]))

    def told(self) -> dict[str, object]:
        """Return the conditions that are set, ready for a report."""
        out: dict[str, object] = {}
        for one, default in ((f.name, getattr(_NONE, f.name)) for f in fields(self)):
            value = getattr(self, one)
            if value == default:
                continue
            if one in ("kinds", "levels"):
                value = [{f.name: getattr(rule, f.name) for f in fields(rule)} for rule in value]
            out[one] = dict(value) if isinstance(value, Mapping) else value
        return out


_NONE = Conditions()


def check_conditions(conditions: Conditions, model: str) -> None:
    """Refuse conditions that mean nothing.

    Raises
    ------
    InputError
        If a number is out of its range, or a condition does not go with the model.
    """
    if model not in MODELS:
        raise InputError(f"siting: model is {model!r}; needed one of {', '.join(MODELS)}")
    for name in ("weights", "cutoffs", "mode_prices"):
        for key, value in getattr(conditions, name).items():
            if not 0 <= value < float("inf"):
                raise InputError(f"siting: {name} of {key!r} is {value}; needed a number of at least 0")
    if conditions.budget is not None and not 0 <= conditions.budget < float("inf"):
        raise InputError(f"siting: the budget is {conditions.budget}; needed a number of at least 0")
    if not 0 <= conditions.spacing_m < float("inf"):
        raise InputError(f"siting: spacing_m is {conditions.spacing_m}; needed at least 0 metres")
    if not 1 <= conditions.backup <= 9:
        raise InputError(f"siting: backup is {conditions.backup}; needed 1 to 9 open sites")
    if conditions.full_until is not None and model != "max_cover":
        raise InputError(f"siting: full_until goes with max_cover, found {model}")
    if conditions.full_until is not None and not 0 <= conditions.full_until < float("inf"):
        raise InputError(f"siting: full_until is {conditions.full_until}; needed a number of at least 0")
    if conditions.cheapest and model != "set_cover":
        raise InputError(f"siting: cheapest goes with set_cover, found {model}; a budget limits the others")
    for rule in conditions.kinds:
        if rule.least < 0 or (rule.most is not None and rule.most < rule.least):
            raise InputError(
                f"siting: of {rule.column} {rule.value!r} at least {rule.least} and at most {rule.most} sites are "
                "asked for; needed 0 or more, and the most no fewer than the least"
            )
    for level in conditions.levels:
        if not 0 <= level.cutoff < float("inf"):
            raise InputError(f"siting: the cutoff of level {level.level} is {level.cutoff}; needed 0 or more")
        if not 0 <= level.weight < float("inf"):
            raise InputError(
                f"siting: the weight of level {level.level} is {level.weight}; needed a number of 0 or more"
            )
    if len({rule.level for rule in conditions.levels}) < len(conditions.levels):
        raise InputError("siting: a level is named twice; needed one cutoff for each")
    if conditions.levels and conditions.cutoffs:
        raise InputError(
            f"siting: cutoffs of groups ({', '.join(conditions.cutoffs)}) and levels are asked for together; each "
            "level has one cutoff for all groups, so needed one of the two"
        )
