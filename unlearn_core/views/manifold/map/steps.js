// Several methods at work, step by step and side by side: their maps, and a curve under them.

const SECONDS = 9; // of a whole course at usual speed
const CURVE = 172; // height in pixels
const EDGE = { left: 44, right: 150, top: 12, bottom: 12 };
const SPEEDS = [[0.5, "½×", "Half as fast"], [1, "1×", "Usual speed"], [2, "2×", "Twice as fast"]];

class Steps {
  constructor(root) {
    this.root = root;
    this.at = 0; // share of every method's own steps
    this.speed = 1;
    this.isLooping = false;
    this.makeBar();
    this.stage = make("div", { className: "map-course" });
    this.points = make("canvas", { className: "map-points" });
    this.titles = make("div", { className: "map-titles" });
    this.stage.append(this.points, this.titles);
    this.curve = make("canvas", { className: "map-curve", role: "img" });
    this.curve.style.height = `${CURVE}px`;
    this.words = make("div", { className: "map-words" });
    root.append(this.bar, this.stage, this.curve, this.words);
    this.cloud = new PointCloud(this.points, () => this.show());
    this.watch = new ResizeObserver(() => this.data && Math.abs(root.clientWidth - this.width) >= 2 && this.fit());
    this.watch.observe(root);
  }

  close() {
    this.watch.disconnect();
    this.playing = null;
    this.cloud.close();
  }

  update(data) {
    if (!this.cloud.gl) {
      this.root.innerHTML = '<p class="map-note">This browser does not offer WebGL 2, which draws the maps.</p>';
      return;
    }
    const version = data.version + data.outline;
    if (this.version === version) return;
    this.version = version;
    this.data = data;
    this.panels = data.panels.map((panel) => ({
      ...panel,
      labels: decode(panel.labels),
      forget: decode(panel.forget),
      frames: panel.frames.map(({ x, y }) => placesOf(decode(x), decode(y))),
      frame: -1,
    }));
    this.show();
    this.root.dataset.drawn = version;
  }

  show() {
    this.cloud.keep(this.panels.length);
    this.panels.forEach((panel, index) => {
      const count = panel.labels.length;
      const colour = new Uint8Array(4 * count);
      const form = new Float32Array(2 * count);
      const order = [[], []];
      for (let i = 0; i < count; i += 1) {
        colour.set([...rgb(this.data.colours[panel.labels[i]]), panel.forget[i] ? 242 : 150], 4 * i);
        form.set(panel.forget[i] ? [11, 1] : [6, 0], 2 * i);
        order[panel.forget[i]].push(i);
      }
      this.cloud.paint(index, colour, form, Uint32Array.from(order.flat()));
      panel.frame = -1;
    });
    this.cameras = this.panels.map(({ range }) => new Camera(range));
    this.fit();
  }

  makeBar() {
    this.slider = make("input", {
      type: "range", min: 0, max: 1, step: 0.002, value: 0, "aria-label": "Share of every method's steps",
      oninput: () => {
        this.pause();
        this.goTo(Number(this.slider.value));
      },
    });
    const button = (text, title, act) => make("button", { type: "button", textContent: text, title, onclick: act });
    this.play = button("", "Let all methods work at once", () => (this.playing ? this.pause() : this.start()));
    this.speeds = SPEEDS.map(([speed, text, title]) => button(text, title, () => this.set({ speed })));
    this.again = button("Again and again", "Begin again at the end", () => this.set({ isLooping: !this.isLooping }));
    this.bar = make("div", { className: "map-bar" },
      make("div", { className: "map-group map-journey" }, this.play, this.slider),
      make("div", { className: "map-group", role: "group", "aria-label": "Speed" }, ...this.speeds), this.again);
    this.set({});
  }

  set(choice) {
    Object.assign(this, choice);
    this.play.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.speeds.forEach((one, i) => one.setAttribute("aria-pressed", String(SPEEDS[i][0] === this.speed)));
    this.again.setAttribute("aria-pressed", String(this.isLooping));
  }

  start() {
    if (this.at >= 1) this.goTo(0);
    let last = performance.now();
    const step = (now) => {
      if (this.playing !== step || !this.root.isConnected) return;
      const next = this.at + ((now - last) / 1000 / SECONDS) * this.speed;
      last = now;
      this.goTo(next >= 1 && this.isLooping ? 0 : Math.min(1, next));
      if (this.at < 1) requestAnimationFrame(step);
      else this.pause();
    };
    this.set({ playing: step });
    requestAnimationFrame(step);
  }

  pause() {
    this.set({ playing: null });
  }

  goTo(at) {
    this.at = at;
    this.slider.value = at;
    this.draw();
  }

  fit() {
    const width = this.root.clientWidth || 900;
    const { boxes, height } = layOut(width, this.panels.length, (side) => Math.max(200, Math.min(side * 0.8, 380)));
    this.width = width;
    this.boxes = boxes;
    sizeCanvases([this.points], this.stage, width, height);
    sizeCanvases([this.curve], this.curve, width, CURVE);
    this.titles.replaceChildren(...this.panels.map((panel, i) => make(
      "div", { className: "map-title", style: `left:${boxes[i].left}px;top:${boxes[i].top - titleRoom()}px;width:${boxes[i].width}px` },
      make("div", { className: "map-name" }, make("i", { className: "map-swatch", style: `background:${panel.colour}` }), make("b", { textContent: panel.label })),
      make("div", { className: "map-answer" }))));
    this.titles.append(...boxes.map(({ left, top, width: across, height: tall }) => make(
      "div", { className: "map-frame", style: `left:${left}px;top:${top}px;width:${across}px;height:${tall}px` })));
    this.draw();
  }

  // Between which two frames of a panel the points are, and how far.
  between({ steps }) {
    const step = this.at * steps[steps.length - 1];
    let frame = 0;
    while (frame + 2 < steps.length && steps[frame + 1] <= step) frame += 1;
    const next = Math.min(frame + 1, steps.length - 1);
    const length = steps[next] - steps[frame];
    return { frame, next, way: length ? Math.min(1, (step - steps[frame]) / length) : 0, step };
  }

  draw() {
    const boxes = this.boxes.map((box, i) => {
      const panel = this.panels[i];
      const { frame, next, way, step } = this.between(panel);
      if (panel.frame !== frame) this.cloud.place(i, panel.frames[frame], panel.frames[next]);
      panel.frame = frame;
      const value = valueAt(panel.curve, step);
      const words = value === null ? "" : `; ${this.data.curve_name} ${value.toFixed(2)}`;
      this.titles.children[i].lastElementChild.replaceChildren(...symbols(`step ${Math.round(step)} of ${panel.steps.at(-1)}${words}`));
      return { ...box, camera: this.cameras[i], way };
    });
    const ratio = this.points.width / this.points.clientWidth || 1;
    this.cloud.draw(boxes, ratio, rgb(this.data.outline).map((part) => part / 255));
    this.drawCurves();
  }

  // Every method's curve over its own steps, the retrained model's line, and where they are now.
  drawCurves() {
    const { curve, data, width } = this;
    const style = getComputedStyle(this.root);
    const pen = curve.getContext("2d");
    const ratio = curve.width / width;
    const across = (share) => EDGE.left + share * (width - EDGE.left - EDGE.right);
    const up = (value) => CURVE - EDGE.bottom - value * (CURVE - EDGE.top - EDGE.bottom);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, CURVE);
    pen.font = `12px ${style.fontFamily}`;
    pen.fillStyle = style.color;
    pen.strokeStyle = "#B8BEC6";
    pen.lineWidth = 1;
    pen.textAlign = "right";
    for (const value of [0, 0.5, 1]) {
      pen.fillText(value.toFixed(1), EDGE.left - 6, up(value) + 4);
      line(pen, [[across(0), up(value)], [across(1), up(value)]]);
    }
    pen.textAlign = "left";
    const words = `${data.curve_name} by the share of each method's own steps`;
    this.words.replaceChildren(...symbols(words));
    curve.setAttribute("aria-label", words);
    const ends = [];
    if (data.retrained !== null) {
      pen.strokeStyle = data.retrained_colour;
      pen.lineWidth = 2;
      line(pen, [[across(0), up(data.retrained)], [across(1), up(data.retrained)]], [7, 4]);
      ends.push({ text: "Retrained", y: up(data.retrained), colour: data.retrained_colour });
    }
    this.panels.forEach((panel) => {
      if (!panel.curve.length) return;
      const last = panel.steps.at(-1) || 1;
      pen.strokeStyle = pen.fillStyle = panel.colour;
      pen.lineWidth = 2;
      line(pen, panel.curve.map(([step, value]) => [across(step / last), up(value)]));
      const value = valueAt(panel.curve, this.at * last);
      pen.beginPath();
      pen.arc(across(this.at), up(value), 5, 0, 2 * Math.PI);
      pen.fill();
      ends.push({ text: panel.label, y: up(panel.curve.at(-1)[1]), colour: panel.colour });
    });
    pen.strokeStyle = style.color;
    line(pen, [[across(this.at), EDGE.top], [across(this.at), CURVE - EDGE.bottom]], [2, 3]);
    spread(ends, 14).forEach(({ text, y, colour }) => {
      pen.fillStyle = colour;
      pen.fillText(text, across(1) + 8, y + 4, EDGE.right - 12);
    });
  }
}

function line(pen, places, dash = []) {
  pen.setLineDash(dash);
  pen.beginPath();
  places.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
  pen.setLineDash([]);
}

// The value of a curve of [step, value] at a step, straight between its points; null without any.
function valueAt(curve, step) {
  if (!curve.length) return null;
  const next = curve.findIndex(([at]) => at >= step);
  if (next <= 0) return next < 0 ? curve.at(-1)[1] : curve[0][1];
  const [[x0, y0], [x1, y1]] = [curve[next - 1], curve[next]];
  return y0 + ((y1 - y0) * (step - x0)) / (x1 - x0);
}

// Labels from above, each at least so far below the one before.
function spread(labels, distance) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  sorted.forEach((label, i) => {
    if (i) label.y = Math.max(label.y, sorted[i - 1].y + distance);
  });
  const over = sorted.length ? Math.max(0, sorted.at(-1).y - (CURVE - EDGE.bottom)) : 0;
  return sorted.map((label) => ({ ...label, y: label.y - over }));
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".map-steps");
  if (!root) return undefined;
  root.steps ??= new Steps(root);
  const { steps } = root;
  steps.update(data);
  return () => setTimeout(() => root.isConnected || steps.close());
}
