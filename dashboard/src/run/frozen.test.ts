import { expect, it } from "vitest";
import { syntheticSource } from "../testing/synthetic";
import type { Frozen, FrozenImage } from "../data/frozen";
import { thawed } from "./frozen";
import { History } from "./history";

const image = (run: string, name: string, step: number | null): FrozenImage => ({ run, name, step, type: "image/png", data: "AAAA" });

async function report(images: readonly FrozenImage[] = []): Promise<Frozen> {
  const source = syntheticSource({ runs: 20, epochs: 10 });
  return { source, sweep: "made-up", made: 0, version: "0", notes: [], runs: {}, images };
}

it("a run of which a report holds its row alone has its curve, its parameters and its state", async () => {
  const made = await report();
  const board = await made.source.board(made.sweep);
  const history = new History();
  const run = await thawed(made, board.ids[0] ?? "", history, () => undefined);
  expect(run.state).toBe(board.states[0]);
  expect(Object.keys(run.config).length).toBeGreaterThan(5);
  expect(history.steps.length).toBeGreaterThan(0);
  expect(history.lines.size).toBeGreaterThan(0);
});

it("its images stand at their steps, or among its files", async () => {
  const made = await report();
  const id = (await made.source.board(made.sweep)).ids[0] ?? "";
  const history = new History();
  const files: string[] = [];
  await thawed({ ...made, images: [image(id, "predictions", 3), image(id, "results.png", null), image("other", "x.png", null)] }, id, history, (kept) => {
    files.push(...kept.map((file) => file.name));
  });
  expect([...history.media.keys()]).toEqual(["predictions"]);
  expect(files).toEqual(["results.png"]);
});

it("a run that it does not know is said to be missing", async () => {
  await expect(thawed(await report(), "none", new History(), () => undefined)).rejects.toThrow("not in the report");
});
