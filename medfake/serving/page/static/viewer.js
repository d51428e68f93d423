// The slice viewer: what is shown, and what changes it.

import { Frames } from "./frames.js";
import { Pane, wordsOf } from "./pane.js";
import { onCurve, onKeys, onSwipe, onWheel } from "./steer.js";

const AHEAD = 5; // slices in either direction that are fetched before they are asked for
const viewer = document.getElementById("viewer");
const scan = JSON.parse(document.getElementById("scan-data").textContent);
const last = scan.slices.length - 1;
const control = {
  windows: [...viewer.querySelectorAll("input[name=window]")],
  heat: viewer.querySelector("#heat"),
  opacity: viewer.querySelector("#opacity"),
  beside: viewer.querySelector("#beside"),
  marked: viewer.querySelector("#marked"),
  enlarged: viewer.querySelector("#enlarged"),
  slider: viewer.querySelector("#slider"),
  now: viewer.querySelector(".now"),
  help: viewer.querySelector("#keys"),
};
const places = [...viewer.querySelectorAll(".places a[data-slice]")];
const frames = new Frames(arrived);
const here = new Pane(viewer.querySelector(".pane.here"), scan, frames);
const beside = new Pane(viewer.querySelector(".pane.beside"), scan, frames);
let index = scan.start;
let centre = null;
let chosen = null; // of the listed places, the one that was gone to
let forward = 1;
let addressing = 0;

function pictureOf(at) {
  const chosen = control.windows.find((one) => one.checked).value;
  return `${scan.base}/${at}.png?window=${chosen}`;
}

function heatOf(at) {
  return control.heat.checked && !control.heat.disabled ? `${scan.base}/${at}/heat.png` : null;
}

function viewOf(at, compared) {
  return {
    index,
    beside: compared ? at : null,
    picture: pictureOf(at),
    heat: heatOf(at),
    opacity: control.opacity.value / 100,
    marked: control.marked.checked,
    enlarged: control.enlarged.checked,
    centre,
  };
}

/** What enlarging keeps in its place: the place that was gone to, else the nearest one, the strongest of a slice's own. */
function centreOf(at) {
  const away = (mark) => Math.abs(mark.slice - at) - (mark.tag === chosen?.dataset.tag ? 0.5 : 0);
  const nearest = scan.marks.reduce((best, mark) => (best && away(best) <= away(mark) ? best : mark), null);
  return nearest ?? { y: scan.rows / 2, x: scan.cols / 2 };
}

/** What is shown first, then what lies in the way the reader goes, then what lies behind. */
function urgent() {
  const shown = [index, ...(control.beside.checked ? [scan.slices[index].beside] : [])];
  const ahead = [];
  for (let step = 1; step <= AHEAD; step += 1) {
    ahead.push(index + forward * step, index - forward * step);
  }
  return [...shown, ...ahead.filter((at) => at >= 0 && at <= last)]
    .flatMap((at) => [pictureOf(at), heatOf(at)])
    .filter(Boolean);
}

function show() {
  viewer.classList.toggle("alone", !control.beside.checked);
  frames.want(urgent());
  centre = centreOf(index);
  here.show(viewOf(index, false));
  if (control.beside.checked) {
    beside.show(viewOf(scan.slices[index].beside, true));
  }
  const words = wordsOf(scan.slices[index], scan.slices.length);
  control.slider.value = index;
  control.slider.setAttribute("aria-valuetext", `${words.where}, ${words.p}`);
  control.now.setAttribute("x1", index + 0.5);
  control.now.setAttribute("x2", index + 0.5);
  for (const place of places) {
    if (chosen ? place === chosen : Number(place.dataset.slice) === index) {
      place.setAttribute("aria-current", "true");
    } else {
      place.removeAttribute("aria-current");
    }
  }
  clearTimeout(addressing);
  addressing = setTimeout(address, 250); // browsers refuse many changes a second
}

/** The address says what is seen, so that it can be kept, sent and gone back to. */
function address() {
  const chosen = control.windows.find((one) => one.checked).value;
  history.replaceState(null, "", `?slice=${index}&window=${chosen}`);
}

function arrived(url) {
  const one = frames.get(url);
  if (url === heatOf(index) && one.error) {
    control.heat.disabled = true;
    control.heat.checked = false;
    document.getElementById("heat-says").textContent = one.error;
  }
  for (const pane of [here, beside]) {
    if (pane.view && (pane.view.picture === url || pane.view.heat === url)) {
      pane.refresh();
    }
  }
}

function go(to, place = null) {
  const at = Math.min(Math.max(to, 0), last);
  if (at !== index || place) {
    forward = at < index ? -1 : 1;
    index = at;
    chosen = place;
    show();
  }
}

function goTo(place) {
  go(Number(place.dataset.slice), place);
}

function move(by) {
  go(index + by);
}

function press(checkbox) {
  if (!checkbox.disabled) {
    checkbox.checked = !checkbox.checked;
    show();
  }
}

function choose(number) {
  control.windows[number].checked = true;
  show();
}

/** To the next listed place, in their order. */
function nextPlace(step) {
  if (places.length) {
    const at = places.indexOf(chosen ?? places.find((place) => Number(place.dataset.slice) === index));
    goTo(places[(at < 0 && step < 0 ? 0 : at) + step] ?? places.at(step < 0 ? -1 : 0));
  }
}

for (const stage of viewer.querySelectorAll(".stage")) {
  onWheel(stage, move);
  onSwipe(stage, move);
}
onCurve(viewer.querySelector(".chart"), (share) => go(Math.min(Math.floor(share * scan.slices.length), last)));
onKeys(viewer, {
  move,
  ends: (end) => go(end ? last : 0),
  letters: {
    1: () => choose(0),
    2: () => choose(1),
    3: () => choose(2),
    h: () => press(control.heat),
    e: () => press(control.enlarged),
    s: () => press(control.beside),
    m: () => press(control.marked),
    n: () => nextPlace(1),
    p: () => nextPlace(-1),
    "?": () => {
      control.help.open = !control.help.open;
    },
  },
});
control.slider.addEventListener("input", () => go(Number(control.slider.value)));
for (const one of [...control.windows, control.heat, control.opacity, control.beside, control.marked, control.enlarged]) {
  one.addEventListener("input", show);
}
for (const place of places) {
  place.addEventListener("click", (event) => {
    event.preventDefault();
    goTo(place);
    viewer.querySelector(".stage").focus({ preventScroll: matchMedia("(min-width: 641px)").matches });
  });
}
for (const one of viewer.querySelectorAll("[data-scripted]")) {
  one.hidden = false;
}
show();
