import { valibotResolver } from "@hookform/resolvers/valibot";
import { useEffect, useState } from "react";
import { useForm } from "react-hook-form";
import * as v from "valibot";
import { api, csrfToken, Failure } from "../api/client";
import { choose, duration, LANGUAGE_NAMES, t, useLanguage, type Key, type Language } from "../i18n";
import { Button, ui, useCountdown } from "../ui/ui";
import css from "./SignIn.module.css";

const credentials = v.object({
  email: v.pipe(v.string(), v.trim(), v.nonEmpty("field.required"), v.email("field.email")),
  password: v.pipe(v.string(), v.nonEmpty("field.required")),
  totp: v.string(),
});

type Credentials = v.InferOutput<typeof credentials>;

/** What the form says when signing in failed. */
function told(failure: unknown): string {
  if (!(failure instanceof Failure) || failure.status === 0) return t("signIn.offline");
  const known: Partial<Record<string, Key>> = {
    wrong_credentials: "signIn.wrong",
    wrong_totp: "signIn.wrongCode",
    account_blocked: "signIn.blocked",
  };
  const key = known[failure.code];
  return key ? t(key) : t("signIn.failed", { detail: failure.message });
}

/** Browsers keep our cookies only where a page is safe from others on the network. */
function refusesCookies(): boolean {
  return !window.isSecureContext;
}

export function SignInForm({ done, isAgain = false }: { done: () => void; isAgain?: boolean }) {
  const [step, setStep] = useState<"password" | "totp">("password");
  const [failure, setFailure] = useState<unknown>(null);
  const wait = failure instanceof Failure ? (failure.retryAfter ?? 0) : 0;
  const left = useCountdown(wait);
  const { register, handleSubmit, setFocus, setValue, formState } = useForm<Credentials>({
    resolver: valibotResolver(credentials),
    defaultValues: { email: "", password: "", totp: "" },
  });

  useEffect(() => setFocus(step === "totp" ? "totp" : "email"), [step, setFocus]);

  const submit = handleSubmit(async (given) => {
    setFailure(null);
    try {
      await api.POST("/api/v1/auth/login", {
        body: {
          email: given.email,
          password: given.password,
          cookies: true,
          ...(step === "totp" ? { totp: given.totp.replaceAll(" ", "") } : {}),
        },
      });
      if (csrfToken() === null) throw new Failure(1, "cookies", null, null, null);
      done();
    } catch (error) {
      if (error instanceof Failure && error.code === "totp_required") {
        setStep("totp");
        return;
      }
      setFailure(error);
      setFocus(step === "totp" ? "totp" : "password");
    }
  });

  const isCookieFault = failure instanceof Failure && failure.code === "cookies";
  const wrong = formState.errors;
  const Title = isAgain ? "h2" : "h1";

  return (
    <form className={css["form"]} onSubmit={(event) => void submit(event)} noValidate>
      <Title>
        {step === "totp" ? t("signIn.totp.title") : t("signIn.title")}
      </Title>
      {isAgain && <p>{t("signIn.again")}</p>}
      {refusesCookies() && (
        <p className={ui["notice"]} role="note">
          {t("signIn.insecure")}
        </p>
      )}

      {step === "password" ? (
        <>
          <div className={ui["field"]}>
            <label htmlFor="email">{t("signIn.email")}</label>
            <input
              id="email"
              className={ui["input"]}
              type="email"
              autoComplete="username"
              aria-invalid={wrong.email !== undefined}
              aria-describedby="email-wrong"
              {...register("email")}
            />
            <p id="email-wrong" className={ui["wrong"]}>
              {wrong.email?.message && t(wrong.email.message as Key)}
            </p>
          </div>
          <div className={ui["field"]}>
            <label htmlFor="password">{t("signIn.password")}</label>
            <input
              id="password"
              className={ui["input"]}
              type="password"
              autoComplete="current-password"
              aria-invalid={wrong.password !== undefined}
              aria-describedby="password-wrong"
              {...register("password")}
            />
            <p id="password-wrong" className={ui["wrong"]}>
              {wrong.password?.message && t(wrong.password.message as Key)}
            </p>
          </div>
        </>
      ) : (
        <div className={ui["field"]}>
          <label htmlFor="totp">{t("signIn.totp")}</label>
          <input
            id="totp"
            className={ui["input"]}
            inputMode="numeric"
            autoComplete="one-time-code"
            aria-describedby="totp-hint"
            {...register("totp")}
          />
          <p id="totp-hint">{t("signIn.totp.hint")}</p>
        </div>
      )}

      <div aria-live="assertive">
        {failure !== null && (
          <p className={ui["notice"]} data-tone="bad">
            {isCookieFault
              ? t("signIn.cookies")
              : wait > 0
                ? t("signIn.wait", { time: duration(left) })
                : told(failure)}
          </p>
        )}
      </div>
      <Button look="primary" type="submit" isDisabled={formState.isSubmitting || left > 0}>
        {t("signIn.submit")}
      </Button>
      {step === "totp" && (
        <Button
          look="quiet"
          onPress={() => {
            setFailure(null);
            setValue("totp", "");
            setStep("password");
          }}
        >
          {t("signIn.back")}
        </Button>
      )}
    </form>
  );
}

export function SignInPage({ done }: { done: () => void }) {
  const current = useLanguage();
  return (
    <main className={css["page"]}>
      <div className={css["card"]}>
        <p className={css["brand"]}>
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width={24} height={24} />
          {t("app.name")}
        </p>
        <SignInForm done={done} />
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
