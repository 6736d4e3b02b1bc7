/**
 * Many lines on a canvas: drawn by our own loops into pixels, best first, in slices.
 *
 * Canvas 2D is as fast at 1,000 runs, but at 10,000 its cost grew sevenfold where that of such
 * loops doubled. Lines are drawn from the front to the back: a pixel that is full is left alone, so
 * the first slice already shows what will lie on top. Work is cut into slices of some milliseconds
 * with the page's events between them, and newer work ends older.
 */

import { drop, inHurry, nextFrame, pixelRatio } from "./frames";

/** Milliseconds of drawing before the page gets its turn. */
const SLICE = 8;
/** Items drawn between two looks at the clock. */
const BATCH = 4;

/** Pixels, not premultiplied: `words` are 0xAABBGGRR of the same memory as `data`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Signed, since engines keep 32 signed bits in a register and put unsigned ones on the heap. */
  readonly words: Int32Array;
}

export function pixels(width: number, height: number): Pixels {
  const buffer = new ArrayBuffer(Math.max(1, width) * Math.max(1, height) * 4);
  return {
    width: Math.max(1, width),
    height: Math.max(1, height),
    data: new Uint8ClampedArray(buffer),
    words: new Int32Array(buffer),
  };
}

/** 0xRRGGBB as a full pixel. */
export function word(rgb: number): number {
  return 0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
}

/** The least full pixel as a signed number: all pixels from here up to -1 have alpha 255. */
const FULL = -0x1000000;
/** Shares of eight bits never add up to 255: what is all but full counts as full. */
const NEARLY = 245;

/**
 * 1 / total with 16 bits, so that no pixel needs a division; rounded up, so that all of it is all.
 */
const SHARES = Int32Array.from({ length: 256 }, (_, all) => (all ? Math.ceil(65536 / all) : 0));

/** Lays `colour` with the given cover (0 … 256) behind what the pixel has. */
function under(words: Int32Array, place: number, colour: number, cover: number): void {
  const front = words[place] ?? 0;
  if (front >= FULL && front < 0) return;
  // No case for an empty pixel: a branch that is guessed wrong costs more than the arithmetic.
  const alpha = front >>> 24;
  const added = ((255 - alpha) * cover) >> 8;
  const total = alpha + added;
  const share = (added * (SHARES[total] ?? 0)) >> 8;
  const red = front & 255;
  const green = (front >> 8) & 255;
  const blue = (front >> 16) & 255;
  words[place] =
    ((total > NEARLY ? 255 : total) << 24) |
    ((blue + (((((colour >> 16) & 255) - blue) * share) >> 8)) << 16) |
    ((green + (((((colour >> 8) & 255) - green) * share) >> 8)) << 8) |
    (red + ((((colour & 255) - red) * share) >> 8));
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
  if (!Number.isFinite(x0 + y0 + x1 + y1)) return;
  const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
  // Along the longer side one step is one pixel; the other side is covered from `near` to `far`.
  const ahead = steep ? y0 <= y1 : x0 <= x1;
  const u0 = steep ? (ahead ? y0 : y1) : ahead ? x0 : x1;
  const u1 = steep ? (ahead ? y1 : y0) : ahead ? x1 : x0;
  const v0 = steep ? (ahead ? x0 : x1) : ahead ? y0 : y1;
  const v1 = steep ? (ahead ? x1 : x0) : ahead ? y1 : y0;
  const uSize = steep ? target.height : target.width;
  const vLast = (steep ? target.width : target.height) - 1;
  const uStride = steep ? target.width : 1;
  const vStride = steep ? 1 : target.width;
  const slope = u1 === u0 ? 0 : (v1 - v0) / (u1 - u0);
  const { words } = target;
  // Half-open, so that a joint is not drawn by both of its segments.
  const start = Math.round(u0);
  const first = Math.max(0, start);
  const last = Math.min(uSize, Math.max(Math.round(u1), start + 1));
  const middle = v0 + (first + 0.5 - u0) * slope;
  let row = first * uStride;
  if (width <= 1) {
    // Xiaolin Wu's two pixels a step: no inner loop whose length the processor guesses wrong.
    const cover = width * 256;
    let v = middle - 0.5;
    for (let u = first; u < last; u++, v += slope, row += uStride) {
      if (v < 0 || v >= vLast) {
        if (v > -1 && v < vLast + 1) under(words, row + Math.round(v) * vStride, colour, cover | 0);
        continue;
      }
      const whole = v | 0;
      const far = (cover * (v - whole)) | 0;
      const place = row + whole * vStride;
      under(words, place, colour, (cover - far) | 0);
      under(words, place + vStride, colour, far);
    }
    return;
  }
  const thick = width * Math.sqrt(1 + slope * slope);
  let near = middle - thick / 2;
  for (let u = first; u < last; u++, near += slope, row += uStride) {
    const far = near + thick;
    if (far <= 0 || near > vLast + 1) continue;
    let v = near > 0 ? near | 0 : 0;
    const end = far > vLast ? vLast : far | 0;
    for (let place = row + v * vStride; v <= end; v++, place += vStride) {
      const cover = (far < v + 1 ? far : v + 1) - (near > v ? near : v);
      // A trace that nobody sees is not worth a read.
      if (cover > 0.04) under(words, place, colour, (cover * 256) | 0);
    }
  }
}

/**
 * The same, one pixel thick with hard edges: much cheaper, for pictures so crowded that nobody can
 * tell.
 */
export function hairline(
  target: Pixels,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colour: number,
): void {
  if (!Number.isFinite(x0 + y0 + x1 + y1)) return;
  const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
  const ahead = steep ? y0 <= y1 : x0 <= x1;
  const u0 = steep ? (ahead ? y0 : y1) : ahead ? x0 : x1;
  const u1 = steep ? (ahead ? y1 : y0) : ahead ? x1 : x0;
  const v0 = steep ? (ahead ? x0 : x1) : ahead ? y0 : y1;
  const v1 = steep ? (ahead ? x1 : x0) : ahead ? y1 : y0;
  const uSize = steep ? target.height : target.width;
  const vSize = steep ? target.width : target.height;
  const uStride = steep ? target.width : 1;
  const vStride = steep ? 1 : target.width;
  const slope = u1 === u0 ? 0 : (v1 - v0) / (u1 - u0);
  const { words } = target;
  const start = Math.round(u0);
  const first = Math.max(0, start);
  const last = Math.min(uSize, Math.max(Math.round(u1), start + 1));
  let v = v0 + (first + 0.5 - u0) * slope;
  let row = first * uStride;
  for (let u = first; u < last; u++, v += slope, row += uStride) {
    if (v < 0 || v >= vSize) continue;
    const place = row + (v | 0) * vStride;
    const front = words[place] ?? 0;
    // Without a branch: -1 where the pixel has anything, else 0.
    const taken = (front | -front) >> 31;
    words[place] = front | (colour & ~taken);
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
      under(target.words, row * target.width + column, colour, (cover * 256) | 0);
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
      if (cover <= 0) continue;
      under(target.words, row * target.width + column, colour, (Math.min(1, cover) * 256) | 0);
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
      asked ||= nextFrame(() => {
        asked = 0;
        draw();
      });
    },
    cancel() {
      drop(asked);
      asked = 0;
    },
  };
}

const waiting: (() => void)[] = [];
let port: MessagePort | null = null;

/**
 * Goes on after the events that are there already, sooner than a timer would. One channel for all:
 * a browser keeps an open port for ever, and with it all that its listener can reach.
 */
function betweenEvents(act: () => void): void {
  if (!port) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
    port = channel.port2;
  }
  waiting.push(act);
  port.postMessage(0);
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
   * `whole` shows nothing before all is drawn: for a finer picture of what is there already.
   *
   * As long as slices are missing the canvas has the attribute `data-unfinished`: whoever takes the
   * page's picture or its time waits for that to go.
   */
  paint(count: number, painter: Painter, whole?: boolean): void;
  cancel(): void;
}

export function surface(canvas: HTMLCanvasElement): Surface {
  const context = canvas.getContext("2d");
  let target = pixels(1, 1);
  canvas.style.visibility = "hidden";
  // A canvas without a context (none is left, or there is no screen) is painted for nobody.
  const imageOf = () => (context ? new ImageData(target.data, target.width, target.height) : null);
  let image = imageOf();
  let ratio = 1;
  let job = 0;

  function show(): void {
    if (image) context?.putImageData(image, 0, 0);
  }

  return {
    canvas,
    get ratio() {
      return ratio;
    },
    resize(width, height, wanted = pixelRatio()) {
      const w = Math.max(1, Math.round(width * wanted));
      const h = Math.max(1, Math.round(height * wanted));
      if (w === target.width && h === target.height && wanted === ratio) return false;
      job++;
      ratio = wanted;
      target = pixels(w, h);
      image = imageOf();
      canvas.width = w;
      canvas.height = h;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      return true;
    },
    paint(count, painter, whole = false) {
      const mine = ++job;
      target.words.fill(0);
      // An empty canvas that is shown costs each frame as much as a full one.
      canvas.style.visibility = count ? "" : "hidden";
      let at = 0;
      let shown = 0;
      let cost = 0;
      const go = () => {
        if (mine !== job) return;
        at = slice(target, count, painter, at, inHurry() ? Infinity : SLICE, () => performance.now());
        // The first slice and the last one are shown, and some in between: putting a large picture
        // takes time of its own, of which the drawing is given several times as much.
        const now = performance.now();
        const due = now - shown > Math.max(2 * SLICE, 6 * cost);
        if (at >= count || (!whole && (shown === 0 || due))) {
          show();
          shown = performance.now();
          cost = shown - now;
        }
        canvas.toggleAttribute("data-unfinished", at < count && !whole);
        if (at >= count) return;
        betweenEvents(go);
      };
      go();
    },
    cancel() {
      job++;
    },
  };
}
