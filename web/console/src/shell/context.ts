import { createContext, use } from "react";
import type { Me } from "../api/types";
import type { Outbox } from "../dialog/outbox";
import type { Store } from "../live/store";

export interface Work {
  readonly workspace: string;
  readonly me: Me;
  readonly store: Store;
  readonly outbox: Outbox;
}

export const WorkContext = createContext<Work | null>(null);

/** The open workspace. */
export function useWork(): Work {
  const work = use(WorkContext);
  if (!work) throw new Error("there is no open workspace here");
  return work;
}
