import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as v from "valibot";
import { api, body, Failure } from "../api/client";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Field, Form, optional } from "../ui/form";
import { Act, page as css, State } from "../ui/page";
import { say } from "../ui/said";
import { Button, ui } from "../ui/ui";
import { runsQuery } from "./data";
import { Differences } from "./Differences";
import { RunState } from "./Runs";
import type { Draft, Settings } from "./settings";

interface Props {
  assistant: string;
  gate: Draft["gate"];
  /** The number of the version that answers customers. */
  number: number;
  published: Settings;
  next: Settings;
  close: () => void;
}

const noted = v.object({ note: optional });

/** Publishes the draft. A gate that is closed says what would break, and lets one measure. */
export function Publish({ assistant, gate, number, published, next, close }: Props) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const [refused, setRefused] = useState<Failure | null>(null);
  return (
    <div className={css["stack"]}>
      <h2>{t("publish.title")}</h2>
      <p>{t("publish.hint")}</p>
      <Differences before={published} after={next} />
      {gate && <GateState gate={gate} number={number} refused={refused} />}
      <Form
        schema={noted}
        submit={t("publish.button")}
        beside={<Button onPress={close}>{t("confirm.cancel")}</Button>}
        send={async ({ note }, key) => {
          setRefused(null);
          try {
            const answer = await api.POST("/api/v1/assistants/{id}/publish", {
              params: { path: { id: assistant }, header: { "Idempotency-Key": key } },
              body: note === "" ? {} : { note },
            });
            say(t("publish.done", { n: body(answer).number }));
            for (const family of ["assistant", "assistants", "versions"]) {
              await client.invalidateQueries({ queryKey: [family, workspace] });
            }
            close();
          } catch (error) {
            if (error instanceof Failure && error.code.startsWith("evaluation_")) setRefused(error);
            throw error;
          }
        }}
      >
        <Field name="note" label={t("publish.note")} hint={t("publish.note.hint")} maxLength={500} />
      </Form>
    </div>
  );
}

/** What the gate wants, what was measured, and which questions the draft breaks. */
function GateState({ gate, number, refused }: { gate: NonNullable<Draft["gate"]>; number: number; refused: Failure | null }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const query = useQuery(runsQuery(workspace, gate.question_set_id));
  const runs = (query.data ?? []).filter((run) => run.answers);
  const draft = runs.find((run) => run.version === null);
  const base = runs.find((run) => run.version === number && run.status === "done");
  const isDone = draft?.status === "done";
  const { data: diff } = useQuery({
    queryKey: ["run-diff", workspace, draft?.id, base?.id],
    enabled: isDone && base !== undefined,
    queryFn: async () =>
      body(
        await api.GET("/api/v1/evaluation-runs/{id}/diff", {
          params: { path: { id: draft!.id }, query: { base: base!.id, tolerance: gate.tolerance } },
        }),
      ),
  });
  const measure = async (): Promise<void> => {
    const start = async (version: number | null): Promise<void> => {
      await api.POST("/api/v1/question-sets/{id}/runs", {
        params: { path: { id: gate.question_set_id } },
        body: version === null ? { answers: true } : { answers: true, version },
      });
    };
    await start(null);
    if (!runs.some((run) => run.version === number)) await start(number);
    await client.invalidateQueries({ queryKey: ["runs", workspace] });
  };
  return (
    <div className={css["card"]}>
      <h3 className={css["rowTitle"]}>{t("gate.title")}</h3>
      {refused && <p className={ui["wrong"]}>{refused.message}</p>}
      {draft ? <RunState run={draft} /> : <p className={css["soft"]}>{t("gate.unmeasured")}</p>}
      {diff && diff.broken.length > 0 && (
        <div>
          <State tone="bad">{t("gate.broken", { n: diff.broken.length })}</State>
          <ul className={css["bullets"]}>
            {diff.broken.map((question) => (
              <li key={question} dir="auto">
                {question}
              </li>
            ))}
          </ul>
        </div>
      )}
      {diff && diff.mended.length > 0 && <State tone="good">{t("gate.mended", { n: diff.mended.length })}</State>}
      {diff && diff.broken.length === 0 && !diff.regressed && <State tone="good">{t("gate.open")}</State>}
      <div className={css["actions"]}>
        <Act act={measure} isDisabled={draft?.status === "queued" || draft?.status === "running"}>
          {t("gate.measure")}
        </Act>
      </div>
    </div>
  );
}
