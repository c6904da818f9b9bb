// Where a point of the data lies on the screen: turned about the middle, then moved and scaled.
// A flat map is one that is never turned. All functions of places are here.

const START = { yaw: 0.6, pitch: 0.35 }; // of a map with depth
const MOST_ZOOM = 200;

class Camera {
  // `range` has the lowest and highest value of `x`, `y` and, for a map with depth, `z`.
  constructor(range) {
    this.fitTo(range);
    this.reset();
  }

  fitTo(range) {
    this.isDeep = Boolean(range.z);
    const sides = [range.x, range.y, range.z ?? [0, 0]];
    this.middle = sides.map(([low, high]) => (low + high) / 2);
    const spans = sides.map(([low, high]) => high - low);
    const widest = Math.hypot(...spans);
    this.span = this.isDeep ? [widest * 0.6, widest * 0.6] : spans; // corners are empty
    this.depth = this.isDeep ? 1 / widest : 0;
  }

  reset() {
    Object.assign(this, { x: 0, y: 0, zoom: 1, yaw: 0, pitch: 0 }, this.isDeep ? START : {});
  }

  isAtStart() {
    const start = this.isDeep ? START : { yaw: 0, pitch: 0 };
    return !this.x && !this.y && this.zoom === 1 && this.yaw === start.yaw && this.pitch === start.pitch;
  }

  // Text that changes with what is seen.
  stamp() {
    return [this.x, this.y, this.zoom, this.yaw, this.pitch].join();
  }

  scale(width, height) {
    return this.zoom * Math.min(width / this.span[0], height / this.span[1]);
  }

  // Rows of the matrix that turns about the upright axis by `yaw` and then tips by `pitch`.
  turn() {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    return [cy, 0, sy, sp * sy, cp, -sp * cy, -cp * sy, sp, cp * cy];
  }

  // Pixels from the upper left corner of a panel, two a point; `way` is how far from here to there.
  project(here, there, way, width, height) {
    const turn = this.turn();
    const scale = this.scale(width, height);
    const [mx, my, mz] = this.middle;
    const pixels = new Float32Array((2 * here.length) / 3);
    for (let i = 0, j = 0; i < here.length; i += 3, j += 2) {
      const x = here[i] + way * (there[i] - here[i]) - mx;
      const y = here[i + 1] + way * (there[i + 1] - here[i + 1]) - my;
      const z = here[i + 2] + way * (there[i + 2] - here[i + 2]) - mz;
      pixels[j] = width / 2 + (turn[0] * x + turn[1] * y + turn[2] * z - this.x) * scale;
      pixels[j + 1] = height / 2 - (turn[3] * x + turn[4] * y + turn[5] * z - this.y) * scale;
    }
    return pixels;
  }

  move(dx, dy, width, height) {
    const scale = this.scale(width, height);
    this.x -= dx / scale;
    this.y += dy / scale;
  }

  // Zoom by a factor and keep what is at these pixels of the panel where it is.
  zoomAt(factor, px, py, width, height) {
    const zoom = Math.max(0.5, Math.min(MOST_ZOOM, this.zoom * factor));
    const before = this.scale(width, height);
    this.zoom = zoom;
    const change = 1 / before - 1 / this.scale(width, height);
    this.x += (px - width / 2) * change;
    this.y -= (py - height / 2) * change;
  }

  // Show what is between two corners, in pixels of the panel.
  zoomTo([x0, y0], [x1, y1], width, height) {
    const wanted = Math.min(width / Math.abs(x1 - x0), height / Math.abs(y1 - y0));
    this.move(width / 2 - (x0 + x1) / 2, height / 2 - (y0 + y1) / 2, width, height);
    this.zoomAt(wanted, width / 2, height / 2, width, height);
  }
}

// Whether a pixel is inside a closed polygon of [x, y] pairs (even-odd rule).
function isInside(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

// The position nearest to a pixel among those that `counts` accepts, at most `most` pixels away.
function nearestAt(pixels, x, y, counts, most) {
  let best = null;
  let least = most * most;
  for (let i = 0, j = 0; j < pixels.length; i += 1, j += 2) {
    const distance = (pixels[j] - x) ** 2 + (pixels[j + 1] - y) ** 2;
    if (distance <= least && counts(i)) [best, least] = [i, distance];
  }
  return best;
}

// The nearest position in a direction, [1, 0] being to the right: straight ahead counts as nearer.
function nearestTowards(pixels, from, [dx, dy], counts) {
  let best = null;
  let least = Infinity;
  for (let i = 0, j = 0; j < pixels.length; i += 1, j += 2) {
    const x = pixels[j] - pixels[2 * from];
    const y = pixels[j + 1] - pixels[2 * from + 1];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy - y * dx);
    const cost = ahead + 2 * aside;
    if (ahead > 0.5 && aside <= ahead && cost < least && i !== from && counts(i)) [best, least] = [i, cost];
  }
  return best;
}
