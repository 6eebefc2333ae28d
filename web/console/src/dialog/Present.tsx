import { Eye, PenLine } from "lucide-react";
import { useCallback, useEffect, useRef } from "react";
import { api } from "../api/client";
import { t } from "../i18n";
import { useAttention } from "../live/store";
import { useWork } from "../shell/context";
import { ui } from "../ui/ui";

/** The server forgets after 15 seconds. */
const PACE_MS = 10_000;
const TYPING_PACE_MS = 5_000;

function tell(dialog: string, state: "viewing" | "typing" | "away"): void {
  const told = api.POST("/api/v1/dialogs/{id}/typing", { params: { path: { id: dialog } }, body: { state } });
  // When it fails, it is said again soon.
  told.catch(() => undefined);
}

/** Tells colleagues that this dialog is looked at; what is returned tells that somebody types. */
export function useAttending(dialog: string, mayWrite: boolean): () => void {
  const typed = useRef(0);
  useEffect(() => {
    if (!mayWrite) return;
    const look = (): void => {
      if (document.visibilityState !== "visible") return;
      if (Date.now() - typed.current > PACE_MS) tell(dialog, "viewing");
    };
    const turn = (): void => {
      if (document.visibilityState === "visible") look();
      else tell(dialog, "away");
    };
    look();
    const timer = setInterval(look, PACE_MS);
    document.addEventListener("visibilitychange", turn);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", turn);
      tell(dialog, "away");
    };
  }, [dialog, mayWrite]);
  return useCallback(() => {
    if (!mayWrite || Date.now() - typed.current < TYPING_PACE_MS) return;
    typed.current = Date.now();
    tell(dialog, "typing");
  }, [dialog, mayWrite]);
}

/** Colleagues who have a dialog open, and those who write in it. */
export function Present({ dialog }: { dialog: string }) {
  const { store, me } = useWork();
  const attention = useAttention(store);
  const others = (attention.get(dialog) ?? []).filter((one) => one.user !== me.user.id);
  const named = (state: "viewing" | "typing") => others.filter((one) => one.state === state).map((one) => one.name);
  const typing = named("typing");
  const viewing = named("viewing");
  return (
    <span role="status" className={ui["badge"]} data-control={typing.length > 0 ? "you" : undefined}>
      {typing.length > 0 ? (
        <>
          <PenLine size={13} aria-hidden /> {t("present.typing", { name: typing.join(", "), n: typing.length })}
        </>
      ) : (
        viewing.length > 0 && (
          <>
            <Eye size={13} aria-hidden /> {t("present.viewing", { name: viewing.join(", "), n: viewing.length })}
          </>
        )
      )}
    </span>
  );
}
