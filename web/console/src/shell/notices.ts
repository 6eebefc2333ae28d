/** Says outside the page that somebody waits: in the title of the tab, and, if wanted, as a notification. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useSyncExternalStore } from "react";
import { t } from "../i18n";
import type { Store } from "../live/store";
import { recall, remember } from "../ui/memory";
import { counted } from "./counted";

const STORED = "rx-notices";
const listeners = new Set<() => void>();

export type Notices = "on" | "off" | "refused";

function current(): Notices {
  if (typeof Notification === "undefined" || Notification.permission === "denied") return "refused";
  return recall(STORED) === "on" && Notification.permission === "granted" ? "on" : "off";
}

export function useNotices(): Notices {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
}

/** Turns notifications on or off; the browser asks the first time. */
export async function chooseNotices(isWanted: boolean): Promise<void> {
  if (isWanted && typeof Notification !== "undefined") await Notification.requestPermission();
  remember(STORED, isWanted ? "on" : "off");
  for (const listener of listeners) listener();
}

/** Keeps the number of those who wait in the title, whatever page sets it. */
export function useTitleCount(waiting: number): void {
  useEffect(() => {
    const keep = (): void => {
      const wanted = counted(document.title, waiting);
      if (document.title !== wanted) document.title = wanted;
    };
    keep();
    const watcher = new MutationObserver(keep);
    watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => watcher.disconnect();
  }, [waiting]);
}

/** Notifies of a customer who begins to wait while nobody looks at the page; one tab does. */
export function useWaitingNotices(store: Store, isWanted: boolean): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (!isWanted) return;
    const end = new AbortController();
    let stop: (() => void) | null = null;
    const hold = async (): Promise<void> => {
      stop = store.onEvent((event) => {
        if (event.type !== "dialog.control" || event.control !== "waiting" || document.hasFocus()) return;
        const name = store.state.dialogs.get(event.dialog_id)?.contact.display_name ?? t("author.customer");
        // No words of the customer: the screen may be seen by others.
        const notice = new Notification(t("notice.waiting", { name }), { tag: event.dialog_id, icon: "/app/favicon.svg" });
        notice.onclick = () => {
          window.focus();
          void navigate({
            to: "/w/$workspace/inbox/$view/$dialog",
            params: { workspace: store.workspace, view: "waiting", dialog: event.dialog_id },
            search: {},
          });
          notice.close();
        };
      });
      await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
    };
    navigator.locks.request(`rx-notices-${store.workspace}`, { signal: end.signal }, hold).catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    });
    return () => {
      end.abort();
      stop?.();
    };
  }, [store, isWanted, navigate]);
}
