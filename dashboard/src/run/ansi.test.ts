import { describe, expect, it } from "vitest";
import { marked, pieces, places, PLAIN, plain } from "./ansi";

const ESC = "\u001b";
const texts = (line: string): string[] => pieces(line).pieces.map((piece) => piece.text);

describe("a line of a terminal", () => {
  it("keeps text without escapes as it is", () => {
    expect(pieces("<b>loss</b> 0.5").pieces).toEqual([{ text: "<b>loss</b> 0.5", style: PLAIN }]);
    expect(pieces("").pieces).toEqual([]);
  });

  it("reads the 16 colours, bright ones too, and their end", () => {
    const { pieces: found, end } = pieces(`${ESC}[31mred${ESC}[0m ${ESC}[1;94;42mbold${ESC}[m`);
    expect(found.map((piece) => [piece.text, piece.style.fore, piece.style.back, piece.style.bold])).toEqual([
      ["red", 1, null, false], [" ", null, null, false], ["bold", 12, 2, true],
    ]);
    expect(end).toEqual(PLAIN);
  });

  it("reads 256 colours and true colours, with semicolons or colons", () => {
    const fore = (line: string): unknown => pieces(line).pieces[0]?.style.fore;
    expect(fore(`${ESC}[38;5;9mx`)).toBe(9);
    expect(fore(`${ESC}[38;5;196mx`)).toBe("rgb(255 0 0)");
    expect(fore(`${ESC}[38;5;232mx`)).toBe("rgb(8 8 8)");
    expect(fore(`${ESC}[38;2;1;2;300mx`)).toBe("rgb(1 2 255)");
    expect(fore(`${ESC}[38:5:196mx`)).toBe("rgb(255 0 0)");
    expect(fore(`${ESC}[38;5;196;1mx`)).toBe("rgb(255 0 0)");
  });

  it("goes on in the next line", () => {
    const { end } = pieces(`${ESC}[33mwarn`);
    expect(pieces("more", end).pieces[0]?.style.fore).toBe(3);
  });

  it.each([
    [`${ESC}[2J${ESC}[1;1Hclear`, "clear"],
    [`${ESC}]8;;http://evil\u0007link${ESC}]8;;\u0007`, "link"],
    [`${ESC}]0;title${ESC}\\text`, "text"],
    [`a${ESC}(Bb`, "ab"],
    [`${ESC}[?25lhidden cursor`, "hidden cursor"],
    [`cut off ${ESC}[`, "cut off "],
    [`cut off ${ESC}`, "cut off "],
    ["bell\u0007 and \u0000 null \u009b", "bell and  null "],
    ["10%\r50%\r100%\n", "100%"],
    ["a\tb", "a        b"],
    ["\u202etxt.exe", "�txt.exe"],
  ])("drops what does not colour: %j", (line, text) => {
    expect(texts(line).join("")).toBe(text);
    expect(plain(line)).toBe(text);
  });

  it("survives nonsense", () => {
    expect(texts(`${ESC}[38;5mx${ESC}[38;2;1my${ESC}[999999999999mz`).join("")).toBe("xyz");
    expect(texts(`${ESC}[${"1;".repeat(10_000)}mx`).join("")).toBe("x");
  });
});

describe("search", () => {
  it("finds without regard to case", () => {
    expect(places("Loss loss LOSS", "loss")).toEqual([[0, 4], [5, 9], [10, 14]]);
    expect(places("abc", "")).toEqual([]);
    expect(places("İstanbul", "stan")).toEqual([[0, 8]]);
  });

  it("marks hits across pieces", () => {
    const { pieces: found } = pieces(`ab${ESC}[1mcd${ESC}[0mef`);
    const cut = marked(found, [[1, 3], [5, 6]]);
    expect(cut.map((piece) => [piece.text, piece.hit])).toEqual([["a", -1], ["b", 0], ["c", 0], ["d", -1], ["e", -1], ["f", 1]]);
    expect(cut.map((piece) => piece.text).join("")).toBe("abcdef");
  });
});
