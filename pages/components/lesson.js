// Brings what a stop speaks of under the lesson's bar, once for each stop and again below its answer,
// and holds it there until the page has settled or the person moves it.

const PATIENCE = 60000; // ms until what a page draws is there
const SETTLED = 2000; // ms in which nothing has moved it any more
const STEP = 100; // ms
const MOVES = ["wheel", "pointerdown", "keydown", "touchstart"];

let latest = 0;

function isDrawn() {
  return document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
}

// Tell lesson.css and the maps how much of the window the bar covers.
function cover(height) {
  const { style } = document.documentElement;
  if (style.getPropertyValue("--lesson-bar") === (height ? `${height}px` : "")) return;
  if (height) style.setProperty("--lesson-bar", `${height}px`);
  else style.removeProperty("--lesson-bar");
  dispatchEvent(new Event("lesson-bar"));
}

function place(found) {
  const before = found.getBoundingClientRect().top;
  const height = document.querySelector(".st-key-lesson_bar")?.offsetHeight ?? 0;
  cover(height);
  found.style.scrollMarginTop = `${height + 16}px`;
  found.scrollIntoView({ block: "start" });
  return Math.abs(found.getBoundingClientRect().top - before) > 1;
}

async function hold(target, turn) {
  let still = -STEP;
  const leave = () => (still = SETTLED);
  for (let waited = 0; waited < PATIENCE && still < SETTLED; waited += STEP) {
    await new Promise((done) => setTimeout(done, STEP));
    const found = document.querySelector(target);
    if (turn !== latest || still >= SETTLED) break; // another stop, or the person moves it
    if (!found || !isDrawn()) continue;
    if (still < 0) MOVES.forEach((move) => addEventListener(move, leave));
    still = place(found) ? 0 : still + STEP;
  }
  MOVES.forEach((move) => removeEventListener(move, leave));
}

export default function ({ data, parentElement }) {
  const name = `${location.pathname} ${data.stop} ${data.answered}`;
  if (parentElement.dataset.stop !== name) {
    parentElement.dataset.stop = name;
    latest += 1;
    hold(data.target, latest);
  }
  return () => setTimeout(() => document.querySelector(".st-key-lesson_bar") || cover(0)); // it has ended
}
