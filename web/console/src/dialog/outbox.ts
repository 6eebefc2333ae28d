/**
 * What was sent and has no answer yet. The browser keeps it until the server has taken or refused
 * it, so a message survives a reload, a lost connection and a server that is restarted; its
 * identifier makes sure that it is stored once.
 */
import { useSyncExternalStore } from "react";
import { api, body, Failure } from "../api/client";
import type { Store } from "../live/store";
import { forget, remember } from "../ui/memory";
import { returnDraft, type Kind } from "./drafts";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

export interface Sent {
  readonly id: string;
  readonly dialog: string;
  readonly kind: Kind;
  readonly text: string;
  readonly at: string;
  /** The dialog as the writer saw it. */
  readonly epoch: number;
  readonly seen: number;
  readonly state: "sending" | "waiting";
}

/** Why a message was not taken. */
export interface Refusal {
  readonly code: string;
  readonly name: string;
  readonly detail: string;
}

export class Outbox {
  readonly #store: Store;
  readonly #listeners = new Set<() => void>();
  /** Dialogs whose next message is on its way: they are sent one after another. */
  readonly #busy = new Set<string>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #entries: readonly Sent[] = [];
  #refusals: ReadonlyMap<string, Refusal> = new Map();
  #isStopped = false;

  constructor(store: Store) {
    this.#store = store;
    this.#entries = stored(this.#prefix());
    for (const dialog of new Set(this.#entries.map((entry) => entry.dialog))) void this.#pump(dialog, 0);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get entries(): readonly Sent[] {
    return this.#entries;
  }

  refusal(dialog: string): Refusal | null {
    return this.#refusals.get(dialog) ?? null;
  }

  send(dialog: string, kind: Kind, text: string): void {
    const known = this.#store.state.dialogs.get(dialog);
    const entry: Sent = {
      id: crypto.randomUUID(),
      dialog,
      kind,
      text,
      at: new Date().toISOString(),
      epoch: known?.epoch ?? 0,
      seen: known?.last_seq ?? 0,
      state: "sending",
    };
    remember(this.#prefix() + entry.id, JSON.stringify(entry));
    this.dismiss(dialog);
    this.#change([...this.#entries, entry]);
    void this.#pump(dialog, 0);
  }

  dismiss(dialog: string): void {
    this.#refuse(dialog, null);
  }

  /** Tells the writer why something was refused. */
  refused(dialog: string, failure: Failure): void {
    this.#refuse(dialog, {
      code: failure.code,
      name: failure.problem?.holder?.name ?? failure.problem?.message?.operator?.name ?? "",
      detail: failure.message,
    });
  }

  #prefix(): string {
    return `rx-sent:${this.#store.workspace}:`;
  }

  /** Sends the next message of a dialog, and then the one after it. */
  async #pump(dialog: string, attempt: number): Promise<void> {
    const entry = this.#entries.find((entry) => entry.dialog === dialog);
    if (!entry || this.#busy.has(dialog) || this.#isStopped) return;
    this.#busy.add(dialog);
    try {
      await this.#deliver(entry);
      this.#busy.delete(dialog);
      void this.#pump(dialog, 0);
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(0, "offline", null, null, null);
      if (isFinal(failure)) {
        this.#giveBack(entry, failure);
        this.#busy.delete(dialog);
        void this.#pump(dialog, 0);
      } else {
        this.#later(entry, attempt, failure);
      }
    }
  }

  async #deliver(entry: Sent): Promise<void> {
    const asked = this.#store.state.lastEvent;
    const answer = await api.POST("/api/v1/dialogs/{id}/messages", {
      params: { path: { id: entry.dialog } },
      body: {
        client_id: entry.id,
        kind: entry.kind,
        text: entry.text,
        ...(entry.kind === "reply" ? { epoch: entry.epoch, seen_seq: entry.seen } : {}),
      },
    });
    this.#store.messages(entry.dialog, [body(answer)], asked);
    this.#remove(entry);
  }

  #later(entry: Sent, attempt: number, failure: Failure): void {
    // Those behind it wait with it.
    const { dialog } = entry;
    this.#change(this.#entries.map((one) => (one.dialog === dialog ? { ...one, state: "waiting" } : one)));
    const own = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    const wait = failure.retryAfter === null ? own : failure.retryAfter * 1000;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#busy.delete(entry.dialog);
      void this.#pump(entry.dialog, attempt + 1);
    }, wait);
    this.#timers.add(timer);
  }

  /** The text is the writer's again. */
  #giveBack(entry: Sent, failure: Failure): void {
    returnDraft(this.#store.workspace, entry.dialog, entry.kind, entry.text);
    this.#remove(entry);
    this.refused(entry.dialog, failure);
    // Whoever was quicker has changed the dialog.
    void this.#store.open(entry.dialog).catch(() => undefined);
  }

  #remove(entry: Sent): void {
    forget(this.#prefix() + entry.id);
    this.#change(this.#entries.filter((one) => one.id !== entry.id));
  }

  #refuse(dialog: string, refusal: Refusal | null): void {
    const refusals = new Map(this.#refusals);
    if (refusal) refusals.set(dialog, refusal);
    else refusals.delete(dialog);
    this.#refusals = refusals;
    this.#tell();
  }

  #change(entries: readonly Sent[]): void {
    this.#entries = entries;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A refusal that a repeat would meet again. */
function isFinal(failure: Failure): boolean {
  const { status } = failure;
  return status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
}

function stored(prefix: string): Sent[] {
  const entries: Sent[] = [];
  try {
    for (const [key, text] of Object.entries(localStorage)) {
      if (key.startsWith(prefix)) entries.push(JSON.parse(String(text)) as Sent);
    }
  } catch {
    return [];
  }
  return entries.sort((one, other) => one.at.localeCompare(other.at));
}

export function useOutbox(outbox: Outbox): readonly Sent[] {
  return useSyncExternalStore(outbox.subscribe, () => outbox.entries);
}

export function useRefusal(outbox: Outbox, dialog: string): Refusal | null {
  return useSyncExternalStore(outbox.subscribe, () => outbox.refusal(dialog));
}
