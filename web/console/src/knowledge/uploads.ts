/** Files on their way to the server: a few at a time, each with its progress and, if it fails, why. */
import { useSyncExternalStore } from "react";
import { actsIn, Failure, headers, renew } from "../api/client";
import type { Problem } from "../api/types";

export interface Upload {
  readonly id: string;
  readonly assistant: string;
  readonly name: string;
  readonly size: number;
  /** How many bytes have gone. */
  readonly sent: number;
  readonly is: "waiting" | "sending" | "done" | "unchanged" | "failed";
  readonly failure: Failure | null;
  /** How many other documents have this name. */
  readonly sameName: number;
}

/** So many are sent at once. */
const AT_ONCE = 2;

interface Received {
  readonly id: string;
  readonly unchanged: boolean;
  readonly same_name: readonly unknown[];
}

/** Sends a file; tells how many of its bytes have gone. */
export async function sendFile(
  method: "POST" | "PUT",
  path: string,
  file: File,
  key: string,
  progress: (sent: number) => void,
): Promise<Received> {
  const first = await attempt(method, path, file, key, progress);
  if (first.status !== 401 || !(await renew())) return received(first);
  return received(await attempt(method, path, file, key, progress));
}

function attempt(method: string, path: string, file: File, key: string, progress: (sent: number) => void): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    // `fetch` does not say how far a body has come.
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers(method))) request.setRequestHeader(name, value);
    if (method === "POST") request.setRequestHeader("idempotency-key", key);
    request.upload.onprogress = (event) => progress(Math.min(event.loaded, file.size));
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Failure(0, "offline", null, null, null));
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });
}

function received(request: XMLHttpRequest): Received {
  let given: unknown = null;
  try {
    given = JSON.parse(request.responseText);
  } catch {
    // What stands before the server does not answer in JSON.
  }
  if (request.status >= 200 && request.status < 300 && given !== null) return given as Received;
  const problem = given as Problem | null;
  const wait = Number(request.getResponseHeader("retry-after"));
  throw new Failure(
    request.status,
    problem?.code ?? `http_${request.status}`,
    problem,
    request.getResponseHeader("x-request-id"),
    wait > 0 ? wait : null,
  );
}

class Uploads {
  #all: readonly Upload[] = [];
  readonly #files = new Map<string, File>();
  readonly #listeners = new Set<() => void>();
  readonly #done = new Set<(assistant: string) => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  all = (): readonly Upload[] => this.#all;

  /** Calls the listener when a file has arrived. */
  onDone(listener: (assistant: string) => void): () => void {
    this.#done.add(listener);
    return () => this.#done.delete(listener);
  }

  add(assistant: string, files: Iterable<File>): void {
    const added = [...files].map((file): Upload => {
      const id = crypto.randomUUID();
      this.#files.set(id, file);
      return { id, assistant, name: file.name, size: file.size, sent: 0, is: "waiting", failure: null, sameName: 0 };
    });
    this.#set([...this.#all, ...added]);
    this.#next();
  }

  retry(id: string): void {
    this.#change(id, { is: "waiting", sent: 0, failure: null });
    this.#next();
  }

  /** Forgets those that are over. */
  clear(assistant: string): void {
    this.#set(this.#all.filter((one) => one.assistant !== assistant || one.is === "waiting" || one.is === "sending"));
    for (const id of this.#files.keys()) {
      if (!this.#all.some((one) => one.id === id)) this.#files.delete(id);
    }
  }

  #next(): void {
    const free = AT_ONCE - this.#all.filter((one) => one.is === "sending").length;
    for (const one of this.#all.filter((one) => one.is === "waiting").slice(0, Math.max(0, free))) void this.#send(one);
  }

  async #send({ id, assistant }: Upload): Promise<void> {
    const file = this.#files.get(id);
    if (!file) return;
    const workspace = actsIn();
    this.#change(id, { is: "sending" });
    try {
      const given = await sendFile("POST", `/api/v1/assistants/${assistant}/documents`, file, id, (sent) =>
        this.#change(id, { sent }),
      );
      this.#files.delete(id);
      this.#change(id, { is: given.unchanged ? "unchanged" : "done", sent: file.size, sameName: given.same_name.length });
      if (actsIn() === workspace) for (const listener of this.#done) listener(assistant);
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(0, "offline", null, null, null);
      this.#change(id, { is: "failed", failure });
    } finally {
      this.#next();
    }
  }

  #change(id: string, part: Partial<Upload>): void {
    this.#set(this.#all.map((one) => (one.id === id ? { ...one, ...part } : one)));
  }

  #set(all: readonly Upload[]): void {
    this.#all = all;
    for (const listener of this.#listeners) listener();
  }
}

/** They go on while one looks at other screens. */
export const uploads = new Uploads();

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(uploads.subscribe, uploads.all);
}
