/** What does the map tell of a thing that was clicked? */

import { el } from "./dom";
import type { Metrics, Properties, Status } from "./feeds";
import { FILL, STATUS_NAME } from "./look";
import { count, hectares, minutes, things } from "./numbers";

type Row = [string, string];

const rows = (pairs: (Row | null)[]): HTMLElement =>
  el(
    "dl",
    { class: "facts" },
    ...pairs.filter((pair): pair is Row => pair !== null && pair[1] !== "").flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]),
  );

const card = (kind: string, title: string, ...body: (HTMLElement | null)[]): HTMLElement =>
  el("div", { class: "told" }, el("p", { class: "kind" }, kind), el("h2", {}, title), ...body);

const text = (value: Properties[string] | undefined): string => (value === null || value === undefined ? "" : String(value));

/** A bar of the households of a grid between nothing and twice the target, with the band marked. */
function gauge(households: number, status: Status, profile: Metrics["profile"]): HTMLElement {
  const most = Math.max(profile.ceiling_households * 1.4, Math.min(households, profile.ceiling_households * 4));
  const place = (value: number): string => `${Math.min(100, (100 * value) / most).toFixed(1)}%`;
  const band = el("span", { class: "gauge-band" });
  band.style.left = place(profile.floor_households);
  band.style.width = place(profile.ceiling_households - profile.floor_households);
  const bar = el("span", { class: "gauge-bar" });
  bar.style.width = place(households);
  bar.style.background = FILL[status];
  const told = `${count(households)} households; the band is ${profile.floor_households} to ${profile.ceiling_households}`;
  return el("div", { class: "gauge", role: "img", "aria-label": told }, band, bar);
}

export function tellGrid(p: Properties, block: Properties | null, profile: Metrics["profile"]): HTMLElement {
  const status = text(p.status) as Status;
  const badge = el("span", { class: "badge" }, STATUS_NAME[status] ?? status);
  badge.style.background = `color-mix(in srgb, ${FILL[status] ?? "#ccc"} 60%, white)`;
  const head = el("p", { class: "headline" }, el("strong", {}, count(Number(p.households))), " households ", badge);
  return card(
    "Grid 网格",
    text(p.code) || text(p.grid_id),
    head,
    gauge(Number(p.households), status, profile),
    rows([
      ["Blocks", text(p.blocks)],
      ["Area", hectares(Number(p.area_m2))],
      ["Community", text(p.community_id)],
    ]),
    text(p.explanation) ? el("p", { class: "why" }, text(p.explanation)) : null,
    block ? tellBlock(block) : null,
  );
}

function tellBlock(p: Properties): HTMLElement {
  const estimated = p.estimated ? " (estimated)" : "";
  const more = p.oversize ? `, needs ${things(Number(p.sub_grids_needed), "grid")}` : "";
  return el(
    "p",
    { class: "block-line" },
    el("span", { class: "quiet" }, `Block ${text(p.block_id)} · ${text(p.kind)}`),
    el("br"),
    `${things(Number(p.households), "household")}${estimated}, ${hectares(Number(p.area_m2))}${more}`,
  );
}

/** A floor as people write it: B1 is the first below the ground. */
const floor = (number: number): string => (number < 0 ? `B${-number}` : String(number));

/** The floors of a vertical grid: "B1–3", or "4" where it is but one. */
export const floorsOf = (p: Properties): string => {
  const [low, high] = [Number(p.lowest_floor), Number(p.highest_floor)];
  return low === high ? floor(low) : `${floor(low)}–${floor(high)}`;
};

/** The vertical grids of one place as they stand above each other, the topmost first. */
export function tellFloors(stack: Properties[]): HTMLElement {
  const order = (a: Properties, b: Properties): number =>
    Number(b.highest_floor) - Number(a.highest_floor) ||
    Number(b.lowest_floor) - Number(a.lowest_floor) ||
    text(a.vertical_id).localeCompare(text(b.vertical_id));
  const lines = [...stack].sort(order).map((p) =>
    el(
      "li",
      { "data-vertical": text(p.vertical_id) },
      el("span", { class: "floors number" }, floorsOf(p)),
      el("span", {}, text(p.name) || text(p.vertical_id), text(p.name) ? el("span", { class: "quiet" }, ` ${text(p.vertical_id)}`) : null),
    ),
  );
  const title = things(stack.length, "vertical grid");
  return card("Floors of this building 竖向网格", title, el("ol", { class: "storeys", "aria-label": "From the top floor down" }, ...lines));
}

export function tellSite(p: Properties): HTMLElement {
  const kind = p.existing ? "Open today" : p.proposed ? "Chosen among proposed places" : "Chosen";
  return card(
    "Service centre 服务站",
    text(p.name) || text(p.site_id),
    el("p", { class: "headline" }, el("strong", {}, count(Number(p.households))), " households served"),
    rows([
      ["State", kind],
      ["Kind", text(p.kind).replaceAll("_", " ")],
      p.mean_walk_s === null ? null : ["Mean walk", minutes(Number(p.mean_walk_s))],
      ["Id", text(p.site_id)],
    ]),
  );
}

export function tellDemand(p: Properties): HTMLElement {
  return card(
    "Demand point 住户",
    things(Number(p.households), "household"),
    rows([
      ["Kind", text(p.kind)],
      ["Estate", text(p.estate_id)],
      ["Counted", p.estimated ? "estimated" : "given"],
      ["Block", text(p.block_id)],
    ]),
  );
}

export function tellViolation(p: Properties): HTMLElement {
  return card(p.severity === "error" ? "Rule broken" : "Exception", text(p.rule), el("p", {}, text(p.message)));
}

/** Anything that was read, as it was given: its name, else its id, and what is known of it. */
export function tellThing(kind: string, p: Properties): HTMLElement {
  const id = Object.entries(p).find(([key]) => key.endsWith("_id") || key === "code");
  const title = text(p.name) || text(id?.[1]);
  const known = Object.entries(p).filter(([key, value]) => key !== "name" && value !== false && text(value) !== title);
  const shown = (value: Properties[string]): string => (typeof value === "number" ? count(value) : value === true ? "yes" : text(value));
  return card(kind, title, rows(known.map(([key, value]): Row => [key.replaceAll("_", " "), shown(value)])));
}
