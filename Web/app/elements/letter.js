import { codeName } from "/api.js";
import { el } from "/dom.js";

/** The lines of the reader's own file around the place that matters; the lines pointed at are marked. */
export function excerpt(source) {
  const place = `${source.file}:${source.firstLine}${source.column ? `:${source.column}` : ""}`;
  const lines = source.lines.map((text, offset) => {
    const number = source.shownFrom + offset;
    const aimed = number >= source.firstLine && number <= source.lastLine;
    return el("div", { class: aimed ? "aimed" : null },
      el("span", { class: "number" }, aimed ? `> ${number}` : `${number}`), text || " ");
  });
  return el("figure", { class: "excerpt" }, el("figcaption", {}, place), el("pre", {}, lines));
}

/** A failure as a letter: what failed, where, the evidence, what to do next. */
export function letter(failure, ...more) {
  const code = failure.code ? codeName(failure.code) : null;
  const { reason, message, source, cause, hint, requestId } = failure;
  return el("section", { class: "letter", "aria-label": "Failure" },
    el("p", { class: "what" }, message),
    source ? excerpt(source) : null,
    cause ? el("pre", { class: "cause" }, cause) : null,
    hint ? el("p", { class: "hint" }, el("b", {}, "Next"), el("span", {}, hint)) : null,
    el("p", { class: "small" }, [code, reason, requestId && `request ${requestId}`].filter(Boolean).join(" · ")),
    more);
}

/** The broken state of a page: the failure and a way to try again. */
export const broken = (failure, retry) =>
  letter(failure, el("button", { type: "button", onclick: retry }, "Try again"));
