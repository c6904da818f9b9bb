// Above the maps: tools, search, and the classes with their counts.

const TOOLS = {
  lasso: ["Lasso", "Draw a loop around points to select them"],
  box: ["Box", "Drag a box around points to select them"],
  zoom: ["Zoom", "Drag a box to zoom in; a double click shows everything again"],
  move: ["Move", "Drag to move the maps; the wheel zooms"],
  turn: ["Turn", "Drag to turn the maps"],
};
const HOW = {
  replace: ["New", "The next loop begins a new selection"],
  add: ["Add", "The next loop adds to the selection (or hold Shift)"],
  subtract: ["Take away", "The next loop takes away from the selection (or hold Alt)"],
};
const MOST_CLASSES = 24, MOST_LETTERS = 180; // of the classes' names: about two lines

class Bar {
  constructor(map) {
    this.map = map;
    this.tool = "lasso";
    this.how = "replace";
    this.bar = make("div", { className: "map-bar" });
    this.legend = make("div", { className: "map-legend" });
    this.found = make("span", { className: "map-found", role: "status" });
  }

  button(label, title, act, properties = {}) {
    return make("button", { type: "button", textContent: label, title, onclick: act, ...properties });
  }

  group(label, options, chosen, choose) {
    const buttons = Object.entries(options).map(([name, [text, title]]) =>
      this.button(text, title, () => choose(name), { "aria-pressed": String(name === chosen) }));
    return make("div", { className: "map-group", role: "group", "aria-label": label }, ...buttons);
  }

  // What differs between flat maps, maps with depth, and two maps with a way between them.
  draw() {
    const { map } = this;
    const tools = Object.entries(TOOLS).filter(([name]) => name !== "turn" || map.isDeep);
    if (!map.isDeep && this.tool === "turn") this.tool = "lasso";
    const pressed = (isOn) => ({ "aria-pressed": String(isOn) });
    const keep = this.focus();
    this.bar.replaceChildren(
      this.group("Tool", Object.fromEntries(tools), this.tool, (name) => this.set({ tool: name })),
      this.group("A loop", HOW, this.how, (name) => this.set({ how: name })),
      make("div", { className: "map-group" },
        this.button("Undo", "Bring the selection before back (Ctrl+Z)", () => map.undo(), { disabled: !map.chosen.past.length }),
        this.button("Clear", "Select nothing (Esc)", () => map.choose("replace", []), { disabled: !map.chosen.ids.size })),
      make("div", { className: "map-group" },
        this.button("Whole map", "Show everything again (double click, or 0)", () => map.showAll()),
        ...(map.isDeep ? [] : [this.button("Contours", "Outline where most of each class lies", () => map.toggleContours(), pressed(map.hasContours))]),
        this.button("Picture", "Save the maps as a picture", () => map.savePicture()),
        this.button(map.isFull() ? "Leave full screen" : "Full screen", "Fill the screen with the maps", () => map.toggleFull())),
      this.search(),
      this.found,
      ...(map.journey ? [this.journey()] : []),
    );
    this.drawLegend();
    keep();
  }

  // Return what gives the focus back to the button at the same place, once all are made again.
  focus() {
    const all = () => [...this.map.root.querySelectorAll(".map-bar button, .map-bar input, .map-legend button")];
    const place = all().indexOf(document.activeElement);
    return () => place >= 0 && all()[place]?.focus({ preventScroll: true });
  }

  set(choice) {
    Object.assign(this, choice);
    this.draw();
  }

  journey() {
    const { map } = this;
    this.slider = make("input", {
      type: "range", min: 0, max: 1, step: 0.01, value: map.way, "aria-label": "Way from the first map to the second",
      oninput: () => map.goTo(Number(this.slider.value)),
    });
    this.play = this.button("▶ Play there and back", "Move the points of the first map to their places in the second, and back", () => map.play());
    return make("div", { className: "map-group map-journey" }, this.play, this.slider,
      this.button("Trails", "Draw the way of the examples whose neighbours change", () => map.toggleTrails(), { "aria-pressed": String(map.hasTrails) }));
  }

  search() {
    const { classes } = this.map.data;
    const names = make("datalist", { id: `classes-${this.map.number}` }, ...classes.map((name) => make("option", { value: `class ${name}` })));
    const field = make("input", {
      type: "search", placeholder: "id 17 or class 3", list: names.id, value: this.sought ?? "",
      title: "Enter pins an id, or selects the examples of a class; several ids with commas",
      "aria-label": "Find an example by id, or a class by name",
      oninput: () => (this.sought = field.value),
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.key === "Enter") this.find(field.value, this.map.gestures.how(event));
      },
    });
    return make("div", { className: "map-group" }, field, names);
  }

  find(text, how) {
    const { map } = this;
    const words = text.trim();
    const numbers = words.match(/^(?:ids?\s*)?(\d+(?:[\s,;]+\d+)*)$/i);
    const name = words.replace(/^class\s+/i, "").toLowerCase();
    const label = map.data.classes.findIndex((one) => one.toLowerCase() === name);
    if (!words) this.say("");
    else if (numbers) this.findIds(numbers[1].split(/[\s,;]+/).map(Number), how);
    else if (label < 0) this.say(/^ids?\s/i.test(words) ? "An id is a whole number; several stand with commas." : `No class is called “${name}”.`);
    else {
      const ids = Array.from(map.ids).filter((_, i) => map.labels[i] === label && map.isShown(i));
      map.choose(how, ids);
      this.say(`${ids.length} of class ${map.data.classes[label]}`);
    }
  }

  findIds(numbers, how) {
    const { map } = this;
    const positions = numbers.map((id) => map.ids.indexOf(id));
    const lost = numbers.filter((_, i) => positions[i] < 0 || !map.isShown(positions[i]));
    const there = numbers.filter((id) => !lost.includes(id));
    if (numbers.length > 1 && there.length) map.choose(how, there);
    else if (there.length && positions[0] !== map.pinned) map.pin(positions[0]); // which would let it go
    else if (!there.length && map.pinned !== null) map.pin(map.pinned); // is not what was sought
    this.say(lost.length ? `Not on these maps: id ${lost.join(", ")}` : "");
  }

  say(text) {
    this.found.textContent = text;
  }

  // A class with its count; a click shows it alone, another click all of them again.
  drawLegend() {
    const { map } = this;
    const { classes, colours, colour, values } = map.data;
    const counts = map.countClasses();
    const total = counts.reduce((sum, count) => sum + count, 0);
    const chips = this.namedClasses().map((label) => {
      const name = classes[label];
      const dot = make("i", { style: values ? "display:none" : `background:${colours[label]}` });
      const count = make("small", { textContent: counts[label].toLocaleString("en") });
      const words = `Class ${name}: ${counts[label].toLocaleString("en")} of ${total.toLocaleString("en")} examples`;
      return make("button", {
        type: "button", title: `${words}. Click to see it alone; Shift-click for several.`, "aria-label": words,
        "aria-pressed": String(map.alone.has(label)), onclick: (event) => map.isolate(label, event.shiftKey),
      }, dot, name, count);
    });
    if (classes.length > chips.length) chips.push(make("span", { textContent: `and ${classes.length - chips.length} more` }));
    const shown = map.alone.size
      ? `${[...map.alone].reduce((sum, label) => sum + counts[label], 0).toLocaleString("en")} of ${total.toLocaleString("en")}`
      : total.toLocaleString("en");
    const heading = make("b", { textContent: colour === "prediction" ? "Colour: predicted class. Label" : "Label" });
    const all = map.alone.size ? [this.button("Show all", "Show all classes again", () => map.isolate(null))] : [];
    this.legend.replaceChildren(
      heading, make("span", { className: "map-count", textContent: shown }), ...all, ...chips,
      make("span", {}, make("i", { className: "forget" }), "diamond: to forget"),
      ...(map.hasDimmed() ? [make("span", {}, make("i", { style: `background:${map.data.muted}` }), "not highlighted")] : []),
      ...(values ? [this.ramp(values)] : []),
    );
  }

  // The classes that are named: all, or as many as there is room for, those to forget first.
  namedClasses() {
    const { map } = this;
    const isForgotten = map.data.classes.map(() => false);
    map.labels.forEach((label, i) => map.isForget(i) && (isForgotten[label] = true));
    const order = [...isForgotten.keys()].sort((a, b) => isForgotten[b] - isForgotten[a] || a - b);
    let letters = 0;
    const fits = (label) => (letters += map.data.classes[label].length) <= MOST_LETTERS;
    const named = order.slice(0, MOST_CLASSES).filter(fits);
    return named.length < order.length ? named : order.sort((a, b) => a - b);
  }

  ramp({ name, low, high, colours }) {
    const bar = make("i", { className: "ramp", style: `background:linear-gradient(to right, ${colours.join(",")})` });
    return make("span", { className: "map-ramp" }, make("b", { textContent: name }), low, bar, high);
  }
}
