/** The map page: read the plan, draw it, tell its numbers. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./page.css";
import type { Map as MapLibre } from "maplibre-gl";
import { el, must } from "./dom";
import { readLayer, readMetrics } from "./feeds";
import { addSwitches, comesLater } from "./layers";
import { drawMap, goToGrid, type Layers } from "./map";
import { fillPanel } from "./panel";

declare global {
  interface Window {
    /** For tests and for the curious: the map, and when everything is drawn. */
    wangge: { map: MapLibre | null; ready: Promise<void> };
  }
}

async function start(): Promise<void> {
  const metrics = await readMetrics();
  document.title = `${metrics.title} · Wangge 网格`;
  const names = Object.keys(metrics.layers).filter((name) => !comesLater(name));
  const read = await Promise.all(names.map(readLayer));
  const layers: Layers = Object.fromEntries(names.map((name, i) => [name, read[i]!]));
  const grids = layers.grids!;
  const codes = grids.features.map(({ properties: p }) => String(p.code || p.grid_id)).sort();
  let map: MapLibre | null = null;
  fillPanel(must("panel"), metrics, codes, (code) => map !== null && goToGrid(map, grids, metrics, code));
  map = await drawMap(must("map"), layers, metrics);
  window.wangge.map = map;
  addSwitches(must("layers"), map, metrics, layers.circles!);
  if (!grids.features.length) must("said").textContent = "The plan has no grids.";
  await map.once("idle");
}

function fail(error: unknown): never {
  const text = error instanceof Error ? error.message : String(error);
  must("panel").replaceChildren(
    el("header", {}, el("h1", {}, "The plan cannot be shown")),
    el("p", { class: "note", role: "alert" }, text),
  );
  must("panel").setAttribute("aria-busy", "false");
  throw error;
}

window.wangge = { map: null, ready: Promise.resolve() };
window.wangge.ready = start().catch(fail);
