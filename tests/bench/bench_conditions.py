"""Print how near to proof every model comes in a district under every side condition, one by one and in pairs.

Run as ``python -m tests.bench.bench_conditions [model ...] [+condition ...]`` from the checkout: a district of 5,000
demand points and 500 candidates, 40 sites to open, ten seconds of the processor for each question. A share of what is
served is told for maximal cover, of the value for the others.
"""

import sys
import time

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.answer import answer
from spatial.siting.asking import ask
from spatial.siting.conditions import MODELS, Conditions, KindRule, LevelRule
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.setting import Homes, Places, Setting
from spatial.siting.ways import Deadline
from tests.bench.siting_instances import city

_BUDGET_S, _P, _CUTOFF_M, _FAR_M = 10.0, 40, 1000.0, 6000.0
_MODES = {"transfer": 20.0, "clear": 35.0, "share": 50.0, "build": 180.0, "revive": 80.0}
_STREETS, _EXISTING = 20, 12

CONDITIONS: dict[str, Conditions] = {
    "none": Conditions(),
    "fixed": Conditions(),
    "closable": Conditions(closable=True),
    "budget": Conditions(budget=1500.0, mode_prices=_MODES),
    "spacing": Conditions(spacing_m=500.0),
    "groups": Conditions(weights={"households": 1.0, "old": 3.0, "young": 2.0}, cutoffs={"old": 500.0, "young": 800.0}),
    "backup": Conditions(backup=2),
    "partial": Conditions(full_until=500.0),
    "streets": Conditions(each_of="street"),
    "kinds": Conditions(kinds=(KindRule("mode", "build", 0, 5), KindRule("kind", "school", 8, None))),
    "levels": Conditions(levels=(LevelRule(1, 800.0), LevelRule(2, 2000.0, 0.5))),
    "cheapest": Conditions(mode_prices=_MODES, cheapest=True),
    "budget+spacing": Conditions(budget=1500.0, mode_prices=_MODES, spacing_m=500.0),
    "budget+streets": Conditions(budget=1500.0, mode_prices=_MODES, each_of="street"),
    "budget+partial": Conditions(budget=1500.0, mode_prices=_MODES, full_until=500.0),
    "budget+backup": Conditions(budget=1500.0, mode_prices=_MODES, backup=2),
    "closable+spacing": Conditions(closable=True, spacing_m=500.0),
    "levels+kinds": Conditions(
        levels=(LevelRule(1, 800.0), LevelRule(2, 2000.0, 0.5)), kinds=(KindRule("mode", "build", 0, 5),)
    ),
    "groups+streets": Conditions(
        weights={"households": 1.0, "old": 3.0}, cutoffs={"old": 500.0, "households": 1000.0}, each_of="street"
    ),
    "cheapest+streets": Conditions(mode_prices=_MODES, cheapest=True, each_of="street"),
}
_ONLY = {
    "partial": "max_cover",
    "budget+partial": "max_cover",
    "cheapest": "set_cover",
    "cheapest+streets": "set_cover",
}
_NO_EXISTING = ("none",)


def district(seed: int = 1, *, existing: int = 0, far_m: float = _FAR_M) -> Setting:
    """A district with streets, modes, kinds and levels of its sites, drawn from the seed."""
    town = city(5000, 500, seed, cutoff_m=far_m)
    rng = np.random.default_rng(seed)
    xy, sites = town.place, len(town.place)
    hearts = xy[rng.choice(sites, _STREETS, replace=False)]
    street = np.argmin(np.hypot(*(xy[:, None] - hearts[None]).transpose(2, 0, 1)), axis=1)
    mode = rng.choice(np.array([*_MODES], dtype=object), sites, p=[0.1, 0.1, 0.2, 0.4, 0.2])
    price = np.array([_MODES[one] for one in mode]) * rng.lognormal(0.0, 0.3, sites)
    price[rng.random(sites) < 0.2] = np.nan
    open_now = np.zeros(sites, dtype=bool)
    open_now[rng.choice(sites, existing, replace=False)] = True
    kinds = np.array(["hall", "school", "shop"], dtype=object)[rng.choice(3, sites, p=[0.6, 0.15, 0.25])]
    places = Places(
        ids=np.array([f"s{i:03}" for i in range(sites)], dtype=object),
        existing=open_now,
        price=np.round(price),
        room=np.full(sites, np.inf),
        xy=xy,
        marks={"mode": mode, "kind": kinds, "street": np.array([f"street {k:02}" for k in street], dtype=object)},
        level=1 + (rng.random(sites) < 0.3).astype(np.int64),
    )
    people = {name: town.groups[:, k].astype(float) for k, name in enumerate(("old", "young", "ill"))}
    weight = town.weight.astype(float)
    ids = np.array([f"h{i:04}" for i in range(len(weight))], dtype=object)
    return Setting(places, Homes(ids, {"households": weight, **people}, weight), town.whole_metres(), {})


def question_of(setting: Setting, model: str, name: str) -> Question:
    """Return one question of the district."""
    cutoff = _CUTOFF_M if model.endswith("cover") else np.inf
    p = AS_MANY_AS_NEEDED if model == "set_cover" else _P
    conditions = CONDITIONS[name]
    if model == "set_cover" and conditions.budget is not None:
        raise KeyError(name)
    return ask(setting, conditions, model=model, p=p, cutoff=cutoff).question


def solve(model: str, name: str, question: Question) -> None:
    """Answer one question and print it."""
    started = time.process_time()
    try:
        found = answer(question, deadline=Deadline(_BUDGET_S, clock=time.process_time))
    except InfeasibleError as error:
        print(f"{model:10} {name:18} {error}", flush=True)
        return
    spent = time.process_time() - started
    if found is None:
        print(f"{model:10} {name:18} no answer: proved {spent:7.2f} s", flush=True)
        return
    whole = found.value
    if model == "max_cover":
        whole = float(question.weight.sum()) - found.value
    gap = 100.0 * (found.value - found.bound) / max(whole, 1e-9)
    word = "proved" if found.proved else f"{gap:6.3f}"
    told = f"{found.value:14.1f} {int(found.opened.sum()):4d} sites {word:>8} % {spent:7.2f} s"
    print(f"{model:10} {name:18} {told}", flush=True)


def main(words: list[str]) -> None:
    """Run what is named; all else."""
    models = [word for word in words if not word.startswith("+")] or list(MODELS)
    names = [word[1:] for word in words if word.startswith("+")] or list(CONDITIONS)
    bare, settled = district(), district(existing=_EXISTING)
    for model in models:
        for name in names:
            if _ONLY.get(name, model) != model:
                continue
            if model == "set_cover" and name.startswith("budget"):
                continue
            question = question_of(bare if name in _NO_EXISTING else settled, model, name)
            solve(model, name, question)


if __name__ == "__main__":
    main(sys.argv[1:])
