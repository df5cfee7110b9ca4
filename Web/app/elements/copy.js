import { el, setText } from "/dom.js";

/** `<x-copy>`: a text as code with a button that puts exactly that text on the clipboard. */
export class Copy extends HTMLElement {
  #code = el("code");
  #button = el("button", { type: "button", onclick: () => this.#copy() }, "Copy");
  #said = el("span", { class: "unseen", role: "status" });

  /** `shown` may be shorter than what is copied; the whole text is then in the title. */
  fill(text, shown = text) {
    this.text = text;
    setText(this.#code, shown);
    if (shown !== text) this.#code.title = text;
    this.#button.setAttribute("aria-label", `Copy ${text}`);
  }

  connectedCallback() { this.replaceChildren(this.#code, this.#button, this.#said); }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.text);
      this.#say("Copied");
    } catch {
      // No clipboard (plain http on another host name): select the text so that the reader's own keys copy it.
      setText(this.#code, this.text);
      getSelection().selectAllChildren(this.#code);
      this.#say("Selected");
    }
  }

  #say(word) {
    setText(this.#button, word);
    setText(this.#said, word);
    setTimeout(() => { setText(this.#button, "Copy"); setText(this.#said, ""); }, 1500);
  }
}

customElements.define("x-copy", Copy);

export function copy(text, shown) {
  const element = el("x-copy");
  element.fill(text, shown);
  return element;
}
