/**
 * Pictures to keep. A chart says once, as shapes, what it shows; one writer makes SVG with real
 * lines and text of it, one draws it on a canvas for PNG. Neither reads the screen, so a picture
 * can have any size and both are alike.
 */

export type Shape =
  | {
      readonly kind: "line";
      /** x and y in turn. */
      readonly points: readonly number[];
      readonly stroke: string;
      readonly width: number;
      readonly dash?: readonly number[];
      readonly title?: string;
    }
  | {
      readonly kind: "rectangle";
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly fill: string;
      readonly stroke?: string;
    }
  | {
      readonly kind: "text";
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly size: number;
      readonly fill: string;
      readonly anchor: "start" | "middle" | "end";
      readonly bold?: boolean;
      /** The colour of the ground, drawn around the letters. */
      readonly halo?: string;
    };

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly ground: string;
  readonly shapes: readonly Shape[];
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

export function svgOf(scene: Scene): string {
  const { width, height } = scene;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" role="img" font-family="${FONT}">\n`,
    `<title>${text(scene.title)}</title>\n`,
    `<rect width="${width}" height="${height}" fill="${text(scene.ground)}"/>\n`,
    ...scene.shapes.map((shape) => `${element(shape)}\n`),
    "</svg>\n",
  ].join("");
}

function element(shape: Shape): string {
  if (shape.kind === "rectangle") {
    const stroke = shape.stroke ? ` stroke="${text(shape.stroke)}"` : "";
    return (
      `<rect x="${short(shape.x)}" y="${short(shape.y)}" width="${short(shape.width)}"` +
      ` height="${short(shape.height)}" fill="${text(shape.fill)}"${stroke}/>`
    );
  }
  if (shape.kind === "text") {
    const outline = 'stroke-width="3" stroke-linejoin="round" paint-order="stroke"';
    const halo = shape.halo ? ` stroke="${text(shape.halo)}" ${outline}` : "";
    return (
      `<text x="${short(shape.x)}" y="${short(shape.y)}" font-size="${shape.size}"` +
      ` fill="${text(shape.fill)}" text-anchor="${shape.anchor}"` +
      `${shape.bold ? ' font-weight="600"' : ""}${halo}>${text(shape.text)}</text>`
    );
  }
  const dash = shape.dash ? ` stroke-dasharray="${shape.dash.join(" ")}"` : "";
  const title = shape.title ? `<title>${text(shape.title)}</title>` : "";
  return (
    `<polyline points="${shape.points.map(short).join(" ")}" fill="none"` +
    ` stroke="${text(shape.stroke)}" stroke-width="${shape.width}"${dash}` +
    (title ? `>${title}</polyline>` : "/>")
  );
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/**
 * Text as XML: names come from anywhere, and most control characters are no XML even when escaped.
 */
function text(value: string): string {
  return value
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

/** What of a 2D context a scene needs. */
export type Brushwork = Pick<
  CanvasRenderingContext2D,
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "lineJoin"
  | "font"
  | "textAlign"
  | "setLineDash"
  | "fillRect"
  | "strokeRect"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "stroke"
  | "fillText"
  | "strokeText"
>;

export function drawScene(scene: Scene, context: Brushwork): void {
  context.fillStyle = scene.ground;
  context.fillRect(0, 0, scene.width, scene.height);
  context.lineJoin = "round";
  for (const shape of scene.shapes) drawShape(shape, context);
}

function drawShape(shape: Shape, context: Brushwork): void {
  if (shape.kind === "rectangle") {
    context.fillStyle = shape.fill;
    context.fillRect(shape.x, shape.y, shape.width, shape.height);
    if (!shape.stroke) return;
    context.strokeStyle = shape.stroke;
    context.lineWidth = 1;
    context.strokeRect(shape.x, shape.y, shape.width, shape.height);
    return;
  }
  if (shape.kind === "text") {
    context.font = `${shape.bold ? "600 " : ""}${shape.size}px ${FONT}`;
    context.textAlign = shape.anchor === "middle" ? "center" : shape.anchor;
    if (shape.halo) {
      context.strokeStyle = shape.halo;
      context.lineWidth = 3;
      context.setLineDash([]);
      context.strokeText(shape.text, shape.x, shape.y);
    }
    context.fillStyle = shape.fill;
    context.fillText(shape.text, shape.x, shape.y);
    return;
  }
  context.strokeStyle = shape.stroke;
  context.lineWidth = shape.width;
  context.setLineDash([...(shape.dash ?? [])]);
  context.beginPath();
  for (let i = 0; i + 1 < shape.points.length; i += 2) {
    const x = shape.points[i] ?? 0;
    const y = shape.points[i + 1] ?? 0;
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.stroke();
}

/** `ratio` pixels for one unit of the scene. */
export function pngOf(scene: Scene, ratio = 2): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(scene.width * ratio);
  canvas.height = Math.round(scene.height * ratio);
  const context = canvas.getContext("2d");
  if (!context) return Promise.reject(new Error("this browser gives no canvas to draw on"));
  context.scale(ratio, ratio);
  drawScene(scene, context);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error("the picture is larger than this browser can make"));
    }, "image/png");
  });
}

/** Hands a file to the person. */
export function save(content: Blob | string, name: string, type = "image/svg+xml"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The click only starts the download: the address must outlive it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
