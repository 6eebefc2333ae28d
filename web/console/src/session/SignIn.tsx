import { useEffect, useRef, useState, type ReactNode } from "react";
import * as v from "valibot";
import { api, csrfToken, Failure } from "../api/client";
import { choose, LANGUAGE_NAMES, t, useLanguage, type Key, type Language } from "../i18n";
import { email, Field, Form, needed, password } from "../ui/form";
import { Button, ui } from "../ui/ui";
import css from "./SignIn.module.css";

const credentials = v.object({ email, password });
const second = v.object({ totp: needed });

/** What the form says when signing in failed. */
function told(failure: Failure): string {
  if (failure.status === 0) return t("signIn.offline");
  const known: Partial<Record<string, Key>> = {
    wrong_credentials: "signIn.wrong",
    wrong_totp: "signIn.wrongCode",
    account_blocked: "signIn.blocked",
    cookies: "signIn.cookies",
  };
  const key = known[failure.code];
  return key ? t(key) : t("signIn.failed", { detail: failure.message });
}

/** Fails when the browser has not kept our cookies: what follows would be refused one by one. */
export function requireCookies(): void {
  if (csrfToken() === null) throw new Failure(1, "cookies", null, null, null);
}

/** Browsers keep our cookies only where a page is safe from others on the network. */
export function CookieNotice() {
  if (window.isSecureContext) return null;
  return (
    <p className={ui["notice"]} role="note">
      {t("signIn.insecure")}
    </p>
  );
}

interface Props {
  done: () => void;
  isAgain?: boolean;
  /** What the button says. */
  submit?: string;
}

export function SignInForm({ done, isAgain = false, submit = t("signIn.submit") }: Props) {
  const [step, setStep] = useState<"password" | "totp">("password");
  const given = useRef({ email: "", password: "" });
  const place = useRef<HTMLDivElement>(null);
  const Title = isAgain ? "h2" : "h1";

  useEffect(() => place.current?.querySelector("input")?.focus(), [step]);

  const send = async (totp: string | null): Promise<void> => {
    try {
      await api.POST("/api/v1/auth/login", {
        body: { ...given.current, cookies: true, ...(totp === null ? {} : { totp: totp.replaceAll(" ", "") }) },
      });
    } catch (error) {
      if (totp !== null || !(error instanceof Failure) || error.code !== "totp_required") throw error;
      setStep("totp");
      return;
    }
    requireCookies();
    done();
  };

  return (
    <div className={css["form"]} ref={place}>
      <Title>{step === "totp" ? t("signIn.totp.title") : t("signIn.title")}</Title>
      {isAgain && <p>{t("signIn.again")}</p>}
      <CookieNotice />
      {step === "password" ? (
        <Form
          key="password"
          schema={credentials}
          submit={submit}
          told={told}
          send={async (typed) => {
            given.current = typed;
            await send(null);
          }}
        >
          <Field name="email" label={t("signIn.email")} type="email" autoComplete="username" defaultValue={given.current.email} />
          <Field name="password" label={t("signIn.password")} type="password" autoComplete="current-password" />
        </Form>
      ) : (
        <Form
          key="totp"
          schema={second}
          submit={submit}
          told={told}
          beside={
            <Button look="quiet" onPress={() => setStep("password")}>
              {t("signIn.back")}
            </Button>
          }
          send={async ({ totp }) => send(totp)}
        >
          <Field
            name="totp"
            label={t("signIn.totp")}
            hint={t("signIn.totp.hint")}
            inputMode="numeric"
            autoComplete="one-time-code"
          />
        </Form>
      )}
    </div>
  );
}

/** A page of somebody who is not signed in. */
export function Card({ children, below }: { children: ReactNode; below?: ReactNode }) {
  const current = useLanguage();
  return (
    <main className={css["page"]}>
      <div className={css["card"]}>
        <p className={css["brand"]}>
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width={24} height={24} />
          {t("app.name")}
        </p>
        {children}
        {below && <div className={css["below"]}>{below}</div>}
        <div className={css["languages"]} role="group" aria-label={t("language.label")}>
          {(Object.keys(LANGUAGE_NAMES) as Language[])
            .filter((language) => language !== current)
            .map((language) => (
              <Button key={language} look="quiet" onPress={() => void choose(language)}>
                <span lang={language}>{LANGUAGE_NAMES[language]}</span>
              </Button>
            ))}
        </div>
      </div>
    </main>
  );
}
