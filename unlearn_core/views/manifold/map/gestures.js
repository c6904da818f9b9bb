// Mouse, pen and keys on the maps: loops and boxes select, a click pins, arrows walk the points.

const CLICK = 4; // pixels that the mouse may move within a click
const REACH = 14; // pixels within which a point is meant
const STEP = 1.25; // zoom of a key or one turn of the wheel
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Gestures {
  constructor(map, stage) {
    this.map = map;
    this.stage = stage;
    this.path = null;
    this.drag = null;
    const on = (name, act, options) => stage.addEventListener(name, act.bind(this), options);
    on("pointerdown", this.down);
    on("pointermove", this.moved);
    on("pointerup", this.up);
    on("pointercancel", this.stop);
    on("pointerleave", () => !this.drag && map.hover(null));
    on("dblclick", () => map.showAll());
    on("wheel", this.wheel, { passive: false });
    on("keydown", this.key);
    on("blur", () => map.hover(null));
    map.root.addEventListener("keydown", this.anywhere.bind(this));
  }

  place(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  // The panel under a place of the stage, and the place within it.
  panel([x, y]) {
    const { boxes } = this.map;
    const index = boxes.findIndex((b) => x >= b.left && y >= b.top && x <= b.left + b.width && y <= b.top + b.height);
    return index < 0 ? null : { index, at: [x - boxes[index].left, y - boxes[index].top] };
  }

  nearest(found) {
    if (!found) return null;
    const counts = (i) => this.map.panels[found.index].emphasis[i] > 0;
    return nearestAt(this.map.pixels(found.index), ...found.at, counts, REACH);
  }

  down(event) {
    const start = this.place(event);
    const found = this.panel(start);
    if (event.button || !found) return;
    this.stage.classList.add("by-mouse"); // whoever points needs no frame that shows the focus
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    this.drag = { start, last: start, index: found.index, tool: this.map.bar.tool, isMoved: false };
    this.map.panel = found.index;
  }

  moved(event) {
    const here = this.place(event);
    const { map, drag } = this;
    if (!drag) {
      const found = this.panel(here);
      if (found) map.panel = found.index;
      map.hover(this.nearest(found));
      return;
    }
    if (!drag.isMoved && Math.hypot(here[0] - drag.start[0], here[1] - drag.start[1]) < CLICK) return;
    if (!drag.isMoved) map.hover(null);
    drag.isMoved = true;
    const box = map.boxes[drag.index];
    const [dx, dy] = [here[0] - drag.last[0], here[1] - drag.last[1]];
    if (drag.tool === "move") box.camera.move(dx, dy, box.width, box.height);
    else if (drag.tool === "turn") {
      box.camera.yaw += dx / 150;
      box.camera.pitch = Math.max(-1.5, Math.min(1.5, box.camera.pitch + dy / 150));
    } else if (drag.tool === "lasso") (this.path ??= [drag.start]).push(here);
    else this.path = [drag.start, [here[0], drag.start[1]], here, [drag.start[0], here[1]]];
    drag.last = here;
    map.redraw();
  }

  up(event) {
    const { map, drag, path } = this;
    this.stop();
    if (!drag) return;
    if (!drag.isMoved) {
      map.pin(this.nearest(this.panel(drag.start)));
    } else if (drag.tool === "zoom") {
      const box = map.boxes[drag.index];
      const inside = ([x, y]) => [x - box.left, y - box.top];
      box.camera.zoomTo(inside(path[0]), inside(path[2]), box.width, box.height);
      map.redraw();
    } else if (path) map.choose(this.how(event), this.within(drag.index, path));
  }

  stop() {
    this.drag = this.path = null;
    this.map.redraw();
  }

  how(event) {
    if (event.shiftKey) return "add";
    return event.altKey ? "subtract" : this.map.bar.how;
  }

  // Ids of the highlighted points of a panel inside a path on the stage.
  within(index, path) {
    const { map } = this;
    const { left, top } = map.boxes[index];
    const polygon = path.map(([x, y]) => [x - left, y - top]);
    const pixels = map.pixels(index);
    return Array.from(map.ids).filter((_, i) => map.isLit(index, i) && isInside(polygon, pixels[2 * i], pixels[2 * i + 1]));
  }

  // A wheel alone scrolls the page, as everywhere; with Ctrl, a pinch, or full screen it zooms.
  wheel(event) {
    const { map } = this;
    const found = this.panel(this.place(event));
    if (!found || !(event.ctrlKey || event.metaKey || map.bar.tool === "move" || map.isFull())) return;
    event.preventDefault();
    const box = map.boxes[found.index];
    box.camera.zoomAt(event.deltaY < 0 ? STEP : 1 / STEP, ...found.at, box.width, box.height);
    map.redraw();
  }

  key(event) {
    const { map } = this;
    this.stage.classList.remove("by-mouse");
    const box = map.boxes[map.panel] ?? map.boxes[0];
    const zoom = (factor) => box.camera.zoomAt(factor, box.width / 2, box.height / 2, box.width, box.height);
    const acts = {
      Enter: () => map.pin(map.hovered),
      " ": () => map.toggle(map.hovered),
      "+": () => zoom(STEP),
      "-": () => zoom(1 / STEP),
      0: () => map.showAll(),
      PageDown: () => map.turnTo(map.panel + 1),
      PageUp: () => map.turnTo(map.panel - 1),
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (ARROWS[event.key]) this.walk(ARROWS[event.key]);
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
    map.redraw();
  }

  // What works wherever the focus is on the maps or their tools.
  anywhere(event) {
    const { map } = this;
    if (event.target.tagName === "INPUT") return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") map.undo();
    else if (event.key === "Escape") this.path ? this.stop() : map.choose("replace", []);
    else return;
    event.preventDefault();
  }

  // Go from the point at hand to the next in a direction, or begin with the one in the middle.
  walk(direction) {
    const { map } = this;
    const box = map.boxes[map.panel];
    const pixels = map.pixels(map.panel);
    const counts = (i) => map.isLit(map.panel, i);
    const from = map.hovered ?? map.pinned;
    const next = from === null
      ? nearestAt(pixels, box.width / 2, box.height / 2, counts, Infinity)
      : nearestTowards(pixels, from, direction, counts);
    if (next !== null) map.hover(next, { spoken: true });
  }
}
