import { Failure, request } from "/api.js";

/**
 * Follows a build's events to the end: `onEvent(event)` once for each, in order, across dropped connections;
 * `onState("live" | "reconnecting" | "paused" | "ended")` when the connection changes.
 *
 * fetch instead of EventSource, because the token travels in a header; so the resuming is ours: `?after=` the last
 * sequence seen. A hidden tab lets go of its connection, since a browser grants an origin only six.
 */
export async function followEvents(id, { signal, onEvent, onState }) {
  let last = 0;
  let wait = 250;
  while (!signal.aborted) {
    await shown(signal, () => onState("paused"));
    const { signal: attempt, release } = untilHidden(signal);
    try {
      const address = `/_kindling/builds/${encodeURIComponent(id)}/events?after=${last}`;
      const response = await request(address, { signal: attempt, headers: { accept: "text/event-stream" } });
      onState("live");
      for await (const { name, data } of messages(response.body)) {
        if (name === "end") return onState("ended");
        const event = JSON.parse(data);
        if (event.sequence <= last) continue;
        last = event.sequence;
        wait = 250;
        onEvent(event);
        if (event.kind.kind === "finished") return onState("ended");
      }
    } catch (error) {
      if (signal.aborted) return;
      const passing = error instanceof Failure && (error.code === 14 || error.code === 8);
      if (!passing && !attempt.aborted) throw error;
    } finally {
      release();
    }
    if (document.hidden) continue;
    onState("reconnecting");
    await pause(wait, signal);
    wait = Math.min(wait * 2, 4000);
  }
}

/** The messages of a `text/event-stream`; comment lines (heartbeats) are dropped. */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(() => {
        throw new Failure(14, "the connection broke");
      });
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        let name = "message";
        const data = [];
        for (const line of part.split("\n")) {
          if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
          else if (line.startsWith("event:")) name = line.slice(6).trim();
        }
        if (data.length || name === "end") yield { name, data: data.join("\n") };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

function shown(signal, whenHidden) {
  if (!document.hidden) return Promise.resolve();
  whenHidden();
  return new Promise((resolve) => {
    const look = () => { if (!document.hidden || signal.aborted) resolve(); };
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

function untilHidden(signal) {
  const controller = new AbortController();
  // A glance at another tab should not cost a reconnection.
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => controller.abort(), 5000);
  };
  document.addEventListener("visibilitychange", look, { signal: controller.signal });
  signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal });
  return { signal: controller.signal, release: () => { clearTimeout(timer); controller.abort(); } };
}
