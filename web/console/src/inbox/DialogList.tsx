import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Dialog } from "../api/types";
import { ago, exact, t, type Key } from "../i18n";
import type { State } from "../live/state";
import { useStore } from "../live/store";
import { useWork } from "../shell/context";
import { Avatar, Broken, Empty, Skeleton, ui, useNow } from "../ui/ui";
import { ControlBadge, SnoozeBadge } from "./Control";
import { TagChips } from "./Tags";
import css from "./Inbox.module.css";
import type { Dialogs } from "./useDialogs";
import { hasFilters, type Filters, type View } from "./views";

const ROW = 76;
const NEXT_VIEW: Record<View, View> = {
  mine: "waiting",
  waiting: "ai",
  ai: "waiting",
  unassigned: "mine",
  snoozed: "mine",
  closed: "mine",
};

interface Props {
  dialogs: Dialogs;
  view: View;
  filters: Filters;
  open: string | null;
}

export function DialogList({ dialogs, view, filters, open }: Props) {
  const { workspace, store, me } = useWork();
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow(30_000);
  const state = useStore(store, (state) => state);
  const { items, more, hasMore } = dialogs;
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
    getItemKey: (index) => items[index]?.id ?? index,
  });

  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= items.length - 10) more();
  }, [hasMore, last, items.length, more]);

  // The dialog that is opened with a key is brought into sight.
  useEffect(() => {
    const at = items.findIndex((dialog) => dialog.id === open);
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
    // Only when another is opened: the list may move under the reader.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [open]);

  if (dialogs.isLoading) return <Skeleton rows={8} />;
  if (dialogs.failure) return <Broken failure={dialogs.failure} retry={dialogs.retry} />;
  if (items.length === 0) return <Nothing view={view} filters={filters} workspace={workspace} />;
  return (
    <div className={css["scroll"]} ref={scroller}>
      <ul
        className={css["rows"]}
        style={{ blockSize: virtual.getTotalSize() }}
        aria-label={t("list.label")}
        aria-busy={dialogs.isLoadingMore}
      >
        {rows.map((row) => {
          const dialog = items[row.index];
          if (!dialog) return null;
          return (
            <li
              key={row.key}
              className={css["row"]}
              style={{ transform: `translateY(${row.start}px)` }}
              aria-setsize={hasMore ? -1 : items.length}
              aria-posinset={row.index + 1}
            >
              <Row
                dialog={dialog}
                state={state}
                me={me.user.id}
                now={now}
                to={{ workspace, view, filters }}
                isOpen={dialog.id === open}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

interface RowProps {
  dialog: Dialog;
  state: State;
  me: string;
  now: number;
  to: { workspace: string; view: View; filters: Filters };
  isOpen: boolean;
}

function Row({ dialog, state, me, now, to, isOpen }: RowProps) {
  const at = new Date(dialog.last_message?.created_at ?? dialog.created_at);
  return (
    <Link
      to="/w/$workspace/inbox/$view/$dialog"
      params={{ workspace: to.workspace, view: to.view, dialog: dialog.id }}
      search={to.filters}
      className={`${css["link"]} ${dialog.unread > 0 ? css["unread"] : ""}`}
      aria-current={isOpen ? "page" : undefined}
      preload={false}
    >
      <Avatar name={dialog.contact.display_name} />
      <span className={css["text"]}>
        <span className={css["line"]}>
          <span className={css["name"]}>
            <bdi>{dialog.contact.display_name}</bdi>
          </span>
          <time className={css["age"]} dateTime={at.toISOString()} title={exact(at)}>
            {ago(at, new Date(now))}
          </time>
        </span>
        <span className={css["preview"]}>
          <bdi>{preview(dialog)}</bdi>
        </span>
        <span className={css["line"]}>
          <ControlBadge dialog={dialog} state={state} me={me} now={now} />
          <SnoozeBadge dialog={dialog} now={now} />
          <TagChips dialog={dialog} most={2} />
          {dialog.unread > 0 && (
            <span className={css["count"]}>
              <span aria-hidden>{dialog.unread > 99 ? "99+" : dialog.unread}</span>
              <span className={ui["hidden"]}>{t("list.unread", { n: dialog.unread })}</span>
            </span>
          )}
        </span>
      </span>
    </Link>
  );
}

/** The last message in a line. */
function preview(dialog: Dialog): string {
  const last = dialog.last_message;
  if (!last) return dialog.last_seq === 0 ? t("list.noMessage") : "";
  if (last.kind === "control") return stepWord(last.text);
  if (last.kind === "start") return t("kind.start");
  if (last.kind === "unsupported") return t("kind.unsupported", { what: last.text });
  if (last.kind === "note") return `${t("kind.note")}: ${last.text}`;
  const author: Key | null = last.author === "customer" ? null : `author.${last.author}`;
  return author ? `${t(author)}: ${last.text}` : last.text;
}

function stepWord(step: string): string {
  const key = `step.${step}` as Key;
  return t(key, { name: t("control.colleague") });
}

function Nothing({ view, filters, workspace }: { view: View; filters: Filters; workspace: string }) {
  if (hasFilters(filters)) {
    return (
      <Empty title={t("list.empty.filtered")}>
        <Link className={ui["button"]} to="/w/$workspace/inbox/$view" params={{ workspace, view }} search={{}}>
          {t("filter.clear")}
        </Link>
      </Empty>
    );
  }
  const next = NEXT_VIEW[view];
  return (
    <Empty title={t(`list.empty.${view}`)}>
      <Link className={ui["button"]} to="/w/$workspace/inbox/$view" params={{ workspace, view: next }} search={{}}>
        {t(`list.empty.${view}.next`)}
      </Link>
    </Empty>
  );
}
