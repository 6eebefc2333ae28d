import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { components } from "../api/schema";
import { percent, t } from "../i18n";
import { useWork } from "../shell/context";
import { money } from "../ui/money";
import { Act, Loaded, Nothing, page as css, State, When } from "../ui/page";
import { Button } from "../ui/ui";
import { runsQuery } from "./data";

export type Run = components["schemas"]["EvaluationRun"];

/** How far a run is, and what it came to. */
export function RunState({ run }: { run: Run }) {
  const tone = run.status === "done" ? "soft" : run.status === "failed" ? "bad" : "warn";
  return (
    <p className={css["facts"]}>
      <span>{run.version === null ? t("version.draft") : t("assistant.version", { n: run.version })}</span>
      <State tone={tone}>{t(`run.${run.status}`, { done: run.done, n: run.total })}</State>
      {run.error !== null && <span>{run.error}</span>}
      {run.metrics && (
        <>
          {run.metrics.recall_5 !== null && <span>{t("run.found", { what: percent(run.metrics.recall_5) })}</span>}
          {run.metrics.containment !== null && <span>{t("run.right", { what: percent(run.metrics.containment) })}</span>}
          {run.metrics.wrongly_declined !== null && (
            <span>{t("run.declined", { what: percent(run.metrics.wrongly_declined) })}</span>
          )}
          <span>{money(run.metrics.cost, "USD")}</span>
        </>
      )}
      <When at={run.created_at} />
    </p>
  );
}

/** The runs of a question set: each can be held against the one before it. */
export function Runs({ set, mayWrite }: { set: string; mayWrite: boolean }) {
  const { workspace } = useWork();
  const client = useQueryClient();
  const query = useQuery(runsQuery(workspace, set));
  const [open, setOpen] = useState<string | null>(null);
  const start = async (answers: boolean): Promise<void> => {
    await api.POST("/api/v1/question-sets/{id}/runs", { params: { path: { id: set } }, body: { answers } });
    await client.invalidateQueries({ queryKey: ["runs", workspace] });
  };
  return (
    <div className={css["stack"]}>
      {mayWrite && (
        <div className={css["actions"]}>
          <Act act={() => start(true)}>{t("run.answers")}</Act>
          <Act act={() => start(false)}>{t("run.search")}</Act>
        </div>
      )}
      <Loaded query={query} rows={2} empty={(runs) => (runs.length === 0 ? <Nothing title={t("run.none")} /> : null)}>
        {(runs) => (
          <ol className={css["rows"]}>
            {runs.map((run, index) => {
              const before = runs.slice(index + 1).find((one) => one.status === "done" && one.answers === run.answers);
              return (
                <li key={run.id} className={css["row"]}>
                  <div className={css["rowMain"]}>
                    <RunState run={run} />
                    {open === run.id && <Results run={run.id} base={before?.id} />}
                  </div>
                  {run.status === "done" && (
                    <Button look="quiet" aria-expanded={open === run.id} onPress={() => setOpen(open === run.id ? null : run.id)}>
                      {t("run.results")}
                    </Button>
                  )}
                </li>
              );
            })}
          </ol>
        )}
      </Loaded>
    </div>
  );
}

function Results({ run, base }: { run: string; base: string | undefined }) {
  const { workspace } = useWork();
  const results = useQuery({
    queryKey: ["run", workspace, run],
    queryFn: async () =>
      body(await api.GET("/api/v1/evaluation-runs/{id}/results", { params: { path: { id: run }, query: { limit: 200 } } })).items,
  });
  const { data: diff } = useQuery({
    queryKey: ["run-diff", workspace, run, base],
    enabled: base !== undefined,
    queryFn: async () =>
      body(await api.GET("/api/v1/evaluation-runs/{id}/diff", { params: { path: { id: run }, query: { base: base! } } })),
  });
  return (
    <div className={css["stack"]}>
      {diff && (
        <p className={css["facts"]}>
          <State tone={diff.broken.length > 0 ? "bad" : "good"}>{t("gate.broken", { n: diff.broken.length })}</State>
          <State tone="good">{t("gate.mended", { n: diff.mended.length })}</State>
        </p>
      )}
      <Loaded query={results} rows={3}>
        {(items) => (
          <div className={css["tableWrap"]} tabIndex={0} role="region" aria-label={t("run.results")}>
            <table className={css["table"]}>
              <thead>
                <tr>
                  <th scope="col">{t("answers.question")}</th>
                  <th scope="col">{t("run.rank")}</th>
                  <th scope="col">{t("answers.answer")}</th>
                </tr>
              </thead>
              <tbody>
                {items.map((item) => (
                  <tr key={item.question}>
                    <td dir="auto">
                      {item.question}
                      {diff?.broken.includes(item.question) === true && <State tone="bad">{t("run.broken")}</State>}
                    </td>
                    <td className={css["number"]}>{item.rank ?? "–"}</td>
                    <td dir="auto">
                      {item.right !== null && (
                        <State tone={item.right ? "good" : "bad"}>{item.right ? t("run.isRight") : t("run.isWrong")}</State>
                      )}{" "}
                      {item.answer}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </div>
  );
}
