/** What a good colleague would say of the sweep; each with its evidence, and with what it speaks of to look at. */
import type { JSX } from "preact";
import type { HealthCard } from "../types";
import type { SweepModel } from "./model";

const WORD = { bad: "Problem", warn: "Look at this", info: "Note", good: "Good" } as const;
/** So many of a card's runs make an expression that people can still read. */
const MOST_NAMED = 40;

export function Health({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const fetched = model.data.health.value;
  if (fetched.state === "failed") return <p class="notice warn">Nothing can be said about the sweep's health now: {fetched.why}</p>;
  if (fetched.state === "loading" || !fetched.value.length) return null;
  return (
    <section aria-label="Health">
      <ul class="cards">{fetched.value.map((card) => <li key={card.id} class={`card ${card.level}`}><Card card={card} model={model} /></li>)}</ul>
    </section>
  );
}

function Card({ card, model }: { readonly card: HealthCard; readonly model: SweepModel }): JSX.Element {
  const { selection } = model;
  const rows = card.runs.flatMap((id) => model.board.value?.rows.get(id) ?? []);
  return (
    <details open={card.level === "bad"}>
      <summary><span class="hidden-text">{WORD[card.level]}: </span>{card.title}</summary>
      <p>{card.text}</p>
      {card.evidence.length > 0 && <ul>{card.evidence.map((line) => <li>{line}</li>)}</ul>}
      <div class="links">
        {rows.length > 0 && rows.length <= MOST_NAMED && (
          <button type="button" class="plain" onClick={() => {
            selection.filter.value = rows.map((row) => `id = ${model.board.value?.ids[row] ?? ""}`).join(" or ");
          }}>show {rows.length === 1 ? "the run" : `the ${rows.length} runs`}</button>
        )}
        {card.parameter !== null && (
          <button type="button" class="plain" onClick={() => {
            selection.parameter.value = card.parameter ?? "";
            document.getElementById("panel-slice")?.scrollIntoView({ block: "center" });
          }}>look at {card.parameter}</button>
        )}
      </div>
    </details>
  );
}
