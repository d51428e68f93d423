// Sends what was dropped or chosen to the service, one upload after the other, and says how far each is.

import { chosenFiles, droppedFiles } from "./dropped.js";
import { errorOf, faultElement } from "./fault.js";

const zone = document.getElementById("drop");
const list = document.getElementById("uploads");
const row = document.getElementById("upload-row");
const waiting = [];
let sending = false;
let several = false;

function size(bytes) {
  const megabytes = bytes / 1e6;
  return megabytes < 1 ? `${Math.ceil(bytes / 1e3)} kB` : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
}

function isZip(files) {
  return files.length === 1 && /\.zip$/i.test(files[0].path);
}

function title(files) {
  const first = files[0].path;
  const folder = first.includes("/") ? first.split("/")[0] : first;
  return files.length === 1 ? first : `${folder}${first.includes("/") ? "" : " and others"}`;
}

function add(files) {
  if (!files.length) {
    return;
  }
  const item = row.content.firstElementChild.cloneNode(true);
  item.querySelector(".name").textContent = title(files);
  item.querySelector(".said").textContent = "waits";
  list.append(item);
  several ||= waiting.length > 0 || sending;
  waiting.push({ files, item });
  next();
}

function next() {
  if (sending || !waiting.length) {
    return;
  }
  sending = true;
  const { files, item } = waiting.shift();
  send(files, item, () => {
    sending = false;
    next();
  });
}

function bodyOf(files) {
  if (isZip(files)) {
    return files[0].file;
  }
  const form = new FormData();
  for (const { file, path } of files) {
    form.append("files", file, path);
  }
  return form;
}

function send(files, item, done) {
  const request = new XMLHttpRequest(); // fetch tells no progress of what is sent
  const said = item.querySelector(".said");
  const bar = item.querySelector("progress");
  const cancel = item.querySelector("button");
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  request.open("POST", "/v1/jobs");
  if (isZip(files)) {
    request.setRequestHeader("Content-Type", "application/zip");
  }
  request.upload.addEventListener("progress", (event) => {
    bar.max = event.total;
    bar.value = event.loaded;
    said.textContent =
      event.loaded < event.total ? `${count}, ${size(event.loaded)} of ${size(event.total)}` : `${count}, being checked`;
  });
  const end = () => {
    bar.remove();
    cancel.remove();
    done();
  };
  const fail = (error) => {
    said.textContent = "not taken";
    item.append(faultElement(error));
    end();
  };
  request.addEventListener("load", () => {
    if (request.status === 401) {
      location.assign("/login");
    } else if (request.status === 202) {
      end(); // before the page may go elsewhere, so that nobody is asked whether to leave an upload
      taken(JSON.parse(request.responseText), said, count);
    } else {
      fail(errorOf(request.status, request.responseText));
    }
  });
  request.addEventListener("error", () => fail(errorOf(0, "")));
  request.addEventListener("abort", () => {
    said.textContent = "cancelled";
    end();
  });
  cancel.addEventListener("click", () => request.abort());
  request.send(bodyOf(files));
}

function taken(job, said, count) {
  const address = `/jobs/${encodeURIComponent(job.id)}`;
  const link = document.createElement("a");
  link.href = address;
  link.textContent = "watch it";
  said.replaceChildren(`${count}, taken: `, link);
  if (!several) {
    location.assign(address);
  }
}

for (const button of zone.querySelectorAll("button[data-for]")) {
  const input = document.getElementById(button.dataset.for);
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add(chosenFiles(input.files));
    input.value = "";
  });
}
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) {
    zone.classList.remove("over");
  }
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  try {
    add(await droppedFiles(event.dataTransfer));
  } catch (error) {
    list.before(faultElement({ what: "this cannot be read", received: error.message, remedy: "drop it again" }));
  }
});
addEventListener("beforeunload", (event) => {
  if (sending) {
    event.preventDefault();
  }
});
for (const one of zone.querySelectorAll("[data-scripted]")) {
  one.hidden = false;
}
for (const one of zone.querySelectorAll("[data-plain]")) {
  one.hidden = true;
}
