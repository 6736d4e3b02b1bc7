/**
 * What the program printed: coloured, searched, followed. Of a hundred thousand lines only those in sight are elements.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { css, textOn } from "../charts/colour";
import { marked, places, plain, type Colour, type Piece } from "./ansi";
import type { RunData, RunView } from "./data";
import { entry, placeOf } from "./lines";
import { useVirtualizer } from "../views/virtual";

const HEIGHT = 19;
const BEYOND = 20;

export function Console({ data, run }: { data: RunData; run: RunView }) {
  useEffect(() => data.want("console"), [data]);
  const version = data.linesVersion.value;
  const { lines } = data;
  const box = useRef<HTMLDivElement | null>(null);
  const [follow, setFollow] = useState(run.ended === null);
  const [query, setQuery] = useState("");
  const [only, setOnly] = useState(false);
  const [at, setAt] = useState(0);

  const attempts = useMemo(() => lines.attempts(), [version]);
  const hits = useMemo(() => lines.find(query), [version, query]);
  const filtered = only && query !== "";
  const count = filtered ? hits.length : lines.lines.length + attempts.length;
  const current = hits[Math.min(at, hits.length - 1)];

  const rows = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: () => HEIGHT, overscan: BEYOND });
  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [version, follow, count]);

  const reveal = (line: number | undefined): void => {
    if (line === undefined || !box.current) return;
    setFollow(false);
    const place = filtered ? hits.indexOf(line) : placeOf(attempts, line);
    rows.scrollToIndex(place, { align: "center" });
  };
  const go = (by: number): void => {
    if (!hits.length) return;
    const next = (Math.min(at, hits.length - 1) + by + hits.length) % hits.length;
    setAt(next);
    reveal(hits[next]);
  };
  const scrolled = (): void => {
    const element = box.current;
    if (!element) return;
    const end = element.scrollHeight - element.scrollTop - element.clientHeight < HEIGHT;
    if (end !== follow) setFollow(end);
  };
  const save = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.text()], { type: "text/plain" }));
    link.download = `${run.id}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  if (!lines.lines.length) {
    return <p class="none">{data.linesLoaded.value ? "It has printed nothing." : "Loading…"}</p>;
  }
  const digits = String((lines.lines.at(-1)?.number ?? 0) + 1).length;
  return (
    <>
      <div class="controls">
        <input type="search" placeholder="find in the console" aria-label="find in the console" value={query}
          onInput={(event) => {
            setQuery(event.currentTarget.value);
            setAt(0);
            reveal(lines.find(event.currentTarget.value)[0]);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
          }} />
        {query !== "" && (
          <>
            <span class="figure" role="status">{hits.length ? `${Math.min(at, hits.length - 1) + 1} of ${hits.length} lines` : "not found"}</span>
            <button type="button" onClick={() => go(-1)} disabled={!hits.length} aria-label="previous hit">↑</button>
            <button type="button" onClick={() => go(1)} disabled={!hits.length} aria-label="next hit">↓</button>
            <label><input type="checkbox" checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} /> only these lines</label>
          </>
        )}
        <span class="gap" />
        <label><input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> follow</label>
        <button type="button" onClick={save}>Download</button>
        <span class="muted figure">{`${lines.lines.length} lines`}</span>
      </div>
      <div class="terminal" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label="console output">
        <div style={{ height: `${rows.getTotalSize()}px`, position: "relative" }}>
          <div style={{ transform: `translateY(${rows.getVirtualItems()[0]?.start ?? 0}px)` }}>
            {rows.getVirtualItems().map(({ index: place }) => {
              const found = filtered ? { kind: "line" as const, at: hits[place] ?? 0, line: lines.lines[hits[place] ?? 0] } : entry(lines.lines, attempts, place);
              if (!found) return null;
              if (found.kind === "attempt") {
                return <div class="separator" key={place}>{`attempt ${found.attempt}`}</div>;
              }
              return (
                <div key={place} class={`line${found.line?.stream === "stderr" ? " stderr" : ""}${found.at === current && query ? " current" : ""}`}>
                  <span class="number" style={{ minWidth: `${digits}ch` }}>{(found.line?.number ?? 0) + 1}</span>
                  <Text pieces={lines.pieces(found.at)} line={found.line?.text ?? ""} query={query} />
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </>
  );
}

function Text({ pieces, line, query }: { pieces: readonly Piece[]; line: string; query: string }) {
  const cut = query ? marked(pieces, places(plain(line), query)) : pieces.map((piece) => ({ ...piece, hit: -1 }));
  return (
    <span class="text">
      {cut.map((piece, at) => {
        const style = styleOf(piece);
        return piece.hit >= 0 ? <mark key={at}>{piece.text}</mark> : <span key={at} {...(style ? { style } : {})}>{piece.text}</span>;
      })}
    </span>
  );
}

function styleOf({ style }: Piece): Record<string, string> | null {
  const [fore, back] = style.inverse ? [style.back ?? "back", style.fore ?? "fore"] : [style.fore, style.back];
  const ground = back === null ? null : colour(back, "back");
  // On a ground of the program's own the page's ink may not be read.
  const ink = fore !== null ? colour(fore, ground === null ? "fore" : "kept") : typeof back === "string" && back.startsWith("rgb") ? over(back) : null;
  const found = {
    ...(ink === null ? {} : { color: ink }),
    ...(ground === null ? {} : { backgroundColor: ground }),
    ...(style.bold ? { fontWeight: "700" } : {}),
    ...(style.dim ? { opacity: "0.75" } : {}),
    ...(style.italic ? { fontStyle: "italic" } : {}),
    ...(style.underline || style.strike
      ? { textDecoration: [style.underline && "underline", style.strike && "line-through"].filter(Boolean).join(" ") } : {}),
  };
  return Object.keys(found).length ? found : null;
}

/** A palette colour is the page's; one of the program's own is drawn towards the ink, so that it can be read on either ground. */
function colour(of: Colour, side: "fore" | "back" | "kept"): string {
  if (of === "fore") return "var(--console-ink)";
  if (of === "back") return "var(--console-ground)";
  if (typeof of === "number") return `var(--ansi-${side === "back" ? "back-" : ""}${of})`;
  return side === "fore" ? `color-mix(in srgb, ${of} 40%, var(--console-ink))` : of;
}

function over(ground: string): string {
  const [red = 0, green = 0, blue = 0] = (ground.match(/\d+/g) ?? []).map(Number);
  return css(textOn((red << 16) | (green << 8) | blue));
}
