/** The bar that narrows what every panel shows: an expression, brushes as chips, top-k, keep and exclude, the colour. */
import type { JSX } from "preact";
import { inFull } from "../state/labels";
import { brushWords } from "../state/selection";
import { counted, grouped } from "../format";
import { Legend } from "./legend";
import type { SweepModel } from "./model";

export const SEARCH = "search-runs";

export function FilterBar({ model }: { readonly model: SweepModel }): JSX.Element {
  const { selection } = model;
  const { wrong } = selection.test.value;
  const columns = selection.columns.value;
  const labels = model.labels.value;
  const n = model.board.value?.n ?? 0;
  const objective = Boolean(model.board.value?.head.metric);
  return (
    <search class="filter" aria-label="Filter of runs">
      <div class="search">
        <input
          id={SEARCH} type="search" placeholder={objective ? "Filter: value > 0.7 and not state:failed" : "Filter: state:finished, or a name"} aria-label="Filter of runs" spellcheck={false}
          autocomplete="off" value={selection.filter.value} aria-invalid={wrong !== ""} {...(wrong ? { "aria-describedby": "filter-wrong" } : {})}
          onInput={(event) => (selection.filter.value = event.currentTarget.value)}
        />
      </div>
      <output aria-live="polite"><b>{grouped(selection.count.value)}</b> of {counted(n, "run")}</output>
      {selection.later.value.length > 0 && (
        <button
          type="button" aria-pressed={selection.afterwards.value} title="Final trainings and comparisons: of other lengths, or other models, than the search's runs"
          onClick={() => (selection.afterwards.value = !selection.afterwards.value)}
        >+ {selection.later.value.length} trained afterwards</button>
      )}
      {objective && <label>best
        <input
          type="number" min={1} placeholder="all" value={selection.top.value ?? ""} aria-label="Only so many of the best"
          onInput={(event) => {
            const top = event.currentTarget.valueAsNumber;
            selection.top.value = top >= 1 ? Math.floor(top) : null;
          }}
        />
      </label>}
      <label>colour
        <select value={selection.colouring.value?.name ?? "value"} onChange={(event) => (selection.colourBy.value = event.currentTarget.value)}>
          {[...columns.values()].filter((column) => column.kind !== "time" && labels.has(column.name) && (objective || (column.name !== "value" && column.name !== "best"))).map((column) => <option value={column.name}>{inFull(column, labels)}</option>)}
        </select>
      </label>
      <Legend model={model} />
      {selection.narrowed.value && (
        <span class="actions">
          <button type="button" onClick={() => selection.keep()} title="Only these from now on: the brushes become part of the filter">Keep</button>
          <button type="button" onClick={() => selection.exclude()} title="All but these">Exclude</button>
          <button type="button" onClick={() => selection.clear()} title="All runs again">Clear</button>
        </span>
      )}
      {selection.brushes.value.size > 0 && (
        <div class="chips">
          {[...selection.brushes.value].flatMap(([name, brush]) => {
            const column = columns.get(name);
            if (!column) return [];
            const words = brushWords(column, brush);
            return [
              <span class="chip" key={name}>{words}
                <button type="button" aria-label={`Remove ${words}`} onClick={() => selection.brush(name, [])}>×</button>
              </span>,
            ];
          })}
        </div>
      )}
      {wrong && <p class="wrong" id="filter-wrong" role="alert">{wrong}</p>}
    </search>
  );
}
