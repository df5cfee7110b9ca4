import { Pen, runs } from "/ansi.js";
import { el, setText } from "/dom.js";
import { mark } from "/elements/mark.js";
import { duration, size } from "/time.js";

/** Lines in one block; the browser skips blocks out of sight (`content-visibility`) and remembers their height. */
const blockSize = 500;

/** One step of a build: its entry in the outline, and its instruction and lines in the log. */
export class LogStep {
  #entryMark = mark("said", { bare: true });
  #mark = mark("said", { bare: true });
  #entryName = el("span", { class: "name" });
  #name = el("code", { class: "name" });
  #entryTime = el("span", { class: "time" });
  #time = el("span", { class: "time" });
  #extra = el("span", { class: "extra" });
  #pen = new Pen();
  #reason = el("p", { class: "reason", hidden: true });
  #blocks = el("div", { class: "lines" });
  #waiting = [];
  #drawn = 0;
  #block = null;
  #asked = false;

  constructor(number) {
    this.number = number;
    const digits = number === 0 ? "" : String(number);
    const summary = el("summary", { onclick: () => { this.#asked = true; } },
      this.#mark, el("span", { class: "digits" }, digits), this.#name, this.#extra, this.#time);
    this.element = el("details", { id: `s${number}`, class: "step" }, summary, this.#reason, this.#blocks);
    this.entry = el("li", {}, el("a", { href: `#s${number}` },
      this.#entryMark, el("span", { class: "digits" }, digits), this.#entryName, this.#entryTime));
    this.#become(number === 0 ? "said" : "waiting");
    this.describe(`Step ${number}`);
  }

  set open(open) { this.element.open = open; }

  /** Opens or folds unless the reader has done so by hand. */
  openUnasked(open) { if (!this.#asked) this.element.open = open; }

  /** What the step does, as the reader wrote it; `line` is its line in the Dockerfile. */
  describe(instruction, line) {
    setText(this.#entryName, instruction);
    setText(this.#name, instruction);
    this.#entryName.title = instruction + (line ? ` (line ${line})` : "");
  }

  start(at) {
    this.startedAt = at;
    this.#become("running");
    this.#entryName.parentElement.setAttribute("aria-current", "step");
  }

  tick(now) { if (this.startedAt) this.#showTime(duration(now - this.startedAt)); }

  finish({ result, durationMilliseconds, layer, reason }) {
    this.#become(result);
    this.#entryName.parentElement.removeAttribute("aria-current");
    if (durationMilliseconds !== undefined) {
      this.#showTime(result === "cached" ? "cached" : duration(durationMilliseconds));
    }
    // Why it ran or was cached.
    setText(this.#reason, reason ?? "");
    this.#reason.hidden = !reason;
    setText(this.#extra, layer ? `+${size(layer)}` : "");
  }

  /** Puts an element below the step's lines. */
  conclude(element) { this.element.append(element); }

  /** Keeps a line until the next `draw`. */
  add(line, stream) { this.#waiting.push([line, stream]); }

  /** Draws up to `budget` waiting lines; returns how many it drew. */
  draw(budget) {
    const lines = this.#waiting.splice(0, Math.max(0, budget));
    for (let i = 0; i < lines.length;) {
      if (this.#drawn % blockSize === 0) this.#blocks.append(this.#block = el("div", { class: "block" }));
      const part = lines.slice(i, i + blockSize - (this.#drawn % blockSize));
      this.#block.append(...part.map(([line, stream]) => this.#line(line, stream)));
      this.#block.style.setProperty("--lines", this.#block.childElementCount);
      i += part.length;
    }
    return lines.length;
  }

  /** The element of a line, or of the step itself for null (its head) and Infinity (its end); null while it is not drawn. */
  find(line) {
    if (line === null) return this.element;
    if (line === Infinity) {
      const whole = this.state !== "running" && this.state !== "waiting" && this.#waiting.length === 0;
      return whole ? this.element : null;
    }
    if (line < 1 || line > this.#drawn) return null;
    return this.#blocks.children[Math.floor((line - 1) / blockSize)].children[(line - 1) % blockSize];
  }

  #line(text, stream) {
    this.#drawn += 1;
    const name = `s${this.number}-L${this.#drawn}`;
    const number = el("a", { href: `#${name}`, "data-n": this.#drawn, "aria-label": `Line ${this.#drawn}` });
    const parts = runs(text, this.#pen).map(([run, classes]) => (classes ? el("span", { class: classes }, run) : run));
    return el("div", { class: stream === "stdout" ? null : stream }, number, parts);
  }

  #showTime(words) {
    setText(this.#entryTime, words);
    setText(this.#time, words);
  }

  #become(state) {
    this.state = state;
    this.#mark.state = state;
    this.#entryMark.state = state;
    this.element.dataset.state = state;
    this.entry.dataset.state = state;
  }
}
