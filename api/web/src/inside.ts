/** Where inside an area does a label stand? */

import type { Geometry, Position } from "geojson";

const LINES = 9;

/** The middle of the widest span of a polygon's interior along some level lines. */
function widestSpan(rings: Position[][]): { at: Position; width: number } {
  const levels = (rings[0] ?? []).map((p) => p[1] ?? 0);
  const [south, north] = [Math.min(...levels), Math.max(...levels)];
  let best = { at: rings[0]?.[0] ?? [0, 0], width: -1 };
  for (let line = 1; line <= LINES; line++) {
    const y = south + ((north - south) * line) / (LINES + 1);
    const xs = rings.flatMap((ring) => crossings(ring, y)).sort((a, b) => a - b);
    for (let i = 0; i + 1 < xs.length; i += 2) {
      const [west, east] = [xs[i]!, xs[i + 1]!];
      // A span near the middle is worth more than an equal one at the edge.
      const width = (east - west) * (1 - Math.abs(line - (LINES + 1) / 2) / (LINES * 2));
      if (width > best.width) best = { at: [(west + east) / 2, y], width };
    }
  }
  return best;
}

function crossings(ring: Position[], y: number): number[] {
  const found: number[] = [];
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x1, y1] = ring[i] as [number, number];
    const [x2, y2] = ring[i + 1] as [number, number];
    if (y1 > y !== y2 > y) found.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  }
  return found;
}

export function pointInside(area: Geometry): Position | null {
  const polygons = area.type === "Polygon" ? [area.coordinates] : area.type === "MultiPolygon" ? area.coordinates : [];
  if (!polygons.length) return null;
  return polygons.map(widestSpan).reduce((a, b) => (b.width > a.width ? b : a)).at;
}

export function boundsOf(geometries: Iterable<Geometry | null>): [number, number, number, number] | null {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (node: unknown): void => {
    if (!Array.isArray(node)) return;
    if (typeof node[0] !== "number") return node.forEach(visit);
    const [x, y] = node as [number, number];
    [box[0], box[1], box[2], box[3]] = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
  };
  for (const geometry of geometries) if (geometry && "coordinates" in geometry) visit(geometry.coordinates);
  return Number.isFinite(box[0]) ? box : null;
}
