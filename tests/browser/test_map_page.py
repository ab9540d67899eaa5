"""The map page, opened in a real browser: what is drawn is what the feeds hold, and nothing leaves the machine."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from spatial.io.plan_folder import write_plan
from tests.api.live import ROOT, serving
from tests.api.test_vertical_grids import BESIDE, IN_TOWER, write_tower
from tests.api.toy_plan import build_toy_inputs, build_toy_plan, toy_scorecard, toy_violations

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DIST = ROOT / "api" / "web" / "dist" / "index.html"
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
KEYS = {
    "blocks": "block_id", "grids": "grid_id", "sites": "site_id", "demand": "demand_id",
    "communities": "community_id", "barriers": "barrier_id",
}  # fmt: skip
LATER = {
    "gates": ("gates",), "candidates": ("candidates",), "existing": ("existing",), "pois": ("pois",),
    "estates": ("estates", "estates-point"), "current": ("current",),
}  # fmt: skip
"""Layers of what was read, and the map layers that draw each."""
IDS = "([layers, key]) => [...new Set(wangge.map.queryRenderedFeatures({layers}).map(f => f.properties[key]))]"
DRAWN = (
    "([layer, key]) => new Set(wangge.map.queryRenderedFeatures({layers: [layer]}).map(f => f.properties[key])).size"
)
WHOLE = 0.95
"""Share of features that a view of the whole plan must show: on a big one the smallest are below a pixel."""
CLOSER = 3
"""So many of the features that the whole view does not show are looked for from near."""
PLACE_OF_A_LABEL = """() => {
  const box = wangge.map.getCanvas().getBoundingClientRect();
  const labels = wangge.map.queryRenderedFeatures({layers: ['labels']});
  const places = labels.map(label => wangge.map.project(label.geometry.coordinates));
  const off = at => Math.hypot(at.x - box.width / 2, at.y - box.height / 2);
  const at = places.reduce((a, b) => (off(b) < off(a) ? b : a));
  return [box.left + at.x, box.top + at.y];
}"""
"""The label nearest to the middle, where nothing stands over the map."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is missing; install Chromium or set CHROMIUM"
    ),
    pytest.mark.skipif(not DIST.is_file(), reason="the map page is not built; run `make web`"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan that WANGGE_PLAN names, else the toy town."""
    if named := os.environ.get("WANGGE_PLAN"):
        return Path(named)
    target = tmp_path_factory.mktemp("toy") / "plan"
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), "inputs": build_toy_inputs()}
    return write_plan(build_toy_plan(), target, **given)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as at:
        yield at


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def heard() -> dict[str, list[str]]:
    """What the page said and asked for while it was open."""
    return {"errors": [], "requests": []}


@pytest.fixture(scope="module")
def page(browser: Any, address: str, heard: dict[str, list[str]]) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.on("console", lambda message: message.type == "error" and heard["errors"].append(message.text))
    opened.on("pageerror", lambda error: heard["errors"].append(str(error)))
    opened.on("request", lambda request: heard["requests"].append(request.url))
    opened.goto(f"{address}/", wait_until="load")
    opened.evaluate("wangge.ready")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def metrics(address: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{address}/plan/metrics").json()
    return found


def settle(page: Any) -> None:
    page.evaluate("new Promise(done => { wangge.map.once('idle', () => done()); wangge.map.triggerRepaint(); })")


def switch(page: Any, layer: str, on: bool) -> None:
    """Move a switch by script: a click by the mouse waits for frames, slow without a graphics card."""
    page.eval_on_selector(f"input[data-layer={layer}]", "(box, on) => box.checked === on || box.click()", on)


def press(page: Any, size: str, on: bool) -> None:
    """Press or release the button of a size of circle."""
    flip = "(chip, on) => chip.getAttribute('aria-pressed') === String(on) || chip.click()"
    page.eval_on_selector(f"[data-circle='{size}']", flip, on)


def read(address: str, layer: str) -> list[dict[str, Any]]:
    """All features of a layer, page by page."""
    features: list[dict[str, Any]] = []
    next_page: str | None = f"{address}/collections/{layer}/items?limit=10000"
    while next_page:
        answer = httpx.get(next_page, timeout=60).json()
        features += answer["features"]
        next_page = next((link["href"] for link in answer["links"] if link["rel"] == "next"), None)
    return features


def shown(page: Any, layers: tuple[str, ...], key: str) -> set[str]:
    return set(page.evaluate(IDS, [list(layers), key]))


@contextmanager
def looking_at(page: Any, feature: dict[str, Any]) -> Iterator[None]:
    """Look at one feature from near, then at the whole again."""
    west, south, east, north = shape(feature).bounds
    before = page.evaluate("[wangge.map.getCenter().toArray(), wangge.map.getZoom()]")
    jump = "([center, zoom]) => wangge.map.jumpTo({center, zoom})"
    page.evaluate("box => wangge.map.fitBounds(box, {maxZoom: 18, animate: false})", [[west, south], [east, north]])
    settle(page)
    yield
    page.evaluate(jump, before)
    settle(page)


def check_drawn(page: Any, features: list[dict[str, Any]], layers: tuple[str, ...], key: str) -> None:
    """The view shows nearly all features that lie in it, and those it does not show are there from near."""
    inside = {f["properties"][key]: f for f in features if shape(f).intersects(view(page))}
    seen = shown(page, layers, key)
    assert seen <= {f["properties"][key] for f in features}, layers
    assert len(seen & set(inside)) >= WHOLE * len(inside), layers
    for name in sorted(set(inside) - seen)[:CLOSER]:
        with looking_at(page, inside[name]):
            assert name in shown(page, layers, key), (layers, name)


def shape(feature: dict[str, Any]) -> Any:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


def view(page: Any) -> Any:
    """What the map shows, in lon/lat."""
    return shapely.box(*page.evaluate("wangge.map.getBounds().toArray().flat()"))


def test_a_picture_is_kept(page: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = os.environ.get("WANGGE_SCREENSHOT") or str(tmp_path_factory.mktemp("picture") / "map.png")
    page.screenshot(path=target)
    assert Path(target).stat().st_size > 10_000


def test_every_layer_is_drawn_with_as_many_features_as_its_feed(page: Any, address: str) -> None:
    for layer in KEYS:
        switch(page, layer, on=True)
    settle(page)
    for layer, key in KEYS.items():
        check_drawn(page, read(address, layer), (layer,), key)


def test_what_was_read_is_fetched_and_drawn_when_it_is_switched_on(
    page: Any, address: str, metrics: dict[str, Any], heard: dict[str, list[str]]
) -> None:
    for layer in [name for name in LATER if metrics["layers"].get(name)]:
        features = read(address, layer)
        key = "code" if layer == "current" else next(k for k in features[0]["properties"] if k.endswith("_id"))
        assert not page.is_checked(f"input[data-layer={layer}]"), layer
        assert not any(f"/collections/{layer}/" in url for url in heard["requests"]), layer
        with page.expect_response(lambda answer, name=layer: f"/collections/{name}/items" in answer.url):
            switch(page, layer, on=True)
        page.wait_for_function("name => wangge.map.isSourceLoaded(name)", arg=layer)
        settle(page)
        check_drawn(page, features, LATER[layer], key)
        switch(page, layer, on=False)
        settle(page)
        assert shown(page, LATER[layer], key) == set(), layer


def test_grids_have_the_colour_of_their_class_and_a_label_each(page: Any, address: str) -> None:
    features = read(address, "grids")
    drawn = page.evaluate(
        "wangge.map.queryRenderedFeatures({layers: ['grids']}).map(f => [f.properties.grid_id, f.properties.status])"
    )
    assert dict(drawn).items() <= {f["id"]: f["properties"]["status"] for f in features}.items()
    assert len(dict(drawn)) >= WHOLE * len(features)
    labels = page.evaluate("wangge.map.getSource('labels').serialize().data.features.length")
    assert labels == len(features)


def test_circles_are_switched_by_size(page: Any, address: str) -> None:
    circles = [f["properties"] for f in read(address, "circles")]
    limit, unit = {"time": "minutes", "distance": "limit_m"}, {"time": "min", "distance": "m"}
    sizes = {(p["mode"], p[limit[p["mode"]]]) for p in circles}
    for size in page.eval_on_selector_all("[data-circle]", "chips => chips.map(chip => chip.dataset.circle)"):
        press(page, size, on=False)
    for mode, value in sorted(sizes):
        chip = f"{value:,g} {unit[mode]}"
        press(page, chip, on=True)
        settle(page)
        expected = {p["site_id"] for p in circles if (p["mode"], p[limit[mode]]) == (mode, value)}
        seen = shown(page, ("circles",), "site_id")
        assert seen <= expected, chip
        assert len(seen) >= WHOLE * len(expected), chip
        press(page, chip, on=False)
    settle(page)
    assert page.evaluate(DRAWN, ["circles", "site_id"]) == 0


def test_a_layer_that_is_switched_off_is_gone(page: Any) -> None:
    switch(page, "blocks", on=False)
    settle(page)
    assert page.evaluate(DRAWN, ["blocks", "block_id"]) == 0
    switch(page, "blocks", on=True)
    settle(page)


def test_the_numbers_of_the_panel_are_those_of_the_report(page: Any, metrics: dict[str, Any]) -> None:
    def shown(name: str) -> int:
        return int(page.inner_text(f"[data-metric={name}]").replace(",", ""))

    summary = metrics["summary"]
    assert {n: shown(n) for n in ("grids", "households", "blocks", "sites")} == {
        n: summary[n] for n in ("grids", "households", "blocks", "sites")
    }
    assert {s: shown(f"grids_{s}") for s in summary["grids_by_status"]} == summary["grids_by_status"]
    assert shown("errors") == metrics["violations"]["errors"]
    assert shown("listed") == metrics["listed"]["count"]


def test_the_panel_tells_how_far_from_the_best_possible_the_grids_are(page: Any, metrics: dict[str, Any]) -> None:
    told = metrics["division"]
    text = page.inner_text("[data-metric=gap]")
    if told["gap"] < 5e-5:
        assert "no other division is better" in text
    else:
        assert float(text.split("at most ")[1].split(" %")[0]) == pytest.approx(100.0 * told["gap"], abs=0.1)
    assert ("None keeps every grid in the band" in text) == (told["status"] == "infeasible")


def test_all_seven_principles_stand_with_their_evidence(page: Any, metrics: dict[str, Any]) -> None:
    principles = metrics["scorecard"]["principles"]
    assert len(principles) == 7
    for name, told in principles.items():
        text = page.text_content(f"[data-principle={name}]")
        assert told["name_zh"] in text
        for figure in told["figures"].values():
            assert figure["formula"] in text


def test_a_click_on_a_grid_tells_of_it(page: Any, address: str) -> None:
    grid = httpx.get(f"{address}/collections/grids/items?limit=1").json()["features"][0]["properties"]
    page.fill("#find", grid["code"])
    page.press("#find", "Enter")
    page.wait_for_selector(".maplibregl-popup")
    told = page.inner_text(".maplibregl-popup")
    assert grid["code"] in told
    assert f"{grid['households']:,} households" in told.replace("\n", " ")
    page.wait_for_function("!wangge.map.isMoving()")
    page.click(".maplibregl-popup-close-button")
    settle(page)
    x, y = page.evaluate(PLACE_OF_A_LABEL)
    page.mouse.click(x, y)
    page.wait_for_selector(".maplibregl-popup .told")
    page.keyboard.press("Escape")
    page.wait_for_selector(".maplibregl-popup", state="detached")


def test_a_grid_that_does_not_exist_is_told(page: Any) -> None:
    page.fill("#find", "no such code")
    page.press("#find", "Enter")
    assert page.evaluate("document.getElementById('find').validationMessage") == "No grid has this code"
    page.fill("#find", "")


def test_the_source_of_the_streets_is_credited(page: Any, metrics: dict[str, Any]) -> None:
    shown = page.inner_text(".maplibregl-ctrl-attrib") if metrics["attribution"] else ""
    assert all(text in shown for text in metrics["attribution"])


def test_every_control_has_a_name_and_can_be_reached_by_the_keyboard(page: Any) -> None:
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, a, summary, canvas')]"
        ".filter(e => !(e.textContent || e.ariaLabel || e.title || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert nameless == []
    hidden = page.evaluate("[...document.querySelectorAll('button, input, a')].filter(e => e.tabIndex < 0).length")
    assert hidden == 0


def test_a_tower_is_drawn_and_a_click_on_it_lists_its_floors_from_the_top_down(browser: Any, tmp_path: Path) -> None:
    with serving(write_tower(tmp_path / "plan")) as at:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{at}/map/#17/{IN_TOWER[1]}/{IN_TOWER[0]}")
        page.evaluate("wangge.ready")
        assert shown(page, ("vertical_grids",), "vertical_id") == {one["id"] for one in read(at, "vertical_grids")}
        click_at(page, IN_TOWER)
        page.wait_for_selector(".storeys")
        rows = page.eval_on_selector_all(
            ".storeys li", "rows => rows.map(row => [...row.children].map(c => c.innerText))"
        )
        assert rows == [["4–20", "公寓 v2"], ["B1–3", "裙楼商铺 v1"]]
        assert "420102-001-02" in page.inner_text(".maplibregl-popup")  # the grid on the ground stands below them
        page.keyboard.press("Escape")
        click_at(page, BESIDE)
        page.wait_for_selector(".maplibregl-popup .told")
        assert page.query_selector(".storeys") is None
        page.keyboard.press("Escape")
        switch(page, "vertical_grids", on=False)
        settle(page)
        assert shown(page, ("vertical_grids", "vertical_grids-line"), "vertical_id") == set()
        click_at(page, IN_TOWER)
        page.wait_for_selector(".maplibregl-popup .told")
        assert page.query_selector(".storeys") is None
        page.close()


def click_at(page: Any, place: tuple[float, float]) -> None:
    """Click on the map at a longitude and latitude."""
    x, y = page.evaluate(
        "place => { const at = wangge.map.project(place), box = wangge.map.getCanvas().getBoundingClientRect();"
        " return [box.left + at.x, box.top + at.y]; }",
        list(place),
    )
    page.mouse.click(x, y)


def test_the_openapi_page_lists_the_addresses_and_tries_them(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/docs")
    page.wait_for_selector("main[aria-busy=false]")
    page.click("summary:has(code:text-is('/collections/{collectionId}/items'))")
    page.click(".operation[open] button")
    page.wait_for_selector(".operation[open] .output:not([hidden])")
    assert "200 application/geo+json" in page.inner_text(".operation[open] .output")
    page.close()


def test_a_plan_that_is_gone_is_told_on_the_page(browser: Any, tmp_path: Path) -> None:
    folder = write_plan(build_toy_plan(), tmp_path / "plan", scorecard=None, violations=None)
    with serving(folder) as at:
        shutil.rmtree(folder)
        page = browser.new_page()
        page.goto(f"{at}/map/")
        page.wait_for_selector("[role=alert]")
        assert "no plan folder" in page.inner_text("[role=alert]")
        page.close()


def test_the_page_said_no_error_and_asked_no_other_machine(
    page: Any, address: str, heard: dict[str, list[str]]
) -> None:
    settle(page)
    assert heard["errors"] == []
    assert len(heard["requests"]) > 5
    assert [url for url in heard["requests"] if not url.startswith((f"{address}/", "blob:", "data:"))] == []
