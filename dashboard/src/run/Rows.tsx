/** Rows of cells as a table that sorts; the first thousand of many. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { told } from "./values";

const AT_ONCE = 100;

interface Sorting {
  readonly column: number;
  readonly down: boolean;
}

export function Rows({ columns, rows, caption, cell }: {
  columns: readonly string[];
  rows: readonly (readonly unknown[])[];
  caption?: string;
  cell?: (value: unknown) => ComponentChildren;
}) {
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [shown, setShown] = useState(AT_ONCE);
  const sorted = useMemo(() => (sorting ? ordered(rows, sorting) : rows), [rows, sorting]);
  const numbers = useMemo(() => columns.map((_, at) => typeof rows.find((row) => row[at] !== null && row[at] !== undefined)?.[at] === "number"), [columns, rows]);
  const sort = (column: number): void => {
    setSorting(sorting?.column !== column ? { column, down: false } : sorting.down ? null : { column, down: true });
  };
  return (
    <div class="datatable" tabIndex={0} role="group" aria-label={caption ?? "table"}>
      <table class="data">
        {caption && <caption class="hidden-text">{caption}</caption>}
        <thead>
          <tr>
            {columns.map((name, at) => (
              <th key={at} scope="col" class={numbers[at] ? "number" : ""} aria-sort={sorting?.column === at ? (sorting.down ? "descending" : "ascending") : "none"}>
                <button type="button" class="plain" onClick={() => sort(at)}>
                  {name}{sorting?.column === at ? (sorting.down ? " ↓" : " ↑") : ""}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, shown).map((row, at) => (
            <tr key={at}>
              {columns.map((_, place) => (
                <td key={place} class={typeof row[place] === "number" ? "number" : ""}>
                  {cell ? cell(row[place]) : told(row[place])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" onClick={() => setShown(shown + 10 * AT_ONCE)}>
          {`show more: ${shown} of ${rows.length} rows are shown`}
        </button>
      )}
    </div>
  );
}

const natural = new Intl.Collator("en", { numeric: true });

/** Numbers before texts; what is not there last, both ways. */
function ordered(rows: readonly (readonly unknown[])[], { column, down }: Sorting): readonly (readonly unknown[])[] {
  const sign = down ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [one[column], other[column]];
    const empty = Number(a === null || a === undefined) - Number(b === null || b === undefined);
    if (empty) return empty;
    if (typeof a === "number" && typeof b === "number") return sign * (a - b || 0);
    return sign * natural.compare(told(a), told(b));
  });
}
