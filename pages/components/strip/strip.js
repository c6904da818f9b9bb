// One button a method; a click sends its label to the page.

function cell(kind, text) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

function line({ label, number, word, icon, colour, dot, title }, selected, pick) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "option");
  button.setAttribute("aria-selected", String(label === selected));
  button.title = title;
  const name = cell("strip-name", label);
  const square = document.createElement("i");
  square.style.background = dot;
  name.prepend(square);
  const verdict = cell("strip-word", `${word} ${icon}`);
  verdict.style.background = `${colour}26`;
  verdict.style.borderColor = colour;
  button.append(name, cell("strip-number", number), verdict);
  button.onclick = () => pick(label);
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".strip");
  const head = document.createElement("div");
  head.className = "strip-head";
  head.title = "The best verdict first; of the same word, the one whose features are nearest to retrained (DA)";
  head.append(cell("", "Method"), cell("", data.lines[0]?.heading ?? ""), cell("", "verdict"));
  head.children[1].title = data.lines[0]?.explained ?? "";
  const pick = (label) => setTriggerValue("picked", label);
  root.replaceChildren(head, ...data.lines.map((each) => line(each, data.selected, pick)));
}
