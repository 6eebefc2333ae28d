/** Forms: what was typed is checked by a schema, sent once, and what was refused is told beside its field. */
import {
  createContext,
  use,
  useEffect,
  useId,
  useRef,
  useState,
  type FormEvent,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from "react";
import * as v from "valibot";
import { Failure } from "../api/client";
import { duration, isText, t } from "../i18n";
import { Button, explain, ui, useCountdown } from "./ui";

interface State {
  /** What is wrong, by the name of the field. */
  readonly wrong: Readonly<Record<string, string>>;
  readonly isSending: boolean;
}

const FormContext = createContext<State>({ wrong: {}, isSending: false });

type Schema = v.GenericSchema<Record<string, unknown>, Record<string, unknown>>;

interface FormProps<S extends Schema> {
  schema: S;
  /** Sends what was typed. The key names this attempt, so that a repeat is not done twice. */
  send: (values: v.InferOutput<S>, key: string) => Promise<void>;
  submit: string;
  /** Stands beside the button. */
  beside?: ReactNode;
  /** Other words for some failures. */
  told?: (failure: Failure) => string | null;
  label?: string;
  look?: "primary" | "plain" | "danger";
  clears?: boolean;
  children: ReactNode;
}

export function Form<S extends Schema>({
  schema,
  send,
  submit,
  beside,
  told,
  label,
  look = "primary",
  clears = false,
  children,
}: FormProps<S>) {
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<unknown>(null);
  /** What is wrong with the form as a whole. */
  const [rule, setRule] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const attempt = useRef({ sent: "", key: "" });
  const form = useRef<HTMLFormElement>(null);
  const wait = failure instanceof Failure ? (failure.retryAfter ?? 0) : 0;
  const left = useCountdown(wait);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [wrong]);

  const press = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isSending || left > 0 || !form.current) return;
    const typed = Object.fromEntries(new FormData(form.current));
    const checked = v.safeParse(schema, typed);
    setFailure(null);
    setRule(null);
    if (!checked.success) {
      const found = byField(checked.issues.map((issue) => [v.getDotPath(issue) ?? "", said(issue.message)]));
      setWrong(found);
      setRule(found[""] ?? null);
      return;
    }
    setWrong({});

    // The same words again are the same attempt: it may have arrived.
    const sent = JSON.stringify(typed);
    if (attempt.current.sent !== sent) attempt.current = { sent, key: crypto.randomUUID() };
    setSending(true);
    try {
      await send(checked.output, attempt.current.key);
      attempt.current = { sent: "", key: "" };
      if (clears) form.current?.reset();
    } catch (error) {
      const isUnknown = error instanceof Failure && (error.status === 0 || error.status >= 500);
      if (!isUnknown) attempt.current = { sent: "", key: "" };
      const fields = error instanceof Failure ? (error.problem?.errors ?? []) : [];
      const shown = fields.filter((one) => form.current?.elements.namedItem(one.field));
      setWrong(byField(shown.map((one) => [one.field, one.message])));
      if (shown.length === 0) setFailure(error);
    } finally {
      setSending(false);
    }
  };

  const own = failure instanceof Failure ? (told?.(failure) ?? null) : null;
  return (
    <FormContext value={{ wrong, isSending }}>
      <form ref={form} className={ui["form"]} aria-label={label} noValidate onSubmit={(event) => void press(event)}>
        {children}
        <div aria-live="assertive">
          {rule !== null && <p className={ui["wrong"]}>{rule}</p>}
          {failure !== null && (
            <p className={ui["notice"]} data-tone="bad">
              {wait > 0 ? t("form.wait", { time: duration(left) }) : (own ?? explain(failure))}
            </p>
          )}
        </div>
        <div className={ui["buttons"]}>
          <Button look={look} type="submit" isDisabled={isSending || left > 0}>
            {isSending ? t("form.sending") : submit}
          </Button>
          {beside}
        </div>
      </form>
    </FormContext>
  );
}

function byField(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [field, text] of pairs) found[field] ??= text;
  return found;
}

function said(message: string): string {
  return isText(message) ? t(message) : message;
}

interface Around {
  label: string;
  name: string;
  hint?: ReactNode;
}

/** What a field and its words have in common. */
function useField(name: string, hint: ReactNode) {
  const { wrong } = use(FormContext);
  const id = useId();
  const message = wrong[name];
  const described = [hint ? `${id}-hint` : null, message ? `${id}-wrong` : null].filter(Boolean).join(" ");
  const props = {
    id,
    name,
    "aria-invalid": message ? true : undefined,
    "aria-describedby": described || undefined,
  } as const;
  return { id, message, props };
}

function Around({ id, label, hint, message, children }: { id: string; label: string; hint?: ReactNode; message: string | undefined; children: ReactNode }) {
  return (
    <div className={ui["field"]}>
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className={ui["hint"]}>
          {hint}
        </p>
      )}
      {message && (
        <p id={`${id}-wrong`} className={ui["wrong"]}>
          {message}
        </p>
      )}
    </div>
  );
}

export function Field({ label, name, hint, ...rest }: Around & InputHTMLAttributes<HTMLInputElement>) {
  const { id, message, props } = useField(name, hint);
  return (
    <Around id={id} label={label} hint={hint} message={message}>
      <input className={ui["input"]} {...rest} {...props} />
    </Around>
  );
}

export function Area({ label, name, hint, ...rest }: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const { id, message, props } = useField(name, hint);
  return (
    <Around id={id} label={label} hint={hint} message={message}>
      <textarea className={`${ui["input"]} ${ui["area"]}`} rows={3} dir="auto" {...rest} {...props} />
    </Around>
  );
}

type Options = readonly (readonly [value: string, label: string])[];

export function Select({ label, name, hint, options, ...rest }: Around & { options: Options } & SelectHTMLAttributes<HTMLSelectElement>) {
  const { id, message, props } = useField(name, hint);
  return (
    <Around id={id} label={label} hint={hint} message={message}>
      <select className={ui["input"]} {...rest} {...props}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Around>
  );
}

export function Check({ label, hint, ...rest }: { label: string; hint?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className={ui["check"]}>
      <input type="checkbox" {...rest} id={id} aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className={ui["hint"]}>
          {hint}
        </p>
      )}
    </div>
  );
}

const typed = v.pipe(v.string(), v.trim());

/** Words that must be there. */
export const needed = v.pipe(typed, v.nonEmpty("field.required"));
/** Words that may be left out. */
export const optional = typed;
export const email = v.pipe(needed, v.email("field.email"));
/** A password that somebody has. */
export const password = v.pipe(v.string(), v.nonEmpty("field.required"));
/** A password that somebody chooses. The server may refuse it for other reasons. */
export const newPassword = v.pipe(
  v.string(),
  v.nonEmpty("field.required"),
  v.check((text) => [...text].length >= 8 && [...text].length <= 128 && /\p{L}/u.test(text) && /\p{N}/u.test(text), "field.password"),
);
