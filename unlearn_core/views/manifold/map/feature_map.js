// Maps of several models side by side: one camera, one selection, one example under the mouse.
// A selection is shown in all maps at once and then sent to the page as example ids.

const LIT = 2;
const MOST_MOVING = 15000; // points of all maps together that are drawn while they move
const PAUSE = 150; // ms after which all of them are drawn again
const MISSING = 255; // of a value that colours a point
const PLAY_SECONDS = 1.8;
const SIZES = { circle: 5, diamond: 10 }; // pixels, on a map of a few thousand points
let made = 0;

const versionOf = ({ version, outline }) => version + outline; // which tells the theme

class FeatureMap {
  constructor(root) {
    this.root = root;
    this.number = ++made;
    this.chosen = new Chosen();
    this.alone = new Set();
    this.hovered = this.pinned = null;
    this.panel = 0;
    this.way = 0;
    this.hasTrails = true;
    this.hasContours = false;
    this.bar = new Bar(this);
    this.stage = make("div", {
      className: "map-stage", tabIndex: 0, role: "application",
      "aria-label": "Maps. Arrows go from point to point, Space selects, Enter pins, Escape clears, Page Down goes to the next map.",
    });
    this.points = make("canvas", { className: "map-points" });
    const over = make("canvas", { className: "map-marks" });
    this.captions = new Captions(this);
    this.stage.append(this.points, over, this.captions.titles, this.captions.card);
    root.append(this.bar.bar, this.bar.legend, this.stage, this.captions.live);
    this.marks = new Marks(this, over);
    this.cloud = new PointCloud(this.points, () => this.show());
    this.gestures = new Gestures(this, this.stage);
    this.address = new Address(this);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(root);
    this.covered = () => this.data && this.fit();
    addEventListener("lesson-bar", this.covered);
    root.addEventListener("fullscreenchange", () => {
      if (!this.data) return;
      this.bar.draw();
      this.fit();
    });
  }

  close() {
    this.watch.disconnect();
    removeEventListener("lesson-bar", this.covered);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
    this.cloud.close();
  }

  update(data, selection, pin) {
    if (!this.cloud.gl) {
      this.root.innerHTML = '<p class="map-note">This browser does not offer WebGL 2, which draws the maps. Switch hardware acceleration on, or open another browser.</p>';
      return;
    }
    const version = versionOf(data);
    const isNew = this.version !== version;
    const isTold = this.selectionVersion !== selection.version;
    if (isNew) this.read(data, version);
    this.address.read();
    if (isTold) {
      this.chosen.take(selection.ids);
      this.pinned = this.positionOf(pin.id);
    }
    this.selectionVersion = selection.version;
    this.near = pin;
    if (isNew) this.show();
    else if (isTold) this.restyle();
    this.bar.draw();
    this.captions.answers();
    this.redraw();
    this.address.soon();
    this.root.dataset.drawn = version;
  }

  read(data, version) {
    const before = this.ids ? [this.ids[this.hovered], this.ids[this.pinned]] : [];
    const kept = this.data?.layout === data.layout ? this.cameras : [];
    this.version = version;
    this.data = data;
    this.isDeep = Boolean(data.range.z);
    this.ids = decode(data.ids);
    this.labels = decode(data.labels);
    this.sets = decode(data.sets);
    this.panels = data.panels.map((panel) => this.readPanel(panel));
    this.journey = data.trail ? { trail: decode(data.trail) } : null;
    if (!this.journey) this.way = 0;
    else this.panels[0].there = this.panels[1].here;
    const shared = kept[0] ?? new Camera(data.range);
    this.cameras = this.panels.map((_, i) => (data.linked ? shared : kept[i] ?? new Camera(data.range)));
    this.cameras.forEach((camera) => camera.fitTo(data.range));
    [this.hovered, this.pinned] = before.map((id) => this.positionOf(id)).concat(null, null);
    this.panel = Math.min(this.panel, this.panels.length - 1);
    this.outlined = new Map();
  }

  readPanel(panel) {
    const here = placesOf(decode(panel.x), decode(panel.y), panel.z && decode(panel.z));
    const values = panel.values ? decode(panel.values) : null;
    const [predictions, probabilities, emphasis] = [panel.predictions, panel.probabilities, panel.emphasis].map(decode);
    return { ...panel, here, there: here, values, predictions, probabilities, emphasis };
  }

  // --- what a point is ---------------------------------------------------------------------

  positionOf(id) {
    const position = id === null || id === undefined ? -1 : this.ids.indexOf(id);
    return position < 0 ? null : position;
  }

  isShown(position) {
    return this.panels[0].emphasis[position] > 0;
  }

  isForget(position) {
    return this.data.forget_sets[this.sets[position]];
  }

  isLit(index, position) {
    const isAlone = !this.alone.size || this.alone.has(this.labels[position]);
    return isAlone && this.panels[index].emphasis[position] === LIT;
  }

  colourOf(index, position) {
    const { colours, colour, values, muted } = this.data;
    const panel = this.panels[index];
    if (!values) return colours[(colour === "prediction" ? panel.predictions : this.labels)[position]] ?? muted;
    const value = panel.values[position];
    return value === MISSING ? muted : values.colours[Math.round((value / (MISSING - 1)) * (values.colours.length - 1))];
  }

  hasDimmed() {
    return this.panels.some((panel) => panel.emphasis.includes(1)) || this.alone.size > 0;
  }

  countClasses() {
    const counts = this.data.classes.map(() => 0);
    this.labels.forEach((label, i) => this.isShown(i) && (counts[label] += 1));
    return counts;
  }

  neighbours(index) {
    if (this.near?.id !== this.ids[this.pinned]) return []; // the page has not answered yet
    const ids = this.near.neighbours[this.panels[index].key] ?? [];
    return ids.map((id) => this.positionOf(id)).filter((position) => position !== null);
  }

  // --- drawing -----------------------------------------------------------------------------

  show() {
    this.cloud.keep(this.panels.length);
    this.panels.forEach(({ here, there }, i) => this.cloud.place(i, here, there));
    this.restyle();
    this.fit();
  }

  // Colours, sizes and order of the points, from the back: dimmed, lit, selected; diamonds on top.
  restyle() {
    const count = this.ids.length;
    const shrink = Math.max(0.55, Math.min(1.15, Math.sqrt(2500 / count)));
    const inks = new Map();
    const ink = (hex) => inks.get(hex) ?? inks.set(hex, rgb(hex)).get(hex);
    const isSome = this.chosen.ids.size > 0;
    this.panels.forEach((panel, index) => {
      const colour = new Uint8Array(4 * count);
      const form = new Float32Array(2 * count);
      const layers = [[], [], [], [], [], []];
      for (let i = 0; i < count; i += 1) {
        if (!panel.emphasis[i]) continue;
        const isForget = this.isForget(i);
        const isLit = this.isLit(index, i);
        const isSelected = isLit && this.chosen.ids.has(this.ids[i]);
        const opacity = !isLit ? (isForget ? 0.5 : 0.32) : isSelected ? 1 : isSome ? 0.16 : isForget ? 0.95 : 0.8;
        const grown = isSelected ? 1.35 : isLit ? 1 : 0.85;
        colour.set([...ink(isLit ? this.colourOf(index, i) : this.data.muted), 255 * opacity], 4 * i);
        form[2 * i] = SIZES[isForget ? "diamond" : "circle"] * shrink * grown;
        form[2 * i + 1] = isForget ? 1 : 0;
        layers[2 * (isSelected ? 2 : isLit ? 1 : 0) + (isForget ? 1 : 0)].push(i);
      }
      const order = layers.flat();
      const one = Math.ceil((order.length * this.panels.length) / MOST_MOVING);
      const part = one > 1 ? order.filter((position) => scattered(position) % one === 0) : order;
      this.cloud.paint(index, colour, form, order, part);
    });
    this.outlined.clear();
  }

  // Lay the panels out in the width that there is.
  fit() {
    const width = this.stage.clientWidth || 900; // of the root without its padding
    const count = this.panels.length;
    const least = count > 3 ? 200 : 240;
    const bar = this.isFull() ? 0 : coveredRoom();
    const taken = bar + this.bar.bar.offsetHeight + this.bar.legend.offsetHeight + 40;
    const { boxes, height } = layOut(width, count, (side, rows) => {
      const free = (window.innerHeight - taken) / rows - titleRoom() - GAP;
      const wished = Math.min(side * 0.8, count <= 2 ? 540 : 460);
      return Math.max(least, Math.floor(this.isFull() ? free : bar ? Math.min(wished, free) : wished));
    });
    this.boxes = boxes.map((box, i) => ({ ...box, camera: this.cameras[i] }));
    sizeCanvases([this.points, this.marks.canvas], this.stage, width, height);
    const style = getComputedStyle(this.root);
    this.ink = style.color;
    this.paper = style.getPropertyValue("--st-background-color") || "#fff";
    this.width = this.stage.clientWidth;
    this.captions.draw();
    this.redraw();
  }

  resize() {
    const width = this.stage.clientWidth;
    if (this.data && width && Math.abs(width - this.width) >= 2) this.fit();
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => this.render());
  }

  // While the maps move, a part of many points is drawn, and all once they rest.
  render() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (!this.boxes) return;
    const seen = this.boxes.map(({ camera }, i) => `${camera.stamp()} ${this.wayOf(i)}`).join();
    const isMoving = this.seen !== undefined && this.seen !== seen;
    this.seen = seen;
    this.paintAll({ isPart: isMoving });
    if (!isMoving) return;
    this.address.soon();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.redraw(), PAUSE);
  }

  paintAll({ isPart = false } = {}) {
    const ratio = this.points.width / this.points.clientWidth || 1;
    const boxes = this.boxes.map((box, i) => ({ ...box, way: this.wayOf(i) }));
    this.cloud.draw(boxes, ratio, rgb(this.data.outline).map((part) => part / 255), isPart);
    this.marks.draw();
  }

  wayOf(index) {
    return this.journey && index === 0 ? this.way : 0;
  }

  // Pixels of all points of a panel, from its upper left corner; computed anew after a change only.
  pixels(index) {
    const { camera: c, width, height } = this.boxes[index];
    const stamp = [c.stamp(), width, height, this.wayOf(index)].join();
    const panel = this.panels[index];
    if (panel.stamp !== stamp) {
      panel.stamp = stamp;
      panel.at = c.project(panel.here, panel.there, this.wayOf(index), width, height);
    }
    return panel.at;
  }

  outlines(index) {
    const key = `${index} ${this.chosen.ids.size}`;
    if (this.outlined.has(key)) return this.outlined.get(key);
    const panel = this.panels[index];
    const groups = new Map();
    this.labels.forEach((label, i) => {
      if (!this.isLit(index, i)) return;
      const isForget = this.isForget(i);
      const name = `${label} ${isForget}`;
      if (!groups.has(name)) groups.set(name, { positions: [], colour: this.data.colours[label], isForget });
      groups.get(name).positions.push(i);
    });
    const lines = [...groups.values()]
      .map((group) => ({ ...group, lines: outline(panel.here, group.positions, this.data.range) }))
      .filter((group) => group.lines);
    this.outlined.set(key, lines);
    return lines;
  }

  // --- what a person does ------------------------------------------------------------------

  choose(how, ids) {
    if (this.chosen.combine(how, ids)) this.tell();
  }

  toggle(position) {
    if (position === null) return;
    const id = this.ids[position];
    this.choose(this.chosen.ids.has(id) ? "subtract" : "add", [id]);
  }

  undo() {
    if (this.chosen.undo()) this.tell();
  }

  tell() {
    this.restyle();
    this.bar.draw();
    this.redraw();
    this.address.soon();
    this.send("ids", this.chosen.sorted());
  }

  pin(position) {
    const next = position === this.pinned ? null : position;
    if (next === null && this.pinned === null) return;
    this.pinned = next;
    this.captions.answers();
    this.redraw();
    this.address.soon();
    this.send("pinned", next === null ? null : this.ids[next]);
  }

  isolate(label, isMore = false) {
    const next = new Set(isMore ? this.alone : []);
    if (label !== null && !this.alone.has(label)) next.add(label);
    else if (isMore) next.delete(label);
    this.alone = next;
    this.restyle();
    this.bar.draw();
    this.redraw();
    this.address.soon();
  }

  showAll() {
    this.cameras.forEach((camera) => camera.reset());
    this.redraw();
  }

  turnTo(index) {
    this.panel = (index + this.panels.length) % this.panels.length;
    this.captions.say(`Map of ${this.panels[this.panel].label}`);
  }

  toggleContours() {
    this.hasContours = !this.hasContours;
    this.bar.draw();
    this.redraw();
  }

  toggleTrails() {
    this.hasTrails = !this.hasTrails;
    this.bar.draw();
    this.redraw();
  }

  goTo(way) {
    this.way = way;
    if (this.bar.slider) this.bar.slider.value = way;
    this.captions.answers();
    this.redraw();
  }

  // From the first map to the second, a moment there, and back.
  play() {
    const isMoving = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isMoving) return this.goTo(this.way < 0.5 ? 1 : 0);
    const start = performance.now();
    this.playing = start;
    const step = (now) => {
      if (this.playing !== start || !this.journey || !this.root.isConnected) return;
      const seconds = (now - start) / 1000;
      const there = Math.min(1, seconds / PLAY_SECONDS);
      const back = Math.max(0, Math.min(1, seconds / PLAY_SECONDS - 1.5));
      const eased = (t) => t * t * (3 - 2 * t);
      this.goTo(eased(there) - eased(back));
      if (back < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
    return undefined;
  }

  isFull() {
    return document.fullscreenElement === this.root;
  }

  hover(position, options) {
    if (position === this.hovered) return;
    this.hovered = position;
    this.captions.show(position, options);
    this.redraw();
  }

  toggleFull() {
    if (this.isFull()) document.exitFullscreen();
    else this.root.requestFullscreen();
  }

  savePicture() {
    this.paintAll();
    const sheet = make("canvas", { width: this.points.width, height: this.points.height });
    const pen = sheet.getContext("2d");
    const ratio = this.points.width / this.points.clientWidth;
    pen.fillStyle = this.paper;
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(this.points, 0, 0);
    pen.drawImage(this.marks.canvas, 0, 0);
    pen.scale(ratio, ratio);
    pen.fillStyle = this.ink;
    this.boxes.forEach(({ left, top }, i) => {
      const [name, answer] = this.captions.titles.children[i].children;
      pen.font = `600 15px ${getComputedStyle(this.root).fontFamily}`;
      pen.fillText(name.textContent, left, top - 28);
      pen.font = `13px ${getComputedStyle(this.root).fontFamily}`;
      pen.fillText(answer.textContent, left, top - 10);
    });
    make("a", { download: "maps.png", href: sheet.toDataURL("image/png") }).click();
  }
}

// Points come with what is selected, as in a handout, or on a page on their own, before or after.
function arrived({ map: asked, selection, pin }) {
  const points = asked.panels ? asked : globalThis.unlearnPoints;
  const isThere = points && versionOf(points) === versionOf(asked);
  return isThere ? [points, selection, pin] : null;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".feature-map");
  if (!root) return undefined;
  root.featureMap ??= new FeatureMap(root);
  const map = root.featureMap;
  map.send = setStateValue;
  const show = () => {
    const all = arrived(data);
    if (all) map.update(...all);
    return all;
  };
  const later = () => show() && removeEventListener("unlearn-points", later);
  if (!show()) addEventListener("unlearn-points", later);
  return () => {
    removeEventListener("unlearn-points", later);
    setTimeout(() => root.isConnected || map.close());
  };
}
