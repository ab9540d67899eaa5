/** How is a number written for people? */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A count; a dash where it is not told to everybody. */
export const count = (value: number | null): string => (value === null ? "–" : whole.format(value));

export const percent = (share: number): string => {
  const text = (share * 100).toFixed(1);
  return `${text.endsWith(".0") ? text.slice(0, -2) : text} %`;
};

export const hectares = (m2: number): string => `${(m2 / 10_000).toFixed(m2 < 100_000 ? 1 : 0)} ha`;

export const minutes = (seconds: number): string => `${(seconds / 60).toFixed(1)} min`;

export const bytes = (size: number): string =>
  size < 1_000_000 ? `${whole.format(Math.max(1, size / 1000))} kB` : `${(size / 1_000_000).toFixed(1)} MB`;

/** "1 grid", "2 grids". */
export const things = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** A measured value with its unit; a share is written in percent. */
export function measured(value: number | null, unit: string): string {
  if (value === null) return "not known";
  if (unit === "share") return percent(value);
  const text = Number.isInteger(value) || Math.abs(value) >= 100 ? whole.format(value) : short.format(value);
  return unit === "ratio" ? text : `${text} ${unit}`;
}
