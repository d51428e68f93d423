// The line below every page says what scans: another champion, a registry that is gone, are told while a page is open.

const EVERY_MS = 15000;
const line = document.getElementById("status");

async function ask() {
  if (document.visibilityState === "visible") {
    const answer = await fetch("/status").catch(() => null);
    const told = answer?.ok && !answer.redirected ? await answer.text() : null;
    if (told && told.trim() !== line.innerHTML.trim()) {
      line.replaceChildren(document.createRange().createContextualFragment(told));
    }
  }
  setTimeout(ask, EVERY_MS);
}

if (line) {
  setTimeout(ask, EVERY_MS);
}
