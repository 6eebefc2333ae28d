/** Keys that act without a modifier; they stand for places on the keyboard, so they work in any layout. */
import { useEffect, useRef } from "react";

/** Actions by `KeyboardEvent.code`, with `Shift+` in front where it is held. */
export type Keys = Readonly<Record<string, (() => void) | undefined>>;

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, [role=menu], [role=dialog]") !== null;
}

export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (isTyping(event.target)) return;
      const act = current.current[event.shiftKey ? `Shift+${event.code}` : event.code];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
