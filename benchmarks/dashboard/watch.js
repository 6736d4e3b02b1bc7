/**
 * Runs in the measured page before its own scripts: when is what on the screen?
 *
 * A time is taken after the frame that shows it was made: requestAnimationFrame, then a message, which the browser hands out
 * when the frame's work is done.
 */
{
  const put = CanvasRenderingContext2D.prototype.putImageData;
  const painted = new WeakSet();
  CanvasRenderingContext2D.prototype.putImageData = function (image, ...rest) {
    put.call(this, image, ...rest);
    if (!painted.has(this.canvas) && new Uint32Array(image.data.buffer).some((word) => word !== 0)) painted.add(this.canvas);
  };

  const framed = (act) => {
    const channel = new MessageChannel();
    requestAnimationFrame(() => {
      channel.port1.onmessage = () => {
        channel.port1.close();
        act(performance.now());
      };
      channel.port2.postMessage(0);
    });
  };

  /** When `holds` was first true at the end of a frame, in milliseconds since the navigation. */
  const when = (holds) => new Promise((resolve) => {
    const look = () => framed((now) => (holds() ? resolve(now) : look()));
    look();
  });

  const canvases = (title) => [...document.querySelectorAll(`section[aria-label="${title}"] canvas`)];
  const drawn = (title) => canvases(title).some((canvas) => painted.has(canvas));
  const finished = (...titles) => titles.every((title) => canvases(title).every((canvas) => !canvas.hasAttribute("data-unfinished")));
  const cells = () => document.querySelectorAll('section[aria-label="Runs"] [role="gridcell"]').length;
  const CHARTS = ["Parallel coordinates", "Learning curves"];

  const swept = {
    /** Lines in both charts, rows in the table. */
    useful: () => CHARTS.every(drawn) && cells() > 50,
    /** The same, and every line is drawn. */
    whole: () => swept.useful() && finished(...CHARTS),
    quiet: () => canvases("Parallel coordinates").length > 0 && document.querySelector("canvas[data-unfinished]") === null,
  };

  /**
   * The next events of `type` on the page: when they happened, when their frame was made, and when `holds` was true.
   * Listens before the page does. `until(n)`: n of them are answered.
   */
  const answers = (type, holds = () => true) => {
    const taken = [];
    let told = () => undefined;
    const listener = (event) => {
      const one = { event: event.timeStamp, frame: NaN, done: NaN };
      taken.push(one);
      const look = () => framed((now) => {
        if (Number.isNaN(one.frame)) one.frame = now;
        if (!holds()) return look();
        one.done = now;
        return told();
      });
      look();
    };
    addEventListener(type, listener, true);
    const until = (count) => new Promise((resolve) => {
      told = () => taken.filter(({ done }) => done > 0).length >= count && resolve();
      told();
    });
    return { taken, until, stop: () => removeEventListener(type, listener, true) };
  };

  /** The answer to a request whose address has `part` in it is here. */
  const answered = (part) => new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => list.getEntries().some(({ name }) => name.includes(part)) && resolve());
    observer.observe({ type: "resource", buffered: true });
  });

  globalThis.watch = { when, answers, answered, swept };
}
