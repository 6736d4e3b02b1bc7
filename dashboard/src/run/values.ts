/** Configurations and summaries, flattened: nested names with dots, values as people write them. */

export type Flat = ReadonlyMap<string, unknown>;

/** A mapping's leaves by their dotted names; lists and media (`_type`) are leaves. */
export function flatten(values: Readonly<Record<string, unknown>>): Flat {
  const found = new Map<string, unknown>();
  const walk = (value: unknown, name: string, depth: number): void => {
    if (isMapping(value) && depth < 32 && !("_type" in value) && (Object.keys(value).length || !name)) {
      for (const [key, item] of Object.entries(value)) walk(item, name ? `${name}.${key}` : key, depth + 1);
    } else found.set(name, value);
  };
  walk(values, "", 0);
  return found;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As it is read: numbers short, texts bare, the rest as JSON. */
export function told(value: unknown): string {
  if (value === undefined) return "–";
  if (typeof value === "number") return figure(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/** Six digits that mean something, and no more. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e9)
    ? value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e")
    : String(Number(value.toPrecision(6)));
  return text.replace(/^-/, "−").replace("e-", "e−");
}

/** Numbers that are the same as floats go (0.1 and 0.1), texts "1" and numbers 1 do not. */
export function same(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || JSON.stringify(one) === JSON.stringify(other);
}

export interface Setting {
  readonly name: string;
  readonly given: unknown;
  /** What really ran; the same as `given` where the program said nothing else. */
  readonly ran: unknown;
  readonly differs: boolean;
}

/** The configuration beside what really ran, in the configuration's order. A value that the program alone knows (a
 * default it resolved) is listed after, and is no difference. */
export function settings(
  config: Readonly<Record<string, unknown>>, effective: Readonly<Record<string, unknown>> | null,
): readonly Setting[] {
  const given = flatten(config);
  const ran = effective ? flatten(effective) : given;
  const found = [...given].map(([name, value]) => {
    const real = ran.has(name) ? ran.get(name) : value;
    return { name, given: value, ran: real, differs: !same(value, real) };
  });
  for (const [name, value] of ran) {
    if (!given.has(name)) found.push({ name, given: undefined, ran: value, differs: false });
  }
  return found;
}

export interface Difference {
  readonly name: string;
  /** One a run; undefined where it has none. */
  readonly values: readonly unknown[];
}

/** The names under which the mappings are not all the same. */
export function differences(mappings: readonly Readonly<Record<string, unknown>>[]): readonly Difference[] {
  const flat = mappings.map(flatten);
  const names = [...new Set(flat.flatMap((one) => [...one.keys()]))];
  return names
    .map((name) => ({ name, values: flat.map((one) => one.get(name)) }))
    .filter(({ values }) => values.some((value) => !same(value, values[0])));
}

/** Whether every word of `query` is in the name or the value. */
export function matches(query: string, name: string, ...values: readonly unknown[]): boolean {
  const text = [name, ...values.map(told)].join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function moment(seconds: number | null | undefined): string {
  return seconds ? new Date(seconds * 1000).toLocaleString() : "–";
}

/** 3 s, 4 min 5 s, 2 h 3 min, 5 d 1 h. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]] as const;
  const first = parts.findIndex(([size]) => whole >= size);
  if (first < 0) return "0 s";
  let rest = whole;
  const shown = parts.slice(first, first + 2).map(([size, unit]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? `${count} ${unit}` : "";
  });
  return shown.filter(Boolean).join(" ");
}

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${power ? (size / 1000 ** power).toPrecision(3) : size} ${units[power] ?? ""}`;
}
