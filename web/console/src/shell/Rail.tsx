import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { BookOpen, Bot, CheckCheck, ChevronsUpDown, CircleDashed, CircleUserRound, Clock3, Inbox, ListChecks, Sparkles } from "lucide-react";
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
import type { InboxCounts, Permission } from "../api/types";
import { choose, clock, LANGUAGE_NAMES, t, useLanguage, type Key as Text, type Language } from "../i18n";
import { VIEWS, type View } from "../inbox/views";
import { useConnection, useStore } from "../live/store";
import { may, workspacesQuery } from "../session/session";
import { chooseTheme, THEMES, useTheme, type Theme } from "../theme/theme";
import { STEPS } from "../start/done";
import { useSteps } from "../start/steps";
import { Avatar, ui, useIsPhone } from "../ui/ui";
import { useWork } from "./context";
import { choosePresence, PRESENCES, usePresence, useSaidPresence, type Presence } from "./presence";
import css from "./Shell.module.css";

const ICONS: Record<View, typeof Clock3> = {
  mine: CircleUserRound,
  waiting: Clock3,
  ai: Sparkles,
  unassigned: CircleDashed,
  closed: CheckCheck,
};

/** Counts are asked for at most this often. */
const COUNTS_PACE_MS = 1_000;

/** The screens around the inbox, and who may see them. */
const SECTIONS: readonly Section[] = [
  { to: "/w/$workspace/assistants", text: "nav.assistants", icon: Bot, needs: "assistants:read" },
  { to: "/w/$workspace/knowledge", text: "nav.knowledge", icon: BookOpen, needs: "documents:read" },
];

interface Section {
  readonly to: "/w/$workspace/assistants" | "/w/$workspace/knowledge";
  readonly text: Text;
  readonly icon: typeof Clock3;
  readonly needs: Permission;
}

export function Rail({ help }: { help: () => void }) {
  const { workspace, me } = useWork();
  const isPhone = useIsPhone();
  const mayStart = may(me.permissions, "assistants:write");
  const { done, isDismissed } = useSteps(workspace, mayStart);
  const isStarting = mayStart && !isDismissed && done !== null && done.size < STEPS.length;
  const sections = SECTIONS.filter((section) => may(me.permissions, section.needs));
  return (
    <header className={css["rail"]}>
      <WorkspaceSwitch />
      {!isPhone && (
        <nav className={css["nav"]} aria-label={t("nav.inbox")}>
          <p className={css["title"]} aria-hidden>
            {t("nav.inbox")}
          </p>
          <Views />
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
        <Account help={help} />
      </div>
    </header>
  );
}

/** The views of the inbox with how many dialogs each has. */
export function Views({ look = "rail" }: { look?: "rail" | "strip" }) {
  const { workspace } = useWork();
  const counts = useCounts();
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

function useCounts(): InboxCounts | undefined {
  const { workspace, store } = useWork();
  const client = useQueryClient();
  const dialogs = useStore(store, (state) => state.dialogs);
  const queryKey = ["counts", workspace];
  const { data } = useQuery({
    queryKey,
    queryFn: async () => body(await api.GET("/api/v1/dialogs/counts")),
    staleTime: COUNTS_PACE_MS,
  });

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

function Account({ help }: { help: () => void }) {
  const { me, workspace } = useWork();
  const client = useQueryClient();
  const mayAnswer = may(me.permissions, "dialogs:write");
  const presence = usePresence(workspace);
  useSaidPresence(workspace, mayAnswer);
  const language = useLanguage();
  const theme = useTheme();
  const navigate = useNavigate();
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
