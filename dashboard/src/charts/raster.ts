/**
 * Many lines on a canvas: drawn by our own loops into pixels, best first, in slices.
 *
 * Canvas 2D strokes and the chart libraries grow sevenfold from narrow to wide brushes at 10,000
 * runs (docs/design/dashboard.md). Here lines are drawn from the front to the back: a pixel that is
 * full is left alone, so the first slice already shows what will lie on top, and a crowded picture
 * costs little more than a sparse one. Work is cut into slices of some milliseconds with the page's
 * events between them, and newer work ends older.
 */

/** Milliseconds of drawing before the page gets its turn. */
const SLICE = 8;
/** Items drawn between two looks at the clock. */
const BATCH = 16;

/** Pixels, not premultiplied: `words` are 0xAABBGGRR of the same memory as `data`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly words: Uint32Array;
}

export function pixels(width: number, height: number): Pixels {
  const buffer = new ArrayBuffer(Math.max(1, width) * Math.max(1, height) * 4);
  return {
    width: Math.max(1, width),
    height: Math.max(1, height),
    data: new Uint8ClampedArray(buffer),
    words: new Uint32Array(buffer),
  };
}

/** 0xRRGGBB as a full pixel. */
export function word(rgb: number): number {
  return (0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

/** Lays `rgb` with the given cover (0 … 1) behind what the pixel has. */
function under(words: Uint32Array, place: number, colour: number, cover: number): void {
  const front = words[place] ?? 0;
  const alpha = front >>> 24;
  if (alpha === 255) return;
  if (alpha === 0) {
    words[place] = ((colour & 0xffffff) | (Math.round(cover * 255) << 24)) >>> 0;
    return;
  }
  const added = ((255 - alpha) / 255) * cover * 255;
  const total = alpha + added;
  const share = added / total;
  const red = (front & 255) + ((colour & 255) - (front & 255)) * share;
  const green = ((front >> 8) & 255) + (((colour >> 8) & 255) - ((front >> 8) & 255)) * share;
  const blue = ((front >> 16) & 255) + (((colour >> 16) & 255) - ((front >> 16) & 255)) * share;
  // Eight bits never reach 255 by small shares: what is all but full counts as full.
  const full = total > 250 ? 255 : Math.round(total);
  words[place] =
    ((full << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

/**
 * A line behind everything drawn so far, `width` pixels thick, with soft edges. Coordinates are
 * pixels; what lies outside is cut off. NaN draws nothing.
 */
export function line(
  target: Pixels,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colour: number,
  width = 1,
): void {
  const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
  // Along the longer side one step is one pixel; the other side is covered from `near` to `near +
  // thick`.
  let u0 = steep ? y0 : x0;
  let v0 = steep ? x0 : y0;
  let u1 = steep ? y1 : x1;
  let v1 = steep ? x1 : y1;
  if (!(Number.isFinite(u0) && Number.isFinite(v0) && Number.isFinite(u1) && Number.isFinite(v1)))
    return;
  if (u0 > u1) [u0, v0, u1, v1] = [u1, v1, u0, v0];
  const uSize = steep ? target.height : target.width;
  const vSize = steep ? target.width : target.height;
  const slope = u1 === u0 ? 0 : (v1 - v0) / (u1 - u0);
  const thick = width * Math.sqrt(1 + slope * slope);
  const uStride = steep ? target.width : 1;
  const vStride = steep ? 1 : target.width;
  const { words } = target;
  // Both ends share their pixel with the next segment; half-open keeps joints from being drawn
  // twice.
  const first = Math.max(0, Math.round(u0));
  const last = Math.min(uSize, Math.max(Math.round(u1), Math.round(u0) + 1));
  let near = v0 + (first + 0.5 - u0) * slope - thick / 2;
  for (let u = first; u < last; u++, near += slope) {
    const far = near + thick;
    if (far <= 0 || near >= vSize) continue;
    const start = Math.floor(near);
    const end = Math.min(vSize - 1, Math.ceil(far) - 1);
    let place = u * uStride + Math.max(0, start) * vStride;
    for (let v = Math.max(0, start); v <= end; v++, place += vStride) {
      const front = words[place] ?? 0;
      if (front >= 0xff000000) continue;
      const cover = Math.min(far, v + 1) - Math.max(near, v);
      if (cover >= 0.99 && front === 0) words[place] = colour;
      else if (cover > 0.01) under(words, place, colour, Math.min(1, cover));
    }
  }
}

/**
 * The same, one pixel thick with hard edges: a third of the cost, for pictures so crowded that
 * nobody can tell.
 */
export function hairline(
  target: Pixels,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colour: number,
): void {
  const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
  let u0 = steep ? y0 : x0;
  let v0 = steep ? x0 : y0;
  let u1 = steep ? y1 : x1;
  let v1 = steep ? x1 : y1;
  if (!(Number.isFinite(u0) && Number.isFinite(v0) && Number.isFinite(u1) && Number.isFinite(v1)))
    return;
  if (u0 > u1) [u0, v0, u1, v1] = [u1, v1, u0, v0];
  const uSize = steep ? target.height : target.width;
  const vSize = steep ? target.width : target.height;
  const slope = u1 === u0 ? 0 : (v1 - v0) / (u1 - u0);
  const uStride = steep ? target.width : 1;
  const vStride = steep ? 1 : target.width;
  const { words } = target;
  const first = Math.max(0, Math.round(u0));
  const last = Math.min(uSize, Math.max(Math.round(u1), Math.round(u0) + 1));
  let v = v0 + (first + 0.5 - u0) * slope;
  let row = first * uStride;
  for (let u = first; u < last; u++, v += slope, row += uStride) {
    if (v < 0 || v >= vSize) continue;
    const place = row + (v | 0) * vStride;
    const front = words[place] ?? 0;
    if (front === 0) words[place] = colour;
    else if (front < 0xff000000) under(words, place, colour, 1);
  }
}

/** A filled rectangle behind everything drawn so far, on whole pixels. */
export function rectangle(
  target: Pixels,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: number,
  cover = 1,
): void {
  const right = Math.min(target.width, Math.round(x + width));
  const bottom = Math.min(target.height, Math.round(y + height));
  for (let row = Math.max(0, Math.round(y)); row < bottom; row++) {
    for (let column = Math.max(0, Math.round(x)); column < right; column++) {
      under(target.words, row * target.width + column, colour, cover);
    }
  }
}

/** A round dot behind everything drawn so far. */
export function dot(target: Pixels, x: number, y: number, radius: number, colour: number): void {
  if (!(Number.isFinite(x) && Number.isFinite(y))) return;
  const bottom = Math.min(target.height - 1, Math.ceil(y + radius));
  const right = Math.min(target.width - 1, Math.ceil(x + radius));
  for (let row = Math.max(0, Math.floor(y - radius - 1)); row <= bottom; row++) {
    for (let column = Math.max(0, Math.floor(x - radius - 1)); column <= right; column++) {
      const cover = radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y);
      if (cover > 0) under(target.words, row * target.width + column, colour, Math.min(1, cover));
    }
  }
}

/** Draws one item; items come front to back. */
export type Painter = (target: Pixels, index: number) => void;

/**
 * Draws items from `from` on for about `budget` milliseconds of `now`; where to go on. At least a
 * batch is drawn.
 */
export function slice(
  target: Pixels,
  count: number,
  painter: Painter,
  from: number,
  budget: number,
  now: () => number,
): number {
  const end = now() + budget;
  let index = from;
  while (index < count) {
    const stop = Math.min(count, index + BATCH);
    for (; index < stop; index++) painter(target, index);
    if (now() >= end) break;
  }
  return index;
}

/**
 * Calls of `ask` between two frames become one `draw` in the next; a hidden page has no frames and
 * draws nothing.
 */
export function onFrame(draw: () => void): { ask(): void; cancel(): void } {
  let asked = 0;
  return {
    ask() {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        draw();
      });
    },
    cancel() {
      if (asked) cancelAnimationFrame(asked);
      asked = 0;
    },
  };
}

/** A canvas of pixels that is painted in slices. */
export interface Surface {
  readonly canvas: HTMLCanvasElement;
  /** Device pixels per CSS pixel: painters scale by it. */
  readonly ratio: number;
  /** In CSS pixels. True if it changed, which empties the picture. */
  resize(width: number, height: number, ratio?: number): boolean;
  /**
   * Replaces the picture. The first slice is drawn at once and is on the screen with the frame that
   * is being made: call it in one. The rest follows between events; newer work or `cancel` ends it.
   */
  paint(count: number, painter: Painter, done?: () => void): void;
  cancel(): void;
}

export function surface(canvas: HTMLCanvasElement): Surface {
  const context = canvas.getContext("2d");
  let target = pixels(1, 1);
  let image = new ImageData(target.data, 1, 1);
  let ratio = 1;
  let job = 0;
  const channel = new MessageChannel();
  let next: (() => void) | null = null;
  channel.port1.onmessage = () => {
    const go = next;
    next = null;
    go?.();
  };

  function show(): void {
    context?.putImageData(image, 0, 0);
  }

  return {
    canvas,
    get ratio() {
      return ratio;
    },
    resize(width, height, wanted = globalThis.devicePixelRatio || 1) {
      const w = Math.max(1, Math.round(width * wanted));
      const h = Math.max(1, Math.round(height * wanted));
      if (w === target.width && h === target.height && wanted === ratio) return false;
      job++;
      ratio = wanted;
      target = pixels(w, h);
      image = new ImageData(target.data, w, h);
      canvas.width = w;
      canvas.height = h;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      return true;
    },
    paint(count, painter, done) {
      const mine = ++job;
      target.words.fill(0);
      let at = 0;
      let shown = 0;
      const go = () => {
        if (mine !== job) return;
        at = slice(target, count, painter, at, SLICE, () => performance.now());
        // The first slice, the last one and one a frame are enough: putting a large picture takes
        // time of its own.
        const now = performance.now();
        if (at >= count || shown === 0 || now - shown > 2 * SLICE) {
          show();
          shown = now;
        }
        if (at >= count) {
          done?.();
          return;
        }
        next = go;
        channel.port2.postMessage(0);
      };
      go();
    },
    cancel() {
      job++;
    },
  };
}
