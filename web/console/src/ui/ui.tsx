/** The small parts that every screen is made of. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components";
import { Failure } from "../api/client";
import { isText, t } from "../i18n";
import css from "./ui.module.css";

export { css as ui };

type Look = "plain" | "primary" | "quiet" | "icon" | "danger";

const LOOKS: Record<Look, string> = {
  plain: css["button"]!,
  primary: `${css["button"]} ${css["primary"]}`,
  quiet: `${css["button"]} ${css["quiet"]}`,
  icon: `${css["button"]} ${css["quiet"]} ${css["icon"]}`,
  danger: `${css["button"]} ${css["danger"]}`,
};

export function Button({ look = "plain", ...props }: ButtonProps & { look?: Look }) {
  return <AriaButton {...props} className={LOOKS[look]} />;
}

export function Key({ children }: { children: ReactNode }) {
  return <kbd className={css["key"]}>{children}</kbd>;
}

/** Shown while something loads, after a moment. */
export function Skeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div className={css["skeleton"]} role="status" aria-label={t("app.loading")}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={css["bone"]} />
      ))}
    </div>
  );
}

/** Shown where nothing is: what that means, and what to do next. */
export function Empty({ title, children, page = false }: { title: string; children?: ReactNode; page?: boolean }) {
  if (page) {
    return (
      <main className={css["state"]}>
        <h1>{title}</h1>
        {children}
      </main>
    );
  }
  return (
    <div className={css["state"]}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong, in the reader's words. */
export function explain(failure: unknown): string {
  if (!(failure instanceof Failure)) return t("error.title");
  if (failure.status === 0) return t("error.offline");
  const known = `problem.${failure.code}`;
  if (isText(known)) return t(known);
  if (failure.status === 402) return t("error.402");
  if (failure.status === 403) return t("error.forbidden");
  if (failure.status === 429) return t("error.429");
  if (failure.status === 503) return t("error.503");
  return failure.problem?.detail ?? t("error.title");
}

/** Shown when something could not be loaded. */
export function Broken({ failure, retry }: { failure: unknown; retry: () => void }) {
  const known = failure instanceof Failure ? failure : null;
  const left = useCountdown(known?.retryAfter ?? 0);
  return (
    <div className={css["state"]} role="alert">
      <h2>{t("error.title")}</h2>
      <p>{explain(failure)}</p>
      {known && known.status > 0 && (
        <p className={css["code"]}>
          {known.requestId
            ? t("error.details", { code: known.code, request: known.requestId })
            : t("error.code", { code: known.code })}
        </p>
      )}
      <Button onPress={retry} isDisabled={left > 0}>
        {left > 0 ? t("error.retryIn", { n: left }) : t("error.retry")}
      </Button>
    </div>
  );
}

/** Counts these seconds down to zero. */
export function useCountdown(seconds: number): number {
  const [end, setEnd] = useState(() => Date.now() + seconds * 1000);
  const now = useNow(1000);
  useEffect(() => setEnd(Date.now() + seconds * 1000), [seconds]);
  return seconds === 0 ? 0 : Math.max(0, Math.ceil((end - now) / 1000));
}

/** The time, renewed at this pace. */
export function useNow(pace: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), pace);
    return () => clearInterval(timer);
  }, [pace]);
  return now;
}

const PHONE = "(width <= 720px)";

/** Whether the page is as narrow as a phone. */
export function useIsPhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = matchMedia(PHONE);
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => matchMedia(PHONE).matches,
  );
}

/** The first letters of a name; a picture, not a text. */
export function Avatar({ name }: { name: string }) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0]).join("");
  return (
    <span className={css["avatar"]} data-letters={letters || "?"} aria-hidden />
  );
}
