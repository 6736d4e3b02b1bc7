/**
 * Runs side by side. Trainings of different lengths say nothing about their configurations, so that values are read at the
 * last step that all have, and nothing is called best where that cannot be.
 */
import type { History } from "../run/history";
import { flatten } from "../run/values";

export interface Compared {
  readonly id: string;
  /** What it is called here, told apart from the others. */
  readonly label: string;
  readonly running: boolean;
  readonly history: History;
  readonly summary: Readonly<Record<string, unknown>>;
  /** The sign of each metric that the run's program or sweep has a goal for. */
  readonly goals: ReadonlyMap<string, Goal>;
}

/** Which way is better. */
export type Goal = "low" | "high";
/** Where values are read: where each ended, or at a step. */
export type At = "end" | number;

/** Names that differ: a number or an id behind those that do not. */
export function labels(runs: readonly { readonly id: string; readonly name: string; readonly number: number }[]): readonly string[] {
  const names = runs.map((run) => run.name || run.id);
  return names.map((name, at) => {
    const alike = names.filter((other) => other === name).length > 1;
    return alike ? `${name} (${runs[at]?.id ?? ""})` : name;
  });
}

/** The last step of each, NaN for none. */
export function lengths(runs: readonly Compared[]): readonly number[] {
  return runs.map((run) => run.history.steps.at(-1) ?? NaN);
}

/** The last step that all have that have any; NaN for none. */
export function common(runs: readonly Compared[]): number {
  const known = lengths(runs).filter(Number.isFinite);
  return known.length ? Math.min(...known) : NaN;
}

export function differ(runs: readonly Compared[]): boolean {
  return new Set(lengths(runs).filter(Number.isFinite)).size > 1;
}

/** Why the runs are not (quite) comparable, in sentences. */
export function obstacles(runs: readonly Compared[]): readonly string[] {
  const found: string[] = [];
  if (differ(runs)) {
    const each = runs.map((run, at) => `${run.label}: ${lengths(runs)[at] ?? "?"}`).join(", ");
    found.push(`The runs have come to different steps (${each}): only trainings of the same length compare configurations. `
      + "Learning-rate schedules depend on the whole length, so that even the same step flatters the shorter one.");
  }
  const running = runs.filter((run) => run.running);
  if (running.length) {
    found.push(`${running.map((run) => run.label).join(", ")} ${running.length === 1 ? "is" : "are"} still running.`);
  }
  return found;
}

/** The last value at or before a step; undefined for none. */
export function valueAt(history: History, metric: string, step: number): number | undefined {
  const line = history.lines.get(metric);
  if (!line) return undefined;
  const place = line.rows.findLastIndex((row) => (history.steps[row] ?? Infinity) <= step);
  return line.values[place];
}

export interface MetricRow {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  readonly goal: Goal | null;
  /** The places of the best; none where there is none to name. */
  readonly best: readonly number[];
  /** It stands in the summaries alone, so that it can only be read at the runs' ends. */
  readonly atEnds: boolean;
}

/** The numbers of the runs at their ends, or at a step; what was reported at no step is read at the ends. */
export function metricRows(runs: readonly Compared[], at: At): readonly MetricRow[] {
  const summaries = runs.map((run) => flatten(run.summary));
  const names = new Set<string>();
  for (const run of runs) for (const name of run.history.lines.keys()) names.add(name);
  for (const summary of summaries) for (const [name, value] of summary) if (typeof value === "number") names.add(name);
  const comparable = at !== "end" || !differ(runs);
  return [...names].filter((name) => !name.startsWith("_")).sort((a, b) => a.localeCompare(b, "en", { numeric: true })).map((name) => {
    const atEnds = !runs.some((run) => run.history.lines.has(name));
    const values = runs.map((run, place) => {
      const said = summaries[place]?.get(name);
      if (atEnds) return typeof said === "number" ? said : undefined;
      // The summary may be a best or a mean, by define_metric: at their ends it is what the program wants to be read.
      if (at === "end" && typeof said === "number") return said;
      return valueAt(run.history, name, at === "end" ? Infinity : at);
    });
    const goal = goalOf(name, runs);
    // What stands in the summaries of runs of different lengths is of different fidelities.
    const fair = atEnds ? !differ(runs) || SIZES.test(name) : comparable;
    return { name, values, goal, best: goal && fair ? bestOf(values, goal) : [], atEnds };
  });
}

/** What a model is, however long it was trained. */
const SIZES = /(^|[/.])(parameters|params|gflops|flops|macs|speed[_/]ms|speed_pytorch|latency|inference|size|model_size)($|[/._(])/i;
const LOWER = /(loss|error|err|mae|mse|rmse|perplexity|ppl|wer|cer|fid|speed[_/]ms|latency|parameters|params|gflops|flops|macs|memory|time|seconds)(\W|_|$)/i;
const HIGHER = /(acc|accuracy|map\d*|precision|recall|f1|auc|auroc|iou|miou|dice|bleu|rouge|psnr|ssim|reward|score|r2|top[_-]?\d)(\W|_|\d|$)/i;

/** Which way a metric is better: what was said of it, else what its name usually means; null where that is open. */
export function goalOf(name: string, runs: readonly Pick<Compared, "goals">[]): Goal | null {
  for (const { goals } of runs) {
    const said = goals.get(name);
    if (said) return said;
  }
  if (LOWER.test(name)) return "low";
  return HIGHER.test(name) ? "high" : null;
}

/** None of fewer than two numbers, and where all are the same. */
export function bestOf(values: readonly (number | undefined)[], goal: Goal): readonly number[] {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  if (known.length < 2 || known.every((value) => value === known[0])) return [];
  const best = goal === "low" ? Math.min(...known) : Math.max(...known);
  return values.flatMap((value, at) => (value === best ? [at] : []));
}

const COSTS = ["model/speed_ms", "model/parameters", "model/GFLOPs"];
const UNITS: Readonly<Record<string, string>> = {
  "model/speed_ms": "ms an image", "model/parameters": "parameters", "model/GFLOPs": "GFLOPs",
};

/** Whether a metric is what a model costs, and not what it achieves. */
export function isCost(name: string): boolean {
  return COSTS.includes(name) || SIZES.test(name);
}

/** What the runs' models cost, where at least two say it and do not say the same: the axes of accuracy over cost. What
 * Ultralytics measures comes first, then whatever a program calls so. */
export function costs(runs: readonly Compared[]): readonly { readonly name: string; readonly label: string }[] {
  const flat = runs.map((run) => flatten(run.summary));
  const named = [...new Set(flat.flatMap((summary) => [...summary.keys()]))].filter((name) => SIZES.test(name) && !COSTS.includes(name)).sort();
  return [...COSTS, ...named].filter((name) => {
    const known = flat.map((summary) => summary.get(name)).filter((value) => typeof value === "number");
    return new Set(known).size > 1;
  }).map((name) => ({ name, label: UNITS[name] ?? name }));
}
