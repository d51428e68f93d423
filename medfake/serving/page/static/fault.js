// What the service says went wrong, shown as it is said: what, where, received, next.

const WORDS = { where: "where", received: "received", remedy: "next" };

/** An element that tells `{what, where, received, remedy}`; only as text, because parts of it are a client's own. */
export function faultElement(error) {
  const box = document.createElement("div");
  box.className = "fault";
  box.setAttribute("role", "alert");
  const what = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = error.what;
  what.append(strong);
  box.append(what);
  const rows = Object.entries(WORDS).filter(([key]) => error[key]);
  if (rows.length) {
    const list = document.createElement("dl");
    for (const [key, word] of rows) {
      const term = document.createElement("dt");
      term.textContent = word;
      const said = document.createElement("dd");
      said.textContent = error[key];
      list.append(term, said);
    }
    box.append(list);
  }
  return box;
}

/** The error of an answer's text; of a proxy in between, which speaks no JSON, its status. */
export function errorOf(status, text) {
  try {
    const error = JSON.parse(text).error;
    if (error?.what) {
      return error;
    }
  } catch {
    // told below
  }
  const what = status ? `the service answered ${status}` : "the service does not answer";
  return { what, remedy: "try again; if it stays so, ask whoever runs the service to look at its log" };
}
