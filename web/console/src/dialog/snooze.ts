/** The times until which a dialog is usually put off, by the clock of the reader. Pure. */
export const SNOOZES = ["hours", "evening", "tomorrow", "monday", "week"] as const;
export type Snooze = (typeof SNOOZES)[number];

const HOUR_MS = 3_600_000;
const MORNING = 9;
const EVENING = 18;

/** What makes sense at this moment, soonest first. */
export function snoozes(now: Date): { readonly id: Snooze; readonly at: Date }[] {
  const evening = on(now, 0, EVENING);
  const toMonday = (8 - now.getDay()) % 7 || 7;
  const all: { id: Snooze; at: Date }[] = [
    { id: "hours", at: new Date(now.getTime() + 3 * HOUR_MS) },
    { id: "tomorrow", at: on(now, 1, MORNING) },
    { id: "week", at: on(now, 7, MORNING) },
  ];
  if (evening.getTime() - now.getTime() > 4 * HOUR_MS) all.push({ id: "evening", at: evening });
  // On a Sunday it is tomorrow, and on a Monday in a week.
  if (toMonday > 1 && toMonday < 7) all.push({ id: "monday", at: on(now, toMonday, MORNING) });
  return all.sort((one, other) => one.at.getTime() - other.at.getTime());
}

/** This hour, so many days later: a day has 23 or 25 hours when the clocks change. */
function on(now: Date, days: number, hour: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
}
