/**
 * The lines of all runs, for the rasteriser: front to back, what was cut short fading at its end.
 */

import { inks } from "./colour";
import type { CurvesData, Placed } from "./curves-place";
import type { Plot } from "./frame";
import { hairline, line, rectangle, word, type Painter, type Pixels } from "./raster";
import { cutShort } from "./words";

/** More lines than this are drawn with hard edges: between so many nobody can tell. */
const SOFT_LINES = 400;
/** The last segments of a run that was cut short. */
const FADING = 4;
const MARK = 2.5;

/** A plain mixture, two channels at once: the eye's own takes too long for every run of a frame. */
export function faded(colour: number, ground: number, share: number): number {
  const part = Math.round(share * 256);
  const mixed = (mask: number) =>
    (((colour & mask) * (256 - part) + (ground & mask) * part) / 256) & mask;
  return mixed(0xff00ff) | mixed(0x00ff00);
}

/** What a rasteriser is given. */
interface Picture {
  readonly count: number;
  readonly painter: Painter;
}

/**
 * Every line, faint: the ground below the kept ones. A brush does not change it, so it is drawn
 * once; what is kept covers its own.
 */
export function groundOf(data: CurvesData, now: Placed, ratio: number): Picture {
  const faint = word(inks(data.shown.dark).faint);
  const segments = segmentsOf(now, ratio);
  return {
    count: Math.max(0, now.curves.offsets.length - 1),
    painter: (target, row) => segments(target, row, faint, faint, 0, false),
  };
}

/** The kept lines, the best in front. */
export function rasterOf(
  data: CurvesData,
  now: Placed,
  onTop: Uint32Array,
  ratio: number,
): Picture {
  const { shown, board } = data;
  const ink = inks(shown.dark);
  const {
    curves: { offsets, x, y },
    raw,
  } = now;
  const soft = onTop.length <= SOFT_LINES;
  const mark = MARK * ratio;
  const within = scaled(now.plot, ratio);
  const segments = segmentsOf(now, ratio);

  const painter: Painter = (target, index) => {
    const row = onTop[index] ?? 0;
    if (row + 1 >= offsets.length) return;
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    if (to === from) return;
    const rgb = shown.colours[row] ?? ink.none;
    const full = word(rgb);
    const short = cutShort(board.states[row]);
    const endX = (x[to - 1] ?? NaN) * ratio;
    const endY = (y[to - 1] ?? NaN) * ratio;
    if (
      short &&
      endX >= within.left &&
      endX <= within.right &&
      endY >= within.top &&
      endY <= within.bottom
    ) {
      if (short === "stopped")
        rectangle(target, endX - mark, endY - mark, 2 * mark, 2 * mark, full);
      else {
        line(target, endX - mark, endY - mark, endX + mark, endY + mark, full, 1.4 * ratio);
        line(target, endX - mark, endY + mark, endX + mark, endY - mark, full, 1.4 * ratio);
      }
    }
    if (to - from === 1 && !short)
      rectangle(target, endX - ratio, endY - ratio, 2 * ratio, 2 * ratio, full);
    const pale = short ? word(faded(rgb, ink.ground, 0.55)) : full;
    segments(target, row, full, pale, short ? FADING : 0, soft);
    if (!raw) return;
    const behind = word(faded(rgb, ink.ground, 0.7));
    for (let i = raw.offsets[row] ?? 0; i + 1 < (raw.offsets[row + 1] ?? 0); i++) {
      const cut = clip(
        (raw.x[i] ?? NaN) * ratio,
        (raw.y[i] ?? NaN) * ratio,
        (raw.x[i + 1] ?? NaN) * ratio,
        (raw.y[i + 1] ?? NaN) * ratio,
        within,
      );
      if (cut) line(target, cut[0], cut[1], cut[2], cut[3], behind, 0.8 * ratio);
    }
  };
  return { count: onTop.length, painter };
}

/** Draws a run's line; its last `fading` segments in the pale colour. */
function segmentsOf(
  { plot, curves: { offsets, x, y }, whole }: Placed,
  ratio: number,
): (
  target: Pixels,
  row: number,
  full: number,
  pale: number,
  fading: number,
  soft: boolean,
) => void {
  const within = scaled(plot, ratio);
  return (target, row, full, pale, fading, soft) => {
    const to = offsets[row + 1] ?? 0;
    for (let i = offsets[row] ?? 0; i + 1 < to; i++) {
      let x0 = (x[i] ?? NaN) * ratio;
      let y0 = (y[i] ?? NaN) * ratio;
      let x1 = (x[i + 1] ?? NaN) * ratio;
      let y1 = (y[i + 1] ?? NaN) * ratio;
      if (
        !whole &&
        (x0 < within.left ||
          x1 > within.right ||
          y0 < within.top ||
          y0 > within.bottom ||
          y1 < within.top ||
          y1 > within.bottom)
      ) {
        const cut = clip(x0, y0, x1, y1, within);
        if (!cut) continue;
        [x0, y0, x1, y1] = cut;
      }
      const colour = i + 1 < to - fading ? full : pale;
      if (soft) line(target, x0, y0, x1, y1, colour, ratio);
      else if (ratio > 1.4) line(target, x0, y0, x1, y1, colour, 0.75 * ratio);
      else hairline(target, x0, y0, x1, y1, colour);
    }
  };
}

function scaled({ left, right, top, bottom }: Plot, ratio: number): Plot {
  return { left: left * ratio, right: right * ratio, top: top * ratio, bottom: bottom * ratio };
}

/** The part of a segment that lies in the plot (Liang and Barsky), or null. */
export function clip(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  { left, right, top, bottom }: Plot,
): [number, number, number, number] | null {
  const dx = x1 - x0;
  const dy = y1 - y0;
  let enter = 0;
  let leave = 1;
  for (const [along, room] of [
    [-dx, x0 - left],
    [dx, right - x0],
    [-dy, y0 - top],
    [dy, bottom - y0],
  ] as const) {
    if (Number.isNaN(along) || Number.isNaN(room)) return null;
    if (along === 0) {
      if (room < 0) return null;
    } else if (along < 0) enter = Math.max(enter, room / along);
    else leave = Math.min(leave, room / along);
  }
  return enter > leave
    ? null
    : [x0 + enter * dx, y0 + enter * dy, x0 + leave * dx, y0 + leave * dy];
}
