// Maps of several models in one plotly figure: matched axes, one selection, pictures on hover.
// A selection is applied to all panels here at once and then sent to the page as example ids.

const TYPES = { f4: Float32Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array };
const DIMMED = 1;
const LIT = 2;
const TITLE = 44;
const TOOLS = 28;
const GAP = 14;
const NARROWEST = 240;

function decode({ dtype, bdata }) {
  const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0));
  return new TYPES[dtype](bytes.buffer);
}

async function plotly() {
  for (let waited = 0; waited < 30000 && !globalThis.unlearnPlotly; waited += 25) {
    await new Promise((done) => setTimeout(done, 25));
  }
  return globalThis.unlearnPlotly;
}

function escape(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

class FeatureMap {
  constructor(root) {
    this.root = root;
    this.legend = this.add("feature-map-legend");
    this.plot = this.add("feature-map-plot");
    this.tip = this.add("feature-map-tip");
    this.rings = [];
    this.selected = new Set();
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(root);
  }

  add(name) {
    const element = document.createElement("div");
    element.className = name;
    this.root.appendChild(element);
    return element;
  }

  close() {
    this.watch.disconnect();
    if (globalThis.unlearnPlotly) globalThis.unlearnPlotly.purge(this.plot);
  }

  async update(data, selection) {
    this.pending = { data, selection };
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.pending) {
        const next = this.pending;
        this.pending = null;
        await this.show(next.data, next.selection);
      }
    } finally {
      this.busy = false;
    }
  }

  async show(data, selection) {
    const Plotly = await plotly();
    if (!Plotly) {
      this.root.innerHTML = '<p class="feature-map-note">The plotting library did not load. Reload the page.</p>';
      return;
    }
    const version = data.version + data.outline; // which tells the theme
    const isNew = this.version !== version;
    const isTold = this.selectionVersion !== selection.version;
    if (isNew) this.read(data, version);
    if (isTold) this.selected = new Set(selection.ids);
    this.selectionVersion = selection.version;
    if (isNew) await this.draw(Plotly);
    else if (isTold) await this.mark(Plotly);
  }

  read(data, version) {
    this.version = version;
    this.data = data;
    this.ids = decode(data.ids);
    this.labels = decode(data.labels);
    this.sets = decode(data.sets);
    this.panels = data.panels.map((panel) => ({
      ...panel,
      x: decode(panel.x),
      y: decode(panel.y),
      predictions: decode(panel.predictions),
      probabilities: decode(panel.probabilities),
      emphasis: decode(panel.emphasis),
    }));
    this.traces = this.panels.flatMap((panel, i) => this.panelTraces(panel, i));
  }

  // Traces of a panel, from below: dimmed points, then retained ones, and the forget set on top.
  panelTraces(panel, index) {
    const { forget_sets: forgetSets, colours, muted, colour } = this.data;
    const groups = { dimmedCircles: [], dimmedDiamonds: [], circles: [], diamonds: [] };
    panel.emphasis.forEach((emphasis, i) => {
      const isForget = forgetSets[this.sets[i]];
      if (emphasis === DIMMED) groups[isForget ? "dimmedDiamonds" : "dimmedCircles"].push(i);
      else if (emphasis === LIT) groups[isForget ? "diamonds" : "circles"].push(i);
    });
    const codes = colour === "label" ? this.labels : panel.predictions;
    const paint = (i) => colours[codes[i]];
    const markers = {
      dimmedCircles: { size: 4, color: muted, opacity: 0.45 },
      dimmedDiamonds: { size: 7, symbol: "diamond", color: muted, opacity: 0.6, line: { width: 0.8, color: "#7A828C" } },
      circles: { size: 5, color: groups.circles.map(paint), opacity: 0.8 },
      diamonds: { size: 8, symbol: "diamond", color: groups.diamonds.map(paint), opacity: 0.95, line: { width: 1, color: this.data.outline } },
    };
    const suffix = index ? String(index + 1) : "";
    return Object.entries(groups).map(([name, positions]) => ({
      positions,
      panel: index,
      selectable: !name.startsWith("dimmed"),
      spec: {
        type: "scattergl",
        mode: "markers",
        x: Float32Array.from(positions, (i) => panel.x[i]),
        y: Float32Array.from(positions, (i) => panel.y[i]),
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        hoverinfo: "none",
        showlegend: false,
        marker: markers[name],
        selected: { marker: { opacity: 1, size: name === "diamonds" ? 10 : 7 } },
        unselected: { marker: { opacity: 0.12 } },
      },
    }));
  }

  size() {
    const width = this.root.clientWidth || 900;
    const n = this.panels.length;
    const wished = n <= 3 ? n : n === 4 ? 2 : 3;
    this.columns = Math.max(1, Math.min(wished, Math.floor(width / NARROWEST)));
    this.rows = Math.ceil(n / this.columns);
    const side = (width - GAP * (this.columns - 1)) / this.columns;
    const tall = Math.max(240, Math.min(side * 0.8, 460));
    return { width, height: Math.round(this.rows * (tall + TITLE) + TOOLS) };
  }

  layout() {
    const { width, height } = this.size();
    const inner = height - TOOLS;
    const style = getComputedStyle(this.root);
    const font = { color: style.color, family: style.fontFamily, size: 13 };
    const layout = {
      width, height, font, annotations: [], selections: [],
      margin: { l: 1, r: 1, t: TOOLS, b: 1 },
      dragmode: "lasso", hovermode: "closest", hoverdistance: 12,
      showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: style.getPropertyValue("--st-background-color"),
      modebar: { orientation: "h", bgcolor: "rgba(0,0,0,0)", color: "#6B7280", activecolor: "#0072B2" },
      uirevision: `${this.data.linked}`,
    };
    const wide = (width + GAP) / this.columns / width;
    const tall = 1 / this.rows;
    this.panels.forEach((panel, i) => {
      const suffix = i ? String(i + 1) : "";
      const left = (i % this.columns) * wide;
      const top = 1 - Math.floor(i / this.columns) * tall;
      const axis = { showticklabels: false, showgrid: false, zeroline: false, showline: true, mirror: true, linecolor: "#B8BEC6", ticks: "" };
      const link = this.data.linked && i ? (to) => ({ matches: to }) : () => ({});
      layout[`xaxis${suffix}`] = { ...axis, ...link("x"), anchor: `y${suffix}`, range: [...this.data.range.x], domain: [left, Math.min(1, left + wide - GAP / width)] };
      layout[`yaxis${suffix}`] = { ...axis, ...link("y"), anchor: `x${suffix}`, range: [...this.data.range.y], domain: [Math.max(0, top - tall + 6 / inner), top - TITLE / inner] };
      const text = `<b>${escape(panel.label)}</b>  <span style="color:${panel.verdict_colour}">${escape(panel.icon)}</span> ${escape(panel.verdict)}` +
        `<br><span style="font-size:11px;opacity:0.75">${escape(panel.note)}</span>`;
      layout.annotations.push({ text, x: left, y: top, xref: "paper", yref: "paper", xanchor: "left", yanchor: "top", align: "left", showarrow: false });
    });
    return layout;
  }

  async draw(Plotly) {
    this.drawLegend();
    const isFirst = !this.plot.classList.contains("js-plotly-plot");
    const specs = this.traces.map((trace) => ({ ...trace.spec, selectedpoints: this.local(trace) ?? undefined }));
    const config = { displaylogo: false, responsive: false, displayModeBar: true, modeBarButtons: [["lasso2d", "select2d", "zoom2d", "pan2d", "resetScale2d", "toImage"]] };
    await Plotly.react(this.plot, specs, this.layout(), config);
    if (isFirst) {
      this.plot.on("plotly_selected", (event) => event && this.choose(Plotly, event.points));
      this.plot.on("plotly_deselect", () => this.choose(Plotly, []));
      this.plot.on("plotly_hover", (event) => this.hover(event));
      this.plot.on("plotly_selecting", () => this.leave());
      this.plot.on("plotly_unhover", () => this.leave());
    }
    this.root.dataset.drawn = this.version;
  }

  drawLegend() {
    const { classes, colours, colour } = this.data;
    const shown = classes.slice(0, 24).map((name, i) => `<span><i style="background:${colours[i]}"></i>${escape(name)}</span>`);
    if (classes.length > shown.length) shown.push(`<span>and ${classes.length - shown.length} more</span>`);
    const title = colour === "label" ? "True class" : "Predicted class";
    const isDimmed = this.traces.some((trace) => !trace.selectable && trace.positions.length);
    const grey = isDimmed ? `<span><i style="background:${this.data.muted}"></i>not highlighted</span>` : "";
    this.legend.innerHTML = `<b>${title}</b>${shown.join("")}<span><i class="forget"></i>diamond: to forget</span>${grey}`;
  }

  // Positions within a trace of the selected examples; null where nothing is selected.
  local(trace) {
    if (!this.selected.size) return null;
    const found = [];
    trace.positions.forEach((position, i) => this.selected.has(this.ids[position]) && found.push(i));
    return found;
  }

  async mark(Plotly) {
    const selectedpoints = this.traces.map((trace) => this.local(trace));
    await Plotly.update(this.plot, { selectedpoints }, { selections: [] });
  }

  async choose(Plotly, points) {
    if (this.marking) return;
    const chosen = points.filter((p) => this.traces[p.curveNumber].selectable);
    const ids = chosen.map((p) => this.ids[this.traces[p.curveNumber].positions[p.pointNumber]]);
    if (!ids.length && !this.selected.size) return;
    this.selected = new Set(ids);
    this.marking = true;
    await this.mark(Plotly);
    this.marking = false;
    this.send([...this.selected].sort((a, b) => a - b));
  }

  hover(event) {
    const point = event.points[0];
    const trace = this.traces[point.curveNumber];
    const position = trace.positions[point.pointNumber];
    const panel = this.panels[trace.panel];
    const { classes, set_names: setNames, probability_scale: scale } = this.data;
    const probability = ((100 * panel.probabilities[position]) / scale).toFixed(1);
    const text = `<div><b>Example ${this.ids[position]}</b><br>${escape(setNames[this.sets[position]])}<br>` +
      `true class <b>${escape(classes[this.labels[position]])}</b><br>` +
      `${escape(panel.label)}: <b>${escape(classes[panel.predictions[position]])}</b> (${probability}%)</div>`;
    this.tip.innerHTML = this.picture(position) + text;
    this.tip.style.display = "flex";
    const box = this.root.getBoundingClientRect();
    const x = event.event.clientX - box.left;
    const y = event.event.clientY - box.top;
    const isRight = x > box.width / 2;
    this.tip.style.left = `${isRight ? x - this.tip.offsetWidth - 18 : x + 18}px`;
    this.tip.style.top = `${Math.max(0, y - this.tip.offsetHeight / 2)}px`;
    this.ring(position);
  }

  picture(position) {
    const sheet = (globalThis.unlearnPictures ?? {})[this.data.pictures];
    if (!sheet) return "";
    if (sheet.texts) return `<div class="feature-map-text">${escape(sheet.texts[position])}</div>`;
    const zoom = Math.max(1, Math.round(72 / Math.max(sheet.width, sheet.height)));
    const left = -(position % sheet.columns) * sheet.width * zoom;
    const top = -Math.floor(position / sheet.columns) * sheet.height * zoom;
    return `<div class="feature-map-picture" style="width:${sheet.width * zoom}px;height:${sheet.height * zoom}px;` +
      `background-image:url(${sheet.url});background-size:${sheet.columns * sheet.width * zoom}px ${sheet.rows * sheet.height * zoom}px;` +
      `background-position:${left}px ${top}px"></div>`;
  }

  // Ring the hovered example in every panel.
  ring(position) {
    const { left, top } = this.plot.getBoundingClientRect();
    const box = this.root.getBoundingClientRect();
    this.panels.forEach((panel, i) => {
      this.rings[i] ??= this.add("feature-map-ring");
      const suffix = i ? String(i + 1) : "";
      const across = this.plot._fullLayout[`xaxis${suffix}`];
      const up = this.plot._fullLayout[`yaxis${suffix}`];
      const x = across.l2p(panel.x[position]);
      const y = up.l2p(panel.y[position]);
      const isInside = panel.emphasis[position] && x >= 0 && y >= 0 && x <= across._length && y <= up._length;
      this.rings[i].style.display = isInside ? "block" : "none";
      this.rings[i].style.left = `${left - box.left + across._offset + x}px`;
      this.rings[i].style.top = `${top - box.top + up._offset + y}px`;
    });
  }

  leave() {
    this.tip.style.display = "none";
    this.rings.forEach((ring) => (ring.style.display = "none"));
  }

  resize() {
    const width = this.root.clientWidth;
    if (!this.data || !width || !globalThis.unlearnPlotly || Math.abs(width - this.width) < 2) return;
    this.width = width;
    if (!this.plot._fullLayout) return;
    const { annotations, ...sizes } = this.layout();
    const ranges = Object.keys(sizes).filter((name) => /^[xy]axis/.test(name));
    const changes = { width: sizes.width, height: sizes.height };
    ranges.forEach((name) => (changes[`${name}.domain`] = sizes[name].domain));
    globalThis.unlearnPlotly.relayout(this.plot, { ...changes, annotations });
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".feature-map");
  if (!root) return undefined;
  root.featureMap ??= new FeatureMap(root);
  const map = root.featureMap;
  map.send = (ids) => setStateValue("ids", ids);
  map.update(data.map, data.selection);
  return () => setTimeout(() => root.isConnected || map.close());
}
