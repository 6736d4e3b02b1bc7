import { afterEach, expect, test, vi } from "vitest";
import { readHistory } from "./data";
import { History, type Row } from "./history";

afterEach(() => vi.unstubAllGlobals());

/** What the server would answer: the visible rows from `since` on. */
function serve(rows: readonly Row[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    const since = Number(new URL(url, "http://here").searchParams.get("since") ?? -Infinity);
    return new Response(JSON.stringify(rows.filter((row) => row.step >= since)));
  });
  return asked;
}

const row = (attempt: number, step: number, loss: number): Row => ({ attempt, step, metrics: { loss }, time: step });
const losses = (history: History): readonly number[] | undefined => history.lines.get("loss")?.values;

test("rows are asked for from where they ended", async () => {
  const history = new History();
  serve([row(1, 0, 0.5), row(1, 1, 0.4)]);
  await readHistory("r", history, "", () => undefined);
  const asked = serve([row(1, 0, 0.5), row(1, 1, 0.4), row(1, 2, 0.3)]);
  await readHistory("r", history, "", () => undefined);
  expect(losses(history)).toEqual([0.5, 0.4, 0.3]);
  expect(asked.map((url) => new URL(url, "http://here").searchParams.get("since"))).toEqual(["1"]);
});

test.each([
  ["begins anew", [row(2, 0, 9)], [9]],
  ["goes on from a checkpoint", [row(1, 0, 0.5), row(2, 1, 8), row(2, 2, 7), row(2, 3, 6)], [0.5, 8, 7, 6]],
])("an attempt that %s hides what the one before it reported", async (_, visible, expected) => {
  const history = new History();
  serve([row(1, 0, 0.5), row(1, 1, 0.4), row(1, 2, 0.3)]);
  await readHistory("r", history, "", () => undefined);
  serve(visible);
  await readHistory("r", history, "", () => undefined);
  expect(losses(history)).toEqual(expected);
});
