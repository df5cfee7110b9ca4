import { el, setText } from "/dom.js";

const words = {
  pending: "Pending", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
  ran: "Ran", cached: "Cached", waiting: "Not run yet", said: "Notes",
};

/** Shapes differ, so that a state can be told without its colour. Each part: [class, path]. */
const shapes = {
  pending: [["stroke dots", "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2"]],
  running: [["stroke turn", "M8 2a6 6 0 1 1-6 6"], ["fill", "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 1 1 0-5"]],
  succeeded: [["fill", "M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1"], ["cut", "m4.8 8.3 2.3 2.3 4.1-4.8"]],
  failed: [["fill", "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"], ["cut", "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"]],
  cancelled: [["stroke", "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2m-4.2 10.2 8.4-8.4"]],
  ran: [["stroke", "m3 8.5 3.3 3.3L13 4.5"]],
  cached: [["stroke", "M3 4.5h10M3 8h10M3 11.5h10"]],
  waiting: [["stroke", "M5 8h6"]],
  said: [["stroke", "M4 3.5h8v7H7l-3 2.5z"]],
};

/** `<x-mark>`: the mark of a build's or step's state and its word; with `bare` the word is only read aloud. */
export class Mark extends HTMLElement {
  set state(state) {
    if (this.dataset.state === state) return;
    this.dataset.state = state;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, d] of shapes[state] ?? shapes.waiting) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", name);
      path.setAttribute("d", d);
      svg.append(path);
    }
    const word = el("span", { class: this.hasAttribute("bare") ? "unseen" : null });
    setText(word, words[state] ?? state);
    this.replaceChildren(svg, word);
  }

  get state() { return this.dataset.state; }
}

customElements.define("x-mark", Mark);

/** A new `<x-mark>` in a state. */
export function mark(state, { bare = false } = {}) {
  const element = el("x-mark", { bare });
  element.state = state;
  return element;
}
