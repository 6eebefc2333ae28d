/**
 * One stream per browser: the tab that holds a lock reads it and hands everything on to the
 * others. When that tab goes, another gets the lock and resumes where it was.
 */
import type { LiveEvent } from "../api/types";
import { Stream } from "./stream";
import type { Store } from "./store";

export type Connection =
  | { readonly is: "connecting" }
  | { readonly is: "online" }
  | { readonly is: "offline"; readonly since: number }
  | { readonly is: "ended" };

type Word =
  | { readonly kind: "event"; readonly event: LiveEvent }
  | { readonly kind: "connection"; readonly connection: Connection; readonly isFirst: boolean }
  | { readonly kind: "seen"; readonly dialog: string; readonly seq: number }
  | { readonly kind: "hello" };

export class Live {
  readonly #store: Store;
  readonly #channel: BroadcastChannel;
  readonly #end = new AbortController();
  #stream: Stream | null = null;
  #connection: Connection = { is: "connecting" };

  constructor(workspace: string, store: Store) {
    this.#store = store;
    this.#channel = new BroadcastChannel(`rx-live-${workspace}`);
    this.#channel.onmessage = (message: MessageEvent<Word>) => this.#hear(message.data);
    this.#channel.postMessage({ kind: "hello" } satisfies Word);

    navigator.locks
      .request(`rx-live-${workspace}`, { signal: this.#end.signal }, () => this.#lead())
      .catch((error: unknown) => {
        if (!this.#end.signal.aborted) throw error;
      });
  }

  stop(): void {
    this.#end.abort();
    this.#stream?.stop();
    this.#channel.close();
  }

  /** Tells the other tabs that a dialog was read. */
  seen(dialog: string, seq: number): void {
    this.#say({ kind: "seen", dialog, seq });
  }

  /** Holds the lock until this tab is done. */
  #lead(): Promise<void> {
    this.#stream = new Stream({
      lastEvent: () => this.#store.state.lastEvent,
      opened: () => {
        // Without a number to resume after, what was loaded before may lack something.
        const isFirst = this.#store.state.lastEvent === 0;
        this.#turn({ is: "online" }, isFirst);
      },
      event: (event) => {
        this.#store.event(event);
        this.#say({ kind: "event", event });
      },
      lost: (since) => {
        const before = this.#connection;
        this.#turn({ is: "offline", since: before.is === "offline" ? before.since : since }, false);
      },
      ended: () => this.#turn({ is: "ended" }, false),
    });
    return new Promise((resolve) => this.#end.signal.addEventListener("abort", () => resolve()));
  }

  #turn(connection: Connection, isFirst: boolean): void {
    this.#connection = connection;
    this.#store.connection(connection, isFirst);
    this.#say({ kind: "connection", connection, isFirst });
  }

  #say(word: Word): void {
    if (!this.#end.signal.aborted) this.#channel.postMessage(word);
  }

  #hear(word: Word): void {
    if (word.kind === "event") this.#store.event(word.event);
    else if (word.kind === "connection") this.#store.connection(word.connection, word.isFirst);
    else if (word.kind === "seen") this.#store.seen(word.dialog, word.seq);
    else if (this.#stream) {
      this.#say({ kind: "connection", connection: this.#connection, isFirst: false });
    }
  }
}
