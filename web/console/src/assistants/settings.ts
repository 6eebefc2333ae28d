/** The settings of an assistant: what a draft changes, and how two people's changes come together. */
import type { components } from "../api/schema";

export type Settings = components["schemas"]["VersionSettings"];
export type Draft = components["schemas"]["AssistantView"];
export type Field = keyof Settings;

/** In the order in which a form shows them. */
export const FIELDS = [
  "name",
  "language",
  "system_prompt",
  "greeting",
  "model",
  "fallback_models",
  "temperature",
  "unknown_text",
  "fallback_text",
  "handoff_text",
  "texts",
  "check_answers",
  "unverified",
  "unsure",
  "handoff",
  "time_zone",
  "hours",
  "late_answer_minutes",
  "reopen_hours",
  "tags",
] as const satisfies readonly Field[];

export type Shown = (typeof FIELDS)[number];

/** The same value gives the same words, whatever the order of its parts. */
export function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  parts.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${parts.map(([key, part]) => `${JSON.stringify(key)}:${written(part)}`).join(",")}}`;
}

export function settingsOf(draft: Draft): Settings {
  return Object.fromEntries(FIELDS.map((field) => [field, draft[field]])) as unknown as Settings;
}

/** The fields in which two differ. */
export function changed(before: Settings, after: Settings): Shown[] {
  return FIELDS.filter((field) => written(before[field]) !== written(after[field]));
}

export interface Merged {
  readonly settings: Settings;
  /** What both have changed, and differently: ours stands. */
  readonly conflicts: readonly Shown[];
}

/** Puts our changes of `base` on top of what it has become in the meantime. */
export function merge(base: Settings, ours: Settings, theirs: Settings): Merged {
  const mine = new Set(changed(base, ours));
  const conflicts = changed(base, theirs).filter(
    (field) => mine.has(field) && written(ours[field]) !== written(theirs[field]),
  );
  const kept = Object.fromEntries([...mine].map((field) => [field, ours[field]]));
  return { settings: { ...theirs, ...kept }, conflicts };
}

export interface Line {
  readonly is: "same" | "removed" | "added";
  readonly text: string;
}

/** Longer texts are told as a whole, because comparing them takes the square of their lines. */
const MOST_LINES = 600;

/** What became of the lines of a text. */
export function lines(before: string, after: string): Line[] {
  const old = before === "" ? [] : before.split("\n");
  const now = after === "" ? [] : after.split("\n");
  if (old.length > MOST_LINES || now.length > MOST_LINES) {
    return [...old.map((text): Line => ({ is: "removed", text })), ...now.map((text): Line => ({ is: "added", text }))];
  }

  // How many lines the rests from here have in common.
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i]![j] = old[i] === now[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const found: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      found.push({ is: "same", text: old[i]! });
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      found.push({ is: "removed", text: old[i]! });
      i += 1;
    } else {
      found.push({ is: "added", text: now[j]! });
      j += 1;
    }
  }
  return found;
}

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Intervals as they are typed: `09:00-12:30, 13:30-18:00`. `null` when they are none. */
export function intervals(text: string): string[] | null {
  const parts = text.split(/[,;]/).map((part) => part.replaceAll(/\s/g, "").replaceAll("–", "-")).filter(Boolean);
  return parts.every((part) => /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$/.test(part)) ? parts : null;
}
