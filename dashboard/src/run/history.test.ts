import { describe, expect, it } from "vitest";
import { axes, axisOf, commonAxis, curve, DEFINED, definition, groups, History, STEP, systemGroups, TIME, type Defined } from "./history";

const defined = (step_metric: string | null, hidden = false): Defined => ({ step_metric, hidden });

function history(...rows: readonly (readonly [number, Record<string, unknown>])[]): History {
  const made = new History();
  made.take(rows.map(([step, metrics]) => ({ step, attempt: 1, metrics, time: 100 + step })));
  return made;
}

describe("rows that come in parts", () => {
  it("merges the last step when it comes again with more", () => {
    const made = history([0, { loss: 1 }], [1, { loss: 0.5 }]);
    made.take([{ step: 1, attempt: 1, metrics: { loss: 0.4, acc: 0.9 } }, { step: 2, attempt: 1, metrics: { loss: 0.3 } }]);
    expect(made.steps).toEqual([0, 1, 2]);
    expect(made.lines.get("loss")).toEqual({ rows: [0, 1, 2], values: [1, 0.4, 0.3] });
    expect(made.lines.get("acc")).toEqual({ rows: [1], values: [0.9] });
    made.take([{ step: 1, attempt: 1, metrics: { loss: 9 } }]);
    expect(made.steps, "what was taken already").toEqual([0, 1, 2]);
    expect(made.since).toBe(2);
  });

  it("knows numbers by their names, nested ones, and media", () => {
    const made = history([0, {
      loss: "NaN", up: "Infinity", name: "text", deep: { er: 1, pic: { _type: "image-file", path: "a.png" } }, on: true, none: null,
      odd: { _type: "unheard", x: 1 },
    }]);
    expect([...made.lines.keys()]).toEqual(["loss", "up", "deep.er", "on"]);
    expect(made.lines.get("loss")?.values[0]).toBeNaN();
    expect(made.lines.get("up")?.values[0]).toBe(Infinity);
    expect([...made.media.keys()]).toEqual(["deep.pic"]);
  });

  it("keeps one occurrence of media a step", () => {
    const image = (path: string): Record<string, unknown> => ({ pic: { _type: "image-file", path } });
    const made = history([0, image("a.png")], [3, image("b.png")]);
    made.take([{ step: 3, attempt: 1, metrics: image("c.png") }]);
    expect(made.media.get("pic")?.map((one) => one.step)).toEqual([0, 3]);
  });
});

describe("axes", () => {
  const made = history([0, { "val/loss": 3, epoch: 0 }], [5, { epoch: 1 }], [6, { "val/loss": 2 }], [9, { "val/loss": 1, epoch: 2 }]);
  const said = { "val/*": defined("epoch"), hidden: defined(null, true), epoch: defined("epoch") };

  it("are what define_metric said, by name before glob", () => {
    expect(axisOf("val/loss", DEFINED, said)).toBe("epoch");
    expect(axisOf("train/loss", DEFINED, said)).toBe(STEP);
    expect(axisOf("epoch", DEFINED, said)).toBe(STEP);
    expect(axisOf("val/loss", TIME, said)).toBe(TIME);
    expect(definition("val/x", { "val/*": defined("a"), "val/x": defined("b") })?.step_metric).toBe("b");
    expect(definition("toString", {})).toBeUndefined();
    expect(axes(made, said)).toEqual(["epoch"]);
  });

  it.each([["a*", "abc", true], ["*c", "abc", true], ["a*c", "abc", true], ["a*b*c", "axbxc", true], ["ab*bc", "abc", false], ["a*d", "abc", false]])(
    "the glob %s and %s: %s", (glob, name, fit) => {
      expect(definition(name, { [glob]: defined("e") }) !== undefined).toBe(fit);
    },
  );

  it("place values by step, by time, and by another metric's last value", () => {
    expect([...curve(made, "val/loss", STEP, 0).x]).toEqual([0, 6, 9]);
    expect([...curve(made, "val/loss", TIME, 100).x]).toEqual([0, 6, 9]);
    expect([...curve(made, "val/loss", "epoch", 0).x]).toEqual([0, 1, 2]);
    expect(curve(made, "val/loss", "nothing", 0).x).toEqual([NaN, NaN, NaN]);
    expect([...curve(made, "nothing", STEP, 0).x]).toEqual([]);
  });
});

describe("groups", () => {
  it("go by the prefix, the objective's first; hidden ones and the client's own are left out", () => {
    const names = ["lr", "val/b", "train/x10", "train/x9", "zoo/a", "_runtime", "secret", "val/a", "/odd"];
    const found = groups(names, "zoo/a", { secret: defined(null, true) });
    expect(found.map((group) => [group.name, [...group.metrics]])).toEqual([
      ["zoo", ["zoo/a"]], ["train", ["train/x9", "train/x10"]], ["val", ["val/a", "val/b"]], ["", ["/odd", "lr"]],
    ]);
  });

  it("of the machine put the same quantity of several devices together", () => {
    const found = systemGroups([
      "system.gpu.0.gpu", "system.gpu.1.gpu", "system.gpu.process.0.memoryAllocatedBytes", "system.cpu", "system.cpu.0.cpu_percent",
      "system.memory_percent", "system.network.sent", "system.disk./.usageGB", "_runtime", "system.odd",
    ]);
    expect(found.map((group) => group.name)).toEqual(["GPU", "CPU", "Memory", "Disk", "Network", "Other"]);
    expect(found[0]?.panels.map((panel) => [panel.title, panel.lines.map((line) => line.label)])).toEqual([
      ["utilisation, %", ["gpu 0", "gpu 1"]], ["this process: memory in use, bytes", ["gpu 0"]],
    ]);
  });

  it("of the machine are the same from swept's agent and from W&B's client", () => {
    const common = ["system.proc.memory.rssMB", "system.proc.cpu.threads", "system.memory_percent", "system.gpu.0.powerWatts"];
    const titles = (names: readonly string[]) =>
      systemGroups(names).map((group) => [group.name, group.panels.map((panel) => panel.title)]);
    expect(titles([...common, "system.cpu"])).toEqual([
      ["GPU", ["power, W"]], ["CPU", ["the program, % of all cores", "threads"]], ["Memory", ["in use, %", "the program, MB"]],
    ]);
    expect(titles([...common, "system.proc.cpu.percent"])).toEqual([
      ["GPU", ["power, W"]], ["CPU", ["the program, % of one core", "threads"]], ["Memory", ["in use, %", "the program, MB"]],
    ]);
  });
});

describe("the axis of a metric of several runs", () => {
  const own = { history: history([1, { epoch: 1, "val/acc": 0.5, "train/loss": 1 }]), defined: { "val/*": defined("epoch") } };
  const plain = { history: history([1, { "val/acc": 0.5 }]), defined: {} };
  const never = { history: history([1, { "val/acc": 0.5 }]), defined: { "val/*": defined("epoch") } };

  it("is what they were defined with, where that is the same", () => {
    expect([commonAxis("val/acc", DEFINED, [own]), commonAxis("train/loss", DEFINED, [own, plain])]).toEqual(["epoch", STEP]);
    expect(commonAxis("val/acc", DEFINED, [own, plain])).toBe(STEP);
    expect(commonAxis("train/loss", DEFINED, [own, never]), "one without the metric has no say").toBe(STEP);
  });

  it("is none that a run never reported", () => {
    expect([commonAxis("val/acc", DEFINED, [never]), commonAxis("val/acc", "epoch", [own, plain])]).toEqual([STEP, STEP]);
    expect(commonAxis("val/acc", TIME, [own, plain])).toBe(TIME);
  });
});
