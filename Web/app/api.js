/** What every door says when something fails: gRPC code, message and, where there is one, the next thing to do. */
export class Failure extends Error {
  constructor(code, message, { reason = "", hint = "", requestId = "" } = {}) {
    super(message);
    Object.assign(this, { code, reason, hint, requestId });
  }
}

const codeNames = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
  "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
];

/** `NOT_FOUND` for 5. */
export const codeName = (code) => codeNames[code] ?? `code ${code}`;

const unreachable = () =>
  new Failure(14, "the server does not answer", { hint: "start it with: kindling start" });

let session = null;

/** Token, organisation and version, asked for once and again after a 401. */
export function openSession({ renew = false } = {}) {
  if (renew || !session) {
    session = load("/_kindling/session", {}).then((response) => response.json());
    session.catch(() => { session = null; });
  }
  return session;
}

/** A request with the session's token; the response is good, or a Failure is thrown. */
export async function request(path, options = {}) {
  for (const renew of [false, true]) {
    const { token } = await openSession({ renew });
    try {
      return await load(path, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
    } catch (failure) {
      if (renew || failure.code !== 16) throw failure;
    }
  }
}

async function load(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  throw await failureOf(response);
}

async function failureOf(response) {
  const codes = { 400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 501: 12, 503: 14 };
  let body = {};
  try {
    body = await response.json();
  } catch {
    // Not our JSON: the status line is all there is to say.
  }
  const code = body.code ?? codes[response.status] ?? 2;
  const details = Object.assign({}, ...(body.details ?? []).filter((detail) => detail && typeof detail === "object"));
  return new Failure(code, body.message || `the server answered ${response.status}`, {
    reason: body.reason ?? details.reason,
    hint: body.hint ?? details.hint ?? details.metadata?.hint,
    requestId: response.headers.get("request-id") ?? "",
  });
}

const path = (id) => `/v1/ignite/builds/${encodeURIComponent(id)}`;

/** One page of builds, newest first; `status` is a word such as "failed" or "". */
export async function listBuilds({ status, cursor, limit, signal }) {
  const query = new URLSearchParams({ limit });
  if (status) query.set("status", `BUILD_STATUS_${status.toUpperCase()}`);
  if (cursor) query.set("cursor", cursor);
  const answer = await (await request(`/v1/ignite/builds?${query}`, { signal })).json();
  return { builds: answer.builds ?? [], nextCursor: answer.nextCursor ?? "" };
}

export async function getBuild(id, signal) {
  return (await (await request(path(id), { signal })).json()).build;
}

export async function cancelBuild(id) {
  const headers = { "content-type": "application/json" };
  await request(`${path(id)}/cancel`, { method: "POST", headers, body: "{}" });
}

/** `failed` for `BUILD_STATUS_FAILED`; a build without status is as good as waiting. */
export const statusOf = (build) => (build.status ?? "").replace("BUILD_STATUS_", "").toLowerCase() || "pending";

export const isActive = (status) => status === "pending" || status === "running";

/** `web:main`, or `web` when no tag was asked for; further tags are counted. */
export function titleOf(build) {
  const [first, ...more] = build.tags ?? [];
  return (build.name ?? "") + (first ? `:${first}` : "") + (more.length ? ` +${more.length}` : "");
}
