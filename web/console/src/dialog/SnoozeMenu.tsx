import { AlarmClock } from "lucide-react";
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import type { Dialog } from "../api/types";
import { exact, soon, t } from "../i18n";
import { ui } from "../ui/ui";
import { snoozes } from "./snooze";

const NOW = "now";

interface Props {
  dialog: Dialog;
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  isBusy: boolean;
  /** Puts it out of sight until then, or back in sight. */
  snooze: (until: string | null) => void;
}

/** Puts a dialog out of sight until a time, or until the customer writes. */
export function SnoozeMenu({ dialog, isOpen, setOpen, isBusy, snooze }: Props) {
  const now = new Date();
  const times = isOpen ? snoozes(now) : [];
  return (
    <MenuTrigger isOpen={isOpen} onOpenChange={setOpen}>
      <AriaButton className={`${ui["button"]} ${ui["icon"]}`} isDisabled={isBusy} aria-label={t("snooze.label")}>
        <AlarmClock size={16} aria-hidden />
      </AriaButton>
      <Popover className={ui["popover"]!} placement="bottom end">
        <Menu
          className={ui["menu"]!}
          aria-label={t("snooze.label")}
          onAction={(key) => {
            const chosen = times.find((time) => time.id === key);
            snooze(chosen ? chosen.at.toISOString() : null);
          }}
        >
          {times.map(({ id, at }) => (
            <MenuItem key={id} id={id} className={ui["item"]!} textValue={t(`snooze.${id}`)}>
              <span className={ui["spread"]}>
                {t(`snooze.${id}`)}
                <small title={exact(at)}>{soon(at, now)}</small>
              </span>
            </MenuItem>
          ))}
          {dialog.snoozed_until !== null && <Separator className={ui["divider"]!} />}
          {dialog.snoozed_until !== null && (
            <MenuItem id={NOW} className={ui["item"]!}>
              {t("snooze.now")}
            </MenuItem>
          )}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
