import { useQuery } from "@tanstack/react-query";
import type { Dialog } from "../api/types";
import { tagsQuery } from "../data/queries";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { ui } from "../ui/ui";
import css from "./Inbox.module.css";

/** The first of a dialog's tags, by their names, and how many more there are. */
export function TagChips({ dialog, most }: { dialog: Dialog; most: number }) {
  const { workspace } = useWork();
  const { data } = useQuery({ ...tagsQuery(workspace), enabled: dialog.tags.length > 0 });
  if (dialog.tags.length === 0) return null;

  // The workspace's list knows the names as they are now.
  const current = new Map((data ?? []).map((tag) => [tag.id, tag.name]));
  const names = dialog.tags.map((tag) => current.get(tag.id) ?? tag.name).filter((name) => name !== "");
  names.sort((one, other) => one.localeCompare(other));
  const rest = names.slice(most);
  return (
    <span className={css["tags"]}>
      <span className={ui["hidden"]}>{t("tags.label")}: </span>
      {names.slice(0, most).map((name) => (
        <bdi key={name} className={css["tag"]} title={name}>
          {name}
        </bdi>
      ))}
      {rest.length > 0 && (
        <span className={`${css["tag"]} ${css["more"]}`} title={rest.join(", ")}>
          +{rest.length}
        </span>
      )}
    </span>
  );
}
