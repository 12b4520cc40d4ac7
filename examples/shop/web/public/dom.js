// Elements by function. Texts go in as text, so that nothing can become markup.

/** Makes an element. Properties with a hyphen, "for" and "role" become attributes; null children are left out. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === "on") for (const [event, f] of Object.entries(value)) element.addEventListener(event, f);
    else if (name.includes("-") || name === "for" || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** The drawing of a product. It says nothing that its name does not. */
export function art(id) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "art");
  svg.setAttribute("viewBox", "0 0 96 96");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/art.svg#${id}`);
  svg.append(use);
  return svg;
}

const formats = new Map();

/** An amount in cents as people write it. */
export function money(cents, currency = "EUR") {
  if (!formats.has(currency)) formats.set(currency, new Intl.NumberFormat("en-IE", { style: "currency", currency }));
  return formats.get(currency).format(cents / 100);
}

/** Tells what has happened to those who do not see it. */
export function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { status.textContent = ""; }, 4000);
}
