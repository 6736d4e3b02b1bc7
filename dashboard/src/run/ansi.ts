/**
 * What a program printed, as pieces of text with the colours it asked for. Only SGR (`ESC [ … m`) acts; every other
 * escape sequence and control character is dropped, and characters that turn the reading direction are shown as �, so
 * that a log can neither be markup nor hide what it says.
 */

/** A colour: a place in the terminal's palette of 16, or one of its own. */
export type Colour = number | string;

export interface Style {
  readonly fore: Colour | null;
  readonly back: Colour | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
}

export interface Piece {
  readonly text: string;
  readonly style: Style;
}

export const PLAIN: Style = {
  fore: null, back: null, bold: false, dim: false, italic: false, underline: false, strike: false, inverse: false,
};

const BELL = "\\u0007";
const STRING_END = `(?:${BELL}|\\u001b\\\\|$)`;
/** OSC, DCS, PM and APC strings; then CSI; then other two-character escapes. */
const SEQUENCE = new RegExp(
  `\\u001b[\\]PX^_][^\\u0007\\u001b]*${STRING_END}|\\u001b\\[([0-9;:?<=>!]*)[ -/]*([@-~]?)|\\u001b[ -/]*[0-~]?`, "g",
);
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
const TURNING = /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g;
const TAB = "        ";

/** The text without escapes: what is searched and copied. */
export function plain(line: string): string {
  return line.includes("\u001b") ? cleaned(latest(line).replace(SEQUENCE, "")) : cleaned(latest(line));
}

/** The pieces of a line that begins in `start`, and the style that the next line begins in. */
export function pieces(line: string, start: Style = PLAIN): { readonly pieces: readonly Piece[]; readonly end: Style } {
  const found: Piece[] = [];
  let style = start;
  let at = 0;
  const shown = latest(line);
  const take = (text: string): void => {
    const clean = cleaned(text);
    if (clean) found.push({ text: clean, style });
  };
  for (const match of shown.matchAll(SEQUENCE)) {
    take(shown.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = restyled(style, match[1] ?? "");
  }
  take(shown.slice(at));
  return { pieces: found, end: style };
}

/** Cuts pieces where `[from, to)` ranges of their joined text begin and end; `hit` is the range's place, or -1. */
export function marked(
  found: readonly Piece[], ranges: readonly (readonly [number, number])[],
): readonly (Piece & { readonly hit: number })[] {
  const cut: (Piece & { hit: number })[] = [];
  let at = 0;
  let next = 0;
  for (const { text, style } of found) {
    let inside = 0;
    while (inside < text.length) {
      while (next < ranges.length && (ranges[next]?.[1] ?? 0) <= at + inside) next += 1;
      const range = ranges[next];
      const within = range !== undefined && range[0] <= at + inside;
      const until = Math.min(text.length, (range === undefined ? Infinity : within ? range[1] : range[0]) - at);
      cut.push({ text: text.slice(inside, until), style, hit: within ? next : -1 });
      inside = until;
    }
    at += text.length;
  }
  return cut;
}

/** Where `wanted` stands in a line, without regard to case. */
export function places(text: string, wanted: string): [number, number][] {
  const found: [number, number][] = [];
  if (!wanted) return found;
  const lower = text.toLowerCase();
  const sought = wanted.toLowerCase();
  // Lower case may be longer (İ): places then say nothing, and the line is only found.
  const aligned = lower.length === text.length;
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, at + sought.length)) {
    found.push(aligned ? [at, at + sought.length] : [0, text.length]);
    if (!aligned) break;
  }
  return found;
}

/** A carriage return overwrites the line: a progress bar shows its last state. */
function latest(line: string): string {
  const whole = line.replace(/[\r\n]+$/, "");
  return whole.slice(whole.lastIndexOf("\r") + 1);
}

function cleaned(text: string): string {
  return text.replace(/\t/g, TAB).replace(CONTROL, "").replace(TURNING, "�");
}

function restyled(style: Style, parameters: string): Style {
  if (/[?<=>!]/.test(parameters)) return style;
  const numbers = parameters.split(/[;:]/).map((one) => (one === "" ? 0 : Number(one)));
  let now = style;
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers, at + 1);
      if (colour !== null) now = { ...now, [code === 38 ? "fore" : "back"]: colour };
      at += used;
    } else now = simple(now, code);
  }
  return now;
}

function simple(style: Style, code: number): Style {
  if (code >= 30 && code <= 37) return { ...style, fore: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, fore: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, back: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, back: code - 92 };
  switch (code) {
    case 0: return PLAIN;
    case 1: return { ...style, bold: true };
    case 2: return { ...style, dim: true };
    case 3: return { ...style, italic: true };
    case 4: return { ...style, underline: true };
    case 7: return { ...style, inverse: true };
    case 9: return { ...style, strike: true };
    case 22: return { ...style, bold: false, dim: false };
    case 23: return { ...style, italic: false };
    case 24: return { ...style, underline: false };
    case 27: return { ...style, inverse: false };
    case 29: return { ...style, strike: false };
    case 39: return { ...style, fore: null };
    case 49: return { ...style, back: null };
    default: return style;
  }
}

/** `5;N` and `2;R;G;B`: the colour, and how many numbers said it. */
function extended(numbers: readonly number[], at: number): [Colour | null, number] {
  const byte = (place: number): number => Math.min(255, Math.max(0, Math.trunc(numbers[place] ?? 0) || 0));
  if (numbers[at] === 5) return [indexed(byte(at + 1)), 2];
  if (numbers[at] === 2) return [`rgb(${byte(at + 1)} ${byte(at + 2)} ${byte(at + 3)})`, 4];
  return [null, 0];
}

/** Of xterm's 256 colours. */
function indexed(place: number): Colour {
  if (place < 16) return place;
  if (place >= 232) {
    const grey = 8 + 10 * (place - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (one: number): number => (one === 0 ? 0 : 55 + 40 * one);
  const cube = place - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
