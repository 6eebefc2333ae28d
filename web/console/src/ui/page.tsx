/** What the screens around the inbox are made of. */
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import * as v from "valibot";
import { clock, exact, t, ago } from "../i18n";
import { Overlay } from "../shell/Overlay";
import { Field, Form, needed } from "./form";
import css from "./page.module.css";
import { Broken, Button, explain, Skeleton, ui, useNow } from "./ui";

export { css as page };

interface PageProps {
  title: string;
  /** Beside the title. */
  actions?: ReactNode;
  lead?: ReactNode;
  /** Above the title: where this page belongs. */
  above?: ReactNode;
  isWide?: boolean;
  children: ReactNode;
}

/** A screen with a title. The title takes the focus, so that a reader knows where they are. */
export function Page({ title, actions, lead, above, isWide = false, children }: PageProps) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    head.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${title} · ${t("app.name")}`;
  }, [title]);
  return (
    <div className={css["scroll"]}>
      <div className={css["page"]} data-wide={isWide || undefined}>
        {above && <nav className={css["above"]} aria-label={t("page.above")}>{above}</nav>}
        <header className={css["head"]}>
          <h1 ref={head} tabIndex={-1} dir="auto">
            {title}
          </h1>
          {actions && <div className={css["actions"]}>{actions}</div>}
          {lead && <div className={css["lead"]}>{lead}</div>}
        </header>
        {children}
      </div>
    </div>
  );
}

export function Section({ title, hint, actions, children }: { title: string; hint?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className={css["section"]} aria-labelledby={id}>
      <header className={css["sectionHead"]}>
        <h2 id={id}>{title}</h2>
        {actions && <div className={css["actions"]}>{actions}</div>}
        {hint && <p className={css["lead"]}>{hint}</p>}
      </header>
      {children}
    </section>
  );
}

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  rows?: number;
  /** Shown in place of what there is none of. */
  empty?: (data: T) => ReactNode | null;
  children: (data: T) => ReactNode;
}

/** The four states of everything that is loaded: not yet, not at all, nothing, and not the newest. */
export function Loaded<T>({ query, rows = 4, empty, children }: LoadedProps<T>) {
  if (query.data === undefined) {
    if (query.isError) return <Broken failure={query.error} retry={() => void query.refetch()} />;
    return <Skeleton rows={rows} />;
  }
  const nothing = empty?.(query.data);
  return (
    <>
      {query.isError && (
        <p className={ui["notice"]} role="status">
          {t("stale.since", { time: clock(new Date(query.dataUpdatedAt)) })}{" "}
          <button type="button" className={css["link"]} onClick={() => void query.refetch()}>
            {t("error.retry")}
          </button>
        </p>
      )}
      {nothing ?? children(query.data)}
    </>
  );
}

/** Nothing is here: what that means, and what to do next. */
export function Nothing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css["nothing"]}>
      <p className={css["nothingTitle"]}>{title}</p>
      {children}
    </div>
  );
}

/** When it was: roughly to see, exactly to hover. */
export function When({ at }: { at: string }) {
  const now = useNow(30_000);
  const date = new Date(at);
  return (
    <time dateTime={at} title={exact(date)}>
      {ago(date, new Date(now))}
    </time>
  );
}

interface ConfirmProps {
  title: string;
  children: ReactNode;
  action: string;
  /** What must be typed before it is done, when it cannot be undone. */
  typed?: string;
  act: () => Promise<unknown>;
  close: () => void;
}

/** Asks before something is done that takes effect at once. */
export function Confirm({ title, children, action, typed, act, close }: ConfirmProps) {
  const schema = typed
    ? v.object({ typed: v.pipe(needed, v.check((text) => text === typed, "confirm.mismatch")) })
    : v.object({});
  return (
    <Overlay label={title} close={close}>
      <div className={css["stack"]}>
        <h2>{title}</h2>
        <div>{children}</div>
        <Form
          schema={schema as v.GenericSchema<Record<string, unknown>>}
          submit={action}
          look="danger"
          beside={<Button onPress={close}>{t("confirm.cancel")}</Button>}
          send={async () => {
            await act();
            close();
          }}
        >
          {typed && <TypedField typed={typed} />}
        </Form>
      </div>
    </Overlay>
  );
}

function TypedField({ typed }: { typed: string }) {
  return <Field name="typed" label={t("confirm.type", { what: typed })} autoComplete="off" spellCheck={false} />;
}

/** Does something when pressed, and says beside itself when it failed. */
export function Act({ act, children, look, label, isDisabled = false }: { act: () => Promise<unknown>; children: ReactNode; look?: "plain" | "primary" | "quiet" | "danger"; label?: string; isDisabled?: boolean }) {
  const [failure, setFailure] = useState<unknown>(null);
  const [isActing, setActing] = useState(false);
  const press = async (): Promise<void> => {
    setActing(true);
    setFailure(null);
    try {
      await act();
    } catch (error) {
      setFailure(error);
    } finally {
      setActing(false);
    }
  };
  return (
    <>
      <Button look={look ?? "plain"} {...(label === undefined ? {} : { "aria-label": label })} isDisabled={isDisabled || isActing} onPress={() => void press()}>
        {children}
      </Button>
      {failure !== null && (
        <span role="alert" className={ui["wrong"]}>
          {explain(failure)}
        </span>
      )}
    </>
  );
}

/** A word about a state, with a shape, so that it is not told by color alone. */
export function State({ tone, children }: { tone: "good" | "warn" | "bad" | "soft"; children: ReactNode }) {
  return (
    <span className={css["state"]} data-tone={tone}>
      <span aria-hidden />
      {children}
    </span>
  );
}

/** A secret that is shown once. */
export function Secret({ label, value }: { label: string; value: string }) {
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  return (
    <div className={ui["field"]}>
      <label htmlFor={id}>{label}</label>
      <div className={css["secret"]}>
        <input
          id={id}
          className={ui["input"]}
          readOnly
          value={value}
          onFocus={(event) => event.target.select()}
        />
        <Button
          onPress={() => {
            void navigator.clipboard?.writeText(value).then(() => setCopied(true), () => undefined);
          }}
        >
          {isCopied ? t("secret.copied") : t("secret.copy")}
        </Button>
      </div>
    </div>
  );
}
