import { Link } from "@tanstack/react-router";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { page as css, State } from "../ui/page";
import { money } from "../ui/money";
import own from "./Assistants.module.css";
import { highlight } from "./highlight";
import type { Preview } from "./preview";

/** What the assistant would say, and why. */
export function AnswerView({ answer, question }: { answer: Preview; question: string }) {
  const { workspace } = useWork();
  const cited = new Set(answer.citations.map((one) => one.passage_id));
  const isRefused = answer.outcome === "unknown" || answer.outcome === "fallback" || answer.outcome === "limited";
  return (
    <div className={css["stack"]}>
      <div className={own["answer"]} dir="auto">
        {answer.text}
      </div>
      <p className={css["facts"]}>
        <State tone={isRefused ? "warn" : "good"}>{t(`outcome.${answer.outcome}`)}</State>
        <span>{t(`check.${answer.check}`)}</span>
        {answer.model !== "" && <bdi>{answer.model}</bdi>}
        <span>{money(answer.total_cost, "USD")}</span>
        <span>{t("answer.ms", { n: answer.duration_ms })}</span>
        {answer.hand_off && <span>{t("answer.handOff")}</span>}
      </p>
      {answer.objections.length > 0 && (
        <div>
          <p className={css["rowTitle"]}>{t("answer.objections")}</p>
          <ul>
            {answer.objections.map((objection) => (
              <li key={objection} dir="auto">
                {objection}
              </li>
            ))}
          </ul>
        </div>
      )}
      {answer.hits.length > 0 && (
        <details className={own["sources"]} open={answer.hits.length <= 3}>
          <summary>{t("answer.passages", { n: answer.hits.length })}</summary>
          <ol className={own["passages"]}>
            {answer.hits.map((hit) => (
              <li key={hit.passage_id} data-cited={cited.has(hit.passage_id) || undefined}>
                <p className={css["facts"]}>
                  <Link
                    className={css["rowTitle"]}
                    to="/w/$workspace/knowledge/documents/$document"
                    params={{ workspace, document: hit.document_id }}
                    search={{ start: hit.start, end: hit.end }}
                  >
                    <bdi>{hit.title}</bdi>
                  </Link>
                  {hit.headings !== "" && <bdi>{hit.headings}</bdi>}
                  {hit.page !== null && <span>{t("answer.page", { n: hit.page })}</span>}
                  {cited.has(hit.passage_id) && <State tone="good">{t("answer.cited")}</State>}
                </p>
                <blockquote dir="auto">
                  {highlight(hit.text, [question, answer.text]).map((segment, index) =>
                    segment.isMarked ? <mark key={index}>{segment.text}</mark> : segment.text,
                  )}
                </blockquote>
              </li>
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}
