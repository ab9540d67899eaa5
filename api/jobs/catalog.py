"""Which processes can be run here, what do they take, and what do they give?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from api.jobs.models import DivideAsked, Divided, ImportAsked, Imported, RedivideAsked
from api.jobs.serving import Serving
from api.jobs.site_models import Choice, SiteAsked
from api.walk_models import Circles, CirclesAsked, Times, TimesAsked

Needs = Literal["", "map", "store"]
_VERSION = "1.0.0"
_NEEDED: Mapping[Needs, str] = {
    "map": "a server with a street map: `wangge serve --osm map.osm.pbf`",
    "store": "a server with a store of plans: `wangge serve --store plans.gpkg`",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A process of OGC API - Processes.

    Attributes
    ----------
    asked:
        The model of its inputs, one member each.
    outputs:
        By id: title, and the model or JSON Schema of the value.
    run:
        ``module:function`` that a worker calls with (inputs, serving, teller); it returns the outputs by id.
    quick:
        Whether it may be waited for.
    needs:
        What has to be served for it to be there.
    """

    process_id: str
    title: str
    description: str
    asked: type[BaseModel]
    outputs: Mapping[str, tuple[str, Any]]
    run: str
    quick: bool = False
    needs: Needs = ""

    @property
    def modes(self) -> list[str]:
        """How it may be run; the first is the default."""
        return ["sync-execute", "async-execute"] if self.quick else ["async-execute"]

    def summary(self) -> dict[str, Any]:
        """Return what the list of processes tells."""
        return {
            "id": self.process_id,
            "title": self.title,
            "description": self.description,
            "version": _VERSION,
            "jobControlOptions": self.modes,
            "outputTransmission": ["value"],
        }

    def description_document(self) -> dict[str, Any]:
        """Return all that is told of the process, with a JSON Schema of each input and output."""
        schema = self.asked.model_json_schema()
        needed = set(schema.get("required", ()))
        inputs = {
            name: _tell_input(name, one, schema.get("$defs", {}), name in needed)
            for name, one in schema["properties"].items()
        }
        outputs = {name: {"title": title, "schema": _schema_of(kind)} for name, (title, kind) in self.outputs.items()}
        return {**self.summary(), "inputs": inputs, "outputs": outputs}


def _tell_input(name: str, schema: dict[str, Any], models: Mapping[str, Any], needed: bool) -> dict[str, Any]:
    told = {key: value for key, value in schema.items() if key not in ("title", "description")}
    title = schema.get("title", name)
    return {
        "title": title,
        "description": schema.get("description", title),
        "minOccurs": int(needed),
        "maxOccurs": 1,
        "schema": _inline(told, models),
    }


def _schema_of(kind: Any) -> dict[str, Any]:
    if isinstance(kind, Mapping):
        return dict(kind)
    schema = kind.model_json_schema()
    whole: dict[str, Any] = _inline({k: v for k, v in schema.items() if k != "$defs"}, schema.get("$defs", {}))
    return whole


def _inline(node: Any, models: Mapping[str, Any]) -> Any:
    """Return a schema that is complete in itself: models stand where they were referred to (none holds itself)."""
    if isinstance(node, list):
        return [_inline(one, models) for one in node]
    if not isinstance(node, Mapping):
        return node
    if "$ref" in node:
        model = models[str(node["$ref"]).rpartition("/")[2]]
        return _inline({**model, **{key: value for key, value in node.items() if key != "$ref"}}, models)
    return {key: _inline(value, models) for key, value in node.items()}


def _outputs_of(model: type[BaseModel]) -> dict[str, tuple[str, Any]]:
    """Return an output for each member of a model."""
    schema = model.model_json_schema()
    models = schema.get("$defs", {})
    return {name: (str(one.get("title", name)), _inline(one, models)) for name, one in schema["properties"].items()}


def _all() -> tuple[Process, ...]:
    divided = _outputs_of(Divided)
    return (
        Process(
            "divide",
            "Divide blocks into grids",
            "Contiguous grids of about the profile's households, with a bound on the best possible. Better plans and "
            "bounds are told as events while the proof goes on.",
            DivideAsked,
            divided,
            "api.jobs.dividing:run_divide",
        ),
        Process(
            "redivide",
            "Draw some grids anew",
            "Only the named grids change; all others keep every block and their id; few households change grid.",
            RedivideAsked,
            divided,
            "api.jobs.dividing:run_redivide",
        ),
        Process(
            "site",
            "Choose sites",
            "Which candidates open, by set cover, maximal cover, p-median or p-center under a planner's conditions, "
            "with a bound. Where no sites keep every condition, the problem says what would do.",
            SiteAsked,
            {"choice": ("The choice", Choice)},
            "api.jobs.siting:run_site",
        ),
        Process(
            "import",
            "Put a plan into the store",
            "A plan folder, packed as one zip file, becomes the first version of a plan of the store.",
            ImportAsked,
            _outputs_of(Imported),
            "api.jobs.importing:run_import",
            needs="store",
        ),
        Process(
            "walk",
            "Walk from homes to places",
            "Seconds and metres of every walk within a limit on the street map that is served.",
            TimesAsked,
            {"times": ("Walks within the limit", Times)},
            "api.jobs.walking:run_walk",
            quick=True,
            needs="map",
        ),
        Process(
            "circles",
            "Draw service circles",
            "The area within so many minutes or metres of each place on foot, and the households in it.",
            CirclesAsked,
            {"circles": ("Circles", Circles)},
            "api.jobs.walking:run_circles",
            quick=True,
            needs="map",
        ),
    )


def list_processes(serving: Serving) -> dict[str, Process]:
    """Return the processes that can be run on what is served, by id."""
    there = {"": True, "map": serving.osm is not None, "store": serving.store is not None}
    return {one.process_id: one for one in _all() if there[one.needs]}


def tell_missing(name: str, processes: Mapping[str, Process]) -> str:
    """Return why a process is not among those that can be run on what is served."""
    known = {one.process_id: _NEEDED[one.needs] for one in _all() if one.needs}
    needed = known.get(name)
    there = f"there are {', '.join(processes)}"
    return f"no process {name!r} here, needed {needed}; {there}" if needed else f"no process {name!r}; {there}"
