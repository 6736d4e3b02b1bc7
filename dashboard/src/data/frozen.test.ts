// @vitest-environment node
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import { viewOf } from "../testing/wired";

/** A buffer of one run with the values 0 and 1, quantised. */
function buffer(): Uint8Array {
  const text = JSON.stringify({ schema: 1, metric: "mAP50", encoding: "u16", n: 1, points: 2, low: 0, high: 1, times: false });
  const padded = text.padEnd(Math.ceil((text.length + 4) / 8) * 8 - 4, " ");
  return Buffer.concat([
    Uint8Array.from(new Uint8Array(Uint32Array.of(padded.length).buffer)), Buffer.from(padded), new Uint8Array(Uint32Array.of(2).buffer),
    Uint8Array.of(1, 1, 0, 0), Uint8Array.of(0, 65534 & 255, 0, 65534 >> 8),
  ]);
}

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~";

/** As `swept.report.packing` does it. */
function text(bytes: Uint8Array): string {
  let written = "";
  for (let from = 0; from < bytes.length; from += 4) {
    let word = 0;
    for (let at = from; at < from + 4; at += 1) word = word * 256 + (bytes[at] ?? 0);
    const letters = [0, 1, 2, 3, 4].map((place) => LETTERS[Math.floor(word / 85 ** (4 - place)) % 85]);
    written += letters.slice(0, Math.min(4, bytes.length - from) + 1).join("");
  }
  return written;
}
const packed = (value: object): string => text(gzipSync(JSON.stringify(value)));

test("a report has its board, its curves, and says what it does not have", async () => {
  Object.assign(globalThis, { document: { documentElement: { dataset: {} } } });
  const { thaw } = await import("./frozen");
  const board = viewOf(syntheticBoard({ runs: 1, epochs: 2 }));
  const frozen = await thaw(JSON.stringify({
    schema: 2, curves: { mAP50: text(gzipSync(buffer())) }, images: [],
    packed: packed({
      made: 5, version: "1", board, metrics: ["mAP50", "val/loss"], importance: null, slices: {}, health: [], progress: null, forecasts: [],
      pairs: [{ x: { parameter: "lr", at: [0.1, 0.2] }, y: { parameter: "opt", at: ["SGD"] }, mean: [[1, 2]] }],
      runs: {}, notes: ["a note"],
    }),
  }));
  const { source } = frozen;
  expect(source.frozen).toBe(true);
  expect((await source.board("")).ids).toEqual(["r000001"]);
  expect([...(await source.curves("", "")).values]).toEqual([0, 1]);
  expect(await source.metrics("")).toEqual(["mAP50"]);
  await expect(source.curves("", "val/loss")).rejects.toThrow("the curves of val/loss are not in this report");
  await expect(source.importance("", "")).rejects.toThrow("not in this report");
  expect(await source.pair("", "lr", "opt")).toMatchObject({ x: { parameter: "lr" }, mean: [[1, 2]] });
  expect(await source.pair("", "opt", "lr")).toMatchObject({ x: { parameter: "opt" }, y: { at: [0.1, 0.2] }, mean: [[1], [2]] });
  await expect(source.pair("", "lr", "momentum")).rejects.toThrow("not of lr and momentum");
  expect(frozen.notes).toEqual(["a note"]);
});
