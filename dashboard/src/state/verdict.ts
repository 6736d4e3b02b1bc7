/** How the sweep stands, in one sentence: the first thing that people want to know, and what it does not yet say. */
import { number } from "../format";
import { luckyLead } from "./chance";
import type { Board, Progress } from "../types";

/** A run that is at its last step is at its end, whenever its program says so. */
export function whole({ head, states, columns }: Board, row: number): boolean {
  return states[row] === "finished" || (head.full !== null && (columns.get("steps")?.values[row] ?? NaN) >= head.full);
}

/** How much better the best is than the baseline, in the sense of the sweep's goal; NaN where either is missing, or they are
 * of different lengths. */
export function gainOf(board: Board): number {
  const { best: one, baseline: other } = board.head;
  const steps = (row: number): number => board.columns.get("steps")?.values[row] ?? NaN;
  if (!(whole(board, one) && whole(board, other)) && steps(one) !== steps(other)) return NaN;
  const value = (row: number): number => board.columns.get("value")?.values[row] ?? NaN;
  const sign = board.head.metric?.goal === "minimize" ? -1 : 1;
  return sign * (value(board.head.best) - value(board.head.baseline));
}

/** Whether a gain is more than the best of that many runs has by luck, as the card about luck has it. */
export function beyondChance(board: Board, gain: number, noise: number): boolean {
  const tried = board.states.filter((state, row) => state === "finished" && board.kinds[row] === "search").length;
  return gain > noise * luckyLead(tried);
}

/** The kinds that a budget of runs counts. */
const COUNTED: ReadonlySet<string> = new Set(["search", "baseline", "repeat"]);
const UNDER_WAY: ReadonlySet<string> = new Set(["pending", "running", "paused"]);

/** How many runs of the budget have ended, as the rows say it now: the server's count is a moment older. */
export function endedRuns(board: Board): number {
  return board.states.filter((state, row) => COUNTED.has(board.kinds[row] ?? "") && !UNDER_WAY.has(state)
    && !(state === "killed" && !board.attempts[row]?.length)).length;
}

/** "2 running, 10 paused", or "none running". */
export function underWay({ states }: Board): string {
  const many = (wanted: string): number => states.filter((state) => state === wanted).length;
  return ["running", "paused"].flatMap((state) => (many(state) ? [`${many(state)} ${state}`] : [])).join(", ") || "none running";
}

/** What the model expects of the best where that is only begun: its value so far, after two steps of thirty, tells little. */
export function expectedOf(board: Board): { readonly value: number; readonly steps: number; readonly full: number } | null {
  const { head, columns } = board;
  const { advice, best } = head;
  if (!advice || best < 0 || advice.row !== best || whole(board, best)) return null;
  return { value: advice.value, steps: columns.get("steps")?.values[best] ?? NaN, full: advice.full };
}

export function verdict(board: Board, progress: Progress | null): string {
  const { head } = board;
  if (!head.metric || board.n === 0) return "";
  const values = board.columns.get("value")?.values;
  const best = values?.[head.best] ?? NaN;
  if (Number.isNaN(best)) return "No run has a value yet.";
  const name = board.names[head.best] || `run ${board.numbers[head.best]}`;
  const expected = expectedOf(board);
  if (expected) return `${name} is the best so far: ${number(expected.value)} is expected of it, ${number(expected.steps)} of ${expected.full} steps seen.`;
  const baseline = values?.[head.baseline] ?? NaN;
  if (Number.isNaN(baseline)) {
    return head.baseline < 0 ? `${name} is the best so far; without a baseline nobody knows what was gained.`
      : `${name} is the best so far; the baseline has no value yet.`;
  }
  const gain = gainOf(board);
  if (Number.isNaN(gain)) return `${name} is the best so far; ${whole(board, head.baseline) ? "it is not yet as long as the baseline" : "the baseline has not come to its end"}.`;
  if (gain <= 0) return `No run beats the baseline${head.state === "running" ? " yet" : ""}: ${name}, the best, is ${number(Math.abs(gain), 3)} behind it.`;
  const noise = progress?.noise ?? null;
  const said = `${name} beats the baseline by ${number(gain, 3)}`;
  if (noise === null) return `${said}. How much of that is chance is not known${progress?.noiseWhy ? `: ${progress.noiseWhy}` : " yet"}.`;
  const times = noise > 0 ? gain / noise : Infinity;
  if (!beyondChance(board, gain, noise)) return `${said}, which may be chance: one training varies by ±${number(noise, 2)}.`;
  return `${said}${Number.isFinite(times) ? `, ${number(times, 2)} times what one training varies by (±${number(noise, 2)})` : ""}.`;
}
