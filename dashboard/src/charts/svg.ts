/**
 * SVG of charts: elements, and lists of shapes that are put in place of the ones before.
 *
 * A browser lays out, paints and layers new elements afresh; of one that stays it paints where it
 * changed. What follows the pointer is drawn at every frame: its elements stay.
 */

export type Attributes = Readonly<Record<string, string | number>>;

export interface SvgShape {
  readonly tag: "path" | "rect" | "circle" | "text";
  readonly attributes: Attributes;
  readonly text?: string;
}

export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  parent?: Element,
): SVGElementTagNameMap[Name] {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(node, attributes);
  parent?.append(node);
  return node;
}

/** An attribute that is the same again would cost a look at the styles. */
export function set(node: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** In the text that is there: another one would be styled and put into its place first. */
export function write(node: Element, text: string): void {
  const there = node.firstChild;
  if (there instanceof Text) {
    if (there.data !== text) there.data = text;
  } else if (text) node.textContent = text;
}

/** Makes the group's content these shapes, with the elements that are there as far as they go. */
export function lay(group: Element, shapes: readonly SvgShape[]): void {
  shapes.forEach(({ tag, attributes, text = "" }, place) => {
    const there = group.children[place];
    const node = there?.tagName === tag ? there : svg(tag);
    for (const name of node.getAttributeNames()) if (!(name in attributes)) node.removeAttribute(name);
    set(node, attributes);
    write(node, text);
    if (node === there) return;
    if (there) there.replaceWith(node);
    else group.append(node);
  });
  while (group.children.length > shapes.length) group.lastElementChild?.remove();
}

/** Paths on a canvas. */
export function draw(context: CanvasRenderingContext2D, shapes: readonly SvgShape[]): void {
  for (const { attributes } of shapes) {
    const path = new Path2D(String(attributes["d"] ?? ""));
    const { fill = "none", stroke = "none" } = attributes;
    const dash = String(attributes["stroke-dasharray"] ?? "");
    if (fill !== "none") {
      context.fillStyle = String(fill);
      context.fill(path);
    }
    if (stroke === "none" || !attributes["stroke-width"]) continue;
    context.lineJoin = "round";
    context.strokeStyle = String(stroke);
    context.lineWidth = Number(attributes["stroke-width"]);
    context.setLineDash(dash ? dash.split(" ").map(Number) : []);
    context.stroke(path);
    context.setLineDash([]);
  }
}

/**
 * An SVG of its own for what follows the pointer, in a layer of its own: else the browser draws the
 * thousands of lines below it once more for each move.
 */
export function frontSvg(): SVGSVGElement {
  const front = svg("svg", { "aria-hidden": "true" });
  Object.assign(front.style, {
    position: "absolute",
    left: "0",
    top: "0",
    pointerEvents: "none",
    willChange: "transform",
  });
  return front;
}

/** Places need no more digits. */
export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
