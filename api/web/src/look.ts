/** What does each layer of the map look like?
 *
 * Colours stay apart for colour-blind eyes; hatching says it once more.
 */

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Metrics, Status } from "./feeds";

export const FILL: Record<Status, string> = {
  in_band: "#c8e4c2",
  low: "#6796e4",
  high: "#f5ae45",
  oversize: "#b06aa0",
};

export const STATUS_NAME: Record<Status, string> = {
  in_band: "In band",
  low: "Low",
  high: "High",
  oversize: "Oversize",
};

const INK = "#1d3a40";
const TEAL = "#0d7a76";
const PLUM = "#7a2e4d";
const PAPER = "#f3f1ec";
/** Names of fonts on the reader's machine: no glyph is ever fetched. */
const FONTS = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "system-ui", "sans-serif"];

const BROWN = "#8a5a2b";
const VIOLET = "#4b3f9e";

const WATER = ["river", "canal", "stream", "water"];
const RAIL = ["rail", "railway", "subway", "light_rail"];
const WALL = ["wall", "fence", "estate"];

/** Pixels at a close look: rivers broad, walls fine, streets by their strength. */
const BREADTH: ExpressionSpecification = [
  "*",
  ["get", "strength"],
  ["match", ["get", "kind"], WATER, 12, RAIL, 4, WALL, 2.2, 6],
];

const hovered = (over: number, rest: number): ExpressionSpecification => [
  "case",
  ["boolean", ["feature-state", "hover"], false],
  over,
  rest,
];

/** Inside the band the green deepens with the households; outside it the class alone counts. */
export const IN_BAND = { floor: "#e6f3e0", ceiling: "#a8d5a2" };

const byStatus = ({ floor_households, ceiling_households }: Metrics["profile"]): ExpressionSpecification => [
  "match",
  ["get", "status"],
  "in_band",
  ["interpolate", ["linear"], ["get", "households"], floor_households, IN_BAND.floor, ceiling_households, IN_BAND.ceiling],
  "low",
  FILL.low,
  "high",
  FILL.high,
  "oversize",
  FILL.oversize,
  "#cccccc",
];
const zoomed = (low: number, high: number): ExpressionSpecification => [
  "interpolate",
  ["linear"],
  ["zoom"],
  11,
  low,
  16,
  high,
];

type Look = LayerSpecification & { source: string };

/** Points of one kind of what was read; of a source of points and areas the points alone. */
const spots = (id: string, colour: string | ExpressionSpecification, rim: string, radius: number, source = id): Look => ({
  id,
  source,
  type: "circle",
  filter: ["==", ["geometry-type"], "Point"],
  paint: {
    "circle-color": colour,
    "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, radius / 2.5, 16, radius * 1.4],
    "circle-stroke-color": rim,
    "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 11, 0.4, 16, 1.8],
  },
});

/** The style without data: plain paper. */
export const PLAIN: StyleSpecification = {
  version: 8,
  sources: {},
  layers: [{ id: "paper", type: "background", paint: { "background-color": PAPER } }],
};

/** Map layers from the bottom up; the source of each is a layer of the plan (or the labels made of it). */
export const lookOf = (profile: Metrics["profile"]): Look[] => [
  {
    id: "grids",
    source: "grids",
    type: "fill",
    paint: { "fill-color": byStatus(profile), "fill-opacity": hovered(1, 0.88) },
  },
  {
    id: "grids-hatch",
    source: "grids",
    type: "fill",
    filter: ["==", ["get", "status"], "oversize"],
    paint: { "fill-pattern": "hatch" },
  },
  {
    id: "barriers",
    source: "barriers",
    type: "line",
    layout: { "line-cap": "round", "line-join": "round", "line-sort-key": ["get", "strength"] },
    paint: {
      "line-color": [
        "match",
        ["get", "kind"],
        WATER,
        "#5aa0d6",
        RAIL,
        "#4c4a48",
        WALL,
        "#b07a4f",
        "#ffffff",
      ],
      "line-width": ["interpolate", ["linear"], ["zoom"], 11, ["*", 0.2, BREADTH], 16, BREADTH],
      "line-opacity": 0.9,
    },
  },
  {
    id: "blocks",
    source: "blocks",
    type: "fill",
    paint: { "fill-color": INK, "fill-opacity": hovered(0.1, 0) },
  },
  {
    id: "blocks-line",
    source: "blocks",
    type: "line",
    paint: { "line-color": INK, "line-opacity": 0.28, "line-width": zoomed(0.25, 1) },
  },
  {
    id: "circles",
    source: "circles",
    type: "fill",
    paint: { "fill-color": TEAL, "fill-opacity": 0.1 },
  },
  {
    id: "circles-line",
    source: "circles",
    type: "line",
    paint: { "line-color": TEAL, "line-width": zoomed(0.8, 1.8), "line-opacity": 0.85 },
  },
  {
    id: "grids-line",
    source: "grids",
    type: "line",
    layout: { "line-join": "round" },
    paint: { "line-color": INK, "line-width": zoomed(0.5, 2.6) },
  },
  {
    id: "communities",
    source: "communities",
    type: "line",
    layout: { "line-join": "round" },
    paint: { "line-color": PLUM, "line-width": zoomed(0.7, 4), "line-opacity": 0.9 },
  },
  {
    id: "estates",
    source: "estates",
    type: "fill",
    filter: ["!=", ["geometry-type"], "Point"],
    paint: { "fill-color": BROWN, "fill-opacity": 0.14 },
  },
  {
    id: "estates-line",
    source: "estates",
    type: "line",
    filter: ["!=", ["geometry-type"], "Point"],
    paint: { "line-color": BROWN, "line-width": ["match", ["get", "access"], "gated", 2.2, 1] },
  },
  {
    id: "current",
    source: "current",
    type: "line",
    layout: { "line-join": "round" },
    paint: { "line-color": "#2f5fb3", "line-width": zoomed(0.8, 2.6), "line-dasharray": [3, 1.5] },
  },
  {
    id: "violations",
    source: "violations",
    type: "line",
    filter: ["!=", ["geometry-type"], "Point"],
    paint: { "line-color": "#c2185b", "line-width": 2.4, "line-dasharray": [1.5, 1.5] },
  },
  {
    id: "violations-point",
    source: "violations",
    type: "circle",
    filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-color": "#c2185b", "circle-radius": 5, "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 },
  },
  {
    id: "vertical_grids",
    source: "vertical_grids",
    type: "fill",
    paint: { "fill-color": VIOLET, "fill-opacity": hovered(0.3, 0.06) },
  },
  {
    id: "vertical_grids-line",
    source: "vertical_grids",
    type: "line",
    paint: { "line-color": VIOLET, "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.6, 16, 2.4], "line-dasharray": [3, 1.2] },
  },
  {
    id: "demand",
    source: "demand",
    type: "circle",
    paint: {
      "circle-color": "#51606a",
      "circle-opacity": 0.65,
      "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "households"]], 0, 1.2, 60, 12],
      "circle-stroke-color": "#ffffff",
      "circle-stroke-width": 0.6,
    },
  },
  spots("pois", "#7b5ea7", "#ffffff", 3),
  spots("estates-point", BROWN, "#ffffff", 4, "estates"),
  spots("gates", ["match", ["get", "access"], "closed", "#b3261e", "private", "#d99a2b", "#3f8f4f"], "#ffffff", 4),
  spots("candidates", "#fff6d6", "#a77b00", 5),
  spots("existing", "#ffffff", INK, 6),
  {
    id: "labels",
    source: "labels",
    type: "symbol",
    layout: {
      "text-field": [
        "format",
        ["get", "short"],
        { "font-scale": 1 },
        "\n",
        {},
        ["get", "households"],
        { "font-scale": 0.82 },
      ] as unknown as ExpressionSpecification,
      "text-font": FONTS,
      "text-size": zoomed(10, 15),
      "text-line-height": 1.1,
      "text-padding": 4,
    },
    paint: { "text-color": "#17292d", "text-halo-color": "rgba(255,255,255,0.85)", "text-halo-width": 1.3 },
  },
  {
    id: "sites",
    source: "sites",
    type: "circle",
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 2, 14, 5.5, 16, 9],
      "circle-color": ["case", ["get", "existing"], TEAL, ["get", "proposed"], "#ffffff", "#e0f2ef"],
      "circle-stroke-color": ["case", ["get", "existing"], "#ffffff", TEAL],
      "circle-stroke-width": [
        "interpolate",
        ["linear"],
        ["zoom"],
        11,
        1,
        14,
        ["case", ["get", "existing"], 2, ["get", "proposed"], 2.5, 4],
      ],
    },
  },
];

/** Diagonal lines, as pixels, for what colour alone should not say. */
export function hatch(): { width: number; height: number; data: Uint8ClampedArray } {
  const size = 12;
  const data = new Uint8ClampedArray(size * size * 4);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      if ((x + y) % size < 2) data.set([255, 255, 255, 110], (y * size + x) * 4);
  return { width: size, height: size, data };
}
