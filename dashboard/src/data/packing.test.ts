// @vitest-environment node
import { expect, test } from "vitest";
import { bytesOf, unpacked } from "./packing";

test("text of a report is the bytes that were packed, whole words or not", async () => {
  // Written by swept.report.packing.
  expect([...bytesOf(",")]).toEqual([]);
  expect([...bytesOf(WORDS.three)]).toEqual([0, 255, 60]);
  expect([...bytesOf(WORDS.five)]).toEqual([255, 255, 255, 255, 7]);
  expect(new TextDecoder().decode(await unpacked(WORDS.text))).toBe("</script> and <!-- are text");
});

const WORDS = {
  three: "0RKD", five: "|NsC02L",
  text: "ABzY8000000t2(rFHSDXEGV/4NX$!7uu;_2RY)vKRVYcVC;,Tao3e@,0000",
};
