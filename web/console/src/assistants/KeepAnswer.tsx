import { useQueryClient } from "@tanstack/react-query";
import * as v from "valibot";
import { api } from "../api/client";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Area, Form, needed } from "../ui/form";
import { page as css } from "../ui/page";
import { say } from "../ui/said";
import { Button } from "../ui/ui";

const pair = v.object({ question: needed, answer: needed });

/** Makes an answer of people out of what was said, so that the same question gets it from now on. */
export function KeepAnswer({ id, kept, close }: { id: string; kept: { question: string; answer: string }; close: () => void }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  return (
    <Overlay label={t("playground.keep")} isWide close={close}>
      <div className={css["stack"]}>
        <h2>{t("playground.keep")}</h2>
        <p>{t("playground.keep.hint")}</p>
        <Form
          schema={pair}
          submit={t("answers.add")}
          beside={<Button onPress={close}>{t("confirm.cancel")}</Button>}
          send={async (typed, key) => {
            await api.POST("/api/v1/assistants/{id}/answers", {
              params: { path: { id }, header: { "Idempotency-Key": key } },
              body: typed,
            });
            await client.invalidateQueries({ queryKey: ["answers", workspace] });
            say(t("answers.added"));
            close();
          }}
        >
          <Area name="question" label={t("answers.question")} rows={2} maxLength={1000} defaultValue={kept.question} />
          <Area name="answer" label={t("answers.answer")} rows={5} maxLength={8000} defaultValue={kept.answer} />
        </Form>
      </div>
    </Overlay>
  );
}
