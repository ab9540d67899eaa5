"""Imports go one way through the house, and the pure rooms stay pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {
    "errors": 0, "crs": 1, "folding": 1, "personal": 2, "profile": 1, "progress": 1, "tables": 2, "inputs": 3,
    "sample": 4, "land": 4, "walking": 4, "division": 5, "siting": 5, "plan": 6, "pipeline": 7, "io": 8,
    "spatial": 9, "console": 10, "cli_divide": 11, "cli_locate": 11, "cli_site": 11, "cli_walk": 11,
    "cli": 12, "api": 13,
}  # fmt: skip
PURE = {"errors", "crs", "folding", "personal", "profile", "progress", "tables", "inputs", "sample", "land", "walking",
        "division", "siting", "plan", "pipeline"}  # fmt: skip
ENGINE_RANK = {"median": 0, "cover": 1, "center": 2, "general": 3, "room": 4}
OUTSIDE_PURE = {"fastapi", "starlette", "uvicorn", "requests", "httpx", "sqlite3", "pyogrio", "osmium", "openpyxl",
                "typer", "rich", "orjson", "pyarrow"}  # fmt: skip
MODULES = sorted([*ROOT.glob("spatial/**/*.py"), *ROOT.glob("api/**/*.py")])


def _room(dotted: str) -> str | None:
    parts = dotted.split(".")
    if parts[0] == "api":
        return "api"
    if parts[0] != "spatial":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in RANK else "spatial"


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_imports_only_from_rooms_below_its_own(path: Path) -> None:
    room = _room(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert room is not None
    for name in _imports(path):
        other = _room(name)
        if other is not None and other != room:
            assert RANK[other] < RANK[room], f"{room} imports {name}"
        if room in PURE:
            assert name.split(".")[0] not in OUTSIDE_PURE, f"{room} is pure and imports {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "spatial/siting").glob("*/*.py")), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_an_engine_of_siting_imports_only_from_engines_below_it(path: Path) -> None:
    for name in _imports(path):
        engine = name.removeprefix("spatial.siting.").split(".")[0] if name.startswith("spatial.siting.") else ""
        if engine in ENGINE_RANK and engine != path.parent.name:
            assert ENGINE_RANK[engine] < ENGINE_RANK[path.parent.name], f"{path.parent.name} imports {name}"


def test_only_crs_names_epsg_codes() -> None:
    for path in ROOT.glob("spatial/**/*.py"):
        # Readers name the systems of files; the command line tells a planner how to name one.
        if path.name not in ("crs.py", "cli.py") and "io" not in path.parts:
            assert "epsg" not in path.read_text(encoding="utf-8").lower(), path
