/** The pages of somebody who is not signed in, besides signing in. */
import { Link, useNavigate, useRouteContext, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import * as v from "valibot";
import { actIn, api, body, Failure } from "../api/client";
import { language, t } from "../i18n";
import { Card, CookieNotice, requireCookies, SignInForm } from "../session/SignIn";
import css from "../session/SignIn.module.css";
import { email, Field, Form, needed, newPassword } from "../ui/form";
import { Button, explain, ui } from "../ui/ui";

function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${t("app.name")}`;
  }, [title]);
}

/** Goes to a workspace as somebody who has just been let in. */
function useEnter(): (workspace: string, to: "start" | "inbox") => void {
  const { client } = useRouteContext({ from: "__root__" });
  const navigate = useNavigate();
  return (workspace, to) => {
    client.clear();
    if (to === "start") void navigate({ to: "/w/$workspace/start", params: { workspace } });
    else void navigate({ to: "/w/$workspace/inbox/$view", params: { workspace, view: "waiting" }, search: {} });
  };
}

const account = v.object({ name: needed, email, password: newPassword });

interface SignUpFormProps {
  invitation?: string;
  submit: string;
}

function SignUpForm({ invitation, submit }: SignUpFormProps) {
  const enter = useEnter();
  const navigate = useNavigate();
  return (
    <Form
      schema={account}
      submit={submit}
      told={(failure) => (failure.code === "cookies" ? t("signIn.cookies") : null)}
      send={async (typed, key) => {
        const answer = await api.POST("/api/v1/auth/register", {
          params: { header: { "Idempotency-Key": key } },
          body: { ...typed, cookies: true, language: language(), ...(invitation === undefined ? {} : { invitation }) },
        });
        const given = body(answer);
        if (given.confirmation_required) {
          await navigate({ to: "/confirm", search: { email: typed.email } });
          return;
        }
        requireCookies();
        enter(given.workspace.id, invitation === undefined ? "start" : "inbox");
      }}
    >
      <Field name="name" label={t("account.name")} autoComplete="name" maxLength={100} autoFocus />
      <Field name="email" label={t("signIn.email")} type="email" autoComplete="username" maxLength={254} />
      <Field
        name="password"
        label={t("signIn.password")}
        hint={t("account.password.hint")}
        type="password"
        autoComplete="new-password"
        maxLength={128}
      />
    </Form>
  );
}

export function SignUpPage() {
  useTitle(t("signUp.title"));
  return (
    <Card below={<Link to="/sign-in">{t("signUp.instead")}</Link>}>
      <div className={css["form"]}>
        <h1>{t("signUp.title")}</h1>
        <p>{t("signUp.lead")}</p>
        <CookieNotice />
        <SignUpForm submit={t("signUp.submit")} />
      </div>
    </Card>
  );
}

const confirmation = v.object({ code: needed });

/** The mailed code that makes an account of what was typed. */
export function ConfirmPage() {
  useTitle(t("confirm.title"));
  const { email: address } = useSearch({ from: "/confirm" });
  const enter = useEnter();
  const [isSentAgain, setSentAgain] = useState(false);
  const [again, setAgain] = useState<Failure | null>(null);

  const resend = async (): Promise<void> => {
    setAgain(null);
    try {
      await api.POST("/api/v1/auth/confirm/resend", { body: { email: address } });
      setSentAgain(true);
    } catch (error) {
      if (error instanceof Failure) setAgain(error);
    }
  };
  return (
    <Card below={<Link to="/sign-up">{t("confirm.other")}</Link>}>
      <div className={css["form"]}>
        <h1>{t("confirm.title")}</h1>
        <p>{t("confirm.lead", { what: address })}</p>
        <Form
          schema={confirmation}
          submit={t("confirm.submit")}
          told={(failure) => (failure.code === "cookies" ? t("signIn.cookies") : null)}
          beside={
            <Button look="quiet" onPress={() => void resend()}>
              {t("confirm.resend")}
            </Button>
          }
          send={async ({ code }, key) => {
            const answer = await api.POST("/api/v1/auth/confirm", {
              params: { header: { "Idempotency-Key": key } },
              body: { email: address, code: code.replaceAll(/\s/g, ""), cookies: true },
            });
            const given = body(answer);
            requireCookies();
            enter(given.workspace.id, given.workspace.role === "owner" ? "start" : "inbox");
          }}
        >
          <Field name="code" label={t("confirm.code")} inputMode="numeric" autoComplete="one-time-code" maxLength={20} autoFocus />
        </Form>
        <div role="status">
          {isSentAgain && <p className={ui["hint"]}>{t("confirm.resent")}</p>}
          {again && <p className={ui["wrong"]}>{again.status === 429 ? t("error.429") : t("error.offline")}</p>}
        </div>
      </div>
    </Card>
  );
}

const address = v.object({ email });

export function ForgotPage() {
  useTitle(t("forgot.title"));
  const [sentTo, setSentTo] = useState<string | null>(null);
  return (
    <Card below={<Link to="/sign-in">{t("account.back")}</Link>}>
      <div className={css["form"]}>
        <h1>{t("forgot.title")}</h1>
        {sentTo === null ? (
          <>
            <p>{t("forgot.lead")}</p>
            <Form
              schema={address}
              submit={t("forgot.submit")}
              send={async ({ email }, key) => {
                await api.POST("/api/v1/auth/password/forgot", {
                  params: { header: { "Idempotency-Key": key } },
                  body: { email },
                });
                setSentTo(email);
              }}
            >
              <Field name="email" label={t("signIn.email")} type="email" autoComplete="username" maxLength={254} autoFocus />
            </Form>
          </>
        ) : (
          <p role="status">{t("forgot.sent", { what: sentTo })}</p>
        )}
      </div>
    </Card>
  );
}

/** The token of the link; it stands where no server's log sees it, and leaves the address at once. */
function useToken(): string | null {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token"));
  useEffect(() => history.replaceState(history.state, "", location.pathname + location.search), []);
  return token;
}

function NoToken() {
  return (
    <p className={ui["notice"]} data-tone="bad" role="alert">
      {t("account.noToken")}
    </p>
  );
}

const chosen = v.object({ new_password: newPassword });

export function ResetPage() {
  useTitle(t("reset.title"));
  const token = useToken();
  const [isDone, setDone] = useState(false);
  return (
    <Card
      below={
        <>
          <Link to="/sign-in">{t("account.back")}</Link>
          {!isDone && <Link to="/forgot">{t("reset.again")}</Link>}
        </>
      }
    >
      <div className={css["form"]}>
        <h1>{t("reset.title")}</h1>
        {token === null ? (
          <NoToken />
        ) : isDone ? (
          <p role="status">{t("reset.done")}</p>
        ) : (
          <Form
            schema={chosen}
            submit={t("reset.submit")}
            send={async ({ new_password }, key) => {
              await api.POST("/api/v1/auth/password/reset", {
                params: { header: { "Idempotency-Key": key } },
                body: { token, new_password },
              });
              setDone(true);
            }}
          >
            <Field
              name="new_password"
              label={t("account.newPassword")}
              hint={t("account.password.hint")}
              type="password"
              autoComplete="new-password"
              maxLength={128}
              autoFocus
            />
          </Form>
        )}
      </div>
    </Card>
  );
}

/** An invitation is accepted with a new account, or with the one that somebody has. */
export function InvitePage() {
  useTitle(t("invite.title"));
  const token = useToken();
  const [has, setHas] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const enter = useEnter();

  const accept = async (): Promise<void> => {
    if (token === null) return;
    setFailure(null);
    actIn(null);
    try {
      const answer = await api.POST("/api/v1/invitations/accept", { body: { token } });
      enter(body(answer).id, "inbox");
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status === 401) setHas(true);
      else setFailure(error);
    }
  };
  return (
    <Card
      below={
        token !== null && (
          <Button look="quiet" onPress={() => (has ? setHas(false) : void accept())}>
            {has ? t("invite.new") : t("invite.have")}
          </Button>
        )
      }
    >
      <div className={css["form"]}>
        {!has && <h1>{t("invite.title")}</h1>}
        {failure && (
          <p className={ui["notice"]} data-tone="bad" role="alert">
            {explain(failure)}
          </p>
        )}
        {token === null ? (
          <NoToken />
        ) : has ? (
          <SignInForm submit={t("invite.signIn")} done={() => void accept()} />
        ) : (
          <>
            <p>{t("invite.lead")}</p>
            <CookieNotice />
            <SignUpForm invitation={token} submit={t("invite.submit")} />
          </>
        )}
      </div>
    </Card>
  );
}
