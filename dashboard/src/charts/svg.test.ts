/** Shapes that follow the pointer keep their elements. */
import { expect, test } from "vitest";
import { lay, svg, type SvgShape } from "./svg";

const line = (d: string, more = {}): SvgShape => ({ tag: "path", attributes: { d, ...more } });
const words = (text: string): SvgShape => ({ tag: "text", attributes: { x: 1 }, text });

test("shapes of the same kind take the elements that are there, and lose what they have no more", () => {
  const group = svg("g");
  lay(group, [line("M0 0", { "stroke-dasharray": "5 4" }), words("one")]);
  const [path, text] = [...group.children];
  lay(group, [line("M1 1"), words("two")]);
  expect([...group.children]).toEqual([path, text]);
  expect(path?.getAttribute("d")).toBe("M1 1");
  expect(path?.hasAttribute("stroke-dasharray")).toBe(false);
  expect(text?.textContent).toBe("two");
});

test("other kinds are other elements, and fewer shapes leave none behind", () => {
  const group = svg("g");
  lay(group, [line("M0 0"), words("one"), words("two")]);
  lay(group, [words("three")]);
  expect([...group.children].map((node) => [node.tagName, node.textContent])).toEqual([["text", "three"]]);
  lay(group, []);
  expect(group.childElementCount).toBe(0);
});
