/** Which parts of a passage have to do with what was asked and answered. */
export interface Segment {
  readonly text: string;
  readonly isMarked: boolean;
}

const WORD = /[\p{L}\p{N}]+/gu;
/** Shorter words say nothing, unless they are numbers. */
const SHORTEST = 4;
/** Beyond these letters, forms of a word differ. */
const STEM = 5;

/** What two forms of a word have in common: endings are left out. */
function stem(word: string): string | null {
  const small = word.toLowerCase();
  if (/^\p{N}+$/u.test(small)) return small;
  const letters = [...small];
  if (letters.length < SHORTEST) return null;
  return letters.slice(0, Math.min(STEM, Math.max(SHORTEST, letters.length - 2))).join("");
}

/** The text in pieces; the words that also stand in one of the others are marked. */
export function highlight(text: string, others: readonly string[]): Segment[] {
  const wanted = new Set<string>();
  for (const other of others) {
    for (const [word] of other.matchAll(WORD)) {
      const its = stem(word);
      if (its !== null) wanted.add(its);
    }
  }

  const segments: Segment[] = [];
  let at = 0;
  for (const match of text.matchAll(WORD)) {
    const its = stem(match[0]);
    if (its === null || !wanted.has(its)) continue;
    if (match.index > at) segments.push({ text: text.slice(at, match.index), isMarked: false });
    segments.push({ text: match[0], isMarked: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) segments.push({ text: text.slice(at), isMarked: false });
  return segments;
}

/** A text in three: before, in and after these bytes of its UTF-8 form, which begins at `offset`. */
export function split(text: string, offset: number, start: number, end: number): readonly [string, string, string] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const from = Math.min(Math.max(0, start - offset), bytes.length);
  const to = Math.min(Math.max(from, end - offset), bytes.length);
  return [
    decoder.decode(bytes.subarray(0, from)),
    decoder.decode(bytes.subarray(from, to)),
    decoder.decode(bytes.subarray(to)),
  ];
}
