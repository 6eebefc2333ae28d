/** Short words about what was done: seen for a moment, and read out. */
import { useEffect, useSyncExternalStore } from "react";
import css from "./page.module.css";

const SHOWN_MS = 6_000;
let current: { readonly text: string; readonly at: number } | null = null;
const listeners = new Set<() => void>();

function set(next: typeof current): void {
  current = next;
  for (const listener of listeners) listener();
}

export function say(text: string): void {
  set({ text, at: Date.now() });
}

export function Said() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div className={css["saidPlace"]} role="status">
      {shown && <p className={css["said"]}>{shown.text}</p>}
    </div>
  );
}
