// What is said of the example at hand: each model's answer under its map's name, and a card.

class Captions {
  constructor(map) {
    this.map = map;
    this.titles = make("div", { className: "map-titles" });
    this.card = make("div", { className: "map-card" });
    this.live = make("div", { className: "map-live", "aria-live": "polite" });
  }

  // A title over each map.
  draw() {
    const { map } = this;
    this.titles.replaceChildren(...map.panels.map((panel, i) => {
      const { left, top, width } = map.boxes[i];
      const verdict = make("span", { style: `color:${panel.verdict_colour}`, textContent: ` ${panel.icon} ` });
      return make("div", { className: "map-title", style: `left:${left}px;top:${top - titleRoom()}px;width:${width}px` },
        make("div", { className: "map-name" }, make("b", { textContent: panel.label }), verdict, panel.verdict),
        make("div", { className: "map-answer" }));
    }));
    this.answers();
  }

  show(position, { spoken = false } = {}) {
    this.answers();
    if (position === null) this.card.style.display = "none";
    else this.showCard(position);
    if (spoken) this.say(this.sentence(position));
  }

  say(text) {
    this.live.textContent = text;
  }

  answerOf(panel, position) {
    const { classes, no_class: other, probability_scale: scale } = this.map.data;
    return `${classes[panel.predictions[position]] ?? other} (${((100 * panel.probabilities[position]) / scale).toFixed(1)} %)`;
  }

  valueOf(panel, position) {
    const { values } = this.map.data;
    if (!values || panel.values[position] === MISSING) return "";
    const value = values.least + (panel.values[position] / (MISSING - 1)) * (values.most - values.least);
    return `; ${values.name.toLowerCase()}: ${values.is_share ? `${Math.round(100 * value)} %` : value.toFixed(2)}`;
  }

  // Under each map's name its answer for the example at hand, or else what the map shows.
  answers() {
    const { map } = this;
    const position = map.hovered ?? map.pinned;
    map.panels.forEach((panel, i) => {
      const line = this.titles.children[i]?.lastElementChild;
      if (!line) return;
      if (position !== null) {
        const answer = panel.predictions[position];
        line.replaceChildren(`id ${map.ids[position]}: answers `, make("i", { style: `background:${map.data.colours[answer]}` }),
          make("b", { textContent: this.answerOf(panel, position) }),
          answer >= map.data.classes.length ? "" : answer === map.labels[position] ? ", its label" : ", another label", this.valueOf(panel, position));
      } else line.textContent = map.wayOf(i) > 0 ? `${Math.round(100 * map.way)} % of the way to ${map.panels[1].label}` : panel.note;
    });
  }

  sentence(position) {
    const { classes, set_names: names } = this.map.data;
    const { ids, sets, labels, panels } = this.map;
    const answers = panels.map((panel) => `${panel.label} answers ${this.answerOf(panel, position)}`);
    return `Example ${ids[position]}, ${names[sets[position]]}, class ${classes[labels[position]]}. ${answers.join(". ")}.`;
  }

  // In the corner of the map that is farthest from the point, so that it hides nothing near it.
  showCard(position) {
    const { map, card } = this;
    const { classes, set_names: names } = map.data;
    const { left, top, width, height } = map.boxes[map.panel];
    const pixels = map.pixels(map.panel);
    card.replaceChildren(this.picture(position), make("div", {},
      make("b", { textContent: `id ${map.ids[position]}` }), make("br"),
      "class ", make("b", { textContent: classes[map.labels[position]] }), make("br"), ...symbols(names[map.sets[position]])));
    card.style.display = "flex";
    const isLeft = pixels[2 * position] < width / 2;
    const isUp = pixels[2 * position + 1] < height / 2;
    card.style.left = `${left + (isLeft ? width - card.offsetWidth - 4 : 4)}px`;
    card.style.top = `${top + (isUp ? height - card.offsetHeight - 4 : 4)}px`;
  }

  picture(position) {
    const sheet = (globalThis.unlearnPictures ?? {})[this.map.data.pictures];
    if (!sheet) return "";
    if (sheet.texts) return make("div", { className: "map-text" }, ...sheet.texts[position].map((piece, i) =>
      i % 2 ? make("mark", { textContent: piece }) : piece)); // every second piece is the word of the request
    const zoom = Math.max(1, Math.round(72 / Math.max(sheet.width, sheet.height)));
    const [width, height] = [sheet.width * zoom, sheet.height * zoom];
    const style = `width:${width}px;height:${height}px;background-image:url(${sheet.url});` +
      `background-size:${sheet.columns * width}px ${sheet.rows * height}px;` +
      `background-position:${-(position % sheet.columns) * width}px ${-Math.floor(position / sheet.columns) * height}px`;
    return make("div", { className: "map-picture", style });
  }
}
