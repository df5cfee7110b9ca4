import { getBuild, isActive, listBuilds, statusOf, titleOf } from "/api.js";
import { el, setTab, setText } from "/dom.js";
import { copy } from "/elements/copy.js";
import { broken } from "/elements/letter.js";
import { mark } from "/elements/mark.js";
import { moment } from "/elements/moment.js";
import { duration, integer, size } from "/time.js";

const pageSize = 50;
const statuses = ["", "pending", "running", "succeeded", "failed", "cancelled"];
const labels = ["State", "Image", "Build", "Started", "Duration", "Cache", "Size"];

/** `/builds?status=FAILED&cursor=…`: the organisation's builds, newest first, kept fresh without moving a row. */
export function buildsPage({ query, signal }) {
  const asked = (query.get("status") ?? "").toLowerCase();
  const status = statuses.includes(asked) ? asked : "";
  const cursor = query.get("cursor") ?? "";
  setTab("Builds · Kindling");
  const list = new BuildList({ status, cursor, signal });
  list.load();
  return el("section", { class: "builds" },
    el("div", { class: "head" }, el("h1", {}, "Builds"), filters(status)), list.place);
}

const address = (status, cursor = "") => {
  const query = new URLSearchParams();
  if (status) query.set("status", status.toUpperCase());
  if (cursor) query.set("cursor", cursor);
  return `/builds${query.size ? `?${query}` : ""}`;
};

function filters(current) {
  return el("nav", { class: "filters", "aria-label": "Filter by state" }, statuses.map((status) =>
    el("a", { href: address(status), "aria-current": status === current ? "true" : null },
      status ? status[0].toUpperCase() + status.slice(1) : "All")));
}

class BuildList {
  place = el("div", { class: "place-for-list" });
  #rows = new Map();
  #body = el("tbody");
  #fresh = el("button", { type: "button", class: "fresh", hidden: true, onclick: () => this.#insertWaiting() });
  #waiting = [];

  constructor(options) {
    Object.assign(this, options);
    document.addEventListener("visibilitychange", () => this.#plan(0), options);
    const ticking = setInterval(() => this.#tick(), 1000);
    options.signal.addEventListener("abort", () => { clearInterval(ticking); clearTimeout(this.timer); });
  }

  async load() {
    // Structure first; a word about waiting only when there is something to wait for.
    const slow = setTimeout(() => this.place.replaceChildren(el("p", { class: "empty" }, "Asking the server…")), 300);
    try {
      const { builds, nextCursor } = await listBuilds({ ...this, limit: pageSize });
      if (this.signal.aborted) return;
      if (builds.length) this.#show(builds, nextCursor);
      else this.place.replaceChildren(emptyState(this.status, this.cursor));
      this.#plan();
    } catch (failure) {
      if (!this.signal.aborted) this.place.replaceChildren(broken(failure, () => this.load()));
    } finally {
      clearTimeout(slow);
    }
  }

  #show(builds, nextCursor) {
    const table = el("table", {},
      el("caption", { class: "unseen" }, "Builds, newest first"),
      el("thead", {}, el("tr", {}, labels.map((label) => el("th", { scope: "col" }, label)))), this.#body);
    this.#body.replaceChildren(...builds.map((build) => this.#row(build)));
    this.place.replaceChildren(this.#fresh, table, el("nav", { class: "pager", "aria-label": "Pages of builds" },
      this.cursor ? el("a", { href: address(this.status) }, "Newest") : null,
      nextCursor ? el("a", { href: address(this.status, nextCursor), rel: "next" }, "Older") : null));
  }

  #row(build) {
    const row = new BuildRow(build);
    this.#rows.set(build.buildId, row);
    return row.element;
  }

  #plan(wait) {
    clearTimeout(this.timer);
    if (document.hidden || this.signal.aborted) return;
    const active = [...this.#rows.values()].some((row) => row.active);
    this.timer = setTimeout(() => this.#refresh(), wait ?? (active ? 2000 : 5000));
  }

  async #refresh() {
    try {
      if (!this.#rows.size) return await this.load();
      const { builds } = await listBuilds({ ...this, limit: pageSize });
      const seen = new Set(builds.map((build) => build.buildId));
      // A row that left the list (filtered out, pushed to the next page) stays where it is and is asked for by name.
      const missing = [...this.#rows].filter(([id, row]) => row.active && !seen.has(id));
      builds.push(...await Promise.all(missing.map(([id]) => getBuild(id, this.signal))));
      if (this.signal.aborted) return;
      for (const build of builds) this.#rows.get(build.buildId)?.fill(build);
      if (!this.cursor) this.#offer(builds.filter((build) => !this.#rows.has(build.buildId)));
    } catch {
      // The rows on screen stay; the next round asks again.
    }
    this.#plan();
  }

  #offer(builds) {
    this.#waiting = builds;
    this.#fresh.hidden = builds.length === 0;
    setText(this.#fresh, `Show ${builds.length} new ${builds.length === 1 ? "build" : "builds"}`);
  }

  #insertWaiting() {
    this.#body.prepend(...this.#waiting.map((build) => this.#row(build)));
    this.#offer([]);
    this.#body.querySelector("a")?.focus();
  }

  #tick() {
    for (const row of this.#rows.values()) if (row.active) row.tick();
  }
}

class BuildRow {
  #cells = labels.map((label) => el("td", { class: label.toLowerCase() }));
  #mark = mark("pending");
  #link;
  element = el("tr");

  constructor(build) {
    this.#link = el("a", { href: `/builds/${encodeURIComponent(build.buildId)}` }, titleOf(build));
    const [state, image, id] = this.#cells;
    state.append(this.#mark);
    image.append(this.#link);
    id.append(el("code", {}, build.buildId));
    this.element.append(...this.#cells);
    this.fill(build);
  }

  fill(build) {
    const status = statusOf(build);
    const started = integer(build.startedAtMs) || integer(build.createdAtMs);
    const cells = this.#cells;
    Object.assign(this, { active: isActive(status), build });
    this.#mark.state = status;
    if (cells[3].firstChild) cells[3].firstChild.at = started;
    else if (started) cells[3].append(moment(started));
    const bytes = integer(build.metrics?.imageSizeBytes);
    say(cells[5], build.metrics?.cacheUsed && "used");
    say(cells[6], bytes && size(bytes));
    this.tick();
  }

  tick() {
    const { metrics, startedAtMs, completedAtMs } = this.build;
    const start = integer(startedAtMs);
    const end = integer(completedAtMs) || (this.active ? Date.now() : 0);
    const time = integer(metrics?.durationMs) || (start && end ? end - start : 0);
    say(this.#cells[4], time && duration(time));
  }
}

function say(cell, words) {
  setText(cell, words || "–");
  cell.toggleAttribute("data-empty", !words);
}

function emptyState(status, cursor) {
  if (status || cursor) {
    return el("div", { class: "empty" },
      el("h2", {}, status ? `No ${status} builds` : "No older builds"),
      el("p", {}, el("a", { href: "/builds" }, "Show all builds")));
  }
  return el("div", { class: "empty" },
    el("img", { src: "/icons/kindling.svg", alt: "", width: 44, height: 44 }),
    el("h2", {}, "Nothing built yet"),
    el("p", {}, "Run one of these in a folder with a Dockerfile; the build appears here."),
    el("dl", {},
      el("dt", {}, "Build this folder"), el("dd", {}, copy("kindling build .")),
      el("dt", {}, "The same, in the platform's own words"),
      el("dd", {}, copy("kindling build create app --context . --tag latest"))));
}
