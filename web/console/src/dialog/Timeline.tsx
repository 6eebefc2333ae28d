import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Failure } from "../api/client";
import type { Dialog } from "../api/types";
import { day, t } from "../i18n";
import { PAGE, useStore } from "../live/store";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Button, Skeleton } from "../ui/ui";
import css from "./Dialog.module.css";
import { MessageRow, SentRow } from "./MessageRow";
import { useOutbox } from "./outbox";
import { firstUnread, rows as rowsOf, type Row } from "./rows";

const ESTIMATE = 76;

/** The messages of a dialog, the newest in sight; older ones are loaded when one scrolls up. */
export function Timeline({ dialog }: { dialog: Dialog }) {
  const { store, outbox, me } = useWork();
  const timeline = useStore(store, (state) => state.timelines.get(dialog.id));
  const isThinking = useStore(store, (state) => state.thinking.has(dialog.id));
  const discarded = useStore(store, (state) => state.discarded.get(dialog.id));
  const state = useStore(store, (state) => state);
  const everything = useOutbox(outbox);
  const scroller = useRef<HTMLDivElement>(null);
  const [isAway, setAway] = useState(false);

  const messages = timeline?.messages ?? [];
  const isLoaded = messages.length > 0 || dialog.last_seq === 0;
  const unreadAtFirst = useRef(dialog.unread);
  const unreadFrom = useRef<number | null | undefined>(undefined);
  if (unreadFrom.current === undefined && isLoaded) {
    unreadFrom.current = firstUnread(messages, unreadAtFirst.current);
  }

  const rows = useMemo(
    () =>
      rowsOf({
        messages,
        sent: everything.filter((entry) => entry.dialog === dialog.id),
        unreadFrom: unreadFrom.current ?? null,
        discarded,
        isThinking,
      }),
    // `messages` is a new array only when the timeline is another.
    [messages, everything, dialog.id, discarded, isThinking],
  );

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATE,
    getItemKey: (index) => rows[index]?.key ?? index,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: 60,
    overscan: 8,
    paddingStart: 8,
    paddingEnd: 12,
  });

  useLayoutEffect(() => {
    if (isLoaded) virtual.scrollToEnd();
    // Only when the messages appear.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isLoaded]);

  const items = virtual.getVirtualItems();
  const oldest = messages[0]?.seq ?? 1;
  const isNearTop = (items[0]?.index ?? 0) < 5;
  const isShort = virtual.getTotalSize() < (virtual.scrollRect?.height ?? 0);
  // Before it was brought to its end, a timeline stands at its top.
  const wantsOlder = isLoaded && oldest > 1 && isNearTop && (isAway || isShort);
  const loading = useRef(false);
  useEffect(() => {
    if (!wantsOlder || loading.current) return;
    loading.current = true;
    const from = Math.max(1, oldest - PAGE);
    store
      .load(dialog.id, from, oldest - from)
      .catch(() => undefined)
      .finally(() => {
        loading.current = false;
      });
  }, [store, dialog.id, wantsOlder, oldest]);

  const resend = (message: string): void => {
    store.retry(dialog.id, message).catch((error: unknown) => {
      if (error instanceof Failure) outbox.refused(dialog.id, error);
    });
  };
  const retry = may(me.permissions, "dialogs:write") ? resend : undefined;
  const look = (): void => setAway(!virtual.isAtEnd(120));

  if (!isLoaded) return <Skeleton rows={7} />;
  return (
    <div className={css["timeline"]}>
      {/* One can scroll it with the keyboard. */}
      <div
        className={css["scroll"]}
        ref={scroller}
        onScroll={look}
        role="log"
        aria-live="off"
        aria-label={t("dialog.messages")}
        tabIndex={0}
      >
        <div className={css["rows"]} style={{ blockSize: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <div
                  key={item.key}
                  data-index={item.index}
                  ref={virtual.measureElement}
                  className={css["row"]}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <div className={css["inner"]}>
                    <Line row={row} dialog={dialog} name={(operator) => nameIn(state.names, operator)} retry={retry} />
                  </div>
                </div>
              )
            );
          })}
        </div>
      </div>
      <Announcer dialog={dialog} />
      {isAway && (
        <div className={css["latest"]}>
          <Button onPress={() => virtual.scrollToEnd()}>
            <ArrowDown size={16} aria-hidden />
            {t("dialog.latest")}
          </Button>
        </div>
      )}
    </div>
  );
}

function nameIn(names: ReadonlyMap<string, string>, operator: { user_id?: string | null; name: string } | null): string {
  const known = operator?.name || (operator?.user_id ? names.get(operator.user_id) : undefined);
  return known || t("control.colleague");
}

interface LineProps {
  row: Row;
  dialog: Dialog;
  name: (operator: { user_id?: string | null; name: string } | null) => string;
  retry: ((message: string) => void) | undefined;
}

function Line({ row, dialog, name, retry }: LineProps) {
  switch (row.is) {
    case "start":
      return <p className={css["system"]}>{t("dialog.start")}</p>;
    case "day":
      return <p className={css["line"]}>{day(row.at, new Date())}</p>;
    case "unread":
      return (
        <p className={css["line"]} data-kind="unread">
          {t("dialog.unreadLine")}
        </p>
      );
    case "discarded":
      return <p className={css["system"]}>{t("step.discarded")}</p>;
    case "thinking":
      return <p className={`${css["system"]} ${css["thinking"]}`}>{t("dialog.thinking")}</p>;
    case "sent":
      return <SentRow sent={row.sent} />;
    case "message":
      return (
        <MessageRow
          message={row.message}
          isFirst={row.isFirst}
          customer={dialog.contact.display_name}
          name={name}
          retry={retry}
        />
      );
  }
}

/** Says new words of the customer to those who hear the page. */
function Announcer({ dialog }: { dialog: Dialog }) {
  const first = useRef(dialog.last_seq);
  const last = dialog.last_message;
  const isNew = last !== null && last.seq > first.current && last.author === "customer";
  return (
    <div aria-live="polite" className={css["announcer"]}>
      {isNew ? `${dialog.contact.display_name}: ${last.text}` : ""}
    </div>
  );
}
