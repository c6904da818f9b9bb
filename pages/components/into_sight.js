// Brings what a click has opened into sight, once for each that was opened, and holds it there until
// its pictures have come or the person moves the page.

const PATIENCE = 10000, SETTLED = 1000, STEP = 100; // ms
const MOVES = ["wheel", "pointerdown", "keydown", "touchstart"];

function heightOf(found) {
  const isDrawn = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
  return isDrawn && found ? found.offsetHeight : null;
}

async function bring(target, isLatest) {
  let isLeft = false, before = null;
  const leave = () => (isLeft = true);
  MOVES.forEach((move) => addEventListener(move, leave));
  for (let waited = 0, still = 0; waited < PATIENCE && still < SETTLED; waited += STEP) {
    await new Promise((done) => setTimeout(done, STEP));
    if (isLeft || !isLatest()) break;
    const found = document.querySelector(target);
    const height = heightOf(found);
    still = height !== null && height === before ? still + STEP : 0;
    if (height !== null && height !== before) found.scrollIntoView({ block: "nearest", behavior: "smooth" });
    before = height;
  }
  MOVES.forEach((move) => removeEventListener(move, leave));
}

export default function ({ data, parentElement }) {
  const before = parentElement.dataset.opened;
  parentElement.dataset.opened = data.opened;
  if (before !== data.opened && data.opened) bring(data.target, () => parentElement.dataset.opened === data.opened);
}
