/**
 * What W&B's client logs as media: mappings with a `_type`. A run's values are whatever a program said, so that nothing
 * is believed: what has not the shape it should have is no media.
 */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** In pixels of the image, not in parts of it. */
  readonly pixels: boolean;
  readonly label: string;
}

export interface Image {
  readonly path: string;
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  /** Files with boxes, by the name of their set; and pictures of masks. */
  readonly boxes: Readonly<Record<string, string>>;
  readonly masks: Readonly<Record<string, string>>;
}

export type Media =
  | { readonly kind: "images"; readonly images: readonly Image[] }
  | { readonly kind: "histogram"; readonly bins: readonly number[]; readonly values: readonly number[] }
  | { readonly kind: "table"; readonly path: string; readonly rows: number; readonly columns: number }
  | { readonly kind: "sound" | "video"; readonly files: readonly { readonly path: string; readonly caption: string }[] }
  | { readonly kind: "page"; readonly paths: readonly string[] }
  | { readonly kind: "file"; readonly what: string; readonly paths: readonly string[] };

type Mapping = Readonly<Record<string, unknown>>;

const FILES: Readonly<Record<string, string>> = {
  "plotly-file": "Plotly figure", "plotly": "Plotly figure", "object3D-file": "3D object", "object3D": "3D object",
  "molecule-file": "molecule", "molecule": "molecule", "bokeh-file": "Bokeh figure", "graph-file": "model graph",
  "saved_model": "model", "artifactVersion": "artifact", "code": "code",
};

/** Null for what is no media, or none that can be shown. */
export function parseMedia(value: Mapping): Media | null {
  switch (value["_type"]) {
    case "image-file": {
      const image = imageOf(text(value["path"]), value["caption"], value, value["boxes"], value["masks"]);
      return image && { kind: "images", images: [image] };
    }
    case "images/separated":
    case "images":
      return severalImages(value);
    case "histogram":
      return histogramOf(value);
    case "table-file":
    case "partitioned-table":
    case "joined-table": {
      const path = text(value["path"]);
      return path ? { kind: "table", path, rows: count(value["nrows"]), columns: count(value["ncols"]) } : null;
    }
    case "audio-file":
    case "audio":
      return played("sound", value, "audio");
    case "video-file":
    case "videos":
      return played("video", value, "videos");
    case "html-file":
    case "html": {
      const paths = pathsOf(value, "html");
      return paths.length ? { kind: "page", paths } : null;
    }
    default: {
      const type = text(value["_type"]);
      const paths = type ? pathsOf(value, type) : [];
      return paths.length ? { kind: "file", what: FILES[type] ?? type.replace(/-file$/, ""), paths } : null;
    }
  }
}

function severalImages(value: Mapping): Media | null {
  const names = list(value["filenames"]);
  const captions = list(value["captions"]);
  const boxes = list(value["all_boxes"]);
  const masks = list(value["all_masks"]);
  const images = names.flatMap((name, at) => imageOf(text(name), captions[at], value, boxes[at], masks[at]) ?? []);
  return images.length ? { kind: "images", images } : null;
}

function imageOf(path: string, caption: unknown, sizes: Mapping, boxes: unknown, masks: unknown): Image | null {
  if (!path) return null;
  return {
    path, caption: text(caption), width: count(sizes["width"]), height: count(sizes["height"]),
    boxes: pathsByName(boxes), masks: pathsByName(masks),
  };
}

function pathsByName(value: unknown): Readonly<Record<string, string>> {
  const named = Object.entries(mapping(value)).flatMap(([name, one]) => {
    const path = text(mapping(one)["path"]);
    return path ? [[name, path] as const] : [];
  });
  return Object.fromEntries(named);
}

function played(kind: "sound" | "video", value: Mapping, several: string): Media | null {
  const captions = list(value["captions"]);
  const files = pathsOf(value, several).map((path, at) => ({ path, caption: text(captions[at]) || text(value["caption"]) }));
  return files.length ? { kind, files } : null;
}

/** The file's own path, or those of the files in a list under the type's name. */
function pathsOf(value: Mapping, several: string): string[] {
  const own = text(value["path"]);
  if (own) return [own];
  const listed = [...list(value[several]), ...list(value["filenames"])];
  return listed.flatMap((one) => text(one) || text(mapping(one)["path"]) || []);
}

const MOST_BINS = 1024;

/** `bins` are edges, one more than values; packed ones are evenly spaced. */
function histogramOf(value: Mapping): Media | null {
  const values = list(value["values"]).map(Number);
  const packed = mapping(value["packedBins"]);
  let bins = list(value["bins"]).map(Number);
  if (!bins.length && typeof packed["min"] === "number" && typeof packed["size"] === "number") {
    const { min, size } = packed;
    bins = Array.from({ length: Math.min(MOST_BINS, values.length) + 1 }, (_, at) => Number(min) + at * Number(size));
  }
  const right = values.length > 0 && values.length <= MOST_BINS && bins.length === values.length + 1;
  return right && [...bins, ...values].every(Number.isFinite) ? { kind: "histogram", bins, values } : null;
}

// -- what lies in files -----------------------------------------------------------------------------

/** The file of one set of boxes. */
export function parseBoxes(content: unknown): readonly Box[] {
  const labels = mapping(mapping(content)["class_labels"]);
  return list(mapping(content)["box_data"]).flatMap((one) => {
    const box = mapping(one);
    const at = mapping(box["position"]);
    const label = text(box["box_caption"]) || text(labels[String(box["class_id"])]);
    const pixels = box["domain"] === "pixel";
    const whole = ["minX", "minY", "maxX", "maxY"].map((key) => at[key]);
    if (whole.every((side) => typeof side === "number")) {
      const [left = 0, top = 0, right = 0, bottom = 0] = whole.map(Number);
      return [{ left, top, right, bottom, pixels, label }];
    }
    const middle = list(at["middle"]).map(Number);
    const [x, y] = middle;
    const [width, height] = [Number(at["width"]), Number(at["height"])];
    if (x === undefined || y === undefined || ![x, y, width, height].every(Number.isFinite)) return [];
    return [{ left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2, pixels, label }];
  });
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** The file of a table; null for what is none. */
export function parseTable(content: unknown): Table | null {
  const { columns, data } = mapping(content);
  if (!Array.isArray(columns) || !Array.isArray(data)) return null;
  const rows = data.filter((row): row is unknown[] => Array.isArray(row));
  return { columns: columns.map(String), rows };
}

// -- galleries --------------------------------------------------------------------------------------

const SHOWN = /\.(png|jpe?g|gif|webp)$/i;

/** Whether a file's name promises an image that the server gives a type. */
export function isImage(name: string): boolean {
  return SHOWN.test(name);
}

export interface Picture {
  readonly name: string;
  readonly group: string;
}

const STEP_IN_NAME = /(^|[^a-z])(epoch|step|iteration|iter)[-_=. ]?(\d+)/i;
const NUMBER_AT_END = /([-_= ])(\d+)(\.[a-z]+)$/i;
/** What people count that is no step. */
const COUNTED = /(batch|fold|class|image|img|fig|figure|page|part|layer|gpu|rank|seed)[-_= ]\d+\.[a-z]+$/i;

interface Stepped {
  /** The name without its step. */
  readonly series: string;
  readonly step: number;
}

function stepOf(name: string): Stepped | null {
  const said = STEP_IN_NAME.exec(name);
  if (said) return { series: name.replace(STEP_IN_NAME, "$1$2"), step: Number(said[3]) };
  const last = COUNTED.test(name) ? null : NUMBER_AT_END.exec(name);
  return last ? { series: name.replace(NUMBER_AT_END, "$1$3"), step: Number(last[2]) } : null;
}

/** Files whose names differ in a step alone (`pred_epoch_5.png`, `pred_epoch_10.png`; `pred_5.png`, `pred_10.png`), by what
 * they have in common. */
function seriesOf(files: readonly Picture[]): ReadonlyMap<string, readonly Picture[]> {
  const found = new Map<string, Picture[]>();
  for (const file of files) {
    const series = stepOf(file.name)?.series;
    if (series !== undefined) found.set(series, [...(found.get(series) ?? []), file]);
  }
  return new Map([...found].filter(([, members]) => members.length > 1 && !numbered(members)));
}

/** Whether they are numbered one by one from 0 or 1, and nothing in their names says that these are steps: then they are
 * samples, and all are shown. */
function numbered(members: readonly Picture[]): boolean {
  if (members.some(({ name }) => STEP_IN_NAME.test(name))) return false;
  const numbers = members.map(({ name }) => stepOf(name)?.step ?? 0).sort((one, other) => one - other);
  const [first = 0] = numbers;
  return first <= 1 && numbers.every((each, at) => each === first + at);
}

/** The steps of all series, rising; none where no two files are of one. */
export function stepsOfFiles(files: readonly Picture[]): readonly number[] {
  const steps = [...seriesOf(files).values()].flat().map(({ name }) => stepOf(name)?.step ?? 0);
  return [...new Set(steps)].sort((one, other) => one - other);
}

/** Of each series the last file up to the step, else its first; and the files that are of none, in their order. */
export function atStep(files: readonly Picture[], step: number): readonly Picture[] {
  const series = seriesOf(files);
  const shown = new Set([...series.values()].map((members) => {
    const rising = [...members].sort((one, other) => (stepOf(one.name)?.step ?? 0) - (stepOf(other.name)?.step ?? 0));
    return rising.findLast(({ name }) => (stepOf(name)?.step ?? 0) <= step) ?? rising[0];
  }));
  return files.filter((file) => shown.has(file) || !series.has(stepOf(file.name)?.series ?? ""));
}

/** The order in which people look at what Ultralytics leaves behind. */
const ULTRALYTICS = [
  /results/i, /confusion_matrix_normalized/i, /confusion_matrix/i, /(PR|F1|P|R)_curve/, /val_batch\d+_pred/i, /val_batch/i, /labels/i, /train_batch/i,
];

/** Saved images that no step logged, by folder; those of Ultralytics in the order of interest. */
export function pictures(files: Iterable<string>, logged: ReadonlySet<string>): readonly Picture[] {
  const rank = (name: string): number => {
    const place = ULTRALYTICS.findIndex((pattern) => pattern.test(name));
    return place < 0 ? ULTRALYTICS.length : place;
  };
  return [...files]
    .filter((name) => isImage(name) && !logged.has(name) && !name.startsWith("media/"))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }))
    .map((name) => ({ name, group: name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "" }));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function mapping(value: unknown): Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function count(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
