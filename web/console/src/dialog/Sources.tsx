import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, body, Failure } from "../api/client";
import type { Answer, Message } from "../api/types";
import { highlight } from "../assistants/highlight";
import { t } from "../i18n";
import { useWork } from "../shell/context";
import { Overlay } from "../shell/Overlay";
import { money } from "../ui/money";
import { Loaded, page as css, State, When } from "../ui/page";
import { Button, ui } from "../ui/ui";
import own from "./Dialog.module.css";

type Citation = Answer["citations"][number];

/** Why the assistant said this: its check, its cost, the passages behind it, and how far it has come. */
export function Sources({ message, assistant, close }: { message: Message; assistant: string; close: () => void }) {
  const { answer } = message;
  return (
    <Overlay label={t("answer.details")} isWide close={close}>
      <div className={css["stack"]}>
        <h2>{t("answer.details")}</h2>
        <blockquote className={own["quoted"]} dir="auto">
          {message.text}
        </blockquote>
        {answer && (
          <>
            <p className={css["facts"]}>
              <State tone={answer.outcome === "answered" ? "good" : "warn"}>{t(`outcome.${answer.outcome}`)}</State>
              <span>{t(`check.${answer.check}`)}</span>
              {answer.model !== "" && <bdi>{answer.model}</bdi>}
              <span>{money(answer.cost, "USD")}</span>
              <span>{t("answer.ms", { n: answer.duration_ms })}</span>
              {answer.version !== null && <span>{t("assistant.version", { n: answer.version })}</span>}
            </p>
            {answer.objections.length > 0 && (
              <div>
                <h3>{t("answer.objections")}</h3>
                <ul className={css["bullets"]}>
                  {answer.objections.map((objection) => (
                    <li key={objection} dir="auto">
                      {objection}
                    </li>
                  ))}
                </ul>
              </div>
            )}
            {answer.searched !== null && (
              <p>
                {t("answer.searched")} <q dir="auto">{answer.searched}</q>
              </p>
            )}
            {answer.citations.length > 0 && <h3>{t("answer.sources", { n: answer.citations.length })}</h3>}
            <ol className={css["stack"]}>
              {answer.citations.map((citation) => (
                <Passage key={citation.passage_id} assistant={assistant} citation={citation} answer={message.text} />
              ))}
            </ol>
          </>
        )}
        <Parts message={message.id} />
        <div className={ui["buttons"]}>
          <Button onPress={close}>{t("keys.done")}</Button>
        </div>
      </div>
    </Overlay>
  );
}

/** A passage, as its document reads now. */
function Passage({ assistant, citation, answer }: { assistant: string; citation: Citation; answer: string }) {
  const { workspace } = useWork();
  const { document_id: id, start, end } = citation;
  const query = useQuery({
    queryKey: ["passage", workspace, id, start, end],
    staleTime: 60_000,
    queryFn: async () => read(assistant, citation),
  });
  return (
    <li className={own["passage"]}>
      <p className={css["facts"]}>
        {query.data?.isAnswer === true ? (
          <Link className={css["link"]} to="/w/$workspace/knowledge" params={{ workspace }} search={{ assistant, tab: "answers" }}>
            <bdi>{citation.title}</bdi>
          </Link>
        ) : (
          <Link
            className={css["link"]}
            to="/w/$workspace/knowledge/documents/$document"
            params={{ workspace, document: id }}
            search={{ start, end }}
          >
            <bdi>{citation.title}</bdi>
          </Link>
        )}
        {citation.page !== null && <span>{t("answer.page", { n: citation.page })}</span>}
      </p>
      {query.isError ? (
        <p className={css["soft"]}>{t("answer.gone")}</p>
      ) : (
        <Loaded query={query} rows={1}>
          {({ text }) => (
            <blockquote dir="auto">
              {highlight(text, [answer]).map((segment, index) =>
                segment.isMarked ? <mark key={index}>{segment.text}</mark> : segment.text,
              )}
            </blockquote>
          )}
        </Loaded>
      )}
    </li>
  );
}

/** The text of a passage: of a document, or of an answer that people wrote. */
async function read(assistant: string, { document_id: id, start, end }: Citation): Promise<{ text: string; isAnswer: boolean }> {
  try {
    const params = { path: { id }, query: { start, limit: Math.max(4, end - start) } };
    return { text: body(await api.GET("/api/v1/documents/{id}/text", { params })).text, isAnswer: false };
  } catch (error) {
    if (!(error instanceof Failure) || error.status === 0 || error.status >= 500) throw error;
  }
  const params = { path: { id: assistant, answer_id: id } };
  const pair = body(await api.GET("/api/v1/assistants/{id}/answers/{answer_id}", { params }));
  return { text: `${pair.question}\n\n${pair.answer}`, isAnswer: true };
}

/** How far each part of a reply has come. */
function Parts({ message }: { message: string }) {
  const { workspace } = useWork();
  const query = useQuery({
    queryKey: ["deliveries", workspace, message],
    queryFn: async () => body(await api.GET("/api/v1/messages/{id}/deliveries", { params: { path: { id: message } } })).items,
  });
  if (!query.data || query.data.length === 0) return null;
  return (
    <>
      <h3>{t("part.title")}</h3>
      <ul className={css["rows"]}>
        {query.data.map((part) => (
          <li key={part.part} className={css["row"]}>
            <div className={css["rowMain"]}>
              <span>{t("part.number", { n: part.part, all: query.data.length })}</span>
              {part.error !== null && <span className={ui["wrong"]}>{part.error}</span>}
              {part.uncertain > 0 && <span className={css["soft"]}>{t("part.twice")}</span>}
              <span className={css["facts"]}>
                <When at={part.updated_at} />
                {part.attempts > 1 && <span>{t("part.attempts", { n: part.attempts })}</span>}
              </span>
            </div>
            <State tone={part.status === "sent" ? "good" : part.status === "failed" ? "bad" : "warn"}>
              {t(`part.${part.status}`)}
            </State>
          </li>
        ))}
      </ul>
    </>
  );
}
