/**
 * A run's console as a list that grows: lines by attempt and number, where a later line of the same number replaces the
 * earlier one (a progress bar). The colours in which a line begins follow from the lines before it, and are worked out
 * only as far as somebody looks.
 */
import { pieces, places, plain, PLAIN, type Piece, type Style } from "./ansi";

export interface Line {
  readonly attempt: number;
  readonly number: number;
  readonly text: string;
  readonly stream: string;
  readonly time: number;
}

export type Entry =
  | { readonly kind: "line"; readonly at: number; readonly line: Line }
  | { readonly kind: "attempt"; readonly attempt: number };

const LONGEST = 20_000;

export class Lines {
  readonly lines: Line[] = [];
  private readonly begins: Style[] = [];

  take(page: readonly Line[]): void {
    for (const line of page) {
      const last = this.lines.at(-1);
      if (!last || order(last, line) < 0) {
        this.lines.push(line);
        continue;
      }
      const at = this.place(line);
      const there = this.lines[at];
      this.lines.splice(at, there && order(there, line) === 0 ? 1 : 0, line);
      this.begins.length = Math.min(this.begins.length, at + 1);
    }
  }

  clear(): void {
    this.lines.length = 0;
    this.begins.length = 0;
  }

  /** The places at which attempts begin, where there are several. */
  attempts(): readonly number[] {
    const found: number[] = [];
    let at = 0;
    while (at < this.lines.length) {
      found.push(at);
      const attempt = this.lines[at]?.attempt ?? 0;
      at = this.place({ attempt: attempt + 1, number: -1 });
    }
    return found.length > 1 ? found : [];
  }

  pieces(at: number): readonly Piece[] {
    const line = this.lines[at];
    return line ? pieces(short(line.text), this.begin(at)).pieces : [];
  }

  /** The places of lines in which `wanted` stands. */
  find(wanted: string): number[] {
    if (!wanted) return [];
    return this.lines.flatMap((line, at) => (places(plain(short(line.text)), wanted).length ? [at] : []));
  }

  text(): string {
    return this.lines.map((line) => `${plain(line.text)}\n`).join("");
  }

  private begin(at: number): Style {
    for (let next = this.begins.length; next <= at; next += 1) {
      const before = this.lines[next - 1];
      const anew = !before || before.attempt !== this.lines[next]?.attempt;
      const begun = this.begins[next - 1] ?? PLAIN;
      this.begins[next] = anew ? PLAIN : before.text.includes("\u001b") ? pieces(short(before.text), begun).end : begun;
    }
    return this.begins[at] ?? PLAIN;
  }

  /** Where a line is, or would be. */
  private place(line: Pick<Line, "attempt" | "number">): number {
    let [low, high] = [0, this.lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = this.lines[middle];
      if (there && order(there, line) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is at a place of the list with its separators: `attempts` as `Lines.attempts` has them. */
export function entry(lines: readonly Line[], attempts: readonly number[], place: number): Entry | null {
  let before = 0;
  for (const start of attempts) {
    if (place === start + before) return { kind: "attempt", attempt: lines[start]?.attempt ?? 0 };
    if (place < start + before) break;
    before += 1;
  }
  const line = lines[place - before];
  return line ? { kind: "line", at: place - before, line } : null;
}

/** The place in the list of a line. */
export function placeOf(attempts: readonly number[], at: number): number {
  return at + attempts.filter((start) => start <= at).length;
}

/** A line of megabytes would stop the page; its end is in the download. */
function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} … (${text.length - LONGEST} more characters)` : text;
}

function order(one: Pick<Line, "attempt" | "number">, other: Pick<Line, "attempt" | "number">): number {
  return one.attempt - other.attempt || one.number - other.number;
}
