// What lies over the points: frames, outlines, trails, rings, links to neighbours, and the loop.

const RING = 8; // radius in pixels
const ACCENT = "#0072B2";

class Marks {
  constructor(map, canvas) {
    this.map = map;
    this.canvas = canvas;
  }

  draw() {
    const { map, canvas } = this;
    const ratio = canvas.width / canvas.clientWidth || 1;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    map.boxes.forEach((box, i) => {
      pen.save();
      pen.translate(box.left, box.top);
      pen.strokeStyle = "#B8BEC6";
      pen.lineWidth = 1;
      pen.strokeRect(0.5, 0.5, box.width - 1, box.height - 1);
      pen.beginPath();
      pen.rect(0, 0, box.width, box.height);
      pen.clip();
      if (map.hasContours && !map.isDeep) this.contours(pen, i);
      if (map.journey && map.hasTrails && i === 0) this.trails(pen);
      this.pin(pen, i);
      this.ring(pen, i, map.hovered, 2);
      pen.restore();
    });
    if (map.gestures.path) this.loop(pen, map.gestures.path);
  }

  // Outlines around most of each class; those of examples to forget are dashed.
  contours(pen, index) {
    const { map } = this;
    const box = map.boxes[index];
    map.outlines(index).forEach(({ lines, colour, isForget }) => {
      const corners = new Float32Array((lines.length / 2) * 3);
      for (let i = 0, j = 0; i < lines.length; i += 2, j += 3) [corners[j], corners[j + 1]] = [lines[i], lines[i + 1]];
      const pixels = box.camera.project(corners, corners, 0, box.width, box.height);
      pen.beginPath();
      for (let i = 0; i < pixels.length; i += 4) {
        pen.moveTo(pixels[i], pixels[i + 1]);
        pen.lineTo(pixels[i + 2], pixels[i + 3]);
      }
      pen.setLineDash(isForget ? [5, 3] : []);
      pen.strokeStyle = colour;
      pen.lineWidth = isForget ? 2.5 : 1.8;
      pen.stroke();
    });
    pen.setLineDash([]);
  }

  // From where each example whose neighbours changed was, to where it has come.
  trails(pen) {
    const { map } = this;
    const box = map.boxes[0];
    const { here, there } = map.panels[0];
    const start = box.camera.project(here, here, 0, box.width, box.height);
    const now = box.camera.project(here, there, map.way, box.width, box.height);
    pen.lineWidth = 1;
    pen.globalAlpha = 0.45;
    map.journey.trail.forEach((isDrawn, i) => {
      if (!isDrawn || !map.isLit(0, i)) return;
      pen.strokeStyle = map.colourOf(0, i);
      pen.beginPath();
      pen.moveTo(start[2 * i], start[2 * i + 1]);
      pen.lineTo(now[2 * i], now[2 * i + 1]);
      pen.stroke();
    });
    pen.globalAlpha = 1;
  }

  // The pinned example, with lines to its nearest neighbours in this model's features.
  pin(pen, index) {
    const { map } = this;
    if (map.pinned === null) return;
    const pixels = map.pixels(index);
    const [x, y] = [pixels[2 * map.pinned], pixels[2 * map.pinned + 1]];
    map.neighbours(index).forEach((i) => {
      if (!map.panels[index].emphasis[i]) return;
      pen.strokeStyle = map.ink;
      pen.lineWidth = 1.2;
      pen.globalAlpha = 0.55;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(pixels[2 * i], pixels[2 * i + 1]);
      pen.stroke();
      pen.globalAlpha = 1;
      this.ring(pen, index, i, 1.5, 6);
    });
    this.ring(pen, index, map.pinned, 3.5);
  }

  ring(pen, index, position, width, radius = RING) {
    const { map } = this;
    if (position === null || !map.panels[index].emphasis[position]) return;
    const pixels = map.pixels(index);
    for (const [colour, line] of [[map.paper, width + 2.5], [map.ink, width]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.beginPath();
      pen.arc(pixels[2 * position], pixels[2 * position + 1], radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  loop(pen, path) {
    pen.beginPath();
    path.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.fillStyle = `${ACCENT}1F`;
    pen.fill();
    pen.strokeStyle = ACCENT;
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 4]);
    pen.stroke();
    pen.setLineDash([]);
  }
}
