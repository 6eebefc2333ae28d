/**
 * Unsent replies, kept by the server besides the browser, so that another device has them. What the
 * server had last is remembered with the text: by it one sees who has written since.
 */
import { useEffect } from "react";
import { api, body, Failure } from "../api/client";
import { forget, recall, remember } from "../ui/memory";
import { draft, setDraft } from "./drafts";
import { merged } from "./merge";

const PAUSE_MS = 800;
const AGAIN_MS = 10_000;
/** The longest that the server keeps, characters. */
const LONGEST = 20_000;

function baseKey(workspace: string, dialog: string): string {
  return `rx-draft-kept:${workspace}:${dialog}`;
}

function keptLast(workspace: string, dialog: string): string {
  return recall(baseKey(workspace, dialog)) ?? "";
}

function noteKept(workspace: string, dialog: string, text: string): void {
  if (text === "") forget(baseKey(workspace, dialog));
  else remember(baseKey(workspace, dialog), text);
}

/** Requests of a dialog go one after another: the last words are the last to arrive. */
const busy = new Map<string, Promise<void>>();

function inTurn(dialog: string, act: () => Promise<void>): Promise<void> {
  const turn = (busy.get(dialog) ?? Promise.resolve()).then(act, act);
  busy.set(dialog, turn);
  return turn;
}

async function fetched(workspace: string, dialog: string): Promise<void> {
  const { text: theirs } = body(await api.GET("/api/v1/dialogs/{id}/draft", { params: { path: { id: dialog } } }));
  const ours = draft(workspace, dialog, "reply");
  const both = merged(keptLast(workspace, dialog), ours, theirs);
  noteKept(workspace, dialog, theirs);
  if (both !== ours) setDraft(workspace, dialog, "reply", both);
}

async function put(workspace: string, dialog: string): Promise<void> {
  const text = draft(workspace, dialog, "reply");
  if (text === keptLast(workspace, dialog) || [...text].length > LONGEST) return;
  await api.PUT("/api/v1/dialogs/{id}/draft", { params: { path: { id: dialog } }, body: { text } });
  noteKept(workspace, dialog, text);
}

/** A refusal that a repeat would meet again. */
function isFinal(error: unknown): boolean {
  return error instanceof Failure && error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
}

/** Takes in what another device wrote when a dialog is opened, and keeps what is written here. */
export function useKept(workspace: string, dialog: string, text: string, mayWrite: boolean): void {
  useEffect(() => {
    if (!mayWrite) return;
    const look = (): void => {
      if (document.visibilityState !== "visible") return;
      // When it fails, the words of this browser are there all the same.
      inTurn(dialog, () => fetched(workspace, dialog)).catch(() => undefined);
    };
    look();
    // Who comes back to a page may have written elsewhere in the meantime.
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [workspace, dialog, mayWrite]);

  useEffect(() => {
    if (!mayWrite || text === keptLast(workspace, dialog)) return;
    let timer: ReturnType<typeof setTimeout>;
    const keep = (): void => {
      clearTimeout(timer);
      inTurn(dialog, () => put(workspace, dialog)).catch((error: unknown) => {
        if (!isFinal(error)) timer = setTimeout(keep, AGAIN_MS);
      });
    };
    const leave = (): void => {
      if (document.visibilityState === "hidden") keep();
    };
    timer = setTimeout(keep, PAUSE_MS);
    document.addEventListener("visibilitychange", leave);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", leave);
    };
  }, [workspace, dialog, text, mayWrite]);

  // Whoever goes on to the next dialog does not wait for the pause.
  useEffect(
    () => () => {
      if (mayWrite) inTurn(dialog, () => put(workspace, dialog)).catch(() => undefined);
    },
    [workspace, dialog, mayWrite],
  );
}
