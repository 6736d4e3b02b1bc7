/** What a good colleague would say of the sweep; each with its evidence, and with what it speaks of to look at. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { counted } from "../format";
import type { HealthCard } from "../types";
import { Clamped, ShowAll, useCut } from "./clamped";
import { Coded } from "./coded";
import type { SweepModel } from "./model";

const LEVELS = ["bad", "warn", "info", "good"] as const;
const WORD = { bad: "Problem", warn: "Look at this", info: "Note", good: "Good" } as const;
const SIGN = { bad: "×", warn: "!", info: "i", good: "✓" } as const;
/** So many of a card's runs make an expression that people can still read. */
const MOST_NAMED = 40;

/** Cards come when the server has worked them out, after the runs are on the screen: they stand in a row of one height,
 * which is kept free for them, so that nothing that is being read moves. */
export function Health({ model }: { readonly model: SweepModel }): JSX.Element {
  const fetched = model.data.health.value;
  const cards = fetched.state === "ready" ? fetched.value : [];
  const list = useRef<HTMLUListElement>(null);
  const over = useSignal(false);
  const all = useSignal(false);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || all.value) return undefined;
    const measure = (): void => {
      over.value = element.scrollWidth > element.clientWidth + 1;
    };
    measure();
    if (typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [cards, all.value]);
  return (
    <section class="health" aria-label="Health">
      <header>
        <h2>Health</h2>
        <span class="muted clip" role="status">{fetched.state === "loading" ? "looking at failures, agents, noise and ranges …" : summary(cards)}</span>
        {over.value && <button type="button" class="link" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>{all.value ? "in one row" : `show all ${cards.length}`}</button>}
      </header>
      {fetched.state === "failed" && <p class="notice warn"><Clamped text={`Nothing can be said about the sweep's health now: ${fetched.why}`} lines={2} coded /></p>}
      {/* What can be scrolled has to be reached by keyboard. */}
      <ul class={all.value ? "cards" : "cards row"} ref={list} {...(over.value && !all.value ? { tabIndex: 0, "aria-label": "Health, to be scrolled" } : {})}>
        {cards.map((card) => <li key={card.id} class={`card ${card.level}`}><Card card={card} model={model} /></li>)}
      </ul>
    </section>
  );
}

/** Worst first: "1 problem, 2 to look at, 3 notes". */
export function summary(cards: readonly HealthCard[]): string {
  const said = LEVELS.map((level) => {
    const count = cards.filter((card) => card.level === level).length;
    if (!count) return "";
    if (level === "bad") return counted(count, "problem");
    if (level === "warn") return `${count} to look at`;
    return level === "info" ? counted(count, "note") : `${count} good`;
  });
  return said.filter(Boolean).join(", ");
}

function Card({ card, model }: { readonly card: HealthCard; readonly model: SweepModel }): JSX.Element {
  const { selection } = model;
  const rows = card.runs.flatMap((id) => model.board.value?.rows.get(id) ?? []);
  const said = useRef<HTMLDivElement>(null);
  const cut = useSignal(false);
  const open = useSignal(false);
  useCut(said, cut, open.value, `${card.title}\n${card.text}`);
  // A card has room for few words; who points at them or hears them is told more.
  const these = rows.length === 1 ? "the run" : `the ${rows.length} runs`;
  const clamped = open.value ? "" : "clamped";
  return (
    <>
      <div ref={said}>
        <h2>
          <span class="sign" aria-hidden="true">{SIGN[card.level]}</span>
          <span class={clamped}><span class="hidden-text">{WORD[card.level]}: </span><Coded text={card.title} /></span>
        </h2>
        <p class={clamped}><Coded text={card.text} /></p>
      </div>
      <div class="links">
        {card.evidence.length > 0 && (
          <details>
            <summary>evidence</summary>
            <ul>{card.evidence.map((line) => <li><Clamped text={line} coded /></li>)}</ul>
          </details>
        )}
        {rows.length > 0 && rows.length <= MOST_NAMED && (
          <button type="button" class="link" aria-label={`show ${these}`} title={`Show ${these}`} onClick={() => {
            selection.afterwards.value ||= rows.some((row) => selection.later.peek().includes(row));
            selection.filter.value = rows.map((row) => `id = ${model.board.value?.ids[row] ?? ""}`).join(" or ");
          }}>{rows.length === 1 ? "the run" : counted(rows.length, "run")}</button>
        )}
        {card.parameter !== null && (
          <button type="button" class="link clip" aria-label={`look at ${card.parameter}`} title={`Look at ${card.parameter}`} onClick={() => {
            selection.parameter.value = card.parameter ?? "";
            document.getElementById("panel-slice")?.scrollIntoView({ block: "center" });
          }}>{card.parameter}</button>
        )}
        {cut.value && <ShowAll open={open} />}
      </div>
    </>
  );
}
