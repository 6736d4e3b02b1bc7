/**
 * How much of the objective's variation each parameter explains: bars with whiskers. Elements and
 * not a canvas, because each row is a button: it selects its parameter, by keyboard too.
 */

import { css, inks, type Inks } from "./colour";
import { drop, nextFrame } from "./frames";
import { number } from "../format";
import type { Chart, DataTable, Importance, ImportanceRow } from "../types";

export interface ImportanceData {
  readonly importance: Importance;
  /** The parameter that other charts show, or "". */
  readonly selected: string;
  readonly dark: boolean;
}

export interface ImportanceCallbacks {
  onSelect(parameter: string): void;
}

/** Less of a tendency than this is none. */
const TENDENCY = 0.15;

export function importance(
  element: HTMLElement,
  callbacks: ImportanceCallbacks,
): Chart<ImportanceData> {
  const host = document.createElement("div");
  Object.assign(host.style, {
    font: "12px/1.35 system-ui, sans-serif",
    fontVariantNumeric: "tabular-nums",
  });
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", "Importance of the parameters");
  element.append(host);
  let data: ImportanceData | null = null;
  let frame = 0;

  function draw(): void {
    frame = 0;
    if (!data) return;
    const { importance: found, selected, dark } = data;
    const ink = inks(dark);
    const focused =
      document.activeElement instanceof HTMLElement && host.contains(document.activeElement)
        ? document.activeElement.dataset["parameter"]
        : undefined;
    const acting = found.rows.filter((row) => !row.inert);
    const inert = found.rows.filter((row) => row.inert);
    const known = acting.filter((row) => !unknown(row));
    const widest = Math.min(1, Math.max(0.05, ...known.map((row) => row.high)));
    const signs = new Set(known.map(signOf));
    host.replaceChildren(
      line(
        (found.runs === 1 ? "from 1 run" : `from ${found.runs} runs`) +
          [...MEANING].filter(([sign]) => signs.has(sign)).map(([sign, words]) => ` · ${sign} ${words}`).join(""),
        ink.muted,
      ),
      ...(found.caution ? [caution(found.caution, ink)] : []),
      ...acting.map((row) => bar(row, widest, row.parameter === selected, ink, callbacks)),
      ...(inert.length ? [inertList(inert, ink)] : []),
    );
    host.setAttribute("aria-description", describe(data));
    if (focused !== undefined) {
      for (const button of host.querySelectorAll("button"))
        if (button.dataset["parameter"] === focused) button.focus();
    }
  }

  return {
    update(after) {
      if (
        data?.importance === after.importance &&
        data.selected === after.selected &&
        data.dark === after.dark
      )
        return;
      data = after;
      frame ||= nextFrame(draw);
    },
    destroy() {
      drop(frame);
      host.remove();
    },
  };
}

function line(text: string, colour: number): HTMLElement {
  const element = document.createElement("div");
  element.textContent = text;
  element.style.color = css(colour);
  return element;
}

function caution(text: string, ink: Inks): HTMLElement {
  const element = line(`⚠ ${text}`, ink.text);
  Object.assign(element.style, {
    borderLeft: `3px solid ${css(ink.best)}`,
    paddingLeft: "8px",
    margin: "4px 0",
  });
  return element;
}

function bar(
  row: ImportanceRow,
  widest: number,
  selected: boolean,
  ink: Inks,
  callbacks: ImportanceCallbacks,
): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset["parameter"] = row.parameter;
  button.setAttribute("aria-pressed", String(selected));
  button.setAttribute("aria-description", spoken(row));
  button.title = spoken(row);
  Object.assign(button.style, {
    all: "unset",
    boxSizing: "border-box",
    cursor: "pointer",
    display: "grid",
    width: "100%",
    alignItems: "center",
    gap: "8px",
    gridTemplateColumns: "minmax(0, 9.5em) minmax(0, 1fr) 3.2em 1.2em",
    padding: "2px 4px",
    borderRadius: "3px",
    background: selected ? css(ink.brush, 0.14) : "transparent",
  });
  button.addEventListener("focus", () => (button.style.outline = `2px solid ${css(ink.brush)}`));
  button.addEventListener("blur", () => (button.style.outline = "none"));
  button.addEventListener("click", () => callbacks.onSelect(row.parameter));

  const name = document.createElement("span");
  name.textContent = row.parameter;
  Object.assign(name.style, {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    textAlign: "right",
    fontWeight: selected ? "600" : "400",
  });
  const track = document.createElement("span");
  Object.assign(track.style, { position: "relative", height: "14px", display: "block" });
  const part = (from: number, to: number, style: Partial<CSSStyleDeclaration>): void => {
    const piece = document.createElement("span");
    const within = (share: number) =>
      `${(100 * Math.min(1, Math.max(0, share / widest))).toFixed(2)}%`;
    Object.assign(piece.style, {
      position: "absolute",
      left: within(from),
      width: within(to - from),
      ...style,
    });
    track.append(piece);
  };
  const blank = unknown(row);
  const dashes = `repeating-linear-gradient(to right, ${css(ink.axis)} 0 2px, transparent 2px 8px)`;
  if (blank) part(0, widest, { top: "7px", height: "1px", background: dashes });
  else part(0, row.share, {
    top: "2px",
    height: "10px",
    background: css(ink.brush, 0.75),
    borderRadius: "1px",
  });
  if (!blank) {
    part(row.low, row.high, { top: "6px", height: "2px", background: css(ink.text) });
    for (const end of [row.low, row.high])
      part(end, end, { top: "3px", height: "8px", width: "1px", background: css(ink.text) });
  }
  const share = document.createElement("span");
  share.textContent = blank ? "?" : percent(row.share);
  if (blank) share.style.color = css(ink.muted);
  share.style.textAlign = "right";
  const sign = document.createElement("span");
  sign.textContent = blank ? "" : signOf(row);
  sign.setAttribute("aria-hidden", "true");
  sign.style.color = css(ink.muted);
  button.append(name, track, share, sign);
  return button;
}

function inertList(inert: readonly ImportanceRow[], ink: Inks): HTMLElement {
  const list = document.createElement("ul");
  list.setAttribute("aria-label", "Parameters that cannot act");
  Object.assign(list.style, {
    listStyle: "none",
    margin: "6px 0 0",
    padding: "4px 4px 0",
    borderTop: `1px solid ${css(ink.grid)}`,
    color: css(ink.muted),
  });
  for (const row of inert) {
    const item = document.createElement("li");
    item.style.overflowWrap = "anywhere";
    item.textContent = `${row.parameter} cannot act: ${row.inert.replaceAll("`", "")}`;
    list.append(item);
  }
  return list;
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  return value > 0 && value < 0.5 ? "<1 %" : `${Math.round(value)} %`;
}

const MEANING: ReadonlyMap<string, string> = new Map([
  ["↗", "larger is better"],
  ["↘", "smaller is better"],
  ["↕", "best in between"],
]);

/** Where the better values are; "·": nowhere in particular, as of categories. */
function signOf({ sign, between }: ImportanceRow): string {
  if (between) return "↕";
  if (Math.abs(sign) <= TENDENCY) return "·";
  return sign > 0 ? "↗" : "↘";
}

/** The same in words. */
export function tendency(row: ImportanceRow): string {
  return MEANING.get(signOf(row)) ?? "neither larger nor smaller is better";
}

/** From nothing to all of it: the model says nothing of this parameter. */
function unknown({ share, low, high }: ImportanceRow): boolean {
  return share === 0 && low <= 0 && high >= 1;
}

function spoken(row: ImportanceRow): string {
  if (unknown(row)) return `${row.parameter}: not known`;
  const between = `${percent(row.low)} to ${percent(row.high)}`;
  return `${row.parameter} explains ${percent(row.share)} (${between}); ${tendency(row)}`;
}

/** One sentence. */
export function describe({
  importance: { runs, caution: doubt, rows: all },
}: ImportanceData): string {
  const acting = all.filter((row) => !row.inert);
  const first = acting.slice(0, 3).map(spoken).join(". ");
  const inert = all.filter((row) => row.inert).map((row) => row.parameter);
  return [
    `Importance from ${runs} runs`,
    ...(doubt ? [`with caution: ${doubt}`] : []),
    ...(first ? [first] : ["nothing is known yet"]),
    ...(inert.length ? [`cannot act: ${inert.join(", ")}`] : []),
  ]
    .join("; ")
    .concat(".");
}

/** A row for each parameter. */
export function rows({ importance: { rows: all } }: ImportanceData): DataTable {
  return {
    columns: ["parameter", "share", "low", "high", "tendency", "why it cannot act"],
    rows: all.map((row) => [
      row.parameter,
      unknown(row) ? "not known" : tabled(row.share),
      tabled(row.low),
      tabled(row.high),
      row.inert ? "" : tendency(row),
      row.inert,
    ]),
  };
}

function tabled(share: number): string {
  return number(share, 3);
}
