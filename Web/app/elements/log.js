import { el, setText } from "/dom.js";
import { letter } from "/elements/letter.js";
import { LogStep } from "/elements/step.js";
import { size } from "/time.js";

/**
 * The log of one build: the list of steps and, for each, its lines; drawn from events.
 *
 * Lines wait in their steps and are drawn once a frame, so that a build that prints thousands of lines a second
 * costs one layout a frame. Nothing above the reader moves: steps fold on their own only while the page follows.
 */
export class BuildLog {
  #list = el("ol");
  #column = el("div", { class: "steps", role: "log", "aria-live": "off", "aria-label": "Build log" });
  #jump = el("button", { type: "button", class: "jump", hidden: true, onclick: () => this.#setFollowing(true) }, "Jump to live");
  #steps = new Map();
  #running = null;
  #following = false;
  #lastTop = 0;
  #frame = 0;
  #look = 0;
  #aim = null;

  constructor({ live, signal, onStep }) {
    Object.assign(this, { live, onStep });
    if (live) this.#column.dataset.live = "";
    this.element = el("div", { class: "log" },
      el("nav", { class: "outline", "aria-label": "Steps" }, this.#list), this.#column, this.#jump);
    this.#aim = aimOf(location.hash);
    this.#setFollowing(live && !this.#aim);
    addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    addEventListener("wheel", (event) => event.deltaY < 0 && this.#setFollowing(false), { signal, passive: true });
    // A click on the address already shown changes no hash, yet should lead there again.
    this.element.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (link?.hash && link.hash === location.hash) this.#go(aimOf(link.hash));
    });
    addEventListener("hashchange", () => this.#go(aimOf(location.hash)), { signal });
    signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.#frame);
      cancelAnimationFrame(this.#look);
    });
  }

  get stepCount() { return [...this.#steps.keys()].filter((number) => number > 0).length; }

  hear({ at, kind }) {
    switch (kind.kind) {
      case "fetch":
        return this.#note(at, `fetch: ${fetched(kind.fetch)}`);
      case "transfer":
        return this.#note(at, transferred(kind.transfer));
      case "source":
        return this.#note(at, `context: ${kind.source.files} files, ${size(kind.source.size)}`);
      case "planned":
        return this.#plan(kind.steps);
      case "waiting":
        return this.#note(at, kind.text);
      case "note":
        return kind.text.split("\n").forEach((line) => this.#note(at, line));
      case "warning":
        return this.#note(at, `warning: ${kind.text}`);
      case "step-started":
        return this.#start(this.#step(kind.step), at);
      case "output":
        this.#step(kind.step).add(kind.line, kind.stream);
        return this.#draw();
      case "step-finished":
        return this.#finish(this.#step(kind.report.step), kind.report);
      default:
    }
  }

  /** The build is over: steps that never ended say so, and the failing one ends with what to do next. */
  end(status, failure) {
    const failed = [...this.#steps.values()].find((step) => step.state === "failed");
    for (const step of this.#steps.values()) if (step.state === "running") step.finish({ result: status });
    if (failure && failed) {
      failed.open = true;
      failed.conclude(letter({ message: failure.message, hint: failure.hint }));
    }
    this.#draw();
    this.live = false;
    delete this.#column.dataset.live;
    this.#jump.hidden = true;
    return failed?.number;
  }

  tick(now) { this.#running?.tick(now); }

  #plan(planned) {
    const stages = new Set(planned.map(({ stage }) => stage));
    let stage = null;
    for (const { step, stage: name, instruction, line } of planned) {
      if (stages.size > 1 && name !== stage) this.#list.append(el("li", { class: "stage" }, `Stage ${name}`));
      stage = name;
      this.#step(step).describe(instruction, line);
    }
  }

  /** The step of that number, made when first spoken of; 0 holds what was said outside any step. */
  #step(number) {
    let step = this.#steps.get(number);
    if (!step) {
      step = new LogStep(number);
      this.#steps.set(number, step);
      const place = number === 0 ? "prepend" : "append";
      this.#list[place](step.entry);
      this.#column[place](step.element);
    }
    return step;
  }

  #note(at, line) {
    const step = this.#running ?? this.#step(0);
    if (step.number === 0) step.describe("Notes");
    step.add(line, "note");
    this.#draw();
  }

  #start(step, at) {
    step.start(at);
    this.#running = step;
    if (this.live) step.openUnasked(true);
    this.#draw();
  }

  #finish(step, report) {
    step.finish(report);
    if (this.#running === step) this.#running = null;
    if (report.result === "failed") step.open = true;
    else if (this.#following && step.number !== this.#aim?.step) step.openUnasked(false);
    if (this.live) this.onStep(`step ${step.number} of ${this.stepCount} ${report.result}`);
    this.#draw();
  }

  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      // 4,000 lines are a few milliseconds; the rest of a long replay waits for the next frame.
      let budget = 4000;
      for (const step of this.#steps.values()) budget -= step.draw(budget);
      if (budget <= 0) this.#draw();
      if (this.#aim) this.#seek();
      else if (this.#following) this.#toBottom();
      if (!this.live) this.#following = false;
    });
  }

  /** Opens, marks and shows a step or one of its lines; a line not drawn yet is waited for. */
  #go(aim) {
    if (!aim) return;
    this.#aim = aim;
    this.#setFollowing(false);
    this.#seek();
  }

  #seek() {
    const { step: number, line } = this.#aim;
    const step = this.#steps.get(number);
    const target = step?.find(line);
    if (!target) return;
    this.#aim = null;
    step.open = true;
    for (const old of this.#column.querySelectorAll(".target")) old.classList.remove("target");
    if (line !== null && line !== Infinity) target.classList.add("target");
    this.#show(target, line === null ? "start" : line === Infinity ? "end" : "center");
  }

  /** Blocks get their true height only when they come into sight, so the target may move: look again a few times. */
  #show(target, block, looks = 4) {
    target.scrollIntoView({ block });
    this.#look = requestAnimationFrame(() => {
      if (looks > 0) this.#show(target, block, looks - 1);
    });
  }

  #toBottom() { scrollTo(0, document.documentElement.scrollHeight); }

  #setFollowing(following) {
    this.#following = following && this.live;
    this.#jump.hidden = !this.live || this.#following;
    if (this.#following) this.#toBottom();
  }

  #scrolled() {
    const bottom = scrollY + innerHeight >= document.documentElement.scrollHeight - 40;
    if (bottom && !this.#following && this.live && scrollY > this.#lastTop) this.#setFollowing(true);
    else if (!bottom && this.#following && scrollY < this.#lastTop - 2) this.#setFollowing(false);
    this.#lastTop = scrollY;
  }
}

/** `1200 of 30006 objects, 12 MB, 5.2 MB/s`, as the log stream says it. */
function fetched({ objects, totalObjects, size: bytes, durationMilliseconds }) {
  const count = totalObjects > 0 ? `${objects} of ${totalObjects} objects` : `${objects} objects`;
  const rate = durationMilliseconds >= 100 && bytes > 0 ? `, ${size(bytes * 1000 / durationMilliseconds)}/s` : "";
  return `${count}, ${size(bytes)}${rate}`;
}

/** `pulling acme/base:1: 12 MB of 30 MB, 5.2 MB/s`, as the log stream says it. */
function transferred({ kind, name, size: bytes, total, durationMilliseconds, isDone }) {
  const verbs = { pull: ["pulling", "pulled"], download: ["downloading", "downloaded"], fetch: ["fetching", "fetched"] };
  const amount = isDone || total === undefined ? size(bytes) : `${size(bytes)} of ${size(total)}`;
  const rate = durationMilliseconds >= 100 && bytes > 0 ? `, ${size(bytes * 1000 / durationMilliseconds)}/s` : "";
  return `${verbs[kind][isDone ? 1 : 0]} ${name}: ${amount}${rate}`;
}

/** `#s3-L12` is a line, `#s3-end` the last line there is, `#s3` the step itself; anything else is null. */
function aimOf(hash) {
  const match = /^#s(\d+)(?:-(?:L(\d+)|end))?$/.exec(hash);
  if (!match) return null;
  const line = hash.endsWith("-end") ? Infinity : match[2] ? Number(match[2]) : null;
  return { step: Number(match[1]), line };
}
