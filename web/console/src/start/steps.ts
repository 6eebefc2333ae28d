/** Asks how far a workspace has come. */
import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { assistantsQuery, channelsQuery, invitationsQuery, membersQuery, statsQuery } from "../data/queries";
import { recall, remember } from "../ui/memory";
import { doneOf, type Step } from "./done";

const listeners = new Set<() => void>();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", listener);
  };
}

function useFlag(name: string, workspace: string): boolean {
  return useSyncExternalStore(listen, () => recall(`rx-${name}:${workspace}`) !== null);
}

function raise(name: string, workspace: string): void {
  remember(`rx-${name}:${workspace}`, "1");
  for (const listener of listeners) listener();
}

/** Notes that the assistant was asked something. */
export function noteAsked(workspace: string): void {
  raise("asked", workspace);
}

export function dismiss(workspace: string): void {
  raise("start-dismissed", workspace);
}

/** Which steps are done; `null` until that is known. */
export function useSteps(workspace: string, isWanted: boolean): { done: ReadonlySet<Step> | null; isDismissed: boolean } {
  const isAsked = useFlag("asked", workspace);
  const isDismissed = useFlag("start-dismissed", workspace);
  const enabled = isWanted && !isDismissed;
  const assistants = useQuery({ ...assistantsQuery(workspace), enabled });
  const first = assistants.data?.[0]?.id;
  const stats = useQuery({ ...statsQuery(workspace, first ?? ""), enabled: enabled && first !== undefined });
  const channels = useQuery({ ...channelsQuery(workspace), enabled });
  const members = useQuery({ ...membersQuery(workspace), enabled });
  const invitations = useQuery({ ...invitationsQuery(workspace), enabled });
  if (!assistants.data || !channels.data || !members.data || !invitations.data) return { done: null, isDismissed };
  if (first !== undefined && !stats.data) return { done: null, isDismissed };
  const done = doneOf({
    assistants: assistants.data.length,
    knowledge: (stats.data?.documents ?? 0) + (stats.data?.answers ?? 0),
    isAsked,
    channels: channels.data.length,
    people: members.data.length + invitations.data.length,
  });
  return { done, isDismissed };
}
