/** What a good colleague would say of the sweep; each with its evidence, and with what it speaks of to look at. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { HealthCard } from "../types";
import { Coded } from "./coded";
import type { SweepModel } from "./model";

const WORD = { bad: "Problem", warn: "Look at this", info: "Note", good: "Good" } as const;
const SIGN = { bad: "×", warn: "!", info: "i", good: "✓" } as const;
/** More cards than these would push the runs off the screen. */
const FIRST = 6;
/** So many of a card's runs make an expression that people can still read. */
const MOST_NAMED = 40;

export function Health({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const fetched = model.data.health.value;
  const all = useSignal(false);
  if (fetched.state === "failed") return <p class="notice warn">Nothing can be said about the sweep's health now: {fetched.why}</p>;
  if (fetched.state === "loading") return <p class="health muted" role="status">Looking at failures, agents, noise and ranges …</p>;
  if (!fetched.value.length) return null;
  const cards = fetched.value;
  const shown = all.value || cards.length <= FIRST + 1 ? cards : cards.slice(0, FIRST);
  return (
    <section class="health" aria-label="Health">
      <ul class="cards">{shown.map((card) => <li key={card.id} class={`card ${card.level}`}><Card card={card} model={model} /></li>)}</ul>
      {shown.length < cards.length && <button type="button" class="plain" onClick={() => (all.value = true)}>{cards.length - shown.length} more</button>}
    </section>
  );
}

function Card({ card, model }: { readonly card: HealthCard; readonly model: SweepModel }): JSX.Element {
  const { selection } = model;
  const rows = card.runs.flatMap((id) => model.board.value?.rows.get(id) ?? []);
  return (
    <>
      <h2><span class="sign" aria-hidden="true">{SIGN[card.level]}</span><span class="hidden-text">{WORD[card.level]}: </span><Coded text={card.title} /></h2>
      <p><Coded text={card.text} /></p>
      <div class="links">
        {card.evidence.length > 0 && (
          <details>
            <summary>evidence</summary>
            <ul>{card.evidence.map((line) => <li><Coded text={line} /></li>)}</ul>
          </details>
        )}
        {rows.length > 0 && rows.length <= MOST_NAMED && (
          <button type="button" class="link" onClick={() => {
            selection.afterwards.value ||= rows.some((row) => selection.later.peek().includes(row));
            selection.filter.value = rows.map((row) => `id = ${model.board.value?.ids[row] ?? ""}`).join(" or ");
          }}>show {rows.length === 1 ? "the run" : `the ${rows.length} runs`}</button>
        )}
        {card.parameter !== null && (
          <button type="button" class="link" onClick={() => {
            selection.parameter.value = card.parameter ?? "";
            document.getElementById("panel-slice")?.scrollIntoView({ block: "center" });
          }}>look at {card.parameter}</button>
        )}
      </div>
    </>
  );
}
