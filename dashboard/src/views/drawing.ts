/** What charts of runs and their panels have in common. */
import { go, linkTo } from "../router";
import type { Brush, DataTable } from "../types";
import type { SweepModel } from "./model";

/** What most charts tell the page. */
export function callbacks(model: SweepModel): {
  onHover: (row: number) => void;
  onPick: (row: number, event: MouseEvent | KeyboardEvent) => void;
  onBrush: (column: string, brush: Brush) => void;
} {
  const { selection } = model;
  return {
    onHover: (row) => (selection.hover.value = row),
    onPick: (row, event) => {
      if (row < 0) return;
      if (event.shiftKey || event.ctrlKey || event.metaKey) selection.toggle(row);
      else if (model.current.value === row) {
        const id = model.board.value?.ids[row];
        if (id !== undefined) go(linkTo({ view: "run", id }));
      } else model.current.value = row;
    },
    onBrush: (column, brush) => selection.brush(column, brush),
  };
}

export function drawn<Data>(data: Data | null, rows: (data: Data) => DataTable): DataTable | null {
  return data === null ? null : rows(data);
}
