// What a reader can do in a handout: choose models, highlights and curves, select on the maps,
// switch between light and dark, print.  Nothing here asks a server.
import drawMap from "FEATURE_MAP";

const MOST_ROWS = 60;
const root = document.documentElement;
const find = (id) => document.getElementById(id);

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(find(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function element(name, text = "", properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function choice(words, options, onChange) {
  const label = element("label", `${words} `);
  const box = element("select");
  options.forEach(([value, text]) => box.append(element("option", text, { value })));
  box.addEventListener("change", () => onChange(box.value));
  label.append(box);
  return label;
}

class Maps {
  constructor(maps, sheet) {
    Object.assign(this, { maps, mode: "all", colour: "label", selected: [] });
    this.shown = new Set(maps.shown);
    this.sheet = sheet;
    globalThis.unlearnPictures = sheet ? { handout: sheet } : {};
    const decode = ({ bdata }) => Uint8Array.from(atob(bdata), (c) => c.charCodeAt(0)).buffer;
    this.ids = new Int32Array(decode(maps.ids));
    this.labels = new Uint16Array(decode(maps.labels));
    this.sets = new Uint8Array(decode(maps.sets));
    this.answers = Object.fromEntries(maps.panels.map((panel) => [panel.key, {
      classes: new Uint16Array(decode(panel.predictions)),
      sure: new Uint16Array(decode(panel.probabilities)),
    }]));
    this.addTools();
  }

  addTools() {
    const models = element("fieldset");
    models.append(element("legend", "Models"));
    this.maps.panels.forEach((panel) => {
      const label = element("label");
      const box = element("input", "", { type: "checkbox", checked: this.shown.has(panel.key) });
      box.addEventListener("change", () => {
        box.checked ? this.shown.add(panel.key) : this.shown.delete(panel.key);
        if (!this.shown.size) {
          this.shown.add(panel.key);
          box.checked = true;
        }
        this.draw();
      });
      label.append(box, ` ${panel.label}`);
      models.append(label);
    });
    const modes = this.maps.highlights.map(({ name, label }) => [name, label]);
    const colours = [["label", "Label"], ["prediction", "Predicted class"]];
    find("map-tools").append(
      models,
      choice("Highlight", modes, (mode) => { this.mode = mode; this.draw(); }),
      choice("Colour", colours, (colour) => { this.colour = colour; this.draw(); }),
    );
  }

  get panels() {
    const { panels } = this.maps.highlights.find(({ name }) => name === this.mode);
    return this.maps.panels.filter(({ key }) => this.shown.has(key)).map((panel) => ({ ...panel, ...panels[panel.key] }));
  }

  draw() {
    const { panels, colour } = this;
    const version = [this.maps.version, this.mode, colour, ...this.shown].join();
    const { highlights, ids_shown: _, ...rest } = this.maps;
    const map = recoloured({ ...rest, panels, colour, version });
    drawMap({
      data: { map, selection: { ids: [], version: 0 }, pin: { id: null, neighbours: {} } },
      parentElement: find("map"),
      setStateValue: (name, ids) => {
        if (name !== "ids") return;
        this.selected = ids;
        this.tell();
      },
    });
    this.tell();
  }

  // A canvas is not printed where pages break; shapes are.
  copied() {
    const { featureMap } = document.querySelector(".feature-map");
    featureMap.fit();
    const drawn = featureMap.boxes.map(({ left, top, width, height }, index) =>
      `<svg x="${left}" y="${top}" width="${width}" height="${height}">${shapes(featureMap, index)}</svg>`);
    featureMap.stage.insertAdjacentHTML("beforeend", `<svg class="map-copy">${drawn.join("")}</svg>`);
    return featureMap.stage.lastElementChild;
  }

  tell() {
    const place = find("selected");
    place.replaceChildren();
    if (!this.selected.length) return;
    const position = new Map(Array.from(this.ids, (id, i) => [id, i]));
    const rows = this.selected.slice(0, MOST_ROWS).map((id) => position.get(id));
    const more = this.selected.length > rows.length ? `, the first ${rows.length} below` : "";
    const words = element("p", `${this.selected.length} selected${more}.`);
    place.append(words, this.table(rows));
  }

  table(rows) {
    const { panels } = this;
    const { classes, no_class: other, set_names: names, probability_scale: scale } = this.maps;
    const table = element("table", "", { className: "plain" });
    const head = element("tr");
    const heads = [...(this.sheet ? [this.sheet.texts ? "Text" : "Image"] : []), "Id", "Set", "Label", ...panels.map(({ label }) => label)];
    heads.forEach((text) => head.append(element("th", text, { scope: "col" })));
    table.append(head);
    rows.forEach((i) => {
      const row = element("tr");
      if (this.sheet) row.append(this.picture(i));
      [this.ids[i], names[this.sets[i]], classes[this.labels[i]]].forEach((text) => row.append(element("td", text)));
      panels.forEach(({ key }) => {
        const { classes: answer, sure } = this.answers[key];
        const percent = ((100 * sure[i]) / scale).toFixed(0);
        const cell = element("td", `${classes[answer[i]] ?? other} (${percent} %)`);
        if (answer[i] === this.labels[i]) cell.className = "right";
        row.append(cell);
      });
      table.append(row);
    });
    return table;
  }

  picture(i) {
    if (this.sheet.texts) {
      const cell = element("td"); // every second piece is the word of the request
      cell.append(...this.sheet.texts[i].map((piece, n) => (n % 2 ? element("mark", piece) : piece)));
      return cell;
    }
    const { url, columns, rows, width, height } = this.sheet;
    const zoom = Math.max(1, Math.round(40 / Math.max(width, height)));
    const cell = element("td");
    const image = element("div", "", { className: "picture", role: "img", ariaLabel: `example ${this.ids[i]}` });
    Object.assign(image.style, {
      width: `${width * zoom}px`, height: `${height * zoom}px`, backgroundImage: `url(${url})`,
      backgroundSize: `${columns * width * zoom}px ${rows * height * zoom}px`,
      backgroundPosition: `${-(i % columns) * width * zoom}px ${-Math.floor(i / columns) * height * zoom}px`,
    });
    cell.append(image);
    return cell;
  }
}

let content;
let maps;
let curve = 0;
let isDark = matchMedia("(prefers-color-scheme: dark)").matches;

// What is black on light is white on dark, as on the dashboard's pages.
function recoloured(plain) {
  if (!isDark) return plain;
  const hidden = new RegExp(Object.keys(content.on_dark).join("|"), "g");
  return JSON.parse(JSON.stringify(plain).replace(hidden, (colour) => content.on_dark[colour]));
}

function chart(id, figure) {
  const place = find(id);
  if (!place || !figure) return;
  const { data, layout } = recoloured(figure);
  const font = { ...layout.font, family: getComputedStyle(document.body).fontFamily };
  const options = { responsive: true, displaylogo: false };
  globalThis.Plotly.react(place, data, { ...layout, font, width: place.clientWidth }, options);
}

function draw() {
  root.dataset.theme = isDark ? "dark" : "light";
  if (!content) return;
  maps?.draw();
  chart("curve", content.curves[curve]?.figure);
}

// A circle each point of a map, and a diamond in front each one to forget.
function shapes(map, index) {
  const at = map.pixels(index);
  const positions = [...map.ids.keys()].filter((i) => map.panels[index].emphasis[i]);
  const [others, forgotten] = [false, true].map((is) => positions.filter((i) => map.isForget(i) === is));
  const place = (i) => [at[2 * i], at[2 * i + 1]].map((number) => number.toFixed(1));
  const fill = (i) => (map.isLit(index, i) ? map.colourOf(index, i) : map.data.muted);
  const circles = others.map((i) => {
    const [x, y] = place(i);
    return `<circle cx="${x}" cy="${y}" r="1.6" fill="${fill(i)}" />`;
  });
  const diamonds = forgotten.map((i) => `<path d="M${place(i)}m0-4l4 4l-4 4l-4-4z" fill="${fill(i)}" stroke="#222" stroke-width=".7" />`);
  const frame = '<rect width="100%" height="100%" fill="none" stroke="#B8BEC6" />';
  return [frame, ...circles, ...diamonds].join("");
}

// Unfold all that is folded, or fold it again; paper shows what is unfolded.
function unfold() {
  const parts = [...document.querySelectorAll("details")];
  const open = parts.some((part) => !part.open);
  parts.forEach((part) => (part.open = open));
}

// Paper is white and narrower than a screen.
function printing() {
  const wasDark = isDark;
  root.classList.add("printing");
  isDark = false;
  draw();
  const copy = maps?.copied();
  addEventListener("afterprint", () => {
    copy?.remove();
    root.classList.remove("printing");
    isDark = wasDark;
    draw();
  }, { once: true });
}

async function start() {
  draw();
  if (!globalThis.DecompressionStream) {
    find("note").textContent = "This browser is too old for the maps and charts; all words and tables are here.";
    find("note").hidden = false;
    return;
  }
  content = JSON.parse(await unpacked("content"));
  document.head.append(element("script", await unpacked("library")));
  if (content.maps) maps = new Maps(content.maps, content.sheet);
  if (content.curves.length) {
    const names = content.curves.map(({ name }, i) => [i, name]);
    find("curve-tools").append(choice("Quantity", names, (i) => { curve = Number(i); draw(); }));
  }
  find("theme").hidden = false;
  find("unfold").hidden = false;
  find("unfold").addEventListener("click", unfold);
  find("theme").addEventListener("click", () => { isDark = !isDark; draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { isDark = event.matches; draw(); });
  addEventListener("beforeprint", printing);
  addEventListener("resize", () => draw());
  draw();
  root.dataset.ready = "yes";
}

start();
