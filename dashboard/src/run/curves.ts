/** The curves of a run and of those that it is compared with: only where they are of different lengths is there a need of them. */
import { useEffect, useState } from "preact/hooks";
import { lineOf, type Line } from "../data/level";
import { curvesOf } from "../data/source";
import type { Frozen } from "../data/frozen";
import type { Board } from "../types";

/** Between two requests: a run may report many times a second. */
const REST_MS = 1_000;
/** After one that failed. */
const AGAIN_MS = 10_000;

export type Lines = ReadonlyMap<string, Line>;
const NONE: Lines = new Map();

/** Which runs' curves are wanted, the page's own first; none where all that are compared came to their ends. */
export function wanted(board: Board, row: number): readonly string[] {
  const others = [...new Set([board.head.baseline, board.head.best])].filter((other) => other >= 0 && other !== row);
  const rows = others.filter((other) => [row, other].some((at) => board.states[at] !== "finished"));
  return rows.length ? [row, ...rows].flatMap((at) => board.ids[at] ?? []) : [];
}

/** By run; what is not there yet is missing. The last ones stay until others have come. */
export function useLines(board: Board | null, row: number, report: Frozen | null): Lines {
  const [lines, setLines] = useState(NONE);
  const ids = board && row >= 0 ? wanted(board, row) : [];
  const asked = ids.map((id) => {
    const at = board?.rows.get(id) ?? -1;
    return `${id} ${board?.columns.get("steps")?.values[at]} ${board?.attempts[at]?.length}`;
  }).join();
  const sweep = board?.head.id ?? "";
  useEffect(() => {
    if (!asked || !board) return undefined;
    let current = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const all = report && await report.source.curves(sweep, "");
        // One by one: the server gives them in an order of its own.
        const found = await Promise.all(ids.map(async (id) => [
          id, all ? lineOf(all, board.rows.get(id) ?? -1) : lineOf(await curvesOf({ kind: "sweep", id: sweep }, "", false, [id]), 0),
        ] as const));
        if (current) setLines(new Map(found));
      } catch {
        if (current && !report) timer = setTimeout(() => void ask(), AGAIN_MS);
      }
    };
    timer = setTimeout(() => void ask(), lines === NONE ? 0 : REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [asked, sweep, report]);
  return lines;
}
