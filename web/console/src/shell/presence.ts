/**
 * Whether the operator is there. It is chosen, never guessed: who only looks in is given no dialogs.
 * What was chosen is said again while a page is open, by one tab at a time.
 */
import { useEffect, useSyncExternalStore } from "react";
import { api } from "../api/client";
import { recall, remember } from "../ui/memory";

export const PRESENCES = ["online", "away", "offline"] as const;
export type Presence = (typeof PRESENCES)[number];

/** The server forgets after 90 seconds. */
const PACE_MS = 30_000;
const listeners = new Set<() => void>();

function key(workspace: string): string {
  return `rx-presence:${workspace}`;
}

function chosen(workspace: string): Presence {
  const stored = recall(key(workspace));
  return PRESENCES.find((presence) => presence === stored) ?? "offline";
}

async function say(state: Presence): Promise<void> {
  // When it fails, it is said again soon.
  await api.PUT("/api/v1/operators/me/presence", { body: { state } }).catch(() => undefined);
}

export function choosePresence(workspace: string, presence: Presence): void {
  remember(key(workspace), presence);
  for (const listener of listeners) listener();
  void say(presence);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", listener);
  };
}

export function usePresence(workspace: string): Presence {
  return useSyncExternalStore(listen, () => chosen(workspace));
}

/** Says again what was chosen, while the page is open. */
export function useSaidPresence(workspace: string, mayAnswer: boolean): void {
  useEffect(() => {
    if (!mayAnswer) return;
    const end = new AbortController();
    const hold = async (): Promise<void> => {
      const again = (): void => {
        const presence = chosen(workspace);
        if (presence !== "offline") void say(presence);
      };
      again();
      const timer = setInterval(again, PACE_MS);
      await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
      clearInterval(timer);
    };
    navigator.locks.request(`rx-presence-${workspace}`, { signal: end.signal }, hold).catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    });
    return () => end.abort();
  }, [workspace, mayAnswer]);
}
