/** Which dialogs a view of the inbox shows, and in which order. Pure. */
import * as v from "valibot";
import type { Dialog } from "../api/types";

export const VIEWS = ["mine", "waiting", "ai", "unassigned", "snoozed", "closed"] as const;
export type View = (typeof VIEWS)[number];

/** Filters, as they stand in the address. */
export const filters = v.object({
  assistant: v.optional(v.fallback(v.optional(v.pipe(v.string(), v.uuid())), undefined)),
  channel: v.optional(v.fallback(v.optional(v.pipe(v.string(), v.uuid())), undefined)),
  tag: v.optional(v.fallback(v.optional(v.pipe(v.string(), v.uuid())), undefined)),
  unread: v.optional(v.fallback(v.optional(v.literal(true)), undefined)),
});
export type Filters = v.InferOutput<typeof filters>;

export function isView(text: string): text is View {
  return (VIEWS as readonly string[]).includes(text);
}

export function hasFilters(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== undefined);
}

export function order(view: View): "activity" | "waiting" {
  return view === "waiting" ? "waiting" : "activity";
}

/** Where a dialog stands in a view; the first have the smallest. */
export function rank(view: View, dialog: Dialog): number {
  if (view === "waiting") return Date.parse(dialog.waiting_since ?? dialog.created_at);
  return -Date.parse(dialog.last_message?.created_at ?? dialog.created_at);
}

export function belongs(view: View, filters: Filters, dialog: Dialog, me: string): boolean {
  if (filters.assistant && dialog.assistant_id !== filters.assistant) return false;
  if (filters.channel && dialog.channel_id !== filters.channel) return false;
  if (filters.tag && !dialog.tags.some((tag) => tag.id === filters.tag)) return false;
  if (filters.unread && dialog.unread === 0) return false;
  switch (view) {
    case "mine":
      return isOf(me, dialog) && dialog.snoozed_until === null;
    case "snoozed":
      return isOf(me, dialog) && dialog.snoozed_until !== null;
    case "waiting":
      return dialog.control === "waiting";
    case "ai":
      return dialog.control === "ai";
    case "unassigned":
      return dialog.control === "waiting" || (dialog.control === "human" && !dialog.assignee?.user_id);
    case "closed":
      return dialog.control === "closed";
  }
}

function isOf(me: string, dialog: Dialog): boolean {
  return dialog.control === "human" && dialog.assignee?.user_id === me;
}

/**
 * The dialogs of a view, in its order. Those behind `horizon`, the rank of the last one that the
 * server listed, are left out: there may be others between them that have not been loaded.
 */
export function listed(
  dialogs: Iterable<Dialog>,
  view: View,
  filters: Filters,
  me: string,
  horizon: number,
): Dialog[] {
  const ranked: { dialog: Dialog; rank: number }[] = [];
  for (const dialog of dialogs) {
    if (!belongs(view, filters, dialog, me)) continue;
    const at = rank(view, dialog);
    if (at <= horizon) ranked.push({ dialog, rank: at });
  }
  ranked.sort((one, other) => one.rank - other.rank || (one.dialog.id < other.dialog.id ? 1 : -1));
  return ranked.map(({ dialog }) => dialog);
}
