import { describe, expect, test } from "vitest";
import { pathTo, placeOf } from "./router";

const none = new URLSearchParams();

describe("an address", () => {
  test.each([
    ["/", { view: "sweeps" }],
    ["/sweeps/abc", { view: "sweep", id: "abc" }],
    ["/runs/abc", { view: "run", id: "abc" }],
    ["/projects/cones", { view: "project", id: "cones" }],
    // What W&B's clients print.
    ["/local/links", { view: "project", id: "links" }],
    ["/local/links/workspace", { view: "project", id: "links" }],
    ["/local/links/sweeps", { view: "project", id: "links" }],
    ["/local/links/runs", { view: "project", id: "links" }],
    ["/local/links/runs/x1", { view: "run", id: "x1" }],
    ["/local/links/runs/x1/overview", { view: "run", id: "x1" }],
    ["/local/links/runs/x1/files/media/table", { view: "run", id: "x1" }],
    ["/local/links/sweeps/s1/workspace", { view: "sweep", id: "s1" }],
    ["/local/runs/runs/x1", { view: "run", id: "x1" }],
    ["/local/links/artifacts/model/net/v3/files", { view: "artifact", project: "links", id: "model/net/v3/files" }],
    ["/runs/a%2Fb%3Cc", { view: "run", id: "a/b<c" }],
    ["/runs/%E0%A4%A", { view: "run", id: "%E0%A4%A" }],
  ])("%s", (path, place) => {
    expect(placeOf(path, none)).toEqual(place);
  });

  test("of a comparison names its runs", () => {
    expect(placeOf("/compare", new URLSearchParams("runs=a,b"))).toEqual({ view: "compare", ids: ["a", "b"] });
  });

  test("leads back to where it came from, whatever the id", () => {
    for (const id of ["abc", "a/b", "ä <b>", "a?b#c", "100%"]) {
      for (const view of ["sweep", "run", "project"] as const) {
        expect(placeOf(pathTo({ view, id }), none)).toEqual({ view, id });
      }
    }
  });
});
