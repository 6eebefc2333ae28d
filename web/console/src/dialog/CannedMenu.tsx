import { useQuery } from "@tanstack/react-query";
import { useState, type KeyboardEvent } from "react";
import { api, body } from "../api/client";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { cannedQuery } from "./canned";
import { matching, wanted, type Canned } from "./find";
import css from "./Dialog.module.css";

const MOST = 6;

interface Looked {
  readonly shown: readonly Canned[];
  readonly at: number;
  readonly pick: (one: Canned) => void;
  /** Whether the key was for the list. */
  readonly press: (event: KeyboardEvent) => boolean;
}

/** The replies that match what is typed after `/`, and the keys that choose one. */
export function useCanned(dialog: string, text: string, isReply: boolean, put: (text: string) => void): Looked {
  const { workspace } = useWork();
  const letters = isReply ? wanted(text) : null;
  const { data } = useQuery({ ...cannedQuery(workspace), enabled: letters !== null });
  const [chosen, setChosen] = useState(0);
  const shown = letters === null || !data ? [] : matching(data, letters, MOST);
  const at = Math.min(chosen, Math.max(0, shown.length - 1));

  const pick = (one: Canned): void => {
    setChosen(0);
    const params = { path: { id: one.id }, query: { dialog_id: dialog } };
    // Without the server its own words are better than none.
    api.GET("/api/v1/canned-replies/{id}/text", { params }).then(
      (answer) => put(body(answer).text),
      () => put(one.text),
    );
  };
  const press = (event: KeyboardEvent): boolean => {
    if (shown.length === 0) return false;
    if (event.key === "ArrowDown") setChosen((at + 1) % shown.length);
    else if (event.key === "ArrowUp") setChosen((at + shown.length - 1) % shown.length);
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") pick(shown[at]!);
    else return false;
    event.preventDefault();
    return true;
  };
  return { shown, at, pick, press };
}

export function CannedMenu({ id, canned }: { id: string; canned: Looked }) {
  if (canned.shown.length === 0) return null;
  return (
    <ul id={id} className={css["canned"]} role="listbox" aria-label={t("composer.canned")}>
      {canned.shown.map((one, index) => (
        <li
          key={one.id}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === canned.at}
          onPointerDown={(event) => {
            // The focus stays where one types.
            event.preventDefault();
            canned.pick(one);
          }}
        >
          <code>/{one.shortcut}</code> <strong dir="auto">{one.title}</strong> <span dir="auto">{one.text}</span>
        </li>
      ))}
    </ul>
  );
}
