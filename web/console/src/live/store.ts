/** Holds the state of a workspace, loads what it lacks, and tells the page when it changes. */
import { useSyncExternalStore } from "react";
import { api, body } from "../api/client";
import type { Dialog, DialogHead, DialogMarks, LiveEvent, Message, Tag } from "../api/types";
import { Live, type Connection } from "./live";
import { attended, current, type Attention, type AttentionWord } from "./attention";
import * as change from "./state";
import { EMPTY, type State } from "./state";

/** Dialogs that events name are loaded together, this long after the first. */
const UNKNOWN_WAIT_MS = 150;
export const PAGE = 50;

export class Store {
  state: State = EMPTY;
  attention: Attention = new Map();
  link: Connection = { is: "connecting" };
  readonly #listeners = new Set<() => void>();
  readonly #heard = new Set<(event: LiveEvent) => void>();
  readonly #live: Live;
  readonly #filling = new Set<string>();
  #unknownTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly workspace: string) {
    this.#live = new Live(workspace, this);
  }

  stop(): void {
    this.#live.stop();
    if (this.#unknownTimer) clearTimeout(this.#unknownTimer);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls the listener with every event. */
  onEvent(listener: (event: LiveEvent) => void): () => void {
    this.#heard.add(listener);
    return () => this.#heard.delete(listener);
  }

  event(event: LiveEvent | AttentionWord): void {
    if (event.type === "dialog.attention") return this.#attend(event);
    this.#set(change.apply(this.state, event));
    for (const listener of this.#heard) listener(event);
  }

  connection(link: Connection, isFirst: boolean): void {
    this.link = link;
    this.#set(isFirst ? change.renewed(this.state) : { ...this.state });
  }

  #attend(word: AttentionWord): void {
    this.attention = attended(this.attention, word, Date.now());
    this.#tell();
    setTimeout(() => {
      const left = current(this.attention, Date.now());
      if (left === this.attention) return;
      this.attention = left;
      this.#tell();
    }, word.lasts_s * 1000 + 50);
  }

  seen(dialog: string, seq: number): void {
    this.#set(change.seen(this.state, dialog, seq));
  }

  /** Notes that the reader has read a dialog, here and in the other tabs. */
  read(dialog: string, seq: number): void {
    this.seen(dialog, seq);
    this.#live.seen(dialog, seq);
  }

  /** Takes a list in that was asked for after the event `asked` had been applied. */
  listed(dialogs: readonly Dialog[], asked: number): void {
    this.#set(change.loaded(this.state, dialogs, asked));
  }

  controlled(head: DialogHead & Partial<DialogMarks>, asked: number = this.state.lastEvent): void {
    this.#set(change.controlled(this.state, head, asked));
  }

  tagged(tags: readonly Tag[]): void {
    this.#set(change.named(this.state, tags));
  }

  /** Reads a dialog and, the first time, its newest messages. */
  async open(dialog: string): Promise<void> {
    const asked = this.state.lastEvent;
    const isFirst = !this.state.timelines.has(dialog);
    const known = this.state.dialogs.get(dialog)?.last_seq;
    const head = api.GET("/api/v1/dialogs/{id}", { params: { path: { id: dialog } } });
    // What the list says of it is enough to begin with its messages at the same time.
    const early = isFirst && known !== undefined ? this.#newest(dialog, known) : null;
    const given = body(await head);
    await early;
    this.#set(change.opened(this.state, given, asked));
    if (isFirst && known === undefined) await this.#newest(dialog, given.last_seq);
  }

  async #newest(dialog: string, last: number): Promise<void> {
    if (last > 0) await this.load(dialog, Math.max(1, last - PAGE + 1), PAGE);
  }

  /** Takes messages in that were asked for after the event `asked` had been applied. */
  messages(dialog: string, messages: readonly Message[], asked: number): void {
    this.#set(change.read(this.state, dialog, messages, asked));
  }

  /** Loads the messages `from` to `to`; at most a page of them. */
  async load(dialog: string, from: number, limit: number): Promise<void> {
    const asked = this.state.lastEvent;
    const answer = await api.GET("/api/v1/dialogs/{id}/messages", {
      // The cursor of a page of messages is the number of the message before it.
      params: { path: { id: dialog }, query: { cursor: String(Math.max(0, from - 1)), limit } },
    });
    this.messages(dialog, body(answer).items, asked);
  }

  /** Sends again what the channel refused of a reply. */
  async retry(dialog: string, message: string): Promise<void> {
    const asked = this.state.lastEvent;
    const answer = await api.POST("/api/v1/messages/{id}/retry", { params: { path: { id: message } } });
    this.messages(dialog, [body(answer)], asked);
  }

  #set(state: State): void {
    if (state === this.state) return;
    this.state = state;
    this.#tell();
    this.#fill();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Loads what events name and the state lacks. */
  #fill(): void {
    if (this.state.unknown.size > 0 && !this.#unknownTimer) {
      this.#unknownTimer = setTimeout(() => void this.#loadUnknown(), UNKNOWN_WAIT_MS);
    }
    for (const dialog of this.state.timelines.keys()) {
      const gap = change.gap(this.state, dialog);
      if (!gap || this.#filling.has(dialog)) continue;
      this.#filling.add(dialog);
      const filled = this.load(dialog, gap.from, Math.min(200, gap.to - gap.from + 1));
      // When it fails, the next event or the next connection tries again.
      filled.catch(() => undefined).finally(() => {
        this.#filling.delete(dialog);
        if (change.gap(this.state, dialog)?.from !== gap.from) this.#fill();
      });
    }
  }

  /** What was just talked in is on the first page of the list by activity. */
  async #loadUnknown(): Promise<void> {
    const asked = this.state.lastEvent;
    try {
      const answer = await api.GET("/api/v1/dialogs", { params: { query: { order: "activity", limit: 50 } } });
      this.listed(body(answer).items, asked);
      // What is not there was talked in long ago, and comes with the page of a list.
      this.state = { ...this.state, unknown: new Set() };
    } catch {
      // The next event tries again.
    } finally {
      this.#unknownTimer = null;
    }
  }
}

export function useStore<T>(store: Store, select: (state: State) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.state));
}

export function useAttention(store: Store): Attention {
  return useSyncExternalStore(store.subscribe, () => store.attention);
}

export function useConnection(store: Store): Connection {
  return useSyncExternalStore(store.subscribe, () => store.link);
}
