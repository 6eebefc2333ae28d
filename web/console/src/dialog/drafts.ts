/** What was written and not sent, per dialog and kind; kept by the browser at every key. */
import { useSyncExternalStore } from "react";
import { forget, recall, remember } from "../ui/memory";

export type Kind = "reply" | "note";

const listeners = new Set<() => void>();

function key(workspace: string, dialog: string, kind: Kind): string {
  return `rx-draft:${workspace}:${dialog}:${kind}`;
}

export function draft(workspace: string, dialog: string, kind: Kind): string {
  return recall(key(workspace, dialog, kind)) ?? "";
}

export function setDraft(workspace: string, dialog: string, kind: Kind, text: string): void {
  if (text === "") forget(key(workspace, dialog, kind));
  else remember(key(workspace, dialog, kind), text);
  for (const listener of listeners) listener();
}

/** Puts a text back that was not taken, before what was written since. */
export function returnDraft(workspace: string, dialog: string, kind: Kind, text: string): void {
  const since = draft(workspace, dialog, kind);
  setDraft(workspace, dialog, kind, since === "" ? text : `${text}\n\n${since}`);
}

export function useDraft(workspace: string, dialog: string, kind: Kind): string {
  return useSyncExternalStore(listen, () => draft(workspace, dialog, kind));
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", listener);
  };
}
