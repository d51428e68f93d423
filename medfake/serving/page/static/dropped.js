// Files below what was dropped, folders included, each with its path from there.

/** @returns {Promise<{file: File, path: string}[]>} in no certain order */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) {
    return chosenFiles(transfer.files);
  }
  return (await Promise.all(entries.map(below))).flat();
}

/** Files of a file or folder button. */
export function chosenFiles(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function below(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) {
      return (await Promise.all(found.map(below))).flat();
    }
    found.push(...some);
  }
}
