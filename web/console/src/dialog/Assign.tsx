import { useQuery } from "@tanstack/react-query";
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import { api, body } from "../api/client";
import type { Dialog } from "../api/types";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { ui } from "../ui/ui";

const QUEUE = "queue";

interface Props {
  dialog: Dialog;
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  isBusy: boolean;
  /** Gives the dialog to a member, or back to those that wait. */
  assign: (member: string | null) => void;
}

/** Gives a dialog to a colleague. */
export function Assign({ dialog, isOpen, setOpen, isBusy, assign }: Props) {
  const { workspace, me } = useWork();
  const { data } = useQuery({
    queryKey: ["operators", workspace],
    queryFn: async () => body(await api.GET("/api/v1/operators", { params: { query: { limit: 200 } } })).items,
    enabled: isOpen,
    staleTime: 10_000,
  });
  const holder = dialog.assignee?.user_id;
  return (
    <MenuTrigger isOpen={isOpen} onOpenChange={setOpen}>
      <AriaButton className={ui["button"]!} isDisabled={isBusy}>
        {t("dialog.assign")}
      </AriaButton>
      <Popover className={ui["popover"]!} placement="bottom end">
        <Menu
          className={ui["menu"]!}
          aria-label={t("dialog.assign")}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={holder ? [holder] : []}
          onAction={(key) => assign(key === QUEUE ? null : String(key))}
        >
          {(data ?? []).map((operator) => (
            <MenuItem key={operator.user_id} id={operator.user_id} className={ui["item"]!} textValue={operator.name}>
              <span className={ui["person"]}>
                <bdi>{operator.user_id === me.user.id ? t("control.you") : operator.name}</bdi>
                <small>
                  {t(`presence.${operator.state}`)} · {t("view.count", { n: operator.open })}
                </small>
              </span>
            </MenuItem>
          ))}
          {holder && <Separator className={ui["divider"]!} />}
          {holder && (
            <MenuItem id={QUEUE} className={ui["item"]!}>
              {t("dialog.toQueue")}
            </MenuItem>
          )}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
