/** What columns are called where they stand side by side: of two with one name people have to know which is which. */
import { shortened } from "../format";
import type { Column } from "../types";

/** By the column's name. The objective that the summary has once more is not listed. */
export function labelsOf(columns: Iterable<Column>): ReadonlyMap<string, string> {
  const all = [...columns];
  const objective = all.find(({ name }) => name === "value");
  const listed = all.filter((column) => column === objective || column.role !== "metric" || column.label !== objective?.label);
  const count = (label: string): number => listed.filter((column) => column.label === label).length;
  const short = objective ? shortened(objective.label) : "";
  return new Map(listed.map((column) => {
    const { name, label, role } = column;
    if (column === objective && short !== label && !count(short)) return [name, short];
    if (count(label) < 2 || role === "info") return [name, label];
    const ours = role === "parameter" && !listed.some((other) => other.label === label && other.role === "info");
    return [name, ours ? label : `${label} (${role})`];
  }));
}

/** The same where there is room for the objective's whole name. */
export function inFull({ name, label }: Column, labels: ReadonlyMap<string, string>): string {
  const said = labels.get(name) ?? label;
  return name === "value" && said === shortened(label) ? label : said;
}
