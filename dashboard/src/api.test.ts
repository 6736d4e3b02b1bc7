// @vitest-environment node
import { readFile } from "node:fs/promises";
import openapi, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("api.d.ts is what the server's schema says: `make types` writes both", async () => {
  const schema = new URL("../openapi.json", import.meta.url);
  const made = astToString(await openapi(schema));
  const kept = await readFile(new URL("api.d.ts", import.meta.url), "utf8");
  expect(kept.endsWith(made)).toBe(true);
});
