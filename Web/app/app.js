import { openSession } from "/api.js";
import { el, setTab, setText } from "/dom.js";
import { buildPage } from "/pages/build.js";
import { buildsPage } from "/pages/builds.js";

const main = document.getElementById("main");
let leave = new AbortController();
let shown = "";

/** Pages are functions of `{ parameters, query, signal }` that return their content; the signal ends with the page. */
const routes = [
  [/^\/(?:builds\/?)?$/, buildsPage],
  [/^\/builds\/([^/]+)$/, buildPage],
];

function show({ focus }) {
  shown = location.pathname + location.search;
  leave.abort();
  leave = new AbortController();
  connection("");
  const [content] = routes.flatMap(([pattern, page]) => {
    const match = pattern.exec(location.pathname);
    if (!match) return [];
    const query = new URLSearchParams(location.search);
    return [page({ parameters: match.slice(1).map(decoded), query, signal: leave.signal, connection })];
  });
  main.replaceChildren(content ?? unknownPage());
  const here = location.pathname === "/" ? "/builds" : location.pathname;
  for (const link of document.querySelectorAll(".bar nav a")) {
    if (here.startsWith(link.getAttribute("href"))) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (focus) main.focus({ preventScroll: true });
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unknownPage() {
  setTab("No such page · Kindling");
  return el("section", { class: "empty" },
    el("h1", {}, "No such page"), el("p", {}, el("a", { href: "/builds" }, "Go to the builds")));
}

/** What the foot of the page says about the connection to the server. */
function connection(word) {
  const place = document.getElementById("connection");
  setText(place, word);
  place.dataset.state = word;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !routes.some(([pattern]) => pattern.test(url.pathname))) return;
  if (url.hash && url.pathname === location.pathname) return;
  event.preventDefault();
  history.pushState(null, "", url);
  show({ focus: true });
  scrollTo(0, 0);
});

addEventListener("popstate", () => {
  if (location.pathname + location.search !== shown) show({ focus: true });
});

show({ focus: false });
openSession().then(({ organization, version }) => {
  setText(document.getElementById("organization"), organization ?? "");
  setText(document.getElementById("version"), version ? `Kindling ${version}` : "Kindling");
}, () => {});
