/** Asking the gateway. What it refuses is told by its problem document (RFC 9457). */

const PATIENCE = 15_000;

/** A request that was not answered as asked. `status` 0: no answer came. */
export class Refused extends Error {
  constructor(status, problem, retryAfter = null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** A document. `signal`: when the answer is wanted no longer. */
export async function get(path, { signal } = {}) {
  return (await ask(path, { signal })).json();
}

/** All pages of a list of GeoJSON features, at most `most`. */
export async function features(path, { signal, most }) {
  const found = [];
  let next = path;
  while (next !== null && found.length < most) {
    const answer = await ask(next, { signal });
    found.push(...(await answer.json()).features);
    next = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("link") ?? "")?.[1] ?? null;
  }
  return found;
}

/** Send a document. */
export async function post(path, document) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(document),
  });
  return answer.status === 204 ? null : answer.json();
}

async function ask(path, { signal, ...options }) {
  const patience = AbortSignal.timeout(PATIENCE);
  let answer;
  try {
    answer = await fetch(path, {
      credentials: "same-origin",
      ...options,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, { detail: String(error.message ?? error) });
  }
  if (answer.ok) return answer;
  let problem = {};
  if ((answer.headers.get("content-type") ?? "").includes("json")) problem = await answer.json();
  throw new Refused(answer.status, problem, Number(answer.headers.get("retry-after")) || null);
}
