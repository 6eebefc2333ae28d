/** How far a new workspace has come. What is there is what counts; nothing is ticked off by hand. */
export const STEPS = ["assistant", "knowledge", "ask", "channel", "colleague"] as const;
export type Step = (typeof STEPS)[number];

/** What a workspace has. */
export interface Found {
  readonly assistants: number;
  /** Documents and answers of the first assistant. */
  readonly knowledge: number;
  readonly isAsked: boolean;
  readonly channels: number;
  readonly people: number;
}

export function doneOf(found: Found): ReadonlySet<Step> {
  const done = new Set<Step>();
  if (found.assistants > 0) done.add("assistant");
  if (found.knowledge > 0) done.add("knowledge");
  if (found.isAsked) done.add("ask");
  if (found.channels > 0) done.add("channel");
  if (found.people > 1) done.add("colleague");
  return done;
}
