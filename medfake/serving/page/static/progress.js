// Asks how far a job is until it has ended, then shows what it found.

import { errorOf } from "./fault.js";

const EVERY_MS = 1000;
const ENDED = ["done", "failed", "deleted"];
const place = document.getElementById("progress");
const heading = place.querySelector("h2");
const bar = place.querySelector("progress");
const said = place.querySelector("[data-said]");
const eta = place.querySelector("[data-eta]");

function duration(seconds) {
  if (seconds < 60) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tell(job) {
  const { scans, scans_done, slices, slices_done, eta_s } = job.progress;
  heading.textContent = job.state === "queued" ? heading.dataset.queued : heading.dataset.running;
  if (job.state === "queued") {
    bar.removeAttribute("value");
    said.textContent = "It waits until others are done.";
  } else if (slices) {
    bar.max = slices;
    bar.value = slices_done;
    said.textContent = `${slices_done} of ${slices} slices, ${scans_done} of ${scans} scans`;
  } else {
    bar.removeAttribute("value");
    said.textContent = "Files are being looked at.";
  }
  eta.textContent = eta_s === null || eta_s === undefined ? "" : `about ${duration(eta_s)} left`;
}

async function ask() {
  try {
    const answer = await fetch(`/v1/jobs/${place.dataset.job}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      if ([401, 404, 410].includes(answer.status)) {
        location.reload();
        return;
      }
      said.textContent = errorOf(answer.status, await answer.text()).what;
    } else {
      const job = await answer.json();
      if (ENDED.includes(job.state)) {
        location.reload();
        return;
      }
      tell(job);
    }
  } catch {
    said.textContent = "The service does not answer. The job goes on when it does.";
  }
  setTimeout(ask, EVERY_MS);
}

ask();
