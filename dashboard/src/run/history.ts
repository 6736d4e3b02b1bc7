/**
 * What a run reported, as columns that grow: rows come in step order, again and again from the last one on. Numbers are
 * lines, media are occurrences at steps; what is neither is left to the summary.
 */
import { spelled } from "../data/board";
import { parseMedia, type Media } from "../media/parse";
import { isMapping } from "./values";

export interface Row {
  readonly step: number;
  readonly attempt: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly time?: number | null;
}

/** `rows[i]` is the row at which `values[i]` was reported. */
export interface Line {
  readonly rows: number[];
  readonly values: number[];
}

export interface Occurrence {
  readonly step: number;
  readonly media: Media;
}

export class History {
  readonly steps: number[] = [];
  readonly times: number[] = [];
  readonly lines = new Map<string, Line>();
  readonly media = new Map<string, Occurrence[]>();
  private attempt = 0;

  /** The step to ask from: the last row may have got more since. */
  get since(): number | undefined {
    return this.steps.at(-1);
  }

  /** False where what was asked from `since` on does not begin there: a later attempt hides what was known. */
  goesOn(rows: readonly Row[]): boolean {
    return this.since === undefined || (rows[0]?.step === this.since && rows[0].attempt === this.attempt);
  }

  take(rows: readonly Row[]): void {
    for (const { step, attempt, metrics, time } of rows) {
      if (step < (this.steps.at(-1) ?? -Infinity)) continue;
      const again = this.steps.at(-1) === step;
      const row = again ? this.steps.length - 1 : this.steps.length;
      this.steps[row] = step;
      this.attempt = attempt;
      this.times[row] = typeof time === "number" ? time : NaN;
      this.keep(row, step, metrics, "", 0);
    }
  }

  clear(): void {
    this.steps.length = 0;
    this.times.length = 0;
    this.lines.clear();
    this.media.clear();
  }

  private keep(row: number, step: number, values: Readonly<Record<string, unknown>>, above: string, depth: number): void {
    for (const [key, value] of Object.entries(values)) {
      const name = above ? `${above}.${key}` : key;
      if (typeof value === "number" || typeof value === "boolean" || SPELLED.has(value)) this.number(row, name, spelled(value));
      else if (isMapping(value)) {
        const media = parseMedia(value);
        if (media) this.show(step, name, media);
        else if (!("_type" in value) && depth < 8) this.keep(row, step, value, name, depth + 1);
      }
    }
  }

  private number(row: number, name: string, value: number): void {
    let line = this.lines.get(name);
    if (!line) this.lines.set(name, (line = { rows: [], values: [] }));
    const at = line.rows.at(-1) === row ? line.rows.length - 1 : line.rows.length;
    line.rows[at] = row;
    line.values[at] = value;
  }

  show(step: number, name: string, media: Media): void {
    let known = this.media.get(name);
    if (!known) this.media.set(name, (known = []));
    if (known.at(-1)?.step === step) known.pop();
    known.push({ step, media });
  }
}

const SPELLED: ReadonlySet<unknown> = new Set(["NaN", "Infinity", "-Infinity"]);

// -- what is drawn, and against what ----------------------------------------------------------------

export interface Defined {
  readonly step_metric: string | null;
  readonly hidden: boolean;
}
export type Definitions = Readonly<Record<string, Defined>>;

/** What `define_metric` said of a metric: by its name, else by the first glob that fits. */
export function definition(name: string, defined: Definitions): Defined | undefined {
  if (Object.hasOwn(defined, name)) return defined[name];
  const glob = Object.keys(defined).find((pattern) => pattern.includes("*") && fits(pattern, name));
  return glob === undefined ? undefined : defined[glob];
}

function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

/** "defined": each metric against its own; "step"; "time": seconds since the start; else another metric. */
export type Axis = string;
export const DEFINED = "defined";
export const STEP = "step";
export const TIME = "time";

/** The axis of one metric: its own where nothing else is asked for. */
export function axisOf(name: string, asked: Axis, defined: Definitions): Axis {
  if (asked !== DEFINED) return asked;
  const own = definition(name, defined)?.step_metric;
  return own && own !== name ? own : STEP;
}

/** The axis along which a metric of several runs is drawn: the one that is all theirs, else the step, which every run has.
 * One that a run never reported is none of its. */
export function commonAxis(name: string, asked: Axis, runs: readonly { readonly history: History; readonly defined: Definitions }[]): Axis {
  const own = runs.filter(({ history }) => history.lines.has(name)).map(({ history, defined }) => {
    const axis = axisOf(name, asked, defined);
    return axis === TIME || history.lines.has(axis) ? axis : STEP;
  });
  return own.find((axis) => own.every((other) => other === axis)) ?? STEP;
}

/** What can be an axis for all: names that others are defined against, then the usual ones. */
export function axes(history: History, defined: Definitions): readonly string[] {
  const named = Object.values(defined).flatMap((one) => (one.step_metric ? [one.step_metric] : []));
  const usual = ["epoch", "global_step", "trainer/global_step", "batch", "samples"];
  return [...new Set([...named, ...usual])].filter((name) => history.lines.has(name));
}

export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A metric along an axis, in the order in which it was reported. Where the axis metric was not reported beside it, its
 * last value before counts. */
export function curve(history: History, name: string, axis: Axis, started: number): Curve {
  const line = history.lines.get(name);
  return line ? { x: along(history, line, axis, started), y: line.values } : { x: [], y: [] };
}

function along(history: History, line: Line, axis: Axis, started: number): number[] {
  if (axis === STEP) return line.rows.map((row) => history.steps[row] ?? NaN);
  if (axis === TIME) return line.rows.map((row) => (history.times[row] ?? NaN) - started);
  const other = history.lines.get(axis);
  if (!other) return line.rows.map(() => NaN);
  let at = -1;
  return line.rows.map((row) => {
    while (at + 1 < other.rows.length && (other.rows[at + 1] ?? Infinity) <= row) at += 1;
    return other.values[at] ?? NaN;
  });
}

export interface Group {
  readonly name: string;
  readonly metrics: readonly string[];
}

const FIRST = ["train", "val", "valid", "validation", "eval", "test", "metrics"];
const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Metrics by what stands before their first slash; the objective's group and the usual ones come first. Those of the
 * client's own (`_runtime`) and hidden ones are left out, and metrics that are only an axis are theirs to see last. */
export function groups(names: Iterable<string>, objective: string, defined: Definitions): readonly Group[] {
  const found = new Map<string, string[]>();
  for (const name of names) {
    if (name.startsWith("_") || definition(name, defined)?.hidden) continue;
    const cut = name.indexOf("/");
    const prefix = cut > 0 ? name.slice(0, cut) : "";
    const group = found.get(prefix);
    if (group) group.push(name);
    else found.set(prefix, [name]);
  }
  const rank = ([prefix, members]: [string, string[]]): number => {
    if (members.includes(objective)) return -1;
    const place = FIRST.indexOf(prefix.toLowerCase());
    return place < 0 ? FIRST.length + (prefix === "" ? 1 : 0) : place;
  };
  return [...found]
    .sort((a, b) => rank(a) - rank(b) || natural.compare(a[0], b[0]))
    .map(([name, metrics]) => ({
      name,
      metrics: metrics.sort((a, b) => Number(b === objective) - Number(a === objective) || natural.compare(a, b)),
    }));
}

// -- the machine ------------------------------------------------------------------------------------

export interface Panel {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly label: string }[];
}
export interface SystemGroup {
  readonly name: string;
  readonly panels: readonly Panel[];
}

const SYSTEM_GROUPS: readonly (readonly [string, RegExp])[] = [
  ["GPU", /(^|\.)(gpu|tpu|ipu|trn)/i],
  ["CPU", /cpu/i],
  ["Memory", /mem/i],
  ["Disk", /disk/i],
  ["Network", /network/i],
  ["Other", /./],
];
const QUANTITIES: Readonly<Record<string, string>> = {
  "gpu": "utilisation, %", "memory": "time spent on memory access, %", "memoryAllocated": "memory in use, %",
  "memoryAllocatedBytes": "memory in use, bytes", "temp": "temperature, °C", "powerWatts": "power, W",
  "powerPercent": "power, % of its limit", "enforcedPowerLimitWatts": "power limit, W", "smClock": "clock, MHz",
  "memoryClock": "memory clock, MHz", "cpu_percent": "utilisation, %", "cpu": "the program, % of all cores",
  "memory_percent": "in use, %", "proc.memory.rssMB": "the program, MB", "proc.memory.percent": "the program, %",
  "proc.memory.availableMB": "available, MB", "proc.cpu.threads": "threads", "proc.cpu.percent": "the program, % of one core", "network.sent": "sent, bytes",
  "network.recv": "received, bytes", "disk.in": "read, MB", "disk.out": "written, MB",
};

/** System metrics by what they are about; the same quantity of several devices shares a panel. */
export function systemGroups(names: Iterable<string>): readonly SystemGroup[] {
  const groups = new Map<string, Map<string, { name: string; label: string }[]>>();
  for (const name of [...names].sort(natural.compare)) {
    if (name.startsWith("_")) continue;
    const bare = name.replace(/^system[./]/, "");
    const [group] = SYSTEM_GROUPS.find(([, pattern]) => pattern.test(bare)) ?? ["Other"];
    const device = /^(gpu|cpu|disk|tpu|ipu|trn)\.(?:(process)\.)?([^.]+)\.(.+)$/i.exec(bare);
    const quantity = device ? `${device[2] ? "process " : ""}${device[4] ?? ""}` : bare;
    const title = QUANTITIES[device ? device[4] ?? "" : bare] ?? quantity;
    const shown = device?.[2] ? `this process: ${title}` : title;
    const panels = groups.get(group) ?? new Map<string, { name: string; label: string }[]>();
    groups.set(group, panels);
    panels.set(shown, [...(panels.get(shown) ?? []), { name, label: device ? `${device[1] ?? ""} ${device[3] ?? ""}` : bare }]);
  }
  return SYSTEM_GROUPS.flatMap(([name]) => {
    const panels = groups.get(name);
    return panels ? [{ name, panels: [...panels].map(([title, lines]) => ({ title, lines })) }] : [];
  });
}
