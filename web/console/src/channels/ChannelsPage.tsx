import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body } from "../api/client";
import { assistantsQuery, channelsQuery, MOST } from "../data/queries";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Field, Form, needed, Select } from "../ui/form";
import { Act, Confirm, Loaded, Nothing, page as css, Page, Section, State, When } from "../ui/page";
import { say } from "../ui/said";
import { Button, ui } from "../ui/ui";
import { ConnectBot, type Bot } from "./ConnectBot";

type Opened = "bot" | "channel" | { readonly is: "delete"; readonly id: string; readonly name: string };

/** Where customers write: bots of Telegram, and programs of one's own. */
export function ChannelsPage() {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "bots:write");
  const [opened, setOpened] = useState<Opened | null>(null);
  const { data: assistants } = useQuery(assistantsQuery(workspace));
  const channels = useQuery(channelsQuery(workspace));
  const bots = useQuery({
    queryKey: ["bots", workspace],
    queryFn: async () => body(await api.GET("/api/v1/bots", { params: { query: { limit: MOST } } })).items,
  });
  const name = (id: string): string => assistants?.find((one) => one.id === id)?.name ?? "";
  const renewed = async (): Promise<void> => {
    for (const family of ["bots", "channels"]) await client.invalidateQueries({ queryKey: [family, workspace] });
  };
  const close = (): void => setOpened(null);
  const cancel = <Button onPress={close}>{t("confirm.cancel")}</Button>;
  const hasAssistant = assistants !== undefined && assistants.length > 0;
  const connect = mayWrite && hasAssistant && (
    <Button look="primary" onPress={() => setOpened("bot")}>
      {t("bot.connect")}
    </Button>
  );
  return (
    <Page title={t("nav.channels")} lead={t("channels.lead")} actions={bots.data?.length !== 0 && connect}>
      <Section title={t("channels.bots")}>
        <Loaded
          query={bots}
          empty={(bots) =>
            bots.length === 0 ? (
              <Nothing title={t("channels.noBots")}>{hasAssistant ? connect : t("knowledge.noAssistant")}</Nothing>
            ) : null
          }
        >
          {(bots) => (
            <ul className={css["rows"]} aria-label={t("channels.bots")}>
              {bots.map((bot) => (
                <BotRow
                  key={bot.id}
                  bot={bot}
                  assistant={name(bot.assistant_id)}
                  mayWrite={mayWrite}
                  renewed={renewed}
                  remove={() => setOpened({ is: "delete", id: bot.id, name: `@${bot.username}` })}
                />
              ))}
            </ul>
          )}
        </Loaded>
      </Section>
      <Section
        title={t("channels.programs")}
        hint={t("channels.programs.hint")}
        actions={mayWrite && hasAssistant && <Button onPress={() => setOpened("channel")}>{t("channels.new")}</Button>}
      >
        <Loaded
          query={channels}
          rows={2}
          empty={(channels) =>
            channels.every((channel) => channel.kind !== "api") ? <Nothing title={t("channels.noPrograms")} /> : null
          }
        >
          {(channels) => (
            <ul className={css["rows"]} aria-label={t("channels.programs")}>
              {channels
                .filter((channel) => channel.kind === "api")
                .map((channel) => (
                  <li key={channel.id} className={css["row"]}>
                    <div className={css["rowMain"]}>
                      <bdi className={css["rowTitle"]}>{channel.name}</bdi>
                      <span className={css["facts"]}>
                        <bdi>{name(channel.assistant_id)}</bdi>
                        <code>{channel.id}</code>
                      </span>
                    </div>
                    <State tone={channel.status === "running" ? "good" : "warn"}>{t(`bot.${channel.status}`)}</State>
                    {mayWrite && (
                      <Button
                        look="quiet"
                        aria-label={`${t("channels.delete")}: ${channel.name}`}
                        onPress={() => setOpened({ is: "delete", id: channel.id, name: channel.name })}
                      >
                        {t("channels.delete")}
                      </Button>
                    )}
                  </li>
                ))}
            </ul>
          )}
        </Loaded>
      </Section>
      {opened === "bot" && (
        <Overlay label={t("bot.connect")} isWide close={close}>
          <div className={css["stack"]}>
            <h2>{t("bot.connect")}</h2>
            <ConnectBot assistants={assistants ?? []} done={close} beside={cancel} />
          </div>
        </Overlay>
      )}
      {opened === "channel" && (
        <Overlay label={t("channels.new")} close={close}>
          <div className={css["stack"]}>
            <h2>{t("channels.new")}</h2>
            <Form
              schema={v.object({ assistant: needed, name: needed })}
              submit={t("channels.new")}
              beside={cancel}
              send={async (typed, key) => {
                await api.POST("/api/v1/assistants/{id}/channels", {
                  params: { path: { id: typed.assistant }, header: { "Idempotency-Key": key } },
                  body: { kind: "api", name: typed.name },
                });
                await renewed();
                close();
              }}
            >
              <Select name="assistant" label={t("filter.assistant")} options={(assistants ?? []).map((one) => [one.id, one.name])} />
              <Field name="name" label={t("assistant.name")} maxLength={100} autoFocus />
            </Form>
          </div>
        </Overlay>
      )}
      {opened !== null && typeof opened === "object" && (
        <Confirm
          title={t("channels.delete")}
          action={t("channels.delete")}
          act={async () => {
            await api.DELETE("/api/v1/channels/{id}", { params: { path: { id: opened.id } } });
            say(t("channels.deleted", { name: opened.name }));
            await renewed();
          }}
          close={close}
        >
          <p>{t("channels.delete.hint", { name: opened.name })}</p>
        </Confirm>
      )}
    </Page>
  );
}

interface RowProps {
  bot: Bot;
  assistant: string;
  mayWrite: boolean;
  renewed: () => Promise<void>;
  remove: () => void;
}

function BotRow({ bot, assistant, mayWrite, renewed, remove }: RowProps) {
  const tone = bot.status === "running" ? "good" : bot.status === "failed" ? "bad" : "warn";
  const path = { params: { path: { id: bot.id } } };
  return (
    <li className={css["row"]}>
      <div className={css["rowMain"]}>
        <a
          className={css["rowTitle"]}
          href={`https://t.me/${encodeURIComponent(bot.username)}`}
          target="_blank"
          rel="noopener noreferrer nofollow"
        >
          @{bot.username}
        </a>
        {bot.error !== null && <span className={ui["wrong"]}>{bot.error}</span>}
        {bot.status === "failed" && <span className={css["soft"]}>{t("bot.remedy")}</span>}
        <span className={css["facts"]}>
          <bdi>{assistant}</bdi>
          <span>{t(`bot.mode.${bot.mode}`)}</span>
          <When at={bot.updated_at} />
        </span>
      </div>
      <State tone={tone}>{t(`bot.${bot.status}`)}</State>
      {mayWrite && (
        <>
          <Act
            label={`${bot.status === "running" ? t("bot.stop") : t("bot.start")}: @${bot.username}`}
            act={async () => {
              if (bot.status === "running") await api.POST("/api/v1/bots/{id}/stop", path);
              else await api.POST("/api/v1/bots/{id}/start", path);
              await renewed();
            }}
          >
            {bot.status === "running" ? t("bot.stop") : t("bot.start")}
          </Act>
          <Button look="quiet" aria-label={`${t("channels.delete")}: @${bot.username}`} onPress={remove}>
            {t("channels.delete")}
          </Button>
        </>
      )}
    </li>
  );
}
