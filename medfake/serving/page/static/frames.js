// Pictures of slices: fetched ahead of the reader, kept while they may be wanted again, given up when they are not.

const MOST_KEPT = 96; // decoded, about 1 MB each at 512 x 512
const AT_ONCE = 6;

export class Frames {
  /** @param {(url: string) => void} arrived is told of every picture that came, or did not */
  constructor(arrived) {
    this.arrived = arrived;
    this.kept = new Map(); // url -> {bitmap} or {error}, the one used longest ago first
    this.running = new Map(); // url -> AbortController
    this.wanted = [];
  }

  /** What is known of a picture: {bitmap}, {error} or undefined while it is on its way. */
  get(url) {
    const one = this.kept.get(url);
    if (one) {
      this.kept.delete(url);
      this.kept.set(url, one);
    }
    return one;
  }

  /** Ask for pictures, the most urgent first; whatever else is on its way is given up. */
  want(urls) {
    this.wanted = urls;
    for (const [url, controller] of this.running) {
      if (!urls.includes(url)) {
        controller.abort();
        this.running.delete(url);
      }
    }
    this.pump();
  }

  pump() {
    for (const url of this.wanted) {
      if (this.running.size >= AT_ONCE) {
        return;
      }
      if (!this.kept.has(url) && !this.running.has(url)) {
        this.load(url);
      }
    }
  }

  async load(url) {
    const controller = new AbortController();
    this.running.set(url, controller);
    const one = await fetchFrame(url, controller.signal);
    if (controller.signal.aborted) {
      return;
    }
    this.running.delete(url);
    this.kept.set(url, one);
    while (this.kept.size > MOST_KEPT) {
      const [oldest, old] = this.kept.entries().next().value;
      old.bitmap?.close();
      this.kept.delete(oldest);
    }
    this.arrived(url);
    this.pump();
  }
}

async function fetchFrame(url, signal) {
  try {
    const answer = await fetch(url, { signal });
    if (answer.ok) {
      return { bitmap: await createImageBitmap(await answer.blob()) };
    }
    const said = await answer.json().catch(() => ({}));
    return { error: said.error?.what ?? `the service answered ${answer.status}` };
  } catch {
    return { error: "the service does not answer" };
  }
}
