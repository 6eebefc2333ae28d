import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FileTrigger } from "react-aria-components";
import * as v from "valibot";
import { api, body, Failure } from "../api/client";
import type { components } from "../api/schema";
import { t } from "../i18n";
import { may } from "../session/session";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { Area, Form, needed } from "../ui/form";
import { Confirm, Loaded, Nothing, page as css, State } from "../ui/page";
import { say } from "../ui/said";
import { Button, explain, ui } from "../ui/ui";
import { toneOf } from "./status";

type Pair = components["schemas"]["PairView"];

const pair = v.object({ question: needed, answer: needed });

/** Questions with the answers that people wrote for them. */
export function Answers({ assistant }: { assistant: string }) {
  const { workspace, me } = useWork();
  const client = useQueryClient();
  const mayWrite = may(me.permissions, "documents:write");
  const [edited, setEdited] = useState<Pair | "new" | null>(null);
  const [deleted, setDeleted] = useState<Pair | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const query = useInfiniteQuery({
    queryKey: ["answers", workspace, assistant],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/v1/assistants/{id}/answers", {
          params: { path: { id: assistant }, query: { limit: 100, ...(pageParam === undefined ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const renewed = async (): Promise<void> => {
    for (const family of ["answers", "stats"]) await client.invalidateQueries({ queryKey: [family, workspace] });
  };
  const importTable = async (file: File): Promise<void> => {
    setFailure(null);
    try {
      const answer = await api.POST("/api/v1/assistants/{id}/answers/import", {
        params: { path: { id: assistant }, header: { "Idempotency-Key": crypto.randomUUID() } },
        headers: { "content-type": "text/csv" },
        body: (await file.text()) as never,
        bodySerializer: (table: unknown) => table as string,
      });
      const { imported, skipped } = body(answer);
      say(t("answers.imported", { n: imported, skipped }));
      await renewed();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <div className={css["stack"]}>
      {mayWrite && (
        <div className={css["actions"]}>
          <Button look="primary" onPress={() => setEdited("new")}>
            {t("answers.add")}
          </Button>
          <FileTrigger acceptedFileTypes={[".csv", "text/csv"]} onSelect={(files) => files?.[0] && void importTable(files[0])}>
            <Button>{t("answers.import")}</Button>
          </FileTrigger>
          <span className={css["soft"]}>{t("answers.import.hint")}</span>
        </div>
      )}
      {failure !== null && (
        <p className={ui["notice"]} data-tone="bad" role="alert">
          {failure instanceof Failure && failure.problem?.errors?.[0] ? failure.problem.errors[0].message : explain(failure)}
        </p>
      )}
      <Loaded
        query={query}
        empty={({ pages }) =>
          pages[0]?.items.length === 0 ? <Nothing title={t("answers.none")}>{t("answers.none.hint")}</Nothing> : null
        }
      >
        {({ pages }) => (
          <ul className={css["rows"]} aria-label={t("knowledge.answers")}>
            {pages.flatMap((page) => page.items).map((one) => (
              <li key={one.id} className={css["row"]}>
                <div className={css["rowMain"]}>
                  <bdi className={css["rowTitle"]}>{one.question}</bdi>
                  <span dir="auto">{one.answer}</span>
                  {one.error !== null && <span className={ui["wrong"]}>{one.error}</span>}
                </div>
                {one.status !== "ready" && <State tone={toneOf(one.status)}>{t(`document.${one.status}`)}</State>}
                {mayWrite && (
                  <>
                    <Button aria-label={`${t("answers.edit")}: ${one.question}`} onPress={() => setEdited(one)}>
                      {t("answers.edit")}
                    </Button>
                    <Button look="quiet" aria-label={`${t("answers.delete")}: ${one.question}`} onPress={() => setDeleted(one)}>
                      {t("answers.delete")}
                    </Button>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>{t("page.more")}</Button>}
      {edited !== null && (
        <Overlay label={t("answers.edit")} isWide close={() => setEdited(null)}>
          <div className={css["stack"]}>
            <h2>{edited === "new" ? t("answers.add") : t("answers.edit")}</h2>
            <Form
              schema={pair}
              submit={t("form.save")}
              beside={<Button onPress={() => setEdited(null)}>{t("confirm.cancel")}</Button>}
              send={async (typed, key) => {
                if (edited === "new") {
                  await api.POST("/api/v1/assistants/{id}/answers", {
                    params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
                    body: typed,
                  });
                } else {
                  await api.PATCH("/api/v1/assistants/{id}/answers/{answer_id}", {
                    params: { path: { id: assistant, answer_id: edited.id } },
                    body: typed,
                  });
                }
                await renewed();
                setEdited(null);
              }}
            >
              <Area
                name="question"
                label={t("answers.question")}
                rows={2}
                maxLength={1000}
                defaultValue={edited === "new" ? "" : edited.question}
                autoFocus
              />
              <Area name="answer" label={t("answers.answer")} rows={6} maxLength={8000} defaultValue={edited === "new" ? "" : edited.answer} />
            </Form>
          </div>
        </Overlay>
      )}
      {deleted && (
        <Confirm
          title={t("answers.delete")}
          action={t("answers.delete")}
          act={async () => {
            await api.DELETE("/api/v1/assistants/{id}/answers/{answer_id}", {
              params: { path: { id: assistant, answer_id: deleted.id } },
            });
            await renewed();
          }}
          close={() => setDeleted(null)}
        >
          <p dir="auto">{deleted.question}</p>
        </Confirm>
      )}
    </div>
  );
}
