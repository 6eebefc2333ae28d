import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ToggleButton } from "react-aria-components";
import { api, body } from "../api/client";
import { tagsQuery } from "../data/queries";
import { clock, t } from "../i18n";
import { useConnection } from "../live/store";
import { useWork } from "../shell/context";
import { useKnownCounts, Views } from "../shell/Rail";
import { useIsPhone } from "../ui/ui";
import { useKeys } from "../ui/keys";
import { DialogList } from "./DialogList";
import { FilterMenu } from "./FilterMenu";
import css from "./Inbox.module.css";
import { useDialogs } from "./useDialogs";
import { isView, type Filters, type View } from "./views";
import { DialogsContext } from "./context";

export function InboxPage() {
  const { workspace, store, me } = useWork();
  const { view: named } = useParams({ from: "/w/$workspace/inbox/$view" });
  const { dialog: open = null } = useParams({ strict: false });
  const filters: Filters = useSearch({ from: "/w/$workspace/inbox/$view" });
  const view: View = isView(named) ? named : "mine";
  const navigate = useNavigate();
  const dialogs = useDialogs(store, view, filters, me.user.id);
  const link = useConnection(store);
  const isPhone = useIsPhone();
  const counts = useKnownCounts();
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = `${t(`view.${view}`)} · ${t("app.name")}`;
    if (open === null) heading.current?.focus();
  }, [view, open]);

  const go = (dialog: string | undefined): void => {
    if (dialog === undefined) return;
    void navigate({
      to: "/w/$workspace/inbox/$view/$dialog",
      params: { workspace, view, dialog },
      search: filters,
    });
  };
  const at = dialogs.items.findIndex((dialog) => dialog.id === open);
  const next = dialogs.items[at + 1]?.id;
  const previous = at > 0 ? dialogs.items[at - 1]?.id : undefined;
  useKeys({ KeyJ: () => go(next), KeyK: () => go(previous) });

  const set = (filters: Filters): void => {
    void navigate({ to: ".", search: filters });
  };

  // The open dialog is what the page is about.
  const Heading = open === null ? "h1" : "h2";
  return (
    <DialogsContext value={{ next: next ?? previous ?? null, go, view, filters }}>
      <div className={css["inbox"]} data-open={open === null ? undefined : true}>
        <section className={css["column"]} aria-labelledby="view">
          <header className={css["head"]}>
            <Heading id="view" ref={heading} tabIndex={-1}>
              {t(`view.${view}`)}
            </Heading>
            {isPhone && (
              <nav aria-label={t("nav.views")}>
                <Views counts={counts} look="strip" />
              </nav>
            )}
            <div className={css["filters"]} role="group" aria-label={t("filter.label")}>
              <AssistantFilter filters={filters} set={set} />
              <ChannelFilter filters={filters} set={set} />
              <TagFilter filters={filters} set={set} />
              <ToggleButton
                className={css["filter"]!}
                isSelected={filters.unread === true}
                onChange={(isOn) => {
                  const { unread: _, ...rest } = filters;
                  set(isOn ? { ...rest, unread: true } : rest);
                }}
              >
                {t("filter.unread")}
              </ToggleButton>
            </div>
          </header>
          {link.is === "offline" && (
            <p className={css["stale"]} role="status">
              {t("stale.since", { time: clock(new Date(link.since)) })}
            </p>
          )}
          <DialogList dialogs={dialogs} view={view} filters={filters} open={open} />
        </section>
        <section className={css["pane"]}>
          <Outlet />
        </section>
      </div>
    </DialogsContext>
  );
}

interface FilterProps {
  filters: Filters;
  set: (filters: Filters) => void;
}

function AssistantFilter({ filters, set }: FilterProps) {
  const { workspace } = useWork();
  const { data } = useQuery({
    queryKey: ["assistants", workspace],
    queryFn: async () => body(await api.GET("/api/v1/assistants", { params: { query: { limit: 200 } } })).items,
  });
  return (
    <FilterMenu
      label={t("filter.assistant")}
      any={t("filter.any.assistant")}
      chosen={filters.assistant}
      options={data ?? []}
      choose={(assistant) => {
        const { assistant: _, ...rest } = filters;
        set(assistant ? { ...rest, assistant } : rest);
      }}
    />
  );
}

function TagFilter({ filters, set }: FilterProps) {
  const { workspace } = useWork();
  const { data } = useQuery(tagsQuery(workspace));
  if (!data || (data.length === 0 && filters.tag === undefined)) return null;
  return (
    <FilterMenu
      label={t("filter.tag")}
      any={t("filter.any.tag")}
      chosen={filters.tag}
      options={data}
      choose={(tag) => {
        const { tag: _, ...rest } = filters;
        set(tag ? { ...rest, tag } : rest);
      }}
    />
  );
}

function ChannelFilter({ filters, set }: FilterProps) {
  const { workspace } = useWork();
  const { data } = useQuery({
    queryKey: ["channels", workspace],
    queryFn: async () => body(await api.GET("/api/v1/channels", { params: { query: { limit: 200 } } })).items,
  });
  return (
    <FilterMenu
      label={t("filter.channel")}
      any={t("filter.any.channel")}
      chosen={filters.channel}
      options={data ?? []}
      choose={(channel) => {
        const { channel: _, ...rest } = filters;
        set(channel ? { ...rest, channel } : rest);
      }}
    />
  );
}
