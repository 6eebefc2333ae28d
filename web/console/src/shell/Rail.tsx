import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { AlarmClock, CheckCheck, ChevronsUpDown, CircleDashed, CircleUserRound, Clock3, Inbox, ListChecks, Sparkles } from "lucide-react";
import { useEffect } from "react";
import {
  Button as AriaButton,
  Header,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from "react-aria-components";
import { api, body } from "../api/client";
import type { InboxCounts } from "../api/types";
import { choose, clock, LANGUAGE_NAMES, t, useLanguage, type Language } from "../i18n";
import { VIEWS, type View } from "../inbox/views";
import { useConnection, useStore } from "../live/store";
import { may, workspacesQuery } from "../session/session";
import { chooseTheme, THEMES, useTheme, type Theme } from "../theme/theme";
import { STEPS } from "../start/done";
import { useSteps } from "../start/steps";
import { Avatar, ui, useIsPhone } from "../ui/ui";
import { useWork } from "./context";
import { choosePresence, PRESENCES, usePresence, useSaidPresence, type Presence } from "./presence";
import { chooseNotices, useNotices, useTitleCount } from "./notices";
import { SECTIONS } from "./sections";
import css from "./Shell.module.css";

const ICONS: Record<View, typeof Clock3> = {
  mine: CircleUserRound,
  waiting: Clock3,
  ai: Sparkles,
  unassigned: CircleDashed,
  snoozed: AlarmClock,
  closed: CheckCheck,
};

/** Counts are asked for at most this often. */
const COUNTS_PACE_MS = 1_000;

const PHONE_SECTIONS = 2;

interface RailProps {
  help: () => void;
  palette: () => void;
}

export function Rail({ help, palette }: RailProps) {
  const { workspace, me } = useWork();
  const isPhone = useIsPhone();
  const mayStart = may(me.permissions, "assistants:write");
  const { done, isDismissed } = useSteps(workspace, mayStart);
  const isStarting = mayStart && !isDismissed && done !== null && done.size < STEPS.length;
  const counts = useCounts();
  useTitleCount(counts?.waiting ?? 0);
  const allowed = SECTIONS.filter((section) => section.mayOpen(me));
  // A phone has room for these; the others are in the menu of the account.
  const sections = isPhone ? allowed.slice(0, PHONE_SECTIONS) : allowed;
  return (
    <header className={css["rail"]}>
      <WorkspaceSwitch />
      {!isPhone && (
        <nav className={css["nav"]} aria-label={t("nav.inbox")}>
          <p className={css["title"]} aria-hidden>
            {t("nav.inbox")}
          </p>
          <Views counts={counts} />
        </nav>
      )}
      <nav className={css["nav"]} data-sections aria-label={t("nav.sections")}>
        {!isPhone && (
          <p className={css["title"]} aria-hidden>
            {t("nav.sections")}
          </p>
        )}
        <ul className={css["views"]}>
          {isPhone && (
            <li>
              <Link
                className={css["view"]}
                to="/w/$workspace/inbox/$view"
                params={{ workspace, view: "waiting" }}
                search={{}}
                data-status={undefined}
                activeProps={{ "data-status": "active" }}
              >
                <Inbox size={18} aria-hidden />
                <span className={css["word"]}>{t("nav.inbox")}</span>
              </Link>
            </li>
          )}
          {isStarting && (
            <li>
              <Link className={css["view"]} to="/w/$workspace/start" params={{ workspace }}>
                <ListChecks size={18} aria-hidden />
                <span className={css["word"]}>{t("nav.start")}</span>
                <span className={css["count"]} data-view="start">
                  <span aria-hidden>
                    {done.size}/{STEPS.length}
                  </span>
                  <span className={ui["hidden"]}>, {t("start.progress", { n: done.size, all: STEPS.length })}</span>
                </span>
              </Link>
            </li>
          )}
          {sections.map(({ to, text, icon: Icon }) => (
            <li key={to}>
              <Link className={css["view"]} to={to} params={{ workspace }}>
                <Icon size={18} aria-hidden />
                <span className={css["word"]}>{t(text)}</span>
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className={css["foot"]}>
        <ConnectionDot />
        <Account help={help} palette={palette} />
      </div>
    </header>
  );
}

/** The views of the inbox with how many dialogs each has. */
export function Views({ counts, look = "rail" }: { counts: InboxCounts | undefined; look?: "rail" | "strip" }) {
  const { workspace } = useWork();
  return (
    <ul className={look === "rail" ? css["views"] : css["strip"]}>
      {VIEWS.map((view) => {
        const Icon = ICONS[view];
        const count = counts && countOf(counts, view);
        return (
          <li key={view}>
            <Link
              className={css["view"]}
              to="/w/$workspace/inbox/$view"
              params={{ workspace, view }}
              search={{}}
              activeOptions={{ includeSearch: false }}
            >
              {look === "rail" && <Icon size={18} aria-hidden />}
              <span className={css["word"]}>{t(`view.${view}`)}</span>
              {count !== undefined && count > 0 && (
                <span className={css["count"]} data-view={view}>
                  <span aria-hidden>{count}</span>
                  <span className={ui["hidden"]}>, {t("view.count", { n: count })}</span>
                </span>
              )}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function countOf(counts: InboxCounts, view: View): number {
  return view === "closed" ? counts.closed_today : counts[view];
}

/** The counts, without renewing them: the rail does. */
export function useKnownCounts(): InboxCounts | undefined {
  const { workspace } = useWork();
  return useQuery(countsQuery(workspace)).data;
}

function countsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["counts", workspace],
    queryFn: async () => body(await api.GET("/api/v1/dialogs/counts")),
    staleTime: COUNTS_PACE_MS,
  });
}

function useCounts(): InboxCounts | undefined {
  const { workspace, store } = useWork();
  const client = useQueryClient();
  const dialogs = useStore(store, (state) => state.dialogs);
  const { data } = useQuery(countsQuery(workspace));

  useEffect(() => {
    const timer = setTimeout(() => void client.invalidateQueries({ queryKey: ["counts", workspace] }), COUNTS_PACE_MS);
    return () => clearTimeout(timer);
  }, [client, workspace, dialogs]);
  return data;
}

function WorkspaceSwitch() {
  const { workspace, me } = useWork();
  const { data } = useQuery(workspacesQuery);
  const navigate = useNavigate();
  const name = me.workspace?.name ?? "";
  return (
    <MenuTrigger>
      <AriaButton className={css["workspace"]!} aria-label={t("nav.workspace", { name })}>
        <Avatar name={name} />
        <span className={css["name"]} dir="auto">
          {name}
        </span>
        <ChevronsUpDown size={14} className={css["chevron"]} aria-hidden />
      </AriaButton>
      <Popover className={ui["popover"]!} placement="bottom start">
        <Menu
          className={ui["menu"]!}
          aria-label={t("nav.workspace", { name })}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[workspace]}
          disabledKeys={(data ?? []).filter((one) => one.suspended).map((one) => one.id)}
          onAction={(key) =>
            void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace: String(key), view: "mine" }, search: {} })
          }
        >
          {(data ?? []).map((one) => (
            <MenuItem key={one.id} id={one.id} className={ui["item"]!} textValue={one.name}>
              <span dir="auto">{one.name}</span>
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

/** Whether what is shown is what is: a shape and a word. */
function ConnectionDot() {
  const { store } = useWork();
  const link = useConnection(store);
  const text =
    link.is === "offline" ? t("link.offline", { time: clock(new Date(link.since)) }) : t(`link.${link.is}`);
  return (
    <p className={css["link"]} data-link={link.is} role="status" title={text}>
      <span className={css["dot"]} aria-hidden />
      <span className={css["word"]}>{text}</span>
    </p>
  );
}

function Account({ help, palette }: RailProps) {
  const notices = useNotices();
  const isPhone = useIsPhone();
  const { me, workspace } = useWork();
  const client = useQueryClient();
  const mayAnswer = may(me.permissions, "dialogs:write");
  const presence = usePresence(workspace);
  useSaidPresence(workspace, mayAnswer);
  const language = useLanguage();
  const theme = useTheme();
  const navigate = useNavigate();
  const others = isPhone ? SECTIONS.filter((section) => section.mayOpen(me)).slice(PHONE_SECTIONS) : [];
  const name = me.user.name ?? me.user.email;
  const signOut = async (): Promise<void> => {
    await api.POST("/api/v1/auth/logout", {}).catch(() => undefined);
    client.clear();
    location.assign(`${import.meta.env.BASE_URL}sign-in`);
  };

  return (
    <MenuTrigger>
      <AriaButton className={css["account"]!}>
        <span className={ui["hidden"]}>{t("nav.account")}</span>
        <Avatar name={name} />
        <span className={`${css["name"]} ${ui["person"]}`}>
          <bdi>{name}</bdi>
          {mayAnswer && <small>{t(`presence.${presence}`)}</small>}
        </span>
      </AriaButton>
      <Popover className={ui["popover"]!} placement="top start">
        <Menu className={ui["menu"]!} aria-label={t("nav.account")}>
          {mayAnswer && (
            <MenuSection
              selectionMode="single"
              disallowEmptySelection
              selectedKeys={[presence]}
              onSelectionChange={(keys) => choosePresence(workspace, [...keys][0] as Presence)}
            >
              <Header className={ui["section"]!}>{t("presence.label")}</Header>
              {PRESENCES.map((one) => (
                <MenuItem key={one} id={one} className={ui["item"]!}>
                  {t(`presence.${one}`)}
                </MenuItem>
              ))}
            </MenuSection>
          )}
          {mayAnswer && <Separator className={ui["divider"]!} />}
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme]}
            onSelectionChange={(keys) => chooseTheme([...keys][0] as Theme)}
          >
            <Header className={ui["section"]!}>{t("theme.label")}</Header>
            {THEMES.map((one) => (
              <MenuItem key={one} id={one} className={ui["item"]!}>
                {t(`theme.${one}`)}
              </MenuItem>
            ))}
          </MenuSection>
          <Separator className={ui["divider"]!} />
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[language]}
            onSelectionChange={(keys) => void choose([...keys][0] as Language)}
          >
            <Header className={ui["section"]!}>{t("language.label")}</Header>
            {Object.entries(LANGUAGE_NAMES).map(([one, its]) => (
              <MenuItem key={one} id={one} className={ui["item"]!} textValue={its}>
                <span lang={one}>{its}</span>
              </MenuItem>
            ))}
          </MenuSection>
          <Separator className={ui["divider"]!} />
          {notices !== "refused" && (
            <MenuItem id="notices" className={ui["item"]!} onAction={() => void chooseNotices(notices === "off")}>
              {notices === "on" ? t("notice.turnOff") : t("notice.turnOn")}
            </MenuItem>
          )}
          <MenuItem id="palette" className={ui["item"]!} onAction={palette}>
            {t("palette.open")}
          </MenuItem>
          {others.map((section) => (
            <MenuItem
              key={section.to}
              id={section.to}
              className={ui["item"]!}
              onAction={() => void navigate({ to: section.to, params: { workspace } })}
            >
              {t(section.text)}
            </MenuItem>
          ))}
          <MenuItem
            id="me"
            className={ui["item"]!}
            onAction={() => void navigate({ to: "/w/$workspace/me", params: { workspace } })}
          >
            {t("nav.me")}
          </MenuItem>
          <MenuItem id="keys" className={ui["item"]!} onAction={help}>
            {t("nav.keys")}
          </MenuItem>
          <MenuItem id="out" className={ui["item"]!} onAction={() => void signOut()}>
            {t("nav.signOut")}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
