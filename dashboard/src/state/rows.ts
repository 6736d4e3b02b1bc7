/** The table's rows and cells, without the table: which runs in which order, what each says, and the whole as CSV. */
import { duration, moment, number } from "../format";
import type { Board, Column } from "../types";
import type { Columns } from "./selection";

export interface Sort {
  /** A column, or one of "run", "state" and "name". */
  readonly by: string;
  readonly down: boolean;
}

/** Best first, as it is unasked. */
export const USUAL: Sort = { by: "", down: true };

/** All rows in order; runs without a finite value come last, whichever way. A brush changes nothing of it. */
export function sortedRows(board: Board, columns: Columns, { by, down }: Sort): Uint32Array {
  const rows = Uint32Array.from({ length: board.n }, (_, row) => row);
  const sign = down ? -1 : 1;
  const column = columns.get(by);
  if (column && column.kind !== "category") {
    const { values } = column;
    return rows.sort((one, other) => {
      const a = values[one] ?? NaN;
      const b = values[other] ?? NaN;
      if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.isFinite(a) ? -1 : Number.isFinite(b) ? 1 : one - other;
      return sign * (a - b) || one - other;
    });
  }
  if (by === "run") return rows.sort((one, other) => sign * ((board.numbers[one] ?? 0) - (board.numbers[other] ?? 0)) || sign * (one - other));
  const text = textOf(board, column, by);
  return rows.sort((one, other) => {
    const [a, b] = [text(one), text(other)];
    if (a === "" || b === "") return a !== "" ? -1 : b !== "" ? 1 : one - other;
    return a < b ? -sign : a > b ? sign : one - other;
  });
}

function textOf(board: Board, column: Column | undefined, by: string): (row: number) => string {
  if (column) return (row) => column.categories[column.values[row] ?? -1] ?? "";
  if (by === "state") return (row) => board.states[row] ?? "";
  return (row) => board.names[row] ?? "";
}

export function shownValue(column: Column, row: number): string {
  const value = column.values[row] ?? NaN;
  if (column.kind === "category") return column.categories[value] ?? "–";
  if (column.kind === "time") return moment(value);
  return number(value);
}

const DIGITS = 4;
/** Values further apart than this are not made comparable by the same number of decimals. */
const SAME_SIZE = 100;

/** How a table writes a column: figures of one size have the same decimals, so that they can be compared down the column. */
export function writer(column: Column, n: number): (row: number) => string {
  if (column.name === "seconds") return (row) => duration(column.values[row] ?? NaN);
  if (column.kind !== "number" || column.whole) return (row) => shownValue(column, row);
  let [least, most] = [Infinity, 0];
  let whole = true;
  for (let row = 0; row < n; row += 1) {
    const size = Math.abs(column.values[row] ?? NaN);
    if (!Number.isFinite(size) || size === 0) continue;
    if (size < least) least = size;
    if (size > most) most = size;
    whole &&= Number.isInteger(size);
  }
  if (whole || most / least > SAME_SIZE || most >= 1e6 || least < 1e-3) return (row) => shownValue(column, row);
  const decimals = Math.max(0, DIGITS - 1 - Math.floor(Math.log10(most)));
  return (row) => {
    const value = column.values[row] ?? NaN;
    return Number.isFinite(value) ? value.toFixed(decimals) : number(value);
  };
}

/** As it is, for files: all digits, and nothing where there is nothing. */
export function exactValue(column: Column, row: number): string | number | null {
  const value = column.values[row] ?? NaN;
  if (column.kind === "category") return column.categories[value] ?? null;
  return Number.isNaN(value) ? null : value;
}

const escaped = (text: string): string => {
  // Spreadsheets take such a cell for a formula, and names of runs come from programs.
  const safe = /^[=+\-@\t\r]/u.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/u.test(safe) ? `"${safe.replace(/"/gu, '""')}"` : safe;
};

const GROUPS: Readonly<Record<Column["role"], string>> = { parameter: "config.", metric: "summary.", info: "" };

/**
 * One name a column, those of `swept export` where a label alone would be said twice. `step`: the one that values were read
 * at. What runs had in place of what was suggested is a column of its own, and whole: who reads it needs no other.
 */
export function csv(board: Board, columns: readonly Column[], rows: Iterable<number>, step: number | null = null): string {
  const taken = new Set<string>();
  const headOf = (column: Column): string => {
    const label = column.name === "value" && step !== null ? `${column.label} at step ${step}` : column.label;
    const head = taken.has(label) ? `${GROUPS[column.role]}${label}` : label;
    taken.add(head);
    return head;
  };
  const written = columns.flatMap((column) => {
    const ran = board.effective.get(column.name);
    const suggested = { head: headOf(column), at: (row: number) => exactValue(column, row) };
    return ran ? [suggested, { head: `effective.${column.label}`, at: (row: number) => ran.get(row) ?? exactValue(column, row) }] : [suggested];
  });
  const lines = [["number", "id", "name", "state", "kind", ...written.map(({ head }) => head)].map(escaped).join(",")];
  for (const row of rows) {
    const cells = [
      String(board.numbers[row] ?? ""), board.ids[row] ?? "", board.names[row] ?? "", board.states[row] ?? "", board.kinds[row] ?? "",
      ...written.map(({ at }) => String(at(row) ?? "")),
    ];
    lines.push(cells.map(escaped).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

export type Config = Readonly<Record<string, unknown>>;

/** The searched parameters of a run, by the names that the sweep's file gives them. */
export function configOf(columns: Columns, row: number): Config {
  return Object.fromEntries([...columns.values()].flatMap((column) => {
    const value = column.role === "parameter" ? exactValue(column, row) : null;
    return value === null ? [] : [[column.label, value]];
  }));
}

/** JSON is YAML, so a value that is not a plain word or number is written as JSON. */
export function yaml(config: Config): string {
  return Object.entries(config).map(([name, value]) => `${plainWord(name)}: ${scalar(value)}\n`).join("");
}

const WORD = /^[A-Za-z_][\w./-]*$/u;
const TAKEN = /^(true|false|null|yes|no|on|off|y|n|~|\.nan|\.inf)$/iu;

function plainWord(text: string): string {
  return WORD.test(text) && !TAKEN.test(text) ? text : JSON.stringify(text);
}

function scalar(value: unknown): string {
  if (typeof value === "string") return plainWord(value);
  // YAML 1.1 reads 1e-7 as a text: it wants the point.
  if (typeof value === "number") return String(value).replace(/^(-?\d+)e/u, "$1.0e");
  return JSON.stringify(value);
}

/** Flags as W&B's `${args}` gives them, quoted for a POSIX shell. */
export function flags(config: Config): string {
  return Object.entries(config).map(([name, value]) => quoted(`--${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)).join(" ");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/u.test(text) ? text : `'${text.replace(/'/gu, "'\\''")}'`;
}
