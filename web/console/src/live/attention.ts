/** Who looks at which dialog, and who types in it, at this moment. Pure. */
export interface AttentionWord {
  readonly type: "dialog.attention";
  readonly dialog_id: string;
  readonly user_id: string;
  readonly name: string;
  readonly state: "viewing" | "typing" | "away";
  readonly lasts_s: number;
}

export interface Present {
  readonly user: string;
  readonly name: string;
  readonly state: "viewing" | "typing";
  /** When it no longer holds unless it is said again, ms. */
  readonly until: number;
}

export type Attention = ReadonlyMap<string, readonly Present[]>;

/** Takes in what a member does. */
export function attended(attention: Attention, word: AttentionWord, now: number): Attention {
  const others = (attention.get(word.dialog_id) ?? []).filter((one) => one.user !== word.user_id);
  const { user_id: user, name, state } = word;
  const present = state === "away" ? others : [...others, { user, name, state, until: now + word.lasts_s * 1000 }];
  const next = new Map(attention);
  if (present.length === 0) next.delete(word.dialog_id);
  else next.set(word.dialog_id, present);
  return next;
}

/** Without what no longer holds; the same if all of it does. */
export function current(attention: Attention, now: number): Attention {
  if ([...attention.values()].every((present) => present.every((one) => one.until > now))) return attention;
  const next = new Map<string, readonly Present[]>();
  for (const [dialog, present] of attention) {
    const left = present.filter((one) => one.until > now);
    if (left.length > 0) next.set(dialog, left);
  }
  return next;
}
