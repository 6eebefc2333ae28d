import { AlertTriangle, Ban, Check, Clock3, Paperclip, StickyNote } from "lucide-react";
import { memo, use } from "react";
import type { Answer, Delivery, Message } from "../api/types";
import { clock, exact, t, type Key } from "../i18n";
import { Button } from "../ui/ui";
import css from "./Dialog.module.css";
import type { Sent } from "./outbox";
import { ShowSources } from "./shown";

interface Props {
  message: Message;
  isFirst: boolean;
  customer: string;
  name: (operator: Message["operator"]) => string;
  /** Sends a message again that was not delivered; nothing where one may not. */
  retry: ((message: string) => void) | undefined;
}

export const MessageRow = memo(function MessageRow({ message, isFirst, customer, name, retry }: Props) {
  const at = new Date(message.created_at);
  if (message.kind === "control") {
    return (
      <p className={css["system"]} title={exact(at)}>
        {t(`step.${message.text}` as Key, { name: name(message.operator) })} · {clock(at)}
      </p>
    );
  }
  if (message.author === "system") return <p className={css["system"]}>{message.text}</p>;

  const isNote = message.kind === "note";
  const author = message.author === "customer" ? customer : message.author === "operator" ? name(message.operator) : t("author.assistant");
  return (
    <article className={css["message"]} data-side={message.author === "customer" ? "theirs" : "ours"}>
      {isFirst && (
        <p className={css["author"]}>
          <strong dir="auto">{author}</strong>
          {isNote && (
            <span>
              <StickyNote size={12} aria-hidden /> {t("kind.note")}
            </span>
          )}
        </p>
      )}
      {(message.text !== "" || message.attachments.length === 0) && (
        <p className={css["bubble"]} dir="auto" data-by={isNote ? "note" : message.author}>
          {words(message)}
        </p>
      )}
      <p className={css["foot"]}>
        {message.attachments.map((file) => (
          <span key={file.id}>
            <Paperclip size={12} aria-hidden />
            {file.status === "stored" ? (
              <a href={`/api/v1/attachments/${file.id}`} download>
                {t("file.name", { name: file.name ?? file.what })}
              </a>
            ) : (
              t("file.name", { name: file.name ?? file.what })
            )}
          </span>
        ))}
        <time dateTime={message.created_at} title={exact(at)}>
          {clock(at)}
        </time>
        <Edited message={message} />
        <Delivered delivery={message.delivery} />
        {message.delivery === "failed" && retry && (
          <Button look="quiet" onPress={() => retry(message.id)}>
            {t("delivery.retry")}
          </Button>
        )}
        {message.answer && <Made message={message} answer={message.answer} />}
      </p>
    </article>
  );
});

function words(message: Message): string {
  if (message.kind === "start") return t("kind.start");
  if (message.kind === "unsupported") return t("kind.unsupported", { what: message.text });
  return message.text;
}

const ICONS = { queued: Clock3, delivered: Check, failed: AlertTriangle, canceled: Ban };

function Delivered({ delivery }: { delivery: Delivery }) {
  if (delivery === "none") return null;
  const Icon = ICONS[delivery];
  return (
    <span data-delivery={delivery}>
      <Icon size={12} aria-hidden /> {t(`delivery.${delivery}`)}
    </span>
  );
}

/** That the customer has changed their words, and what they were before. */
function Edited({ message: { revisions } }: { message: Message }) {
  if (revisions.length === 0) return null;
  const before = revisions.map((revision) => `${clock(new Date(revision.until))}: ${revision.text}`);
  return <span title={[t("kind.before"), ...before].join("\n")}>{t("kind.edited")}</span>;
}

/** How an answer was made, in a line. */
function Made({ message, answer }: { message: Message; answer: Answer }) {
  const show = use(ShowSources);
  const parts = [
    t(`outcome.${answer.outcome}`),
    ...(answer.check === "skipped" ? [] : [t(`check.${answer.check}`)]),
    ...(answer.model ? [answer.model] : []),
    ...(/[1-9]/.test(answer.cost) ? [t("answer.cost", { cost: answer.cost })] : []),
  ];
  const sources = [...new Set(answer.citations.map((citation) => citation.title))];
  return (
    <>
      <span title={[t("answer.details"), ...answer.objections, ...sources].join("\n")} data-outcome={answer.check}>
        {parts.join(" · ")}
      </span>
      <button type="button" className={css["sources"]} aria-haspopup="dialog" onClick={() => show(message)}>
        {answer.citations.length > 0 ? t("answer.sources", { n: answer.citations.length }) : t("answer.why")}
      </button>
    </>
  );
}

/** What was sent and has no answer yet. */
export function SentRow({ sent }: { sent: Sent }) {
  const isNote = sent.kind === "note";
  return (
    <article className={css["message"]} data-side="ours">
      <p className={css["bubble"]} dir="auto" data-by={isNote ? "note" : "operator"}>
        {sent.text}
      </p>
      <p className={css["foot"]} role="status">
        <span>
          <Clock3 size={12} aria-hidden />
          {sent.state === "sending" ? t("delivery.sending") : t("outbox.waiting")}
        </span>
      </p>
    </article>
  );
}
