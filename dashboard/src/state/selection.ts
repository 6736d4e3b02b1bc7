/**
 * The one selection that all panels share. Every brush, filter and top-k is a condition; `kept` follows from all of them,
 * in one pass over typed arrays. A run is its row.
 */
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { coloursOf, worstFirst } from "../charts/colour";
import { moment, number, shortened } from "../format";
import { AFTERWARDS } from "../charts/words";
import { valuesAt } from "../data/curves";
import type { Board, Brush, Brushes, Column, Curves, Shown } from "../types";
import { compile, Wrong, type Test } from "./expression";
import { USUAL, type Sort } from "./rows";

/** What the selection is about; `SweepData` has it. */
export interface Runs {
  readonly board: ReadonlySignal<Board | null>;
  /** Counts up when the board changed in place. */
  readonly version: ReadonlySignal<number>;
  readonly curves: ReadonlySignal<Curves | null>;
  readonly curvesVersion: ReadonlySignal<number>;
  readonly dark: ReadonlySignal<boolean>;
  /** The metric that is shown unasked where there is no objective. */
  readonly usual?: ReadonlySignal<string>;
}

export type Goal = "minimize" | "maximize";
/** Columns are a fresh map when the board changed, since charts compare references. */
export type Columns = ReadonlyMap<string, Column>;

const NONE: ReadonlySet<number> = new Set();
const FAILED: ReadonlySet<string> = new Set(["failed", "crashed", "killed"]);

/** A metric beside the objective. */
export function isFurther({ role, name }: Column): boolean {
  return role === "metric" && name !== "value" && name !== "best";
}

export class Selection {
  readonly brushes: Signal<Brushes> = signal(new Map());
  readonly filter = signal("");
  /** Only so many of the best of what is left, or all. */
  readonly top: Signal<number | null> = signal(null);
  /** Whether runs that were trained after the search are shown with it. */
  readonly afterwards = signal(false);
  readonly hover = signal(-1);
  readonly chosen: Signal<ReadonlySet<number>> = signal(NONE);
  readonly colourBy = signal("value");
  /** Of the learning curves; "" is the objective. */
  readonly metric = signal("");
  /** How the picture was at this step; null: as it is. */
  readonly step: Signal<number | null> = signal(null);
  /** Axes of the parallel coordinates, in this order; empty: the usual ones. */
  readonly axes: Signal<readonly string[]> = signal([]);
  readonly flipped: Signal<ReadonlySet<string>> = signal(new Set());
  readonly parameter = signal("");
  /** The order of the table. */
  readonly sort: Signal<Sort> = signal(USUAL);

  readonly goal: ReadonlySignal<Goal>;
  readonly columns: ReadonlySignal<Columns>;
  readonly test: ReadonlySignal<{ readonly keeps: Test | null; readonly wrong: string }>;
  readonly kept: ReadonlySignal<Uint8Array>;
  /** The rows of runs that were trained after the search. */
  readonly later: ReadonlySignal<readonly number[]>;
  readonly count: ReadonlySignal<number>;
  /** The column that colours the runs. */
  readonly colouring: ReadonlySignal<Column | undefined>;
  /** The same with the values that count for the colours. */
  readonly coloured: ReadonlySignal<Column | undefined>;
  readonly colours: ReadonlySignal<Uint32Array>;
  readonly order: ReadonlySignal<Uint32Array>;
  readonly best: ReadonlySignal<number>;
  readonly baseline: ReadonlySignal<number>;
  /** All of it for the charts, another one with each hover: who wants a part of it asks for that part. */
  readonly shown: ReadonlySignal<Shown>;
  readonly narrowed: ReadonlySignal<boolean>;

  constructor(readonly runs: Runs) {
    const { board, version, curves, curvesVersion, dark } = runs;
    const n = computed(() => {
      version.value;
      return board.value?.n ?? 0;
    });
    this.goal = computed(() => {
      version.value;
      return board.value?.head.metric?.goal ?? "minimize";
    });
    this.columns = computed(() => {
      version.value;
      const columns = new Map(board.value?.columns);
      const step = this.step.value;
      const value = columns.get("value");
      if (step === null || !value || !curves.value) return columns;
      curvesVersion.value;
      return columns.set("value", { ...value, values: valuesAt(curves.value, n.value, step) });
    });
    this.test = computed(() => {
      version.value;
      const text = this.filter.value;
      if (!board.value || text.trim() === "") return { keeps: null, wrong: "" };
      try {
        return { keeps: compile(text, board.value), wrong: "" };
      } catch (error) {
        if (error instanceof Wrong) return { keeps: null, wrong: error.message };
        throw error;
      }
    });
    this.colouring = computed(() => {
      const columns = this.columns.value;
      const wanted = columns.get(this.colourBy.value) ?? columns.get("value");
      if (wanted?.name !== "value" || board.value?.head.metric) return wanted;
      // Runs by hand have no objective: the metric whose curves are shown unasked.
      const metrics = [...columns.values()].filter(isFurther);
      return metrics.find(({ label }) => label === runs.usual?.value) ?? metrics[0] ?? wanted;
    });
    this.later = computed(() => {
      version.value;
      const kinds = board.value?.kinds ?? [];
      return kinds.flatMap((kind, row) => (AFTERWARDS.has(kind) ? [row] : []));
    });
    this.kept = computed(() => {
      const columns = this.columns.value;
      const kept = keptBy(columns, n.value, this.brushes.value, this.test.value.keeps);
      if (!this.afterwards.value) this.later.value.forEach((row) => (kept[row] = 0));
      const value = columns.get("value");
      if (this.top.value !== null && value) onlyBest(kept, this.ranking(value.values), this.top.value, this.goal.value);
      return kept;
    });
    this.count = computed(() => this.kept.value.reduce((sum, one) => sum + one, 0));
    this.narrowed = computed(() =>
      this.brushes.value.size > 0 || this.filter.value.trim() !== "" || this.top.value !== null);
    this.coloured = computed(() => {
      const column = this.colouring.value;
      // The colours tell the search's runs apart: a longer training is none of them.
      const alone = column?.role === "metric" && !this.afterwards.value && this.later.value.length > 0;
      return column && alone ? { ...column, values: this.contested(column.values) } : column;
    });
    this.colours = computed(() => {
      const column = this.coloured.value;
      if (!column) return new Uint32Array(n.value);
      const goal = column.name === "value" || column.name === "best" ? this.goal.value : "maximize";
      return coloursOf(column, n.value, goal, dark.value);
    });
    const ranked = computed(() => {
      const value = this.columns.value.get("value");
      return value ? worstFirst(value.values, n.value, this.goal.value) : new Uint32Array(n.value);
    });
    this.order = computed(() => keptLast(ranked.value, this.kept.value));
    this.best = computed(() => {
      version.value;
      const value = this.columns.value.get("value");
      if (this.step.value === null) return board.value?.head.best ?? -1;
      const values = value && this.ranking(value.values);
      return ranked.value.findLast((row) => !Number.isNaN(values?.[row] ?? NaN)) ?? -1;
    });
    this.baseline = computed(() => {
      version.value;
      return board.value?.head.baseline ?? -1;
    });
    this.shown = computed(() => ({
      kept: this.kept.value, order: this.order.value, colours: this.colours.value, hover: this.hover.value,
      best: this.best.value, baseline: this.baseline.value, chosen: this.chosen.value, dark: dark.value,
    }));
  }

  brush(column: string, brush: Brush): void {
    const brushes = new Map(this.brushes.value);
    if (brush.length) brushes.set(column, brush);
    else brushes.delete(column);
    this.brushes.value = brushes;
  }

  toggle(row: number): void {
    const chosen = new Set(this.chosen.value);
    if (!chosen.delete(row)) chosen.add(row);
    this.chosen.value = chosen;
  }

  /** Another board came, in which the same runs may have other rows. */
  moved(before: Board, after: Board): void {
    this.hover.value = -1;
    this.chosen.value = new Set([...this.chosen.value].flatMap((row) => after.rows.get(before.ids[row] ?? "") ?? []));
  }

  private contested(values: Float64Array): Float64Array {
    const { kinds } = this.runs.board.value ?? {};
    return values.map((value, row) => (AFTERWARDS.has(kinds?.[row] ?? "") ? NaN : value));
  }

  /** As the server ranks: a run that failed is never the best, nor is one that came to no finite number or had other fixed values. */
  private ranking(values: Float64Array): Float64Array {
    const { states, incomparable } = this.runs.board.value ?? {};
    return this.contested(values).map((value, row) =>
      (Number.isFinite(value) && !FAILED.has(states?.[row] ?? "") && !incomparable?.has(row) ? value : NaN));
  }

  /** What is selected now, said in the filter: it stays while further brushes are drawn, and new runs are judged too. */
  keep(): void {
    this.narrow((text) => text);
  }

  exclude(): void {
    this.narrow((text) => `not (${text})`);
  }

  clear(): void {
    batch(() => {
      this.brushes.value = new Map();
      this.filter.value = "";
      this.top.value = null;
    });
  }

  private narrow(change: (text: string) => string): void {
    const columns = this.columns.value;
    const said = [...this.brushes.value].flatMap(([name, brush]) => {
      const column = columns.get(name);
      return column ? [inWords(column, brush)] : [];
    });
    const value = columns.get("value");
    if (this.top.value !== null && value) {
      const inside = [...this.kept.value].flatMap((one, row) => (one ? [value.values[row] ?? NaN] : []));
      const worst = this.goal.value === "maximize" ? Math.min(...inside) : Math.max(...inside);
      if (Number.isFinite(worst)) said.push(`value ${this.goal.value === "maximize" ? ">=" : "<="} ${worst}`);
    }
    if (!said.length) return;
    const before = this.filter.value.trim();
    batch(() => {
      this.filter.value = [...(before ? [bracketed(before)] : []), change(said.join(" and "))].join(" and ");
      this.brushes.value = new Map();
      this.top.value = null;
    });
  }
}

function bracketed(text: string): string {
  return / or /iu.test(text) ? `(${text})` : text;
}

function quoted(text: string): string {
  return /^[^\s()=<>!~≤≥≠"':]+$/u.test(text) ? text : `"${text.replace(/["\\]/gu, "\\$&")}"`;
}

/** A brush in the filter's language. */
export function inWords(column: Column, brush: Brush): string {
  const name = quoted(column.name);
  const parts = column.kind === "category"
    ? column.categories.flatMap((category, place) =>
        brush.some(([low, high]) => place >= low && place <= high) ? [`${name} = ${quoted(category)}`] : [])
    : brush.map(([low, high]) => `${name} >= ${low} and ${name} <= ${high}`);
  if (!parts.length) return `${name} != ${name}`;
  return parts.length > 1 ? `(${parts.join(" or ")})` : parts[0] ?? "";
}

/** A brush as people say it. */
export function brushWords(column: Column, brush: Brush): string {
  const name = column.role === "metric" ? shortened(column.label) : column.label;
  if (column.kind === "category") {
    const inside = column.categories.filter((_, place) => brush.some(([low, high]) => place >= low && place <= high));
    return `${name}: ${inside.join(", ") || "none"}`;
  }
  const say = column.kind === "time" ? moment : (value: number) => number(value, 3);
  return `${name}: ${brush.map(([low, high]) => `${say(low)} to ${say(high)}`).join(" or ")}`;
}

/** One byte a run: 1 where every brush and the filter keep it. A run without a value is in no range. */
export function keptBy(columns: Columns, n: number, brushes: Brushes, keeps: Test | null): Uint8Array {
  const kept = new Uint8Array(n).fill(1);
  for (const [name, brush] of brushes) {
    const values = columns.get(name)?.values;
    if (!values) continue;
    if (brush.length === 1 && brush[0]) {
      const [low, high] = brush[0];
      for (let row = 0; row < n; row += 1) {
        const value = values[row] ?? NaN;
        if (!(value >= low && value <= high)) kept[row] = 0;
      }
      continue;
    }
    for (let row = 0; row < n; row += 1) {
      const value = values[row] ?? NaN;
      if (kept[row] && !brush.some(([low, high]) => value >= low && value <= high)) kept[row] = 0;
    }
  }
  if (keeps) {
    for (let row = 0; row < n; row += 1) if (kept[row] && !keeps(row)) kept[row] = 0;
  }
  return kept;
}

function onlyBest(kept: Uint8Array, values: Float64Array, top: number, goal: Goal): void {
  const sign = goal === "maximize" ? -1 : 1;
  const inside: number[] = [];
  kept.forEach((one, row) => {
    const value = values[row] ?? NaN;
    if (one && value === value) inside.push(sign * value);
  });
  const sorted = Float64Array.from(inside).sort();
  const limit = sorted[Math.min(top, sorted.length) - 1] ?? -Infinity;
  let left = top;
  kept.forEach((one, row) => {
    if (!one) return;
    if (sign * (values[row] ?? NaN) <= limit && left > 0) left -= 1;
    else kept[row] = 0;
  });
}

/** The same order, but what is kept lies above what is not. */
function keptLast(order: Uint32Array, kept: Uint8Array): Uint32Array {
  const result = new Uint32Array(order.length);
  let at = 0;
  for (const wanted of [0, 1]) {
    for (const row of order) {
      if (kept[row] === wanted) {
        result[at] = row;
        at += 1;
      }
    }
  }
  return result;
}
