import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { MOST } from "../data/queries";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Check, Field, Form, needed } from "../ui/form";
import { Confirm, Loaded, Nothing, page as css, Secret, Section, State, When } from "../ui/page";
import { Button, ui } from "../ui/ui";

type Scope = components["schemas"]["Scope"];
type Key = components["schemas"]["ApiKeyView"];

const SCOPES = [
  "workspace:read",
  "workspace:write",
  "members:read",
  "audit:read",
  "assistants:read",
  "assistants:write",
  "documents:read",
  "documents:write",
  "bots:read",
  "bots:write",
  "dialogs:read",
  "dialogs:write",
  "events:read",
  "messages:write",
  "billing:read",
] as const satisfies readonly Scope[];

/** Keys with which programs act here. The secret is shown once. */
export function KeysTab() {
  const { workspace } = useWork();
  const client = useQueryClient();
  const [isNew, setNew] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoked, setRevoked] = useState<Key | null>(null);
  const query = useQuery({
    queryKey: ["keys", workspace],
    queryFn: async () => body(await api.GET("/api/v1/api-keys", { params: { query: { limit: MOST } } })).items,
  });
  const renewed = async (): Promise<void> => client.invalidateQueries({ queryKey: ["keys", workspace] });
  const close = (): void => {
    setNew(false);
    setSecret(null);
  };
  const create = (
    <Button look="primary" onPress={() => setNew(true)}>
      {t("keys.new")}
    </Button>
  );
  return (
    <Section title={t("settings.keys")} hint={t("settings.keys.hint")} actions={query.data?.length !== 0 && create}>
      <Loaded query={query} empty={(keys) => (keys.length === 0 ? <Nothing title={t("keys.none")}>{create}</Nothing> : null)}>
        {(keys) => (
          <ul className={css["rows"]} aria-label={t("settings.keys")}>
            {keys.map((key) => {
              const isOver = key.expires_at !== null && new Date(key.expires_at).getTime() < Date.now();
              return (
                <li key={key.id} className={css["row"]}>
                  <div className={css["rowMain"]}>
                    <bdi className={css["rowTitle"]}>{key.name}</bdi>
                    <span className={css["facts"]}>
                      <code>{key.prefix}…</code>
                      {key.service && <span>{t("keys.service")}</span>}
                      <span>
                        {key.last_used_at === null ? t("keys.unused") : <>{t("sessions.used")} <When at={key.last_used_at} /></>}
                      </span>
                    </span>
                    <span className={css["facts"]}>{key.scopes.join(", ")}</span>
                  </div>
                  {key.expires_at !== null && (
                    <State tone={isOver ? "bad" : "warn"}>
                      {isOver ? t("members.expired") : t("keys.until", { time: key.expires_at.slice(0, 10) })}
                    </State>
                  )}
                  <Button look="quiet" aria-label={`${t("keys.revoke")}: ${key.name}`} onPress={() => setRevoked(key)}>
                    {t("keys.revoke")}
                  </Button>
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
      {isNew && (
        <Overlay label={t("keys.new")} isWide isDismissable={secret === null} close={close}>
          <div className={css["stack"]}>
            <h2>{t("keys.new")}</h2>
            {secret === null ? (
              <NewKey
                cancel={<Button onPress={close}>{t("confirm.cancel")}</Button>}
                done={(key) => {
                  setSecret(key);
                  void renewed();
                }}
              />
            ) : (
              <>
                <p>{t("keys.once")}</p>
                <Secret label={t("keys.secret")} value={secret} />
                <Button look="primary" onPress={close}>
                  {t("totp.kept")}
                </Button>
              </>
            )}
          </div>
        </Overlay>
      )}
      {revoked && (
        <Confirm
          title={t("keys.revoke")}
          action={t("keys.revoke")}
          act={async () => {
            await api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id: revoked.id } } });
            await renewed();
          }}
          close={() => setRevoked(null)}
        >
          <p>{t("keys.revoke.hint", { name: revoked.name })}</p>
        </Confirm>
      )}
    </Section>
  );
}

function NewKey({ cancel, done }: { cancel: React.ReactNode; done: (key: string) => void }) {
  const { me } = useWork();
  const [scopes, setScopes] = useState<readonly Scope[]>([]);
  const own = SCOPES.filter((scope) => (me.permissions as readonly string[]).includes(scope));
  const schema = v.pipe(
    v.object({ name: needed, expires: v.string(), service: v.optional(v.string()) }),
    v.check(() => scopes.length > 0, "keys.noScope"),
  );
  return (
    <Form
      schema={schema as v.GenericSchema<Record<string, unknown>, { name: string; expires: string; service?: string }>}
      submit={t("keys.new")}
      beside={cancel}
      send={async ({ name, expires, service }, key) => {
        const answer = await api.POST("/api/v1/api-keys", {
          params: { header: { "Idempotency-Key": key } },
          body: {
            name,
            scopes: [...scopes],
            service: service === "on",
            ...(expires === "" ? {} : { expires_at: new Date(`${expires}T23:59:59`).toISOString() }),
          },
        });
        done(body(answer).key);
      }}
    >
      <Field name="name" label={t("assistant.name")} hint={t("keys.name.hint")} maxLength={100} autoFocus />
      <fieldset className={ui["set"]}>
        <legend>{t("keys.scopes")}</legend>
        <div className={css["columns"]}>
          {own.map((scope) => (
            <Check
              key={scope}
              label={scope}
              checked={scopes.includes(scope)}
              onChange={(event) =>
                setScopes((scopes) => (event.target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope)))
              }
            />
          ))}
        </div>
      </fieldset>
      <Field name="expires" label={t("keys.expires")} hint={t("keys.expires.hint")} type="date" />
      <Check name="service" label={t("keys.service")} hint={t("keys.service.hint")} />
    </Form>
  );
}
