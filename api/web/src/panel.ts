/** What does the panel say of the plan as a whole? */

import { el } from "./dom";
import { at, STATUSES, type ByStatus, type Figure, type Metrics, type Status } from "./feeds";
import { FILL, IN_BAND, STATUS_NAME } from "./look";
import { bytes, count, measured, percent, things } from "./numbers";

const PRINCIPLE_NAME: Record<string, string> = {
  clarity: "Clear borders",
  size_fit: "Fitting size",
  contiguity: "Adjacent land",
  familiarity: "People who know each other",
  workload_fit: "Fitting work",
  responsibility: "Clear responsibility",
  practicability: "Easy to walk",
};

const words = (name: string): string => name.replaceAll("_", " ");

const section = (title: string, zh: string, ...body: (HTMLElement | null)[]): HTMLElement =>
  el("section", {}, el("h2", {}, title, " ", el("span", { lang: "zh", class: "zh" }, zh)), ...body);

export function fillPanel(panel: HTMLElement, metrics: Metrics, grids: string[], goTo: (code: string) => boolean): void {
  panel.replaceChildren(
    header(metrics),
    bigNumbers(metrics),
    bandSection(metrics),
    exceptions(metrics),
    findGrid(grids, goTo),
    circles(metrics),
    principles(metrics),
    notUsed(metrics),
    files(metrics),
    footer(metrics),
  );
  panel.setAttribute("aria-busy", "false");
}

function header({ title, profile }: Metrics): HTMLElement {
  return el(
    "header",
    {},
    el("p", { class: "brand" }, el("span", { class: "mark", "aria-hidden": "true" }), "Wangge ", el("span", { lang: "zh" }, "网格")),
    el("h1", {}, title),
    el("p", { class: "quiet" }, profile.title),
  );
}

function bigNumbers({ summary: s }: Metrics): HTMLElement {
  const one = (name: string, value: number | null, label: string): HTMLElement =>
    el("div", { class: "big" }, el("dd", { "data-metric": name }, count(value)), el("dt", {}, label));
  return el(
    "dl",
    { class: "bigs" },
    one("grids", s.grids, "grids"),
    one("households", s.households, "households"),
    one("blocks", s.blocks, "blocks"),
    one("sites", s.sites, "sites"),
  );
}

/** The legend of the map, with how many grids and households stand in each class. */
function bandSection(metrics: Metrics): HTMLElement {
  const { summary: s, profile: p } = metrics;
  const says: Record<Status, string> = {
    in_band: `${p.floor_households}–${p.ceiling_households}`,
    low: `under ${p.floor_households}`,
    high: `over ${p.ceiling_households}`,
    oversize: "cannot be cut",
  };
  const line = (status: Status): HTMLElement =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, swatch(status), STATUS_NAME[status], " ", el("span", { class: "quiet" }, says[status])),
      el("td", { "data-metric": `grids_${status}` }, count(s.grids_by_status[status])),
      el("td", { class: "quiet" }, count(s.households_by_status[status])),
    );
  const head = el("tr", {}, el("th", { scope: "col" }, "Households"), el("th", { scope: "col" }, "grids"), el("th", { scope: "col" }, "households"));
  return section(
    "Size against the band",
    "规模",
    stack("Grids", s.grids_by_status),
    el("table", { class: "legend" }, el("thead", {}, head), el("tbody", {}, ...STATUSES.map(line))),
    proof(metrics),
  );
}

/** How far from the best possible the grids are. */
function proof({ division: d }: Metrics): HTMLElement | null {
  if (!d || d.bound <= 0) return null;
  const atMost = percent(Math.ceil(d.gap * 1000) / 1000);
  const told = d.gap < 5e-5 ? "Proved: no other division is better." : `Proved: at most ${atMost} from the best division possible.`;
  const why = d.status === "infeasible" ? " None keeps every grid in the band." : "";
  return el("p", { class: "quiet", "data-metric": "gap" }, told + why);
}

function swatch(status: Status): HTMLElement {
  const box = el("span", { class: `swatch ${status}`, "aria-hidden": "true" });
  if (status === "in_band") box.style.background = `linear-gradient(90deg, ${IN_BAND.floor}, ${IN_BAND.ceiling})`;
  else box.style.backgroundColor = FILL[status];
  return box;
}

function stack(what: string, numbers: ByStatus): HTMLElement {
  const all = STATUSES.reduce((sum, status) => sum + numbers[status], 0);
  const told = STATUSES.map((status) => `${numbers[status]} ${STATUS_NAME[status].toLowerCase()}`).join(", ");
  const parts = STATUSES.filter((status) => numbers[status] > 0).map((status) => {
    const part = el("span", { class: status });
    part.style.flexGrow = String(numbers[status] / all);
    part.style.backgroundColor = FILL[status];
    return part;
  });
  return el("div", { class: "stack", role: "img", "aria-label": `${what}: ${told}` }, ...parts);
}

function exceptions({ summary: s, violations: v }: Metrics): HTMLElement {
  const told: HTMLElement[] = [];
  if (s.blocks_oversize > 0) {
    const held = count(s.households_by_status.oversize);
    const verb = s.blocks_oversize === 1 ? "is" : "are";
    told.push(
      el(
        "p",
        { class: "note" },
        `${things(s.blocks_oversize, "block")} ${verb} above the ceiling and cannot be cut further. `,
        `Their grids hold ${held} households and would need ${things(s.sub_grids_needed, "grid")}.`,
      ),
    );
  }
  const broken = el(
    "p",
    { class: v.errors ? "verdict bad" : "verdict good" },
    el("strong", { "data-metric": "errors" }, count(v.errors)),
    v.errors === 1 ? " hard rule broken" : " hard rules broken",
    el("span", { class: "quiet" }, ` · ${things(v.warnings, "counted exception")}`),
  );
  const rules = Object.entries(v.by_rule).map(([rule, n]) => el("li", {}, el("span", {}, words(rule)), el("span", { class: "number" }, count(n))));
  const list = rules.length ? el("details", {}, el("summary", {}, "By rule"), el("ul", { class: "pairs" }, ...rules)) : null;
  return section("Rules and exceptions", "检查", broken, ...told, list);
}

function findGrid(codes: string[], goTo: (code: string) => boolean): HTMLElement {
  const input = el("input", { id: "find", list: "codes", type: "search", placeholder: "Code of a grid", autocomplete: "off" });
  const options = el("datalist", { id: "codes" }, ...codes.map((code) => el("option", { value: code })));
  const form = el("form", { class: "find" }, el("label", { for: "find" }, "Find a grid"), input, options, el("button", { type: "submit" }, "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.setCustomValidity(goTo(input.value.trim()) ? "" : "No grid has this code");
    input.reportValidity();
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
  return form;
}

function circles({ scorecard }: Metrics): HTMLElement | "" {
  const entries = Object.entries(scorecard?.circles ?? {});
  if (!entries.length) return el("span", { hidden: "" });
  const order = (name: string): number => (name.endsWith("_min") ? 0 : 1e6) + parseFloat(name);
  const lines = entries
    .sort(([a], [b]) => order(a) - order(b))
    .map(([name, figure]) => el("li", {}, el("span", {}, words(name)), bar(figure.value ?? 0), el("span", { class: "number" }, measured(figure.value, figure.unit))));
  return section("Households in a service circle", "服务圈", el("ul", { class: "bars" }, ...lines));
}

function bar(share: number): HTMLElement {
  const fill = el("span");
  fill.style.width = percent(Math.max(0, Math.min(1, share))).replace(" ", "");
  return el("span", { class: "bar", "aria-hidden": "true" }, fill);
}

function principles({ scorecard }: Metrics): HTMLElement {
  const lines = Object.entries(scorecard?.principles ?? {}).map(([name, { name_zh, figures }]) => principle(name, name_zh, figures ?? {}));
  if (!lines.length) return section("Seven principles", "七原则", el("p", { class: "quiet" }, "The report holds no scorecard."));
  return section("Seven principles", "七原则", el("div", { class: "principles" }, ...lines));
}

function principle(name: string, zh: string, figures: Record<string, Figure>): HTMLElement {
  const [[leadName, lead] = ["", undefined]] = Object.entries(figures);
  const said = lead && lead.unit !== "share" ? el("span", { class: "quiet" }, `${words(leadName)} `) : null;
  const evidence = Object.entries(figures).map(([key, figure]) =>
    el(
      "li",
      {},
      el("div", { class: "figure" }, el("span", {}, words(key)), el("span", { class: "number" }, measured(figure.value, figure.unit))),
      el("p", { class: "quiet" }, `${figure.formula}${inputsOf(figure)}`),
    ),
  );
  return el(
    "details",
    { "data-principle": name },
    el(
      "summary",
      {},
      el("span", { class: "principle" }, PRINCIPLE_NAME[name] ?? words(name), " ", el("span", { lang: "zh", class: "zh" }, zh)),
      el("span", { class: "number" }, said, lead ? measured(lead.value, lead.unit) : ""),
      lead?.unit === "share" && lead.value !== null ? bar(lead.value) : null,
    ),
    el("ul", { class: "evidence" }, ...evidence),
  );
}

function inputsOf({ inputs }: Figure): string {
  const given = Object.entries(inputs).map(([name, value]) => `${words(name)} ${value === null ? "not known" : measured(value, "ratio")}`);
  return given.length ? ` (${given.join(", ")})` : "";
}

/** Everything that was not taken as it stood: dropped, repaired, merged, guessed. */
function notUsed({ listed, summary: s, not_used }: Metrics): HTMLElement {
  const line = (name: string, n: number): HTMLElement => el("li", {}, el("span", {}, name), el("span", { class: "number" }, count(n)));
  const actions = Object.entries(listed.by_action).map(([action, n]) => line(`input rows ${action}`, n));
  const guessed = [
    s.households_estimated ? line("households estimated", s.households_estimated) : null,
    s.communities_proposed ? line("communities proposed here", s.communities_proposed) : null,
    s.sites_proposed ? line("sites at places proposed here", s.sites_proposed) : null,
  ];
  const reasons = Object.entries(listed.by_reason).flatMap(([source, by]) => Object.entries(by).map(([reason, n]) => line(`${source}: ${reason}`, n)));
  return section(
    "Dropped or guessed",
    "未采用与推算",
    el("p", { class: "quiet" }, el("strong", { "data-metric": "listed" }, count(listed.count)), ` ${listed.count === 1 ? "input row was" : "input rows were"} not used as given; listed.csv names each.`),
    el("ul", { class: "pairs" }, ...actions, ...guessed),
    reasons.length ? el("details", {}, el("summary", {}, "By reason"), el("ul", { class: "pairs" }, ...reasons)) : null,
    not_used.length ? el("details", {}, el("summary", {}, "Read, but without effect yet"), el("ul", {}, ...not_used.map((text) => el("li", {}, text)))) : null,
  );
}

function files(metrics: Metrics): HTMLElement {
  const order = ["plan.gpkg", "grids.geojson", "blocks.geojson", "sites.geojson", "circles.geojson", "listed.csv", "correspondence.csv"];
  const known = order.map((name) => metrics.files.find((file) => file.name === name)).filter((file) => file !== undefined);
  const links = known.map((file) => el("li", {}, el("a", { href: at(`plan/files/${file.name}`), download: file.name }, file.name), el("span", { class: "number quiet" }, bytes(file.bytes))));
  const more = el(
    "p",
    { class: "ways" },
    el("a", { href: at("plan/report") }, "Report"),
    el("a", { href: at("collections") }, "Feeds"),
    el("a", { href: at("docs") }, "OpenAPI"),
  );
  return section("Take it with you", "下载", el("ul", { class: "pairs" }, ...links), more);
}

function footer(metrics: Metrics): HTMLElement {
  const { plan_id, plan_version, profile, seed } = metrics;
  const told = `Plan ${plan_id}, version ${plan_version}, profile ${profile.name}${seed === null ? "" : `, seed ${seed}`}`;
  return el("footer", { class: "quiet" }, el("p", {}, told), ...metrics.attribution.map((text) => el("p", {}, text)));
}
