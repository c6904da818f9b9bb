// What is selected, pinned, seen alone and looked at stands in the address of the page, so that a
// copied link shows it again.  It takes the place of the address and is no step of Back.

const ONE_BY_ONE = 600; // letters of ids; of more each example that is shown is a bit

const VIEW = { selected: "picked", pinned: "pin", alone: "only", camera: "camera" };

const numbers = (text) => (text ?? "").split(",").filter(Boolean).map(Number).filter(Number.isFinite);

// Ids in ascending order as steps from one to the next, in base 36; `shown` are those of the map.
function packed(ids, shown) {
  const steps = ids.map((id, i) => (id - (i ? ids[i - 1] : 0)).toString(36)).join(".");
  return steps.length > ONE_BY_ONE ? bits(new Set(ids), [...shown].sort((a, b) => a - b)) : steps;
}

// How many ids are shown, in base 36, and a bit for each of them in ascending order, in base 64.
function bits(ids, shown) {
  const bytes = new Uint8Array(Math.ceil(shown.length / 8));
  shown.forEach((id, i) => ids.has(id) && (bytes[i >> 3] |= 128 >> (i & 7)));
  const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `_${shown.length.toString(36)}.${text}`;
}

class Address {
  constructor(map) {
    this.map = map;
    this.isOfPage = location.protocol.startsWith("http"); // and not a file opened from disk
  }

  // Show what a link asks for: classes alone, and where the camera is.
  read() {
    if (!this.isOfPage || this.isRead) return;
    this.isRead = true;
    const asked = new URLSearchParams(location.search);
    const { map } = this;
    numbers(asked.get(VIEW.alone)).forEach((label) => label in map.data.classes && map.alone.add(label));
    (asked.get(VIEW.camera) ?? "").split(";").forEach((text, i) => {
      const [x, y, zoom, yaw, pitch] = numbers(text);
      const turned = map.isDeep && pitch !== undefined ? { yaw, pitch } : {};
      if (zoom > 0 && map.cameras[i]) Object.assign(map.cameras[i], { x, y, zoom }, turned);
    });
  }

  place({ x, y, zoom, yaw, pitch }) {
    return [x, y, zoom, ...(this.map.isDeep ? [yaw, pitch] : [])].map((one) => Number(one.toPrecision(4))).join();
  }

  write() {
    if (!this.isOfPage || !this.isRead) return;
    const { map } = this;
    const cameras = map.data.linked ? [map.cameras[0]] : map.cameras;
    const places = cameras.map((camera) => (camera.isAtStart() ? "" : this.place(camera)));
    const url = new URL(location.href);
    const now = {
      [VIEW.selected]: packed(map.chosen.sorted(), map.ids),
      [VIEW.pinned]: map.pinned === null ? "" : String(map.ids[map.pinned]),
      [VIEW.alone]: [...map.alone].sort((a, b) => a - b).join(),
      [VIEW.camera]: places.some(Boolean) ? places.join(";") : "",
    };
    for (const [name, value] of Object.entries(now)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  // Write once the person pauses: a browser takes only so many addresses a second.
  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.map.root.isConnected && this.write(), 300);
  }
}
