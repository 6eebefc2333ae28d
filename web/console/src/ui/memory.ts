/** What the browser keeps for us. It may be full or forbidden: then a page forgets when it goes. */
const spare = new Map<string, string>();

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? spare.get(key) ?? null;
  } catch {
    return spare.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    spare.set(key, value);
  }
}

export function forget(key: string): void {
  spare.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // Then it was not there either.
  }
}
