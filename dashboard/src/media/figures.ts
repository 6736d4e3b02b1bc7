/** The charts of `wandb.plot`: what the client says of them, and their table, as something that is drawn here. Vega itself
 * would be larger than the whole page. */
import { isMapping } from "../run/values";
import type { Table } from "./parse";

export interface Line {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}
export type Figure =
  | { readonly kind: "lines"; readonly title: string; readonly x: string; readonly lines: readonly Line[] }
  | { readonly kind: "points"; readonly title: string; readonly x: string; readonly y: string; readonly points: Line }
  | { readonly kind: "bars"; readonly title: string; readonly bars: readonly { readonly label: string; readonly value: number }[] }
  | { readonly kind: "histogram"; readonly title: string; readonly bins: readonly number[]; readonly values: readonly number[] }
  | { readonly kind: "matrix"; readonly title: string; readonly labels: readonly string[]; readonly counts: readonly (readonly number[])[] };

/** Known charts by the key of their table. `charts`: a run's `details.charts`. */
export function chartsByTable(charts: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  if (isMapping(charts)) for (const [key, chart] of Object.entries(charts)) found.set(`${key}_table`, chart);
  return found;
}

/** Null for a chart that is not one of `wandb.plot`, and for a table that has not its columns. */
export function figureOf(chart: unknown, table: Table): Figure | null {
  const config = isMapping(chart) && isMapping(chart["panel_config"]) ? chart["panel_config"] : {};
  const fields = isMapping(config["fieldSettings"]) ? config["fieldSettings"] : {};
  const strings = isMapping(config["stringSettings"]) ? config["stringSettings"] : {};
  const title = typeof strings["title"] === "string" ? strings["title"] : "";
  const column = (field: string): readonly unknown[] | null => {
    const place = table.columns.indexOf(String(fields[field]));
    return place < 0 ? null : table.rows.map((row) => row[place]);
  };
  const named = (field: string): string => String(fields[field]);
  switch (String(config["panelDefId"]).replace(/\/v\d+$/, "")) {
    case "wandb/line":
      return lines(title, named("x"), column("x"), column("y"), column("stroke"));
    case "wandb/lineseries":
      return lines(title, typeof strings["xname"] === "string" ? strings["xname"] : "x", column("step"), column("lineVal"), column("lineKey"));
    case "wandb/area-under-curve":
      return lines(title, typeof strings["x-axis-title"] === "string" ? strings["x-axis-title"] : named("x"), column("x"), column("y"), column("class"));
    case "wandb/scatter": {
      const [x, y] = [column("x"), column("y")];
      return x && y ? { kind: "points", title, x: named("x"), y: named("y"), points: { name: "", x: x.map(numeric), y: y.map(numeric) } } : null;
    }
    case "wandb/bar": {
      const [label, value] = [column("label"), column("value")];
      return label && value ? { kind: "bars", title, bars: label.map((one, at) => ({ label: String(one), value: numeric(value[at]) })) } : null;
    }
    case "wandb/histogram": {
      const values = column("value")?.map(numeric).filter(Number.isFinite);
      return values?.length ? { kind: "histogram", title, ...binned(values) } : null;
    }
    case "wandb/confusion_matrix":
      return matrix(title, column("Actual"), column("Predicted"), column("nPredictions"));
    default:
      return null;
  }
}

function lines(
  title: string, x: string, xs: readonly unknown[] | null, ys: readonly unknown[] | null, by: readonly unknown[] | null,
): Figure | null {
  if (!xs || !ys) return null;
  const found = new Map<string, { name: string; x: number[]; y: number[] }>();
  xs.forEach((value, at) => {
    const name = by ? String(by[at]) : "";
    const line = found.get(name) ?? { name, x: [], y: [] };
    line.x.push(numeric(value));
    line.y.push(numeric(ys[at]));
    found.set(name, line);
  });
  return { kind: "lines", title, x, lines: [...found.values()] };
}

function matrix(
  title: string, actual: readonly unknown[] | null, predicted: readonly unknown[] | null, counts: readonly unknown[] | null,
): Figure | null {
  if (!actual || !predicted || !counts) return null;
  const labels = [...new Set([...actual, ...predicted].map(String))];
  const place = new Map(labels.map((label, at) => [label, at]));
  const found = labels.map(() => labels.map(() => 0));
  actual.forEach((label, at) => {
    const row = found[place.get(String(label)) ?? -1];
    const column = place.get(String(predicted[at])) ?? -1;
    if (row && column >= 0) row[column] = (row[column] ?? 0) + (numeric(counts[at]) || 0);
  });
  return { kind: "matrix", title, labels, counts: found };
}

const MOST_BINS = 40;

/** About as many bins as the root of the count (Sturges would hide what lies between). */
function binned(numbers: readonly number[]): { bins: readonly number[]; values: readonly number[] } {
  let [low, high] = [Infinity, -Infinity];
  for (const one of numbers) [low, high] = [Math.min(low, one), Math.max(high, one)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const count = Math.max(1, Math.min(MOST_BINS, Math.ceil(Math.sqrt(numbers.length))));
  const values = new Array<number>(count).fill(0);
  for (const one of numbers) {
    const at = Math.min(count - 1, Math.floor(((one - low) / (high - low)) * count));
    values[at] = (values[at] ?? 0) + 1;
  }
  return { bins: Array.from({ length: count + 1 }, (_, at) => low + ((high - low) * at) / count), values };
}

function numeric(value: unknown): number {
  return typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
}
