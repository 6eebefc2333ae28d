import { useQueryClient } from "@tanstack/react-query";
import * as v from "valibot";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Field, Form, needed, Select } from "../ui/form";
import { page as css } from "../ui/page";
import { say } from "../ui/said";

export type Bot = components["schemas"]["BotView"];

const connected = v.object({ assistant: needed, token: v.pipe(needed, v.regex(/^\d{1,20}:[\w-]{30,100}$/, "bot.token.form")) });

interface Props {
  assistants: readonly { id: string; name: string }[];
  done?: (bot: Bot) => void;
  beside?: React.ReactNode;
}

/** A Telegram bot is connected by its token. */
export function ConnectBot({ assistants, done, beside }: Props) {
  const { workspace } = useWork();
  const client = useQueryClient();
  return (
    <div className={css["stack"]}>
      <ol className={css["numbered"]}>
        <li>
          {t("bot.step.1")}{" "}
          <a className={css["link"]} href="https://t.me/BotFather" target="_blank" rel="noopener noreferrer nofollow">
            @BotFather
          </a>
        </li>
        <li>{t("bot.step.2")}</li>
        <li>{t("bot.step.3")}</li>
      </ol>
      <Form
        schema={connected}
        submit={t("bot.connect")}
        beside={beside}
        clears
        send={async ({ assistant, token }, key) => {
          const answer = await api.POST("/api/v1/assistants/{id}/bots", {
            params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
            body: { token },
          });
          const bot = body(answer);
          for (const family of ["channels", "bots"]) await client.invalidateQueries({ queryKey: [family, workspace] });
          say(t("bot.connected", { name: `@${bot.username}` }));
          done?.(bot);
        }}
      >
        {assistants.length === 1 ? (
          <input type="hidden" name="assistant" value={assistants[0]!.id} />
        ) : (
          <Select name="assistant" label={t("filter.assistant")} options={assistants.map((one) => [one.id, one.name])} />
        )}
        <Field name="token" label={t("bot.token")} hint={t("bot.token.hint")} autoComplete="off" spellCheck={false} />
      </Form>
    </div>
  );
}
