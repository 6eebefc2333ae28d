/**
 * What becomes of an unsent text that was written here and on another device since both had `base`.
 * No word is lost: when both have written, theirs stands before ours. Pure.
 */
export function merged(base: string, ours: string, theirs: string): string {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  if (theirs === "" || ours.includes(theirs)) return ours;
  if (theirs.includes(ours)) return theirs;
  return `${theirs}\n\n${ours}`;
}
