// What all maps share: elements, arrays from the page, colours, and boxes in rows.

const TYPES = { f4: Float32Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array };
const GAP = 14;
const NARROWEST = 220;

// An element with properties and children; text is never read as HTML.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Text with D_f and its like as subscripts.
function symbols(text) {
  return text.split(/\b(D_(?:ft|rt|f|r|t))\b/).map((part) =>
    part.startsWith("D_") ? make("span", {}, "D", make("sub", { textContent: part.slice(2) })) : part);
}

function decode({ dtype, bdata }) {
  const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0));
  return new TYPES[dtype](bytes.buffer);
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Places of points, three numbers each, from their coordinates; flat without `z`.
function placesOf(x, y, z = null) {
  const places = new Float32Array(3 * x.length);
  for (let i = 0; i < x.length; i += 1) {
    places[3 * i] = x[i];
    places[3 * i + 1] = y[i];
    if (z) places[3 * i + 2] = z[i];
  }
  return places;
}

// Pixels over each panel for its name and a line; a lesson's type is larger.
function titleRoom() {
  return (46 / 16) * parseFloat(getComputedStyle(document.documentElement).fontSize);
}

// Pixels of the window that a lesson's bar covers; 0 without a lesson.
function coveredRoom() {
  return parseFloat(document.documentElement.style.getPropertyValue("--lesson-bar")) || 0;
}

// Boxes of panels in rows, with room for a title over each; `tallFor` gives a box's height.
function layOut(width, count, tallFor) {
  const wished = count <= 3 ? count : count === 4 ? 2 : 3;
  const columns = Math.max(1, Math.min(wished, Math.floor(width / NARROWEST)));
  const rows = Math.ceil(count / columns);
  const side = (width - GAP * (columns - 1)) / columns;
  const tall = tallFor(side, rows);
  const title = titleRoom();
  const boxes = Array.from({ length: count }, (_, i) => ({
    left: (i % columns) * (side + GAP),
    top: Math.floor(i / columns) * (tall + title + GAP) + title,
    width: side, height: tall,
  }));
  return { boxes, height: rows * (tall + title + GAP) };
}

// Give canvases that fill an element as many pixels as the screen has there.
function sizeCanvases(canvases, element, width, height) {
  const ratio = window.devicePixelRatio || 1;
  element.style.height = `${height}px`;
  for (const canvas of canvases) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
}

// A number from a number that says nothing of its place in a row: each n-th by it is an even part.
function scattered(number) {
  return Math.imul(number + 1, 2654435761) >>> 8;
}
