/** Images as large as the screen, one after another. */
import { useEffect, useRef, useState } from "preact/hooks";
import { filePath } from "../run/data";
import type { Image } from "./parse";
import { MarkedPicture } from "./Picture";

export interface Slide {
  readonly run: string;
  readonly image: Image;
  readonly title: string;
}

export function Lightbox({ slides, at, boxes, masks, close }: {
  slides: readonly Slide[]; at: number; boxes: boolean; masks: boolean; close: () => void;
}) {
  const dialog = useRef<HTMLDialogElement | null>(null);
  const [place, setPlace] = useState(at);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const slide = slides[place];
  if (!slide) return null;
  const go = (by: number): void => setPlace((now) => (now + by + slides.length) % slides.length);
  return (
    <dialog class="lightbox" ref={dialog} onClose={close} aria-label={slide.title}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") go(1);
        if (event.key === "ArrowLeft") go(-1);
      }}>
      <header>
        <span class="clip">{slide.title}{slides.length > 1 && ` · ${place + 1} of ${slides.length}`}</span>
        {slides.length > 1 && (
          <>
            <button type="button" onClick={() => go(-1)} aria-label="previous">←</button>
            <button type="button" onClick={() => go(1)} aria-label="next">→</button>
          </>
        )}
        <a class="button" href={filePath(slide.run, slide.image.path)} download={slide.image.path.slice(slide.image.path.lastIndexOf("/") + 1)}>Download</a>
        <button type="button" onClick={() => dialog.current?.close()}>Close</button>
      </header>
      <div class="stage"><MarkedPicture run={slide.run} image={slide.image} boxes={boxes} masks={masks} eager /></div>
      {slide.image.caption && <p>{slide.image.caption}</p>}
    </dialog>
  );
}
