import type { components } from "../api/schema";

export type Canned = components["schemas"]["CannedReply"];

/** What is typed after `/`, while nothing else is; `null` when no reply is looked for. */
export function wanted(text: string): string | null {
  const found = /^\/(\S*)$/.exec(text);
  return found ? found[1]!.toLowerCase() : null;
}

/** Those whose shortcut begins with the letters come first, then those whose title holds them. */
export function matching(all: readonly Canned[], letters: string, most: number): Canned[] {
  const starts = all.filter((one) => one.shortcut.toLowerCase().startsWith(letters));
  const holds = all.filter((one) => !starts.includes(one) && one.title.toLowerCase().includes(letters));
  return [...starts, ...holds].slice(0, most);
}
