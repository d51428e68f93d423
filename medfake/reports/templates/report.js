"use strict";
// A click on a heading sorts the rows by that column; without scripts tables stay as they are.
const numbers = new Intl.Collator("en", { numeric: true });
const key = (row, at) => {
  const cell = row.cells[at];
  const value = cell.dataset.value ?? (cell.querySelector(".value") ?? cell).textContent.trim();
  return value === "n/a" || value === "" ? null : value;
};
const compare = (a, b) => (isFinite(a) && isFinite(b) ? a - b : numbers.compare(a, b));
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  heads.forEach((head, at) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row, at), row]);
      rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : compare(a, b) * (down ? -1 : 1)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
// What is folded up would be missing on paper.
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((one) => { one.open = true; one.dataset.folded = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-folded]").forEach((one) => { one.open = false; delete one.dataset.folded; }));
