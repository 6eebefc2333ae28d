import { Fragment } from "react";
import { t, type Key as Text } from "../i18n";
import { Button, Key } from "../ui/ui";
import { Overlay } from "./Overlay";
import css from "./Shell.module.css";

const KEYS: readonly (readonly [readonly string[], Text])[] = [
  [["J"], "keys.next"],
  [["K"], "keys.previous"],
  [["R"], "keys.reply"],
  [["N"], "keys.note"],
  [["T"], "keys.takeover"],
  [["A"], "keys.assign"],
  [["L"], "keys.tags"],
  [["Z"], "keys.snooze"],
  [["B"], "keys.release"],
  [["E"], "keys.close"],
  [["Shift", "E"], "keys.closeNext"],
  [["S"], "keys.sources"],
  [["Q"], "keys.keep"],
  [["/"], "keys.canned"],
  [["Ctrl", "Enter"], "keys.send"],
  [["G", "M W A U S C"], "keys.go"],
  [["Ctrl", "K"], "keys.palette"],
  [["?"], "keys.help"],
];

export function KeysHelp({ close }: { close: () => void }) {
  return (
    <Overlay label={t("keys.title")} close={close}>
      <h2>{t("keys.title")}</h2>
      <dl className={css["keys"]}>
        {KEYS.map(([keys, text]) => (
          <Fragment key={text}>
            <dt>
              {keys.map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </Fragment>
        ))}
      </dl>
      <Button onPress={close}>{t("keys.done")}</Button>
    </Overlay>
  );
}
