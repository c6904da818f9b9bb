// Brings what a click has opened into sight, once it is drawn; once for each that was opened.

const PATIENCE = 10000, STEP = 100; // ms

async function bring(target, isLatest) {
  for (let waited = 0; waited < PATIENCE && isLatest(); waited += STEP) {
    await new Promise((done) => setTimeout(done, STEP));
    const isDrawn = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
    const found = document.querySelector(target);
    if (isDrawn && found) return found.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
}

export default function ({ data, parentElement }) {
  const before = parentElement.dataset.opened;
  parentElement.dataset.opened = data.opened;
  if (before !== data.opened && data.opened) bring(data.target, () => parentElement.dataset.opened === data.opened);
}
