import { AlarmClock, Check, CircleUserRound, Clock3, Sparkles } from "lucide-react";
import type { Dialog } from "../api/types";
import { duration, exact, soon, t } from "../i18n";
import { nameOf, type State } from "../live/state";
import { ui } from "../ui/ui";

/** Who may speak in a dialog: a shape and a word. */
export function ControlBadge({ dialog, state, me, now }: { dialog: Dialog; state: State; me: string; now: number }) {
  const isMine = dialog.assignee?.user_id === me;
  switch (dialog.control) {
    case "ai":
      return (
        <span className={ui["badge"]} data-control="ai">
          <Sparkles size={13} aria-hidden /> {t("control.ai")}
        </span>
      );
    case "waiting": {
      const since = dialog.waiting_since ? (now - Date.parse(dialog.waiting_since)) / 1000 : 0;
      return (
        <span className={ui["badge"]} data-control="waiting">
          <Clock3 size={13} aria-hidden />{" "}
          {since < 60 ? t("control.waiting") : t("control.waitingFor", { time: duration(since) })}
        </span>
      );
    }
    case "human":
      return (
        <span className={ui["badge"]} data-control={isMine ? "you" : "human"}>
          <CircleUserRound size={13} aria-hidden />{" "}
          {isMine ? t("control.you") : nameOf(state, dialog.assignee) || t("control.colleague")}
        </span>
      );
    case "closed":
      return (
        <span className={ui["badge"]} data-control="closed">
          <Check size={13} aria-hidden /> {t("control.closed")}
        </span>
      );
  }
}

/** Until when a dialog is out of its operator's sight. */
export function SnoozeBadge({ dialog, now }: { dialog: Dialog; now: number }) {
  if (dialog.snoozed_until === null) return null;
  const until = new Date(dialog.snoozed_until);
  return (
    <span className={ui["badge"]} title={exact(until)}>
      <AlarmClock size={13} aria-hidden />
      <span className={ui["hidden"]}>{t("snooze.until")}</span> {soon(until, new Date(now))}
    </span>
  );
}
