import { useEffect, useId, useState } from "react";
import { t } from "../i18n";
import { ui } from "../ui/ui";

/** Asks when one has stopped typing for this long. */
const PAUSE_MS = 250;

export function Search({ label, change }: { label: string; change: (words: string) => void }) {
  const [text, setText] = useState("");
  const id = useId();
  useEffect(() => {
    const timer = setTimeout(() => change(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, change]);
  return (
    <div className={ui["field"]}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={ui["input"]}
        type="search"
        value={text}
        maxLength={100}
        placeholder={t("admin.search.placeholder")}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
}
