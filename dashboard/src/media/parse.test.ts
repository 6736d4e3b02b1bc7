import { describe, expect, it } from "vitest";
import { atStep, isImage, parseBoxes, parseMedia, parseTable, pictures, stepsOfFiles } from "./parse";

describe("media as W&B's client logs them", () => {
  it("one image, with boxes and masks", () => {
    const media = parseMedia({
      _type: "image-file", path: "media/images/a.png", width: 4, height: 3, caption: "<b>", boxes: { found: { path: "b.json" } },
      masks: { ground: { _type: "mask", path: "m.png" }, broken: 3 },
    });
    expect(media).toEqual({
      kind: "images",
      images: [{ path: "media/images/a.png", caption: "<b>", width: 4, height: 3, boxes: { found: "b.json" }, masks: { ground: "m.png" } }],
    });
  });

  it("several images, captions and boxes where they are", () => {
    const media = parseMedia({
      _type: "images/separated", count: 2, width: 1, height: 1, filenames: ["a.png", "b.png"], captions: ["x"],
      all_boxes: [null, { found: { path: "b.json" } }],
    });
    expect(media?.kind === "images" && media.images.map((image) => [image.path, image.caption, Object.keys(image.boxes)])).toEqual(
      [["a.png", "x", []], ["b.png", "", ["found"]]],
    );
  });

  it("histograms, packed ones too", () => {
    expect(parseMedia({ _type: "histogram", bins: [0, 1, 2], values: [3, 4] })).toEqual({ kind: "histogram", bins: [0, 1, 2], values: [3, 4] });
    expect(parseMedia({ _type: "histogram", packedBins: { min: -1, size: 0.5, count: 2 }, values: [3, 4] })).toEqual(
      { kind: "histogram", bins: [-1, -0.5, 0], values: [3, 4] },
    );
  });

  it.each([
    [{ _type: "table-file", path: "t.json", nrows: 3, ncols: 2 }, { kind: "table", path: "t.json", rows: 3, columns: 2 }],
    [{ _type: "audio-file", path: "a.wav", caption: "c" }, { kind: "sound", files: [{ path: "a.wav", caption: "c" }] }],
    [{ _type: "audio", audio: [{ path: "a.wav" }, { path: "b.wav" }], captions: ["x", "y"] },
      { kind: "sound", files: [{ path: "a.wav", caption: "x" }, { path: "b.wav", caption: "y" }] }],
    [{ _type: "video-file", path: "a.mp4" }, { kind: "video", files: [{ path: "a.mp4", caption: "" }] }],
    [{ _type: "html-file", path: "a.html" }, { kind: "page", paths: ["a.html"] }],
    [{ _type: "object3D-file", path: "a.obj" }, { kind: "file", what: "3D object", paths: ["a.obj"] }],
    [{ _type: "plotly-file", path: "a.json" }, { kind: "file", what: "Plotly figure", paths: ["a.json"] }],
    [{ _type: "something-file", path: "a" }, { kind: "file", what: "something", paths: ["a"] }],
  ])("%j", (value, media) => {
    expect(parseMedia(value)).toEqual(media);
  });

  it.each([
    {}, { _type: 3 }, { _type: "image-file" }, { _type: "image-file", path: 3 }, { _type: "images/separated", filenames: "x" },
    { _type: "histogram", values: [1] }, { _type: "histogram", values: [1], bins: [0, "x"] }, { _type: "histogram", values: [1, 2], bins: [0, 1] },
    { _type: "histogram", values: [1], packedBins: { min: 0 } }, { _type: "table-file" }, { _type: "unheard" }, { _type: "audio", audio: [3, null] },
  ])("nothing is believed: %j", (value) => {
    expect(parseMedia(value)).toBeNull();
  });
});

describe("files of media", () => {
  it("boxes by their corners or by their middle, with the name of the class", () => {
    const found = parseBoxes({
      class_labels: { 1: "cone" },
      box_data: [
        { position: { minX: 0.1, maxX: 0.2, minY: 0.3, maxY: 0.4 }, class_id: 1 },
        { position: { middle: [10, 20], width: 4, height: 6 }, domain: "pixel", box_caption: "own" },
        { position: {} }, 3,
      ],
    });
    expect(found).toEqual([
      { left: 0.1, top: 0.3, right: 0.2, bottom: 0.4, pixels: false, label: "cone" },
      { left: 8, top: 17, right: 12, bottom: 23, pixels: true, label: "own" },
    ]);
    expect(parseBoxes("nonsense")).toEqual([]);
  });

  it("tables", () => {
    expect(parseTable({ columns: ["a", 1], data: [[1, "x"], 3, [2]] })).toEqual({ columns: ["a", "1"], rows: [[1, "x"], [2]] });
    expect(parseTable({ columns: 3, data: [] })).toBeNull();
    expect(parseTable(null)).toBeNull();
  });

  it("saved images: Ultralytics' in the order of interest, none that a step logged", () => {
    const names = ["media/images/x.png", "val_batch0_pred.jpg", "BoxPR_curve.png", "results.png", "logged.png", "notes.txt", "a/confusion_matrix.png"];
    expect(pictures(names, new Set(["logged.png"])).map((one) => [one.group, one.name])).toEqual([
      ["", "results.png"], ["a", "a/confusion_matrix.png"], ["", "BoxPR_curve.png"], ["", "val_batch0_pred.jpg"],
    ]);
    expect(isImage("a.svg")).toBe(false);
    expect(isImage("A.JPEG")).toBe(true);
  });

  it("saved images whose names differ in a step alone are one after another", () => {
    const files = pictures(["val/pred_epoch_5.png", "val/pred_epoch_10.png", "labels.png", "once_step3.png", "train_batch0.jpg", "train_batch1.jpg"], new Set());
    const shown = (step: number): string[] => atStep(files, step).map(({ name }) => name);
    const always = ["labels.png", "train_batch0.jpg", "train_batch1.jpg", "once_step3.png"];
    expect(stepsOfFiles(files)).toEqual([5, 10]);
    expect(shown(10)).toEqual([...always, "val/pred_epoch_10.png"]);
    expect(shown(9)).toEqual([...always, "val/pred_epoch_5.png"]);
    expect(shown(1)).toEqual([...always, "val/pred_epoch_5.png"]);
    expect(stepsOfFiles(pictures(["a.png", "b_epoch1.png"], new Set()))).toEqual([]);
    expect(stepsOfFiles(pictures(["sample_1.png", "sample_2.png", "sample_3.png"], new Set()))).toEqual([]);
  });

  it("a number at a name's end is its step, unless it counts something else", () => {
    const files = pictures(["val_pred_10.png", "val_pred_20.png", "val_pred_100.png", "2/grid-7.png", "2/grid-8.png", "other_10.png", "fold_1.png", "fold_2.png"], new Set());
    expect(stepsOfFiles(files)).toEqual([7, 8, 10, 20, 100]);
    expect(atStep(files, 25).map(({ name }) => name)).toEqual(["2/grid-8.png", "fold_1.png", "fold_2.png", "other_10.png", "val_pred_20.png"]);
  });
});
