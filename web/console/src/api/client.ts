/**
 * The API. Requests carry the workspace of the page and the proof that one of our pages sent them;
 * an expired session is renewed once, by one tab at a time, and the request repeated.
 */
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import type { Problem } from "./types";

const CSRF_COOKIE = "__Host-rx_csrf";
/** When this browser last renewed its session, for the other tabs. */
const RENEWED = "rx-renewed-at";

/** Why a request did not give what was asked for. */
export class Failure extends Error {
  constructor(
    /** The status; 0 when there was no answer. */
    readonly status: number,
    readonly code: string,
    readonly problem: Problem | null,
    readonly requestId: string | null,
    /** After how many seconds a retry makes sense, if the server says so. */
    readonly retryAfter: number | null,
  ) {
    super(problem?.detail ?? code);
  }
}

/** The proof that a change was meant by one of our pages. */
export function csrfToken(): string | null {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(`${CSRF_COOKIE}=`));
  return pair ? pair.slice(CSRF_COOKIE.length + 1) : null;
}

let workspace: string | null = null;

/** The workspace in which requests act from now on. */
export function actIn(id: string | null): void {
  workspace = id;
}

export function actsIn(): string | null {
  return workspace;
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Calls the listener when the session has ended. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

/** Renews the session. Whether there is one now. */
export async function renew(): Promise<boolean> {
  const asked = Date.now();
  const isRenewed = await navigator.locks.request("rx-refresh", async () => {
    // While we waited for the lock, another tab may have done it.
    if (Number(localStorage.getItem(RENEWED) ?? 0) >= asked) return true;

    const headers: Record<string, string> = { "content-type": "application/json" };
    const token = csrfToken();
    if (token) headers["x-csrf-token"] = token;
    const body = JSON.stringify(workspace ? { workspace_id: workspace } : {});
    const answer = await fetch("/api/v1/auth/refresh", { method: "POST", headers, body });
    if (answer.ok) localStorage.setItem(RENEWED, String(Date.now()));
    else if (answer.status >= 500 || answer.status === 429) throw await failure(answer);
    return answer.ok;
  });
  if (!isRenewed) for (const listener of signedOut) listener();
  return isRenewed;
}

/** Headers of every request to the API. */
export function headers(method: string): Record<string, string> {
  const set: Record<string, string> = {};
  if (workspace) set["x-workspace"] = workspace;
  const token = csrfToken();
  if (token && method !== "GET") set["x-csrf-token"] = token;
  return set;
}

/** Sends a request; renews the session once if it has expired. */
async function send(request: Request): Promise<Response> {
  const spare = request.clone();
  const path = new URL(request.url).pathname;
  const answer = await attempt(request);
  if (answer.status !== 401 || path.startsWith("/api/v1/auth/log")) return answer;
  if (!(await renew())) return answer;

  const token = csrfToken();
  if (token && spare.method !== "GET") spare.headers.set("x-csrf-token", token);
  return attempt(spare);
}

async function attempt(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure(0, "offline", null, null, null);
  }
}

export async function failure(answer: Response): Promise<Failure> {
  const problem = (await answer.clone().json().catch(() => null)) as Problem | null;
  const wait = Number(answer.headers.get("retry-after"));
  return new Failure(
    answer.status,
    problem?.code ?? `http_${answer.status}`,
    problem,
    answer.headers.get("x-request-id"),
    wait > 0 ? wait : null,
  );
}

const own: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers(request.method))) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await failure(response);
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });
api.use(own);

/** The body of an answer that has one. */
export function body<T>(answer: { data?: T }): T {
  if (answer.data === undefined) throw new Failure(0, "empty", null, null, null);
  return answer.data;
}
