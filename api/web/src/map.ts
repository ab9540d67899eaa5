/** How is the plan drawn, and how does the map answer the pointer and the keys? */

import { AttributionControl, Map as MapLibre, NavigationControl, Popup, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { LngLatLike, MapMouseEvent, PointLike } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Feature, Point } from "geojson";
import type { Layer, Metrics, Properties } from "./feeds";
import { el } from "./dom";
import { boundsOf, pointInside } from "./inside";
import { comesLater } from "./layers";
import { hatch, lookOf, PLAIN } from "./look";
import { count } from "./numbers";
import { tellDemand, tellFloors, tellGrid, tellSite, tellThing, tellViolation } from "./popup";

const KEYS: Record<string, string> = {
  grids: "grid_id",
  blocks: "block_id",
  sites: "site_id",
  demand: "demand_id",
  communities: "community_id",
  barriers: "barrier_id",
  gates: "gate_id",
  candidates: "site_id",
  existing: "site_id",
  estates: "estate_id",
  vertical_grids: "vertical_id",
  pois: "poi_id",
};
/** Points of what was read beside the plan, and what to call them. */
const PLACES: [string, string][] = [
  ["gates", "Gate 大门"],
  ["candidates", "Candidate 备选点"],
  ["existing", "Open centre 现有站点"],
  ["estates-point", "Estate 小区"],
  ["pois", "Place 设施"],
];
/** Areas of what was read: told below the grid that is clicked. */
const BENEATH: [string, string][] = [
  ["estates", "Estate 小区"],
  ["current", "Grid of today 现有网格"],
];
const REACH_PX = 5;
const LABEL_ROOM_PX = 30;
const EQUATOR_PIXEL_M = 78_271.517; // metres of one pixel at the equator at zoom 0, tiles of 512 pixels

export type Layers = Record<string, Layer>;

export async function drawMap(container: HTMLElement, layers: Layers, metrics: Metrics): Promise<MapLibre> {
  setWorkerUrl(workerUrl);
  const bounds = boundsOf(Object.values(layers.blocks!.features).map(({ geometry }) => geometry));
  const map = new MapLibre({
    container,
    style: PLAIN,
    attributionControl: false,
    hash: true,
    dragRotate: false,
    pitchWithRotate: false,
    maxPitch: 0,
    fadeDuration: 0,
    ...(bounds ? { bounds, fitBoundsOptions: { padding: roomFor(container) } } : {}),
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const shown = metrics.attribution.map(escapeHtml);
  map.addControl(new AttributionControl({ compact: false, ...(shown.length ? { customAttribution: shown } : {}) }), "bottom-right");
  map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  await map.once("load");
  addLayers(map, layers, metrics);
  addHover(map, ["grids", "blocks", "vertical_grids"].filter((name) => map.getLayer(name)));
  map.on("click", (event) => tell(map, event, metrics));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && opened?.remove());
  return map;
}

/** Room around the plan; on wide screens the card of layers stands at its right. */
const roomFor = ({ clientWidth }: HTMLElement): { top: number; bottom: number; left: number; right: number } => ({
  top: 32,
  bottom: 40,
  left: 32,
  right: clientWidth > 800 ? 288 : 32,
});

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function addLayers(map: MapLibre, layers: Layers, { profile, layers: counts }: Metrics): void {
  map.addImage("hatch", hatch());
  const later = Object.keys(counts).filter(comesLater);
  const empty: Layers = Object.fromEntries(later.map((name) => [name, { type: "FeatureCollection", features: [] }]));
  for (const [name, data] of Object.entries({ ...empty, ...layers, labels: labelsOf(layers.grids!) })) {
    const key = KEYS[name];
    map.addSource(name, { type: "geojson", data, tolerance: 0.2, ...(key ? { promoteId: key } : {}) });
  }
  for (const look of lookOf(profile)) if (map.getSource(look.source)) map.addLayer(look);
  map.setLayerZoomRange("labels", labelZoom(layers.grids!), 24);
}

/** The zoom from which a grid of mean size has room for its label. */
function labelZoom(grids: Layer): number {
  const areas = grids.features.map(({ properties: p }) => Number(p.area_m2));
  const bounds = boundsOf(grids.features.map(({ geometry }) => geometry));
  if (!bounds) return 0;
  const side_m = Math.sqrt(areas.reduce((sum, area) => sum + area, 0) / areas.length);
  const pixel_m = EQUATOR_PIXEL_M * Math.cos((bounds[1] * Math.PI) / 180);
  return Math.max(0, Math.log2((pixel_m * LABEL_ROOM_PX) / side_m));
}

/** A point inside every grid: tiles would label each piece of an area. */
function labelsOf(grids: Layer): Layer {
  const features = grids.features.flatMap(({ geometry, properties: p }): Feature<Point, Properties>[] => {
    const at = geometry && pointInside(geometry);
    if (!at) return [];
    const short = String(p.code || p.grid_id).slice(-2);
    return [{ type: "Feature", geometry: { type: "Point", coordinates: at }, properties: { short, households: count(Number(p.households)) } }];
  });
  return { type: "FeatureCollection", features };
}

function addHover(map: MapLibre, names: string[]): void {
  for (const name of names) {
    let last: string | number | undefined;
    const set = (id: string | number | undefined): void => {
      if (id === last) return;
      if (last !== undefined) map.setFeatureState({ source: name, id: last }, { hover: false });
      if (id !== undefined) map.setFeatureState({ source: name, id }, { hover: true });
      last = id;
    };
    map.on("mousemove", name, (event) => set(event.features?.[0]?.id));
    map.on("mouseleave", name, () => set(undefined));
  }
  map.on("mousemove", (event) => {
    map.getCanvas().style.cursor = find(map, event, ["sites", "grids"]) ? "pointer" : "";
  });
}

/** The topmost feature of the first of these layers that has one near the pointer. */
function find(map: MapLibre, event: MapMouseEvent, names: string[], reach = 0): Properties | null {
  const { x, y } = event.point;
  const near: PointLike | [PointLike, PointLike] = reach ? [[x - reach, y - reach], [x + reach, y + reach]] : [x, y];
  for (const name of names.filter((one) => map.getLayer(one))) {
    const found = map.queryRenderedFeatures(near, { layers: [name] })[0];
    if (found) return found.properties as Properties;
  }
  return null;
}

/** All vertical grids at the pointer: they stand on the same ground, and a tile tells a piece of each. */
function findFloors(map: MapLibre, { point }: MapMouseEvent): Properties[] {
  if (!map.getLayer("vertical_grids")) return [];
  const found = map.queryRenderedFeatures(point, { layers: ["vertical_grids"] });
  return [...new Map(found.map(({ properties: p }) => [p.vertical_id, p as Properties])).values()];
}

function tell(map: MapLibre, event: MapMouseEvent, metrics: Metrics): void {
  const site = find(map, event, ["sites"], REACH_PX);
  const violation = find(map, event, ["violations-point", "violations"], REACH_PX);
  const demand = find(map, event, ["demand"], REACH_PX);
  const grid = find(map, event, ["grids"]);
  if (site) return open(map, event.lngLat, tellSite(site));
  if (violation) return open(map, event.lngLat, tellViolation(violation));
  for (const [name, kind] of PLACES) {
    const place = find(map, event, [name], REACH_PX);
    if (place) return open(map, event.lngLat, tellThing(kind, place));
  }
  if (demand) return open(map, event.lngLat, tellDemand(demand));
  const floors = findFloors(map, event);
  if (!grid && !floors.length) return;
  const beneath = BENEATH.flatMap(([name, kind]) => {
    const thing = find(map, event, [name]);
    return thing ? [tellThing(kind, thing)] : [];
  });
  const ground = grid && tellGrid(grid, find(map, event, ["blocks"]), metrics.profile);
  open(map, event.lngLat, el("div", {}, floors.length ? tellFloors(floors) : null, ground, ...beneath));
}

let opened: Popup | undefined;

function open(map: MapLibre, at: LngLatLike, content: HTMLElement): void {
  opened?.remove();
  opened = new Popup({ maxWidth: "300px", focusAfterOpen: false }).setLngLat(at).setDOMContent(content).addTo(map);
}

/** Fly to a grid by its code or id and tell of it; false when there is none. */
export function goToGrid(map: MapLibre, grids: Layer, metrics: Metrics, code: string): boolean {
  const found = grids.features.find(({ properties: p }) => p.code === code || p.grid_id === code);
  const bounds = found && boundsOf([found.geometry]);
  const inside = found?.geometry && pointInside(found.geometry);
  if (!found || !bounds || !inside) return false;
  map.fitBounds(bounds, { padding: 140, maxZoom: 16, animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  open(map, inside as [number, number], tellGrid(found.properties, null, metrics.profile));
  return true;
}
