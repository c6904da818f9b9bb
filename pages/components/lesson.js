// Brings what a stop speaks of under the lesson's bar: once for each stop, and again below its answer.

const PATIENCE = 20000; // ms until what a page draws is there

let latest = 0;

function isDrawn() {
  return document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
}

async function scroll(target, turn) {
  for (let waited = 0; waited < PATIENCE; waited += 100) {
    await new Promise((done) => setTimeout(done, 100));
    if (turn !== latest) return; // another stop was asked for
    const found = document.querySelector(target);
    if (!found || !isDrawn()) continue;
    const bar = document.querySelector(".st-key-lesson_bar");
    found.style.scrollMarginTop = `${(bar?.offsetHeight ?? 0) + 16}px`;
    found.scrollIntoView({ block: "start" });
    return;
  }
}

export default function ({ data, parentElement }) {
  const name = `${location.pathname} ${data.stop} ${data.answered}`;
  if (parentElement.dataset.stop === name) return;
  parentElement.dataset.stop = name;
  latest += 1;
  scroll(data.target, latest);
}
