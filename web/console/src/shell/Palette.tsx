import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Autocomplete, Input, Menu, MenuItem, SearchField, useFilter } from "react-aria-components";
import { assistantsQuery } from "../data/queries";
import { choose, LANGUAGE_NAMES, t, type Language } from "../i18n";
import { VIEWS } from "../inbox/views";
import { useStore } from "../live/store";
import { may, workspacesQuery } from "../session/session";
import { chooseTheme, THEMES } from "../theme/theme";
import { ui } from "../ui/ui";
import { useWork } from "./context";
import { SECTIONS } from "./sections";
import { Overlay } from "./Overlay";
import css from "./Shell.module.css";

interface Command {
  readonly id: string;
  readonly text: string;
  /** What kind of thing it is. */
  readonly kind: string;
  readonly act: () => void;
}

/** As many as stand in sight at once: more letters leave fewer. */
const MOST = 8;

/** Every place and every setting, a few letters away. */
export function Palette({ close, help }: { close: () => void; help: () => void }) {
  const { contains } = useFilter({ sensitivity: "base" });
  const commands = useCommands(help);
  const [words, setWords] = useState("");
  const shown = commands.filter((command) => contains(`${command.kind} ${command.text}`, words)).slice(0, MOST);
  return (
    <Overlay label={t("palette.title")} isHigh close={close}>
      <Autocomplete inputValue={words} onInputChange={setWords}>
        <SearchField aria-label={t("palette.title")} autoFocus className={css["paletteField"]!}>
          <Input className={ui["input"]!} placeholder={t("palette.placeholder")} />
        </SearchField>
        <Menu
          className={`${ui["menu"]} ${css["palette"]}`}
          aria-label={t("palette.title")}
          items={shown}
          renderEmptyState={() => <p className={css["paletteNone"]}>{t("palette.none")}</p>}
          onAction={(key) => {
            close();
            commands.find((command) => command.id === key)?.act();
          }}
        >
          {(command) => (
            <MenuItem id={command.id} className={ui["item"]!} textValue={`${command.kind} ${command.text}`}>
              <small>{command.kind}</small>
              <bdi>{command.text}</bdi>
            </MenuItem>
          )}
        </Menu>
      </Autocomplete>
    </Overlay>
  );
}

function useCommands(help: () => void): Command[] {
  const { workspace, me, store } = useWork();
  const navigate = useNavigate();
  const { data: workspaces } = useQuery(workspacesQuery);
  const { data: assistants } = useQuery({ ...assistantsQuery(workspace), enabled: may(me.permissions, "assistants:read") });
  const dialogs = useStore(store, (state) => state.dialogs);
  const params = { workspace };
  const go = t("palette.go");
  return [
    ...VIEWS.map((view) => ({
      id: `view-${view}`,
      kind: t("nav.inbox"),
      text: t(`view.${view}`),
      act: () => void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace, view }, search: {} }),
    })),
    ...SECTIONS.filter((section) => section.mayOpen(me)).map((section) => ({
      id: `section-${section.to}`,
      kind: go,
      text: t(section.text),
      act: () => void navigate({ to: section.to, params }),
    })),
    { id: "me", kind: go, text: t("nav.me"), act: () => void navigate({ to: "/w/$workspace/me", params }) },
    ...(may(me.permissions, "assistants:write")
      ? [{ id: "start", kind: go, text: t("nav.start"), act: () => void navigate({ to: "/w/$workspace/start", params }) }]
      : []),
    ...(assistants ?? []).map((one) => ({
      id: `assistant-${one.id}`,
      kind: t("filter.assistant"),
      text: one.name,
      act: () => void navigate({ to: "/w/$workspace/assistants/$assistant", params: { workspace, assistant: one.id } }),
    })),
    ...[...dialogs.values()].slice(0, 200).map((dialog) => ({
      id: `dialog-${dialog.id}`,
      kind: t("palette.dialog"),
      text: dialog.contact.display_name,
      act: () =>
        void navigate({
          to: "/w/$workspace/inbox/$view/$dialog",
          params: { workspace, view: dialog.control === "closed" ? "closed" : dialog.control === "waiting" ? "waiting" : "ai", dialog: dialog.id },
          search: {},
        }),
    })),
    ...(workspaces ?? [])
      .filter((one) => one.id !== workspace && !one.suspended)
      .map((one) => ({
        id: `workspace-${one.id}`,
        kind: t("palette.workspace"),
        text: one.name,
        act: () =>
          void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace: one.id, view: "waiting" }, search: {} }),
      })),
    ...THEMES.map((one) => ({
      id: `theme-${one}`,
      kind: t("theme.label"),
      text: t(`theme.${one}`),
      act: () => chooseTheme(one),
    })),
    ...Object.entries(LANGUAGE_NAMES).map(([one, name]) => ({
      id: `language-${one}`,
      kind: t("language.label"),
      text: name,
      act: () => void choose(one as Language),
    })),
    { id: "keys", kind: go, text: t("nav.keys"), act: help },
  ];
}
