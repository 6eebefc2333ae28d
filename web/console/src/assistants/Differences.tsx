import { t } from "../i18n";
import { page as css } from "../ui/page";
import own from "./Assistants.module.css";
import { changed, lines, written, type Settings, type Shown } from "./settings";

/** What changes from one version of the settings to another, field by field and line by line. */
export function Differences({ before, after }: { before: Settings; after: Settings }) {
  const fields = changed(before, after);
  if (fields.length === 0) return <p className={css["soft"]}>{t("diff.none")}</p>;
  return (
    <dl className={own["diff"]}>
      {fields.map((field) => (
        <div key={field}>
          <dt>{t(`field.${field}`)}</dt>
          <dd>
            {lines(told(field, before[field]), told(field, after[field])).map((line, index) =>
              line.is === "same" ? (
                <span key={index} className={own["same"]} dir="auto">
                  {line.text || "\u00a0"}
                </span>
              ) : line.is === "removed" ? (
                <del key={index} dir="auto">
                  {line.text || "\u00a0"}
                </del>
              ) : (
                <ins key={index} dir="auto">
                  {line.text || "\u00a0"}
                </ins>
              ),
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A value in words, a line each where it has parts. */
export function told(field: Shown, value: Settings[Shown]): string {
  if (value === null || value === undefined) return field === "model" ? t("model.default") : t("value.none");
  if (typeof value === "boolean") return value ? t("value.yes") : t("value.no");
  if (field === "language") return t(`language.${value as "en" | "ru"}`);
  if (field === "unverified" || field === "unsure") return t(`choice.${field}.${String(value)}` as "choice.unsure.quote");
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? t("value.none") : value.join("\n");
  const parts = Object.entries(value).map(([key, part]) => `${key}: ${typeof part === "object" ? written(part) : String(part)}`);
  return parts.length === 0 ? t("value.none") : parts.join("\n");
}
