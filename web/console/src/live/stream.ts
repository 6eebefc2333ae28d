/**
 * The stream of a workspace's events: opened with `fetch`, because that can send headers and sees
 * every byte; cut when no byte came for too long; resumed after the last event that was seen.
 */
import { failure, Failure, headers, renew } from "../api/client";
import type { LiveEvent } from "../api/types";
import { Frames } from "./frames";

/** The server sends something every 15 seconds. */
const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 30_000;

export interface StreamHandlers {
  /** The number of the last event that was applied; 0 for none. */
  lastEvent(): number;
  opened(): void;
  event(event: LiveEvent): void;
  lost(since: number): void;
  /** The access has ended: nothing is tried again. */
  ended(): void;
}

/** Keeps the stream open until it is stopped. */
export class Stream {
  readonly #handlers: StreamHandlers;
  readonly #stop = new AbortController();
  #attempt: AbortController | null = null;
  #lastByte = 0;
  #wake: (() => void) | null = null;

  constructor(handlers: StreamHandlers) {
    this.#handlers = handlers;
    document.addEventListener("visibilitychange", this.#look);
    addEventListener("online", this.#look);
    void this.#run();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#look);
    removeEventListener("online", this.#look);
    this.#stop.abort();
    this.#attempt?.abort();
    this.#wake?.();
  }

  /** A page that was hidden may have slept: what has been silent since is opened again. */
  #look = (): void => {
    if (document.visibilityState !== "visible") return;
    if (Date.now() - this.#lastByte > SILENCE_MS / 2) this.#attempt?.abort();
    this.#wake?.();
  };

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const before = Date.now();
      let wait: number | null = null;
      try {
        await this.#read(() => {
          failures = 0;
          this.#handlers.opened();
        });
      } catch (error) {
        if (error instanceof Failure) {
          if (error.status === 403 || error.status === 404) return this.#handlers.ended();
          if (error.status === 401 && !(await renew().catch(() => true))) return this.#handlers.ended();
          wait = error.retryAfter === null ? null : error.retryAfter * 1000;
        }
      }
      if (this.#stop.signal.aborted) return;

      this.#handlers.lost(this.#lastByte || before);
      failures += 1;
      const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
      await this.#sleep(wait ?? longest * (0.5 + Math.random() / 2));
    }
  }

  async #read(opened: () => void): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const set: Record<string, string> = { ...headers("GET"), accept: "text/event-stream" };
    const last = this.#handlers.lastEvent();
    if (last > 0) set["last-event-id"] = String(last);

    let watchdog = setTimeout(() => attempt.abort(), SILENCE_MS);
    try {
      const answer = await fetch("/api/v1/events", { headers: set, signal: attempt.signal, cache: "no-store" });
      if (!answer.ok || !answer.body) throw await failure(answer);

      const frames = new Frames();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let isOpen = false;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#lastByte = Date.now();
        clearTimeout(watchdog);
        watchdog = setTimeout(() => attempt.abort(), SILENCE_MS);
        if (!isOpen) opened();
        isOpen = true;
        for (const frame of frames.push(value)) {
          if (frame.event === "bye") throw new Failure(401, "access_ended", null, null, null);
          if (frame.event !== "ping") this.#handlers.event(JSON.parse(frame.data) as LiveEvent);
        }
      }
    } finally {
      clearTimeout(watchdog);
      attempt.abort();
    }
  }

  #sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, duration);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
