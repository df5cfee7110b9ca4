import { el, setText } from "/dom.js";
import { absolute, ago } from "/time.js";

/** `<x-moment>`: "5 min ago", kept true while it is on the page; the absolute time is in `title` and `datetime`. */
export class Moment extends HTMLElement {
  #time = el("time");
  #timer = 0;

  set at(milliseconds) {
    if (this.milliseconds === milliseconds) return;
    this.milliseconds = milliseconds;
    this.#time.setAttribute("datetime", new Date(milliseconds).toISOString());
    this.#time.setAttribute("title", absolute(milliseconds));
    this.#show();
  }

  connectedCallback() {
    this.replaceChildren(this.#time);
    this.#timer = setInterval(() => this.#show(), 5000);
  }

  disconnectedCallback() { clearInterval(this.#timer); }

  #show() { setText(this.#time, ago(this.milliseconds)); }
}

customElements.define("x-moment", Moment);

export function moment(milliseconds) {
  const element = el("x-moment");
  element.at = milliseconds;
  return element;
}
