/** Which layers can be switched on, and how are they switched? */

import type { FilterSpecification, GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { el, must } from "./dom";
import { readLayer, type Layer, type Metrics } from "./feeds";
import { count } from "./numbers";

interface Switch {
  name: string;
  title: string;
  zh: string;
  drawn: string[];
  on: boolean;
  /** Of what was read beside the plan: fetched when first switched on. */
  later?: boolean;
}

export const SWITCHES: Switch[] = [
  { name: "grids", title: "Grids", zh: "网格", drawn: ["grids", "grids-hatch", "grids-line"], on: true },
  { name: "labels", title: "Labels", zh: "编码", drawn: ["labels"], on: true },
  { name: "blocks", title: "Blocks", zh: "地块", drawn: ["blocks", "blocks-line"], on: true },
  { name: "sites", title: "Sites", zh: "服务站", drawn: ["sites"], on: true },
  { name: "circles", title: "Service circles", zh: "服务圈", drawn: ["circles", "circles-line"], on: true },
  { name: "communities", title: "Communities", zh: "社区", drawn: ["communities"], on: true },
  { name: "barriers", title: "Barriers", zh: "界线", drawn: ["barriers"], on: true },
  { name: "vertical_grids", title: "Vertical grids", zh: "竖向网格", drawn: ["vertical_grids", "vertical_grids-line"], on: true },
  { name: "demand", title: "Demand points", zh: "住户", drawn: ["demand"], on: false },
  { name: "violations", title: "Violations", zh: "问题", drawn: ["violations", "violations-point"], on: false },
  { name: "estates", title: "Estates", zh: "小区", drawn: ["estates", "estates-line", "estates-point"], on: false, later: true },
  { name: "current", title: "Grids of today", zh: "现有网格", drawn: ["current"], on: false, later: true },
  { name: "gates", title: "Gates", zh: "大门", drawn: ["gates"], on: false, later: true },
  { name: "candidates", title: "Candidates", zh: "备选点", drawn: ["candidates"], on: false, later: true },
  { name: "existing", title: "Open centres", zh: "现有站点", drawn: ["existing"], on: false, later: true },
  { name: "pois", title: "Places", zh: "设施", drawn: ["pois"], on: false, later: true },
];

const LATER = new Set(SWITCHES.filter(({ later }) => later).map(({ name }) => name));

/** Tell whether a layer is fetched only when it is switched on. */
export const comesLater = (name: string): boolean => LATER.has(name);

/** One size of circle: so many minutes, or so many metres. */
interface Size {
  mode: string;
  value: number;
  text: string;
}

export function circleSizes(circles: Layer): Size[] {
  const sizes = new Map<string, Size>();
  for (const { properties: p } of circles.features) {
    const mode = String(p.mode);
    const value = Number(mode === "time" ? p.minutes : p.limit_m);
    sizes.set(`${mode} ${value}`, { mode, value, text: `${count(value)} ${mode === "time" ? "min" : "m"}` });
  }
  return [...sizes.values()].sort((a, b) => b.mode.localeCompare(a.mode) || a.value - b.value);
}

const sizeFilter = ({ mode, value }: Size): FilterSpecification => [
  "all",
  ["==", ["get", "mode"], mode],
  ["==", ["get", mode === "time" ? "minutes" : "limit_m"], value],
];

export function showCircles(map: MapLibre, sizes: Size[]): void {
  const filter: FilterSpecification = sizes.length ? (["any", ...sizes.map(sizeFilter)] as FilterSpecification) : ["boolean", false];
  for (const id of ["circles", "circles-line"]) map.setFilter(id, filter);
}

function show(map: MapLibre, entry: Switch, on: boolean): void {
  for (const id of entry.drawn) map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
}

/** Fetch a layer that comes later, once; a fetch that failed is tried again at the next switch. */
async function fetchOnce(map: MapLibre, name: string, fetched: Map<string, Promise<void>>): Promise<void> {
  const draw = async (): Promise<void> => void map.getSource<GeoJSONSource>(name)!.setData(await readLayer(name));
  if (!fetched.has(name)) fetched.set(name, draw());
  await fetched.get(name)!.catch((error: unknown) => {
    fetched.delete(name);
    throw error;
  });
}

/** Fill the card with switches, and set the map to where they stand. */
export function addSwitches(card: HTMLElement, map: MapLibre, metrics: Metrics, circles: Layer): void {
  const sizes = circleSizes(circles);
  const fetched = new Map<string, Promise<void>>();
  const rows = SWITCHES.filter(({ name }) => name === "labels" || (metrics.layers[name] ?? 0) > 0).map((entry) => {
    const box = el("input", { type: "checkbox", "data-layer": entry.name });
    box.checked = entry.on;
    box.addEventListener("change", () => {
      show(map, entry, box.checked);
      if (!entry.later || !box.checked) return;
      fetchOnce(map, entry.name, fetched).catch((error: unknown) => {
        box.checked = false;
        show(map, entry, false);
        must("said").textContent = `${entry.title} cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
      });
    });
    show(map, entry, entry.on);
    const number = entry.name === "labels" ? "" : count(metrics.layers[entry.name] ?? 0);
    const row = el(
      "label",
      { class: "switch" },
      box,
      el("span", { class: `sign sign-${entry.name}`, "aria-hidden": "true" }),
      el("span", { class: "switch-name" }, entry.title, " ", el("span", { lang: "zh", class: "zh" }, entry.zh)),
      el("span", { class: "number quiet" }, number),
    );
    if (entry.name === "circles") return el("div", {}, row, sizeButtons(map, sizes));
    return entry.name === "sites" ? el("div", {}, row, siteSigns()) : row;
  });
  const list = el("div", { class: "switches" }, ...rows);
  const fold = el("details", { open: "" }, el("summary", {}, "Layers"), list);
  if (matchMedia("(max-width: 760px)").matches) fold.removeAttribute("open");
  card.replaceChildren(fold);
}

/** What the signs of sites mean. */
function siteSigns(): HTMLElement {
  const one = (kind: string, text: string): HTMLElement => el("li", {}, el("span", { class: `dot ${kind}`, "aria-hidden": "true" }), text);
  return el("ul", { class: "signs" }, one("open", "open today"), one("chosen", "chosen"), one("proposed", "at a proposed place"));
}

function sizeButtons(map: MapLibre, sizes: Size[]): HTMLElement {
  const shown = new Set(sizes.slice(0, 1));
  const buttons = sizes.map((size) => {
    const button = el("button", { type: "button", class: "chip", "data-circle": size.text }, size.text);
    button.setAttribute("aria-pressed", String(shown.has(size)));
    button.addEventListener("click", () => {
      const on = !shown.delete(size);
      if (on) shown.add(size);
      button.setAttribute("aria-pressed", String(on));
      showCircles(map, [...shown]);
    });
    return button;
  });
  showCircles(map, [...shown]);
  return el("div", { class: "chips", role: "group", "aria-label": "Sizes of service circles" }, ...buttons);
}
