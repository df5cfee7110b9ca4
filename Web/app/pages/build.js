import { cancelBuild, getBuild, isActive, statusOf, titleOf } from "/api.js";
import { el, setTab, setText } from "/dom.js";
import { copy } from "/elements/copy.js";
import { broken, excerpt, letter } from "/elements/letter.js";
import { mark } from "/elements/mark.js";
import { moment } from "/elements/moment.js";
import { BuildLog } from "/elements/log.js";
import { followEvents } from "/stream.js";
import { duration, integer, size } from "/time.js";

const signs = { pending: "◌", running: "●", succeeded: "✓", failed: "✗", cancelled: "⊘" };

/** `/builds/bld_…`: one build, its facts and its log, live until it ends. */
export function buildPage({ parameters: [id], signal, connection }) {
  const place = el("article", { class: "build" }, el("h1", { class: "unseen" }, `Build ${id}`));
  setTab(`${id} · Kindling`);
  const open = async () => {
    try {
      const build = await getBuild(id, signal);
      if (!signal.aborted) new BuildView({ id, build, signal, connection, place });
    } catch (failure) {
      if (signal.aborted) return;
      const retry = failure.code === 5 ? el("p", {}, el("a", { href: "/builds" }, "Go to the builds")) : null;
      place.replaceChildren(el("h1", {}, id), retry ? letter(failure, retry) : broken(failure, open));
    }
  };
  open();
  return place;
}

class BuildView {
  #heading = el("h1");
  #mark = mark("pending");
  #facts = el("dl", { class: "facts" });
  #images = el("div", { class: "images" });
  #warnings = el("div", { class: "warnings" });
  #outcome = el("div", { class: "outcome" });
  #said = el("p", { class: "unseen", role: "status" });
  #cancel = el("button", { type: "button", class: "cancel", onclick: () => this.#stop() }, "Cancel");
  #times = {};
  #cached = null;

  constructor(options) {
    Object.assign(this, options);
    const live = isActive(statusOf(this.build));
    this.log = new BuildLog({ live, signal: this.signal, onStep: (words) => setText(this.#said, words) });
    this.#take(this.build);
    this.place.replaceChildren(
      el("header", { class: "card" },
        el("div", { class: "title" }, this.#mark, this.#heading, this.#cancel),
        this.#facts, this.#images, this.#outcome, this.#warnings, this.#said),
      this.log.element);
    const ticking = setInterval(() => this.#tick(), 500);
    this.signal.addEventListener("abort", () => { clearInterval(ticking); clearInterval(this.polling); });
    // The event stream rests while the tab is hidden; its title and picture should still tell the truth.
    this.polling = setInterval(() => document.hidden && this.#poll(), 10000);
    this.#follow();
  }

  async #follow() {
    try {
      await followEvents(this.id, {
        signal: this.signal,
        onEvent: (event) => this.#hear(event),
        onState: (state) => this.connection(state === "reconnecting" ? "reconnecting…" : state === "live" ? "live" : ""),
      });
      if (!this.signal.aborted) await this.#poll();
      // Events from before a crash may lack their end; the record then says what came of it.
      if (this.build.error && !this.#outcome.childElementCount) this.#outcome.append(letter({ message: this.build.error }));
    } catch (failure) {
      if (this.signal.aborted) return;
      this.connection("");
      this.log.element.prepend(broken(failure, (event) => {
        event.target.closest(".letter").remove();
        this.#follow();
      }));
    }
  }

  async #poll() {
    try {
      this.#take(await getBuild(this.id, this.signal));
    } catch {
      // The events already told the outcome; the record only adds figures.
    }
  }

  /** Takes over the record: what was asked, and the figures only the server adds up. */
  #take(build) {
    this.build = build;
    const { startedAtMs, createdAtMs, completedAtMs } = build;
    const known = { created: integer(createdAtMs), started: integer(startedAtMs), ended: integer(completedAtMs) };
    for (const [name, time] of Object.entries(known)) if (time) this.#times[name] = time;
    setText(this.#heading, titleOf(build) || this.id);
    if (build.imageRefs?.length && !this.#images.childElementCount) this.#showImages(build.imageRefs);
    this.#become(statusOf(build));
  }

  #become(status) {
    // A record asked for before the last event arrived must not bring a finished build back to life.
    if (this.status && !isActive(this.status) && isActive(status)) status = this.status;
    this.status = status;
    this.#mark.state = status;
    this.#cancel.hidden = !isActive(status);
    setTab(`${signs[status] ?? ""} ${titleOf(this.build)} · build`, status);
    this.#showFacts();
  }

  #hear({ at, kind }) {
    this.log.hear({ at, kind });
    switch (kind.kind) {
      case "started":
        this.#times.started = at;
        return this.#become("running");
      case "warning":
        return this.#warnings.append(el("div", { class: "warning" }, el("p", {}, el("b", {}, "Warning"), " ", kind.text),
          kind.excerpt ? excerpt(kind.excerpt) : null));
      case "image":
        this.image = kind.image;
        return this.#showImages(kind.image.references.map((reference) => `${reference}@${kind.image.digest}`));
      case "finished":
        return this.#end(at, kind.outcome);
      default:
    }
  }

  #end(at, { status, failure, cachedSteps }) {
    this.#times.ended ||= at;
    this.#cached = cachedSteps ?? null;
    this.#become(status);
    setText(this.#said, `Build ${status}`);
    const step = this.log.end(status, failure);
    if (!failure) return;
    const link = step && el("p", {}, el("a", { href: `#s${step}-end` }, `Last lines of step ${step}`));
    this.#outcome.replaceChildren(letter(failure, link));
  }

  #showImages(references) {
    this.#images.replaceChildren(...references.map((reference) => copy(reference, shortened(reference))));
  }

  #showFacts() {
    const { build } = this;
    const { created, started, ended } = this.#times;
    const bytes = this.image?.size ?? integer(build.metrics?.imageSizeBytes);
    const layers = this.image?.layers ?? build.metrics?.layerCount;
    const steps = this.log.stepCount;
    this.time = el("span");
    const facts = [
      ["Build", copy(this.id)],
      ["Started", started || created ? moment(started || created) : "–"],
      ["Duration", this.time],
      ["Waited", created && started && started - created >= 1000 ? duration(started - created) : null],
      ["Cached", this.#cached !== null && steps ? `${this.#cached} of ${steps} steps` : null],
      ["Size", bytes ? `${size(bytes)}${layers ? ` in ${layers} ${layers === 1 ? "layer" : "layers"}` : ""}` : null],
      ["Platform", build.platform],
      ["Dockerfile", build.dockerfile && build.dockerfile !== "Dockerfile" ? build.dockerfile : null],
      ["Cache", build.noCache ? "off" : null],
    ];
    this.#facts.replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value))));
    this.#tick();
  }

  #tick() {
    const { started, ended } = this.#times;
    const active = isActive(this.status);
    const now = ended ?? (active ? Date.now() : 0);
    setText(this.time, started && now ? duration(now - started) : "–");
    if (active) this.log.tick(Date.now());
  }

  async #stop() {
    this.#cancel.disabled = true;
    setText(this.#cancel, "Cancelling…");
    try {
      await cancelBuild(this.id);
    } catch (failure) {
      this.#cancel.disabled = false;
      setText(this.#cancel, "Cancel");
      this.#outcome.replaceChildren(letter(failure));
    }
  }
}

/** `localhost:4480/acme/app:latest@sha256:9f2c…41aa`; the whole digest is what gets copied. */
const shortened = (reference) => reference.replace(/(@\w+:[0-9a-f]{8})[0-9a-f]+([0-9a-f]{6})$/, "$1…$2");
