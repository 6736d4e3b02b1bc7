import { expect, test } from "vitest";
import { luckyLead } from "./chance";

test("the lead that luck gives is the server's", () => {
  // swept.analysis.noise.lucky_lead(1), (7), (50)
  expect([1, 7, 50].map((tried) => Number(luckyLead(tried).toFixed(2)))).toEqual([2.33, 3.31, 4.08]);
});
