/** Renews what is shown when an event says that it has changed. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { LiveEvent } from "../api/types";
import type { Store } from "../live/store";

/** The families of queries that an event makes old, by what its type begins with. */
const FAMILIES: readonly (readonly [string, readonly string[]])[] = [
  ["document.", ["documents", "document", "answers", "stats"]],
  ["source.", ["sources", "documents", "stats"]],
  ["assistant.", ["assistants", "assistant", "versions", "pause"]],
  ["evaluation.", ["runs", "run"]],
  ["bot.", ["bots", "channels"]],
  ["channel.", ["channels"]],
  ["operator.", ["operators"]],
  ["tag.", ["tags"]],
];

/** A burst of events renews a family once in this time. */
const PACE_MS = 700;

export function familiesOf(type: LiveEvent["type"]): readonly string[] {
  return FAMILIES.find(([start]) => type.startsWith(start))?.[1] ?? [];
}

export function useFresh(store: Store): void {
  const client = useQueryClient();
  useEffect(() => {
    const due = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const renew = (): void => {
      timer = null;
      for (const family of due) void client.invalidateQueries({ queryKey: [family, store.workspace] });
      due.clear();
    };
    const stop = store.onEvent((event) => {
      for (const family of familiesOf(event.type)) due.add(family);
      if (due.size > 0) timer ??= setTimeout(renew, PACE_MS);
    });

    // What was missed may be anything.
    let { generation } = store.state;
    const unsubscribe = store.subscribe(() => {
      if (store.state.generation === generation) return;
      generation = store.state.generation;
      for (const [, families] of FAMILIES) for (const family of families) due.add(family);
      timer ??= setTimeout(renew, PACE_MS);
    });
    return () => {
      stop();
      unsubscribe();
      if (timer) clearTimeout(timer);
    };
  }, [client, store]);
}
