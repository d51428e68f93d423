// How a reader moves through the slices: wheel, keys, a finger, the curve.

const WHEEL_PX = 80; // a notch of a wheel is 100 or 120, a touchpad sends many small ones
const SWIPE_PX = 14;
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };

/** Tell `move` by how many slices the wheel was turned over an element. */
export function onWheel(element, move) {
  let turned = 0;
  element.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) {
        return; // that is zooming
      }
      event.preventDefault();
      turned += event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 40 : event.deltaY;
      const by = Math.trunc(turned / WHEEL_PX);
      if (by) {
        turned = 0;
        move(Math.max(-10, Math.min(10, by)));
      }
    },
    { passive: false },
  );
}

/** Tell `move` by how many slices a finger went sideways; up and down it scrolls the page. */
export function onSwipe(element, move) {
  let from = null;
  element.addEventListener("pointerdown", (event) => {
    from = event.pointerType === "mouse" ? null : event.clientX;
  });
  element.addEventListener("pointermove", (event) => {
    const by = from === null ? 0 : Math.trunc((from - event.clientX) / SWIPE_PX);
    if (by) {
      from -= by * SWIPE_PX;
      move(by);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(name, () => {
      from = null;
    });
  }
}

/** Tell `to` the place along a curve, 0..1, that is pressed or dragged over. */
export function onCurve(element, to) {
  const tell = (event) => {
    const box = element.getBoundingClientRect();
    to(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    tell(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) {
      tell(event);
    }
  });
}

/**
 * Keys count while the viewer has the focus or the pointer, and not where they mean something else already.
 * @param {HTMLElement} viewer
 * @param {{move: (by: number) => void, ends: (last: boolean) => void, letters: Record<string, () => void>}} does
 */
export function onKeys(viewer, does) {
  document.addEventListener("keydown", (event) => {
    const ours = viewer.contains(event.target) || (event.target === document.body && viewer.matches(":hover"));
    if (!ours || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const field = event.target.matches("input");
    if (!field && event.key in STEPS) {
      does.move(STEPS[event.key]);
    } else if (!field && (event.key === "Home" || event.key === "End")) {
      does.ends(event.key === "End");
    } else if (event.key.toLowerCase() in does.letters) {
      does.letters[event.key.toLowerCase()]();
    } else {
      return;
    }
    event.preventDefault();
  });
}
