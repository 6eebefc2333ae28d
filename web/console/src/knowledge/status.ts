import type { components } from "../api/schema";

export type Document = components["schemas"]["DocumentView"];
export type Status = Document["status"];

export function toneOf(status: Status): "good" | "warn" | "bad" {
  return status === "ready" ? "good" : status === "failed" ? "bad" : "warn";
}

/** What needs somebody comes first: failed, then what is being read, then the newest. */
export function sorted(documents: readonly Document[]): Document[] {
  const rank = (document: Document): number => (document.status === "failed" ? 0 : document.status === "ready" ? 2 : 1);
  return [...documents].sort(
    (one, other) => rank(one) - rank(other) || other.created_at.localeCompare(one.created_at) || one.id.localeCompare(other.id),
  );
}

/** Tags as they are typed: apart by commas, each once. */
export function parseTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}
