/**
 * Makes an element: `el("a", { href: "/builds", class: "quiet" }, "Builds")`.
 * Properties starting with `on` are listeners; null, undefined and false leave an attribute out.
 * Children are nodes or text. Nothing here takes markup, so no outside text can become markup.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets text only when it differs, so that live regions and selections stay undisturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The page's name and picture in the tab; `state` is a build status, or "kindling" for the house's own mark. */
export function setTab(title, state = "kindling") {
  if (document.title !== title) document.title = title;
  const icon = document.querySelector('link[rel="icon"]');
  const href = `/icons/${state === "pending" ? "kindling" : state}.svg`;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}
