/** What does the server say of the plan? */

import type { Feature, FeatureCollection, Geometry } from "geojson";

export const STATUSES = ["in_band", "low", "high", "oversize"] as const;
export type Status = (typeof STATUSES)[number];
export type ByStatus = Record<Status, number>;
export type Properties = Record<string, string | number | boolean | null>;
export type Layer = FeatureCollection<Geometry, Properties>;

export interface Figure {
  value: number | null;
  unit: string;
  formula: string;
  inputs: Record<string, number | null>;
}

export interface Scorecard {
  principles?: Record<string, { name_zh: string; figures: Record<string, Figure> }>;
  circles?: Record<string, Figure>;
}

export interface Summary {
  households: number | null;
  households_estimated: number | null;
  area_m2: number;
  communities: number;
  communities_proposed: number;
  blocks: number;
  blocks_oversize: number;
  grids: number;
  grids_by_status: ByStatus;
  households_by_status: Record<Status, number | null>;
  sub_grids_needed: number;
  sites: number;
  sites_existing: number;
  sites_proposed: number;
  circles: number;
  demand_points: number;
}

export interface Metrics {
  plan_id: string;
  plan_version: number;
  title: string;
  profile: {
    name: string;
    title: string;
    floor_households: number;
    target_households: number;
    ceiling_households: number;
  };
  seed: number | string | null;
  attribution: string[];
  summary: Summary;
  scorecard: Scorecard | null;
  division: { status: "optimal" | "gap" | "infeasible"; bound: number; gap: number } | null;
  violations: { errors: number; warnings: number; by_rule: Record<string, number> };
  listed: {
    count: number;
    by_action: Record<string, number>;
    by_reason: Record<string, Record<string, number>>;
  };
  not_used: string[];
  layers: Record<string, number>;
  files: { name: string; bytes: number }[];
}

const PAGE = 10_000;

/** The server's address, relative to this page. */
export const at = (path: string): string => new URL(`../${path}`, document.baseURI).href;

async function get<T>(address: string): Promise<T> {
  const answer = await fetch(address);
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => null)) as { detail?: string } | null;
  throw new Error(problem?.detail ?? `${address} answered ${answer.status}`);
}

export const readMetrics = (): Promise<Metrics> => get<Metrics>(at("plan/metrics"));

type Page = Layer & { links: { rel: string; href: string }[] };

/** All features of a layer, page by page. */
export async function readLayer(name: string): Promise<Layer> {
  const features: Feature<Geometry, Properties>[] = [];
  let next: string | undefined = at(`collections/${name}/items?limit=${PAGE}`);
  while (next) {
    const page: Page = await get<Page>(next);
    features.push(...page.features);
    const link = page.links.find(({ rel }) => rel === "next");
    next = link && at(`collections/${name}/items${new URL(link.href).search}`);
  }
  return { type: "FeatureCollection", features };
}
