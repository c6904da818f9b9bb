// White on black, like the data sets' pictures; after each stroke the page is sent a PNG.

const MOST_STROKES = 200;

class Canvas {
  constructor(root, pen) {
    this.root = root;
    this.board = root.querySelector("canvas");
    this.pen = this.board.getContext("2d");
    this.strokes = [];
    this.width = pen;
    this.tools(root.querySelector(".canvas-tools"));
    this.board.onpointerdown = (event) => this.begin(event);
    this.board.onpointermove = (event) => this.go(event);
    this.board.onpointerup = this.board.onpointercancel = () => this.end();
    this.draw();
  }

  tools(place) {
    const button = (text, act) => {
      const element = document.createElement("button");
      element.type = "button";
      element.textContent = text;
      element.onclick = () => { act(); this.draw(); this.tell(); };
      return element;
    };
    const width = Object.assign(document.createElement("input"), { type: "range", min: 8, max: 60, value: this.width, title: "Width of the pen" });
    width.setAttribute("aria-label", "Width of the pen");
    width.oninput = () => { this.width = Number(width.value); };
    place.replaceChildren(button("Undo", () => this.strokes.pop()), button("Clear", () => { this.strokes = []; }), width);
  }

  place(event) {
    const box = this.board.getBoundingClientRect();
    const scale = this.board.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  begin(event) {
    this.board.setPointerCapture(event.pointerId);
    this.strokes = [...this.strokes.slice(1 - MOST_STROKES), { width: this.width, points: [this.place(event)] }];
    this.isDown = true;
    this.draw();
  }

  go(event) {
    if (!this.isDown) return;
    this.strokes.at(-1).points.push(this.place(event));
    this.draw();
  }

  end() {
    if (!this.isDown) return;
    this.isDown = false;
    this.tell();
  }

  draw() {
    const { pen, board } = this;
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, board.width, board.height);
    pen.strokeStyle = "#fff";
    pen.lineCap = pen.lineJoin = "round";
    for (const { width, points } of this.strokes) {
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(...points[0]);
      points.forEach((point) => pen.lineTo(...point));
      pen.stroke();
    }
  }

  tell() {
    this.send(this.strokes.length ? this.board.toDataURL("image/png") : null);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".canvas");
  if (!root) return;
  root.drawing ??= new Canvas(root, data.pen);
  root.drawing.send = (picture) => setStateValue("picture", picture);
}
