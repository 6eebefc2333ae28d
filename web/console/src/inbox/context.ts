import { createContext, use } from "react";
import type { Filters, View } from "./views";

export interface DialogsAround {
  /** The dialog to go to when the open one is done. */
  readonly next: string | null;
  readonly view: View;
  readonly filters: Filters;
  go(dialog: string | undefined): void;
}

export const DialogsContext = createContext<DialogsAround | null>(null);

export function useDialogsAround(): DialogsAround {
  const around = use(DialogsContext);
  if (!around) throw new Error("there is no list of dialogs here");
  return around;
}
