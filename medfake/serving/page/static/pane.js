// One slice on the page: its picture, its heat map, what is marked on it, and a line of words.

const SVG = "http://www.w3.org/2000/svg";
const REACH_MM = 8; // along z, in which a place is still hinted at
const ENLARGED = 2.5;

export class Pane {
  /**
   * @param {HTMLElement} figure with a .stage and a figcaption
   * @param {object} scan what the page knows of the scan
   * @param {import("./frames.js").Frames} frames
   */
  constructor(figure, scan, frames) {
    this.figure = figure;
    this.scan = scan;
    this.frames = frames;
    this.picture = figure.querySelector("canvas.picture");
    this.heat = figure.querySelector("canvas.heat-map");
    this.marks = figure.querySelector("svg.marks");
    this.layers = figure.querySelector(".layers");
    this.gone = figure.querySelector(".gone");
    for (const canvas of [this.picture, this.heat]) {
      canvas.width = scan.cols;
      canvas.height = scan.rows;
      canvas.style.aspectRatio = scan.aspect;
    }
  }

  /**
   * Show a slice as soon as its picture is there; until then the one before stays, whole.
   * @param {{index: number, beside: number | null, picture: string, heat: string | null, opacity: number,
   *   marked: boolean, enlarged: boolean, centre: {y: number, x: number}}} view `index` is the slice that is looked at,
   *   `beside` the one that this pane compares it with, null in the pane of the slice itself
   */
  show(view) {
    this.view = view;
    this.refresh();
  }

  /** Draw what has arrived of what is to be shown. */
  refresh() {
    const one = this.frames.get(this.view.picture);
    if (!one) {
      return;
    }
    this.gone.hidden = !one.error;
    this.gone.textContent = one.error ?? "";
    this.paint(this.picture, one.bitmap);
    this.picture.hidden = false;
    this.figure.querySelector("img.plain")?.remove();
    this.paint(this.heat, this.view.heat && this.frames.get(this.view.heat)?.bitmap);
    this.heat.style.opacity = this.view.opacity;
    this.mark();
    this.enlarge();
    this.tell();
  }

  paint(canvas, bitmap) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (bitmap) {
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    }
  }

  /** Outlines of what is suspected here; hinted at on slices nearby, and at the same place of the one beside. */
  mark() {
    const { index, beside, marked } = this.view;
    const from = this.scan.slices[index].z;
    const near = marked ? this.scan.marks.filter((mark) => Math.abs(mark.z - from) <= REACH_MM) : [];
    const drawn = near.map((mark) => {
      const here = mark.slice === index;
      return this.markElement(mark, beside === null ? (here ? "" : "faint") : "same", here && beside === null);
    });
    this.marks.replaceChildren(...drawn);
  }

  markElement(mark, manner, named) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", `${mark.kind} ${manner}`);
    const [left, top] = [mark.x + 0.5 - mark.rx, mark.y + 0.5 - mark.ry];
    const outline = document.createElementNS(SVG, mark.kind === "copy" ? "rect" : "ellipse");
    const shape =
      mark.kind === "copy"
        ? { x: left, y: top, width: 2 * mark.rx, height: 2 * mark.ry }
        : { cx: mark.x + 0.5, cy: mark.y + 0.5, rx: mark.rx, ry: mark.ry };
    Object.entries(shape).forEach(([name, value]) => outline.setAttribute(name, value));
    group.append(outline);
    if (named) {
      const text = document.createElementNS(SVG, "text");
      text.setAttribute("x", left + 2 * mark.rx + 2);
      text.setAttribute("y", top + this.scan.rows / 40);
      text.setAttribute("font-size", this.scan.rows / 22);
      text.textContent = mark.tag;
      group.append(text);
    }
    return group;
  }

  enlarge() {
    const { y, x } = this.view.centre;
    this.layers.style.transformOrigin = `${(100 * x) / this.scan.cols}% ${(100 * y) / this.scan.rows}%`;
    this.layers.classList.toggle("enlarged", this.view.enlarged);
    this.layers.style.transform = this.view.enlarged ? `scale(${ENLARGED})` : "none";
  }

  tell() {
    const shown = this.view.beside ?? this.view.index;
    const slice = this.scan.slices[shown];
    const words = wordsOf(slice, this.scan.slices.length);
    this.figure.querySelector("[data-where]").textContent = words.where;
    this.figure.querySelector("[data-p]").textContent = words.p;
    this.picture.setAttribute("aria-label", `${words.where}, ${words.p}`);
    this.figure.dataset.shown = shown;
  }
}

/** A slice in words. */
export function wordsOf(slice, count) {
  const lung = slice.lung === false ? ", no lung" : "";
  return {
    where: `Slice ${slice.number} of ${count}, z ${slice.z.toFixed(1)} mm${lung}`,
    p: slice.p === null ? "no score" : `P(tampered) ${slice.p.toFixed(3)}`,
  };
}
