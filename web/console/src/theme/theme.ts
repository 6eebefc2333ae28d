import { useSyncExternalStore } from "react";
import { forget, recall, remember } from "../ui/memory";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "rx-theme";
const listeners = new Set<() => void>();

export function theme(): Theme {
  const stored = recall(STORED);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

/** Shows the page in the chosen theme; `auto` follows the system. */
export function show(): void {
  const chosen = theme();
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

export function chooseTheme(chosen: Theme): void {
  if (chosen === "auto") forget(STORED);
  else remember(STORED, chosen);
  show();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, theme);
}
