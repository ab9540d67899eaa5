/** The OpenAPI page: every address of the server, what it takes, what it answers, and a button to try it. */

import "./page.css";
import { el, must } from "./dom";
import { at } from "./feeds";

interface Parameter {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema?: { type?: string; default?: unknown; maximum?: number };
}
interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  responses: Record<string, { description?: string; content?: Record<string, unknown> }>;
}
interface Document {
  info: { title: string; version: string; description?: string };
  openapi: string;
  paths: Record<string, { get?: Operation }>;
}

const SHOWN = 4000;
const EXAMPLE: Record<string, string> = { collectionId: "grids", name: "grids.geojson" };

function operation(path: string, { summary, description, parameters = [], responses }: Operation): HTMLElement {
  const fields = parameters.map((parameter) => field(parameter));
  const output = el("pre", { class: "output", hidden: "", tabindex: "0" });
  const form = el("form", {}, ...fields.map(({ row }) => row), el("button", { type: "submit" }, "Try it"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void tryIt(path, fields, output);
  });
  const answers = Object.entries(responses).map(([status, told]) =>
    el("li", {}, el("code", {}, status), " ", told.description ?? "", " ", el("span", { class: "quiet" }, Object.keys(told.content ?? {}).join(", "))),
  );
  return el(
    "details",
    { class: "operation" },
    el("summary", {}, el("span", { class: "method" }, "GET"), el("code", {}, path), el("span", { class: "quiet" }, summary ?? "")),
    description ? el("p", {}, description) : null,
    form,
    el("h3", {}, "Answers"),
    el("ul", {}, ...answers),
  );
}

interface Field {
  parameter: Parameter;
  input: HTMLInputElement;
  row: HTMLElement;
}

function field(parameter: Parameter): Field {
  const input = el("input", { name: parameter.name, autocomplete: "off" });
  if (parameter.in === "path") input.value = EXAMPLE[parameter.name] ?? "";
  if (parameter.schema?.default !== undefined) input.placeholder = String(parameter.schema.default);
  const row = el("label", { class: "parameter" }, el("code", {}, parameter.name), input, el("span", { class: "quiet" }, parameter.description ?? parameter.in));
  return { parameter, input, row };
}

async function tryIt(path: string, fields: Field[], output: HTMLElement): Promise<void> {
  const query = new URLSearchParams();
  let address = path.slice(1);
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value) query.set(parameter.name, input.value);
  }
  if (path === "/") query.set("f", "json");
  const url = at(address) + (query.size ? `?${query}` : "");
  const answer = await fetch(url);
  const text = await answer.text();
  output.hidden = false;
  output.textContent = `GET ${url}\n${answer.status} ${answer.headers.get("content-type") ?? ""}\n\n${pretty(text)}`;
}

function pretty(text: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not JSON: shown as it came.
  }
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}\n… ${shown.length - SHOWN} more characters` : shown;
}

async function start(): Promise<void> {
  const document_ = (await (await fetch(at("openapi.json"))).json()) as Document;
  const groups = new Map<string, HTMLElement[]>();
  for (const [path, { get }] of Object.entries(document_.paths)) {
    if (!get) continue;
    const tag = get.tags?.[0] ?? "";
    groups.set(tag, [...(groups.get(tag) ?? []), operation(path, get)]);
  }
  const sections = [...groups].map(([tag, operations]) => el("section", {}, el("h2", {}, tag), ...operations));
  must("docs").replaceChildren(
    el("p", { class: "brand" }, el("a", { href: "./" }, "Wangge ", el("span", { lang: "zh" }, "网格"))),
    el("h1", {}, "Feeds and files of this plan"),
    el("p", {}, document_.info.description ?? ""),
    el("p", { class: "quiet" }, `Version ${document_.info.version} · OpenAPI ${document_.openapi} · `, el("a", { href: at("openapi.json") }, "openapi.json")),
    ...sections,
  );
  must("docs").setAttribute("aria-busy", "false");
}

void start();
