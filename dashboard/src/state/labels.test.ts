import { expect, test } from "vitest";
import type { Column, Role } from "../types";
import { labelsOf } from "./labels";

function column(name: string, label: string, role: Role): Column {
  return { name, label, role, kind: "number", whole: false, log: false, low: 0, high: 1, categories: [], inert: "", values: new Float64Array() };
}

test("a metric that is called as a parameter is marked, and one as the page's own column", () => {
  const columns = [column("lr", "lr", "parameter"), column("config.steps", "steps", "parameter"), column("value", "val/map", "metric"),
    column("steps", "steps", "info"), column("summary.lr", "lr", "metric"), column("loss", "loss", "metric")];
  expect(Object.fromEntries(labelsOf(columns))).toEqual({
    lr: "lr", "config.steps": "steps (parameter)", value: "map", steps: "steps", "summary.lr": "lr (metric)", loss: "loss",
  });
});

test("the objective is listed once, and by its whole name where another metric has the short one", () => {
  const columns = [column("value", "val/accuracy", "metric"), column("val/accuracy", "val/accuracy", "metric"), column("accuracy", "accuracy", "metric")];
  expect(Object.fromEntries(labelsOf(columns))).toEqual({ value: "val/accuracy", accuracy: "accuracy" });
});
