"""Jobs on a store of plans: a plan is put in as a zip file, grids of its last version are drawn anew, by planners."""

import base64
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.jobs.importing import read_sent, unpack
from api.store.store import create_store, open_store
from spatial.errors import InputError
from tests.api.live import serving
from tests.api.test_processes import TIMEOUT_S, listen, results, run


def pack(folder: Path, *, within: str = "") -> bytes:
    """Return the files of a folder as a zip file, within another folder where one is named."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, within + path.name)
    return stream.getvalue()


@pytest.fixture(scope="module")
def planner(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    folder = tmp_path_factory.mktemp("store")
    store = create_store(folder / "plans.gpkg")
    secret = store.create_token("office", "planner")
    store.close()
    given = {"jobs": str(folder / "jobs.sqlite")}
    with serving(None, store=folder / "plans.gpkg", **given) as at:
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.Client(base_url=at, timeout=TIMEOUT_S, headers=headers) as one:
            yield one, str(folder / "plans.gpkg")


def test_a_plan_is_put_into_the_store_and_its_grids_are_drawn_anew(
    planner: tuple[httpx.Client, str], toy_folder: Path
) -> None:
    client, place = planner
    packed = base64.b64encode(pack(toy_folder, within="plan/")).decode()
    told = results(client, run(client, "import", plan={"value": packed, "encoding": "base64"}, why="first draft"))
    assert told == {"plan_id": "toy-0001", "version": 1, "grids": 3, "blocks": 4}
    assert client.get("/plans/toy-0001").status_code == 200
    store = open_store(place)
    version = store.get_version("toy-0001")
    store.close()
    assert (version.who, version.why, version.kind) == ("office", "first draft", "import")
    drawn = results(client, run(client, "redivide", plan="toy-0001", grids=["g1"], budget_s=2))
    assert (drawn["assignment"]["b3"], drawn["assignment"]["b4"]) == ("g2", "g3")
    whole = results(client, run(client, "divide", plan="toy-0001", budget_s=2))
    assert set(whole["assignment"]) == {"b1", "b2", "b3", "b4"}
    again = run(client, "import", plan=packed)
    assert list(listen(client, again))[-1][2]["status"] == "failed"
    lost = run(client, "divide", plan="toy-0002")
    assert "toy-0002" in list(listen(client, lost))[-1][2]["message"]


def test_only_planners_run_and_watch_jobs(planner: tuple[httpx.Client, str]) -> None:
    client, _ = planner
    with httpx.Client(base_url=client.base_url) as nobody:
        assert nobody.get("/processes").status_code == 200
        for answer in (nobody.post("/processes/divide/execution", json={"inputs": {}}), nobody.get("/jobs")):
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        wrong = {"Authorization": "Bearer guessed"}
        assert nobody.delete("/jobs/1", headers=wrong).status_code == 401


def test_who_may_not_run_jobs_is_refused_before_what_is_sent_is_read(planner: tuple[httpx.Client, str]) -> None:
    client, _ = planner
    for headers, status in (({"Authorization": ""}, 401), ({}, 400)):
        sent = {"Content-Type": "application/json", **headers}
        assert client.post("/processes/divide/execution", content="{", headers=sent).status_code == status


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, b"{}")
    return stream.getvalue()


def _lying() -> bytes:
    """Return a zip file whose content does not fit its check sum."""
    return _zip("report.json").replace(b"{}", b"[]")


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip file": (lambda: b"plain text", "not readable as a zip file"),
    "half a zip file": (lambda: _zip("report.json")[:-30], "not readable as a zip file"),
    "another check sum": (_lying, "not readable as a zip file"),
    "nothing": (_zip, "holds 0 files"),
    "a program": (lambda: _zip("report.json", "run.sh"), "holds 'run.sh'"),
    "one name twice": (lambda: _zip("a/report.json", "b/report.json"), "each once"),
    "too many": (lambda: _zip(*(f"{n}.json" for n in range(61))), "holds 61 files"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_zip_file_that_is_no_plan_is_refused(case: str, tmp_path: Path) -> None:
    make, sentence = BAD[case]
    with pytest.raises(InputError, match=sentence):
        unpack(make(), tmp_path)


def test_no_path_in_a_zip_file_leads_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    unpack(_zip("../../escaped.json", "/etc/rooted.json", "..\\windows.json"), inside)
    assert sorted(path.name for path in tmp_path.rglob("*.json") if path.parent == inside) == sorted(
        path.name for path in tmp_path.rglob("*.json")
    )
    assert len(list(inside.iterdir())) == 3


def test_a_zip_file_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.jobs.importing._MOST_BYTES", 1000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("report.json", b" " * 1001)
    with pytest.raises(InputError, match="more than 1,000 bytes"):
        unpack(stream.getvalue(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("report.json", "plan holds no report.json"),
        ("grids.geojson", "plan misses grids.geojson"),
        ("adjacency.csv", "plan holds no adjacency.csv"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told_of_what_was_sent(
    toy_folder: Path, tmp_path: Path, missing: str, told: str
) -> None:
    sent = shutil.copytree(toy_folder, tmp_path / "sent")
    (sent / missing).unlink()
    with pytest.raises(InputError, match=told) as caught:
        read_sent(sent)
    assert str(tmp_path) not in str(caught.value)


def _forge_report(sent: Path) -> None:
    report = json.loads((sent / "report.json").read_bytes())
    del report["crs"]
    (sent / "report.json").write_text(json.dumps(report))


def _forge_blocks(sent: Path) -> None:
    """Leave the blocks without properties, with a digest to fit."""
    report, blocks = (json.loads((sent / name).read_bytes()) for name in ("report.json", "blocks.geojson"))
    for feature in blocks["features"]:
        feature["properties"] = {}
    (sent / "blocks.geojson").write_text(json.dumps(blocks))
    report["files"]["blocks.geojson"]["sha256"] = hashlib.sha256((sent / "blocks.geojson").read_bytes()).hexdigest()
    (sent / "report.json").write_text(json.dumps(report))


@pytest.mark.parametrize("forge", [_forge_report, _forge_blocks])
def test_files_that_were_changed_with_their_digests_are_told_as_no_plan(
    toy_folder: Path, tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    sent = shutil.copytree(toy_folder, tmp_path / "sent")
    forge(sent)
    with pytest.raises(InputError) as caught:
        read_sent(sent)
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)
