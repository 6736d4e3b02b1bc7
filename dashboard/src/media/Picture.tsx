/** One image of a run with what was marked in it. Boxes and masks are files of their own, asked for when they are shown. */
import { useEffect, useRef, useState } from "preact/hooks";
import { categorical, css, textOn } from "../charts/colour";
import { filePath } from "../run/data";
import { dark } from "../state/page";
import { parseBoxes, type Box, type Image } from "./parse";

const TRIES = 5;
const AGAIN_MS = 2000;

/** A row may be there before its picture has arrived: it is asked for again a few times. */
export function Picture({ run, path, alt, eager }: { run: string; path: string; alt: string; eager?: boolean }) {
  const [tries, setTries] = useState(0);
  const [missing, setMissing] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    setTries(0);
    setMissing(false);
    return () => clearTimeout(timer.current);
  }, [run, path]);
  if (missing && tries >= TRIES) return <span class="missing">{`${alt || path}: not there`}</span>;
  return (
    <img src={filePath(run, path) + (tries ? `?again=${tries}` : "")} alt={alt || path} loading={eager ? "eager" : "lazy"} decoding="async"
      onError={() => {
        setMissing(true);
        timer.current = setTimeout(() => setTries((count) => count + 1), AGAIN_MS);
      }}
      onLoad={() => setMissing(false)} />
  );
}

export function MarkedPicture({ run, image, boxes, masks, eager }: {
  run: string; image: Image; boxes: boolean; masks: boolean; eager?: boolean;
}) {
  return (
    <span class="marked">
      <Picture run={run} path={image.path} alt={image.caption || image.path} {...(eager ? { eager } : {})} />
      {masks && Object.values(image.masks).map((path) => <Mask key={path} run={run} path={path} />)}
      {boxes && Object.keys(image.boxes).length > 0 && <Boxes run={run} image={image} />}
    </span>
  );
}

function Boxes({ run, image }: { run: string; image: Image }) {
  const [found, setFound] = useState<readonly Box[]>([]);
  const paths = Object.values(image.boxes).join("\n");
  useEffect(() => {
    let current = true;
    void Promise.all(paths.split("\n").map(async (path) => {
      const answer = await fetch(filePath(run, path));
      return answer.ok ? parseBoxes(await answer.json()) : [];
    })).then((all) => {
      if (current) setFound(all.flat());
    }, () => undefined);
    return () => {
      current = false;
    };
  }, [run, paths]);
  const labels = [...new Set(found.map((box) => box.label))];
  const part = (value: number, pixels: boolean, size: number): number => (pixels ? (100 * value) / (size || 1) : 100 * value);
  return (
    <span class="boxes" aria-hidden="true">
      {found.map((box, at) => {
        const [left, top] = [part(box.left, box.pixels, image.width), part(box.top, box.pixels, image.height)];
        const [right, bottom] = [part(box.right, box.pixels, image.width), part(box.bottom, box.pixels, image.height)];
        const ground = categorical(labels.indexOf(box.label), dark.value);
        return (
          <span key={at} style={{ left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%`, borderColor: css(ground) }}>
            {box.label && <b style={{ background: css(ground), color: css(textOn(ground)) }} data-label={box.label} />}
          </span>
        );
      })}
    </span>
  );
}

/** A mask's pixels are numbers of classes, which would all look black: each gets its colour, and 0 none. */
function Mask({ run, path }: { run: string; path: string }) {
  const canvas = useRef<HTMLCanvasElement | null>(null);
  useEffect(() => {
    const picture = new window.Image();
    picture.onload = () => {
      const context = canvas.current?.getContext("2d", { willReadFrequently: true });
      if (!context || !canvas.current) return;
      canvas.current.width = picture.naturalWidth;
      canvas.current.height = picture.naturalHeight;
      context.drawImage(picture, 0, 0);
      const pixels = context.getImageData(0, 0, picture.naturalWidth || 1, picture.naturalHeight || 1);
      coloured(pixels.data, dark.peek());
      context.putImageData(pixels, 0, 0);
    };
    picture.src = filePath(run, path);
    return () => {
      picture.onload = null;
    };
  }, [run, path]);
  return <canvas class="mask" ref={canvas} aria-hidden="true" />;
}

/** Grey levels to colours, in place. */
export function coloured(data: Uint8ClampedArray, isDark: boolean): void {
  for (let at = 0; at < data.length; at += 4) {
    const label = data[at] ?? 0;
    const colour = categorical(Math.max(0, label - 1), isDark);
    data[at] = colour >> 16;
    data[at + 1] = (colour >> 8) & 255;
    data[at + 2] = colour & 255;
    data[at + 3] = label === 0 ? 0 : 140;
  }
}
