/** Configurations and summaries, flattened: nested names with dots, values as people write them. */

import { number } from "../format";

/** Of values that people compare. */
export const DIGITS = 6;

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
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value === "number") return Number.isNaN(value) ? "NaN" : number(value, DIGITS);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
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
  /** Nobody gave it: the program has it of its own. */
  readonly own: boolean;
}

/** The parts of a configuration that a run is told with. */
export interface Configured {
  readonly config: Readonly<Record<string, unknown>>;
  readonly effective_config: Readonly<Record<string, unknown>> | null;
  readonly program?: Readonly<Record<string, unknown>>;
}

/** What the program says that it has: what it set beside the given, and over that what it really ran with. */
function said(run: Configured): Flat {
  return new Map([...flatten(run.program ?? {}), ...flatten(run.effective_config ?? {})]);
}

/** All that a run ran with, by dotted names. */
export function whole(run: Configured): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...flatten(run.config), ...said(run)]);
}

/** The configuration beside what really ran, in the configuration's order. A value that the program alone knows (a
 * default it resolved) is listed after, and is no difference. */
export function settings(run: Configured): readonly Setting[] {
  const given = flatten(run.config);
  const ran = said(run);
  const found = [...given].map(([name, value]) => {
    const real = ran.has(name) ? ran.get(name) : value;
    return { name, given: value, ran: real, differs: !same(value, real), own: false };
  });
  for (const [name, value] of ran) {
    if (!given.has(name)) found.push({ name, given: undefined, ran: value, differs: false, own: true });
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

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${power ? (size / 1000 ** power).toPrecision(3) : size} ${units[power] ?? ""}`;
}
