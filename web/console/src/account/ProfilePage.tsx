import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import { choose, exact, LANGUAGE_NAMES, t, useLanguage, type Language } from "../i18n";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { chooseTheme, THEMES, useTheme, type Theme } from "../theme/theme";
import { download } from "../ui/download";
import { Check, Field, Form, needed, newPassword, password, Select } from "../ui/form";
import { Act, Confirm, Loaded, page as css, Page, Secret, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button, ui } from "../ui/ui";
import { device } from "./device";

export function ProfilePage() {
  return (
    <Page title={t("me.title")}>
      <Profile />
      <Letters />
      <Password />
      <SecondFactor />
      <Sessions />
      <Leave />
    </Page>
  );
}

const profile = v.object({ name: needed, language: v.picklist(["en", "ru"]), theme: v.picklist(["auto", "light", "dark"]) });

function Profile() {
  const { me, workspace } = useWork();
  const client = useQueryClient();
  const language = useLanguage();
  const theme = useTheme();
  return (
    <Section title={t("me.profile")} hint={me.user.email}>
      <div className={css["narrow"]}>
        <Form
          schema={profile}
          submit={t("form.save")}
          send={async (typed) => {
            await api.PATCH("/api/v1/me", { body: { name: typed.name, language: typed.language } });
            await client.invalidateQueries({ queryKey: ["me", workspace] });
            chooseTheme(typed.theme as Theme);
            await choose(typed.language as Language);
            say(t("form.saved"));
          }}
        >
          <Field name="name" label={t("account.name")} defaultValue={me.user.name ?? ""} autoComplete="name" maxLength={100} />
          <Select
            name="language"
            label={t("language.label")}
            hint={t("me.language.hint")}
            defaultValue={language}
            options={Object.entries(LANGUAGE_NAMES)}
          />
          <Select
            name="theme"
            label={t("theme.label")}
            key={theme}
            defaultValue={theme}
            options={THEMES.map((one) => [one, t(`theme.${one}`)])}
          />
        </Form>
      </div>
    </Section>
  );
}

const LETTERS = ["request", "sla", "mention"] as const;

const letters = v.object({
  request: v.optional(v.string()),
  sla: v.optional(v.string()),
  mention: v.optional(v.string()),
});

/** Of what in the inbox one is written to. */
function Letters() {
  const { me, workspace } = useWork();
  const client = useQueryClient();
  return (
    <Section title={t("me.letters")} hint={t("me.letters.hint")}>
      <div className={css["narrow"]}>
        <Form
          schema={letters}
          submit={t("form.save")}
          send={async (typed) => {
            const notifications = Object.fromEntries(LETTERS.map((kind) => [kind, typed[kind] === "on"]));
            await api.PATCH("/api/v1/me", { body: { notifications } });
            await client.invalidateQueries({ queryKey: ["me", workspace] });
            say(t("form.saved"));
          }}
        >
          {LETTERS.map((kind) => (
            <Check key={kind} name={kind} label={t(`me.letters.${kind}`)} defaultChecked={me.user.notifications[kind]} />
          ))}
        </Form>
      </div>
    </Section>
  );
}

const change = v.object({ current_password: password, new_password: newPassword });

function Password() {
  const client = useQueryClient();
  return (
    <Section title={t("me.password")} hint={t("me.password.hint")}>
      <div className={css["narrow"]}>
        <Form
          schema={change}
          submit={t("me.password.submit")}
          clears
          send={async (typed, key) => {
            await api.POST("/api/v1/auth/password/change", {
              params: { header: { "Idempotency-Key": key } },
              body: typed,
            });
            say(t("me.password.done"));
            await client.invalidateQueries({ queryKey: ["sessions"] });
          }}
        >
          <Field name="current_password" label={t("me.password.current")} type="password" autoComplete="current-password" maxLength={128} />
          <Field
            name="new_password"
            label={t("account.newPassword")}
            hint={t("account.password.hint")}
            type="password"
            autoComplete="new-password"
            maxLength={128}
          />
        </Form>
      </div>
    </Section>
  );
}

type Step =
  | { readonly is: "begin" | "remove" | "codes" }
  | { readonly is: "confirm"; readonly secret: string; readonly uri: string }
  | { readonly is: "show"; readonly codes: readonly string[] };

const proof = v.object({ password });
const first = v.object({ code: needed });
const removal = v.object({ password, code: needed });

function SecondFactor() {
  const client = useQueryClient();
  const [step, setStep] = useState<Step | null>(null);
  const query = useQuery({
    queryKey: ["second-factor"],
    queryFn: async () => body(await api.GET("/api/v1/auth/totp")),
  });
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["second-factor"] });
  return (
    <Section title={t("totp.title")} hint={t("totp.hint")}>
      <Loaded query={query} rows={1}>
        {(state) => (
          <div className={css["actions"]}>
            {state.enabled ? (
              <>
                <State tone={state.recovery_codes_left > 2 ? "good" : "warn"}>
                  {t("totp.on", { n: state.recovery_codes_left })}
                </State>
                <Button onPress={() => setStep({ is: "codes" })}>{t("totp.newCodes")}</Button>
                <Button onPress={() => setStep({ is: "remove" })}>{t("totp.remove")}</Button>
              </>
            ) : (
              <>
                <State tone="warn">{t("totp.off")}</State>
                <Button onPress={() => setStep({ is: "begin" })}>{t("totp.begin")}</Button>
              </>
            )}
          </div>
        )}
      </Loaded>
      {step && (
        <Overlay label={t("totp.title")} isDismissable={step.is !== "show"} close={() => setStep(null)}>
          <div className={css["stack"]}>
            <SecondFactorStep
              step={step}
              go={(next) => {
                setStep(next);
                void renewed();
              }}
            />
          </div>
        </Overlay>
      )}
    </Section>
  );
}

function SecondFactorStep({ step, go }: { step: Step; go: (step: Step | null) => void }) {
  const cancel = <Button onPress={() => go(null)}>{t("confirm.cancel")}</Button>;
  const secret = <Field name="password" label={t("signIn.password")} type="password" autoComplete="current-password" autoFocus />;
  const code = <Field name="code" label={t("signIn.totp")} inputMode="numeric" autoComplete="one-time-code" maxLength={40} />;

  if (step.is === "begin") {
    return (
      <>
        <h2>{t("totp.begin")}</h2>
        <Form
          key="begin"
          schema={proof}
          submit={t("form.next")}
          beside={cancel}
          send={async (typed) => {
            const begun = body(await api.POST("/api/v1/auth/totp", { body: typed }));
            go({ is: "confirm", ...begun });
          }}
        >
          {secret}
        </Form>
      </>
    );
  }
  if (step.is === "confirm") {
    return (
      <>
        <h2>{t("totp.add")}</h2>
        <p>{t("totp.add.hint")}</p>
        <Secret label={t("totp.secret")} value={step.secret} />
        <p>
          <a className={css["link"]} href={step.uri.startsWith("otpauth://") ? step.uri : undefined}>
            {t("totp.open")}
          </a>
        </p>
        <Form
          key="confirm"
          schema={first}
          submit={t("totp.confirm")}
          beside={cancel}
          send={async ({ code }) => {
            const given = body(await api.POST("/api/v1/auth/totp/confirm", { body: { code: code.replaceAll(" ", "") } }));
            go({ is: "show", codes: given.recovery_codes });
          }}
        >
          {code}
        </Form>
      </>
    );
  }
  if (step.is === "show") {
    return (
      <>
        <h2>{t("totp.codes")}</h2>
        <p>{t("totp.codes.hint")}</p>
        <ul className={css["codes"]}>
          {step.codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
        <Button look="primary" onPress={() => go(null)}>
          {t("totp.kept")}
        </Button>
      </>
    );
  }
  if (step.is === "codes") {
    return (
      <>
        <h2>{t("totp.newCodes")}</h2>
        <p>{t("totp.newCodes.hint")}</p>
        <Form
          key="codes"
          schema={proof}
          submit={t("totp.newCodes")}
          beside={cancel}
          send={async (typed) => {
            const given = body(await api.POST("/api/v1/auth/totp/recovery-codes", { body: typed }));
            go({ is: "show", codes: given.recovery_codes });
          }}
        >
          {secret}
        </Form>
      </>
    );
  }
  return (
    <>
      <h2>{t("totp.remove")}</h2>
      <p>{t("totp.remove.hint")}</p>
      <Form
        key="remove"
        schema={removal}
        submit={t("totp.remove")}
        look="danger"
        beside={cancel}
        send={async ({ password, code }) => {
          await api.DELETE("/api/v1/auth/totp", { body: { password, code: code.replaceAll(" ", "") } });
          go(null);
        }}
      >
        {secret}
        {code}
      </Form>
    </>
  );
}

function Sessions() {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ["sessions"],
    queryFn: async () => body(await api.GET("/api/v1/auth/sessions")).items,
  });
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["sessions"] });
  const others = query.data?.some((session) => !session.current) ?? false;
  return (
    <Section
      title={t("sessions.title")}
      hint={t("sessions.hint")}
      actions={
        others && (
          <Act
            act={async () => {
              await api.DELETE("/api/v1/auth/sessions");
              await renewed();
              say(t("sessions.ended"));
            }}
          >
            {t("sessions.endOthers")}
          </Act>
        )
      }
    >
      <Loaded query={query}>
        {(sessions) => (
          <ul className={css["rows"]}>
            {sessions.map((session) => (
              <li key={session.id} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <span className={css["rowTitle"]} title={session.user_agent}>
                    {device(session.user_agent) ?? t("sessions.unknown")}
                  </span>
                  <span className={css["facts"]}>
                    <span>{session.address}</span>
                    <span>
                      {t("sessions.used")} <When at={session.last_used_at} />
                    </span>
                  </span>
                </div>
                {session.current ? (
                  <State tone="good">{t("sessions.this")}</State>
                ) : (
                  <Act
                    label={t("sessions.endOne", { what: device(session.user_agent) ?? t("sessions.unknown") })}
                    act={async () => {
                      await api.DELETE("/api/v1/auth/sessions/{id}", { params: { path: { id: session.id } } });
                      await renewed();
                    }}
                  >
                    {t("sessions.end")}
                  </Act>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}

const leaving = v.object({ password, code: v.string() });

/** What one may take along, and how one goes. */
function Leave() {
  const { me, workspace } = useWork();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["me", workspace] });
  return (
    <Section title={t("leave.title")} hint={t("leave.hint")}>
      {me.user.delete_at !== null && (
        <div className={ui["notice"]} data-tone="bad">
          <p>{t("leave.pending", { time: exact(new Date(me.user.delete_at)) })}</p>
          <Act
            act={async () => {
              await api.POST("/api/v1/me/restore", {});
              await renewed();
            }}
          >
            {t("leave.restore")}
          </Act>
        </div>
      )}
      <div className={css["actions"]}>
        <Act act={() => download("/api/v1/me/export", "account.json")}>{t("leave.export")}</Act>
        {me.user.delete_at === null && <Button onPress={() => setOpen(true)}>{t("leave.delete")}</Button>}
        <Button onPress={() => setAsked(true)}>{t("leave.workspace")}</Button>
      </div>
      {isAsked && (
        <Confirm
          title={t("leave.workspace")}
          action={t("leave.workspace")}
          typed={me.workspace?.name ?? me.user.email}
          act={async () => {
            await api.DELETE("/api/v1/members/{id}", { params: { path: { id: me.user.id } } });
            location.assign(import.meta.env.BASE_URL);
          }}
          close={() => setAsked(false)}
        >
          <p>{t("leave.workspace.hint", { name: me.workspace?.name ?? "" })}</p>
        </Confirm>
      )}
      {isOpen && (
        <Overlay label={t("leave.delete")} close={() => setOpen(false)}>
          <div className={css["stack"]}>
            <h2>{t("leave.delete")}</h2>
            <p>{t("leave.delete.hint")}</p>
            <Form
              schema={leaving}
              submit={t("leave.delete")}
              look="danger"
              beside={<Button onPress={() => setOpen(false)}>{t("confirm.cancel")}</Button>}
              send={async ({ password, code }) => {
                await api.DELETE("/api/v1/me", { body: { password, code: code === "" ? null : code.replaceAll(" ", "") } });
                location.assign(`${import.meta.env.BASE_URL}sign-in`);
              }}
            >
              <Field name="password" label={t("signIn.password")} type="password" autoComplete="current-password" autoFocus />
              {me.user.second_factor ? (
                <Field name="code" label={t("signIn.totp")} inputMode="numeric" autoComplete="one-time-code" maxLength={40} />
              ) : (
                <input type="hidden" name="code" value="" />
              )}
            </Form>
          </div>
        </Overlay>
      )}
    </Section>
  );
}
