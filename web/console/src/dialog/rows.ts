/** The rows of a timeline: messages, and the lines between them. Pure. */
import type { Message } from "../api/types";
import { midnight } from "../i18n";
import type { Sent } from "./outbox";

export type Row =
  | { readonly is: "start"; readonly key: string }
  | { readonly is: "day"; readonly key: string; readonly at: Date }
  | { readonly is: "unread"; readonly key: string }
  | { readonly is: "message"; readonly key: string; readonly message: Message; readonly isFirst: boolean }
  | { readonly is: "discarded"; readonly key: string; readonly at: Date }
  | { readonly is: "sent"; readonly key: string; readonly sent: Sent }
  | { readonly is: "thinking"; readonly key: string };

interface Given {
  readonly messages: readonly Message[];
  readonly sent: readonly Sent[];
  /** The first message that was unread when the dialog was opened. */
  readonly unreadFrom: number | null;
  readonly discarded: string | undefined;
  readonly isThinking: boolean;
}

export function rows({ messages, sent, unreadFrom, discarded, isThinking }: Given): Row[] {
  const rows: Row[] = [];
  let day = Number.NaN;
  let before: Message | null = null;
  let isDiscardedTold = discarded === undefined;
  if (messages[0]?.seq === 1) rows.push({ is: "start", key: "start" });

  for (const message of messages) {
    // The log has no words of notes: they are on their way.
    if (message.kind === "note" && message.text === "" && message.attachments.length === 0) continue;
    const at = new Date(message.created_at);
    const its = midnight(at);
    if (!isDiscardedTold && discarded !== undefined && message.created_at > discarded) {
      rows.push({ is: "discarded", key: "discarded", at: new Date(discarded) });
      isDiscardedTold = true;
      before = null;
    }
    if (its !== day) {
      rows.push({ is: "day", key: `day-${its}`, at });
      day = its;
      before = null;
    }
    if (message.seq === unreadFrom) {
      rows.push({ is: "unread", key: "unread" });
      before = null;
    }
    rows.push({ is: "message", key: `m${message.seq}`, message, isFirst: !follows(before, message) });
    before = message;
  }

  if (!isDiscardedTold && discarded !== undefined && messages.length > 0) {
    rows.push({ is: "discarded", key: "discarded", at: new Date(discarded) });
  }
  if (isThinking) rows.push({ is: "thinking", key: "thinking" });
  for (const entry of sent.filter((entry) => !isStored(entry, messages))) rows.push({ is: "sent", key: entry.id, sent: entry });
  return rows;
}

/** Its event may come before the answer to it: then it is shown as what was stored. */
function isStored(entry: Sent, messages: readonly Message[]): boolean {
  const kind = entry.kind === "note" ? "note" : "text";
  return messages.some(
    (message) =>
      message.seq > entry.seen &&
      message.author === "operator" &&
      message.kind === kind &&
      message.text === entry.text,
  );
}

/** Does it belong to the words before it: the same author, soon after? */
function follows(before: Message | null, message: Message): boolean {
  if (!before || before.author !== message.author || before.kind !== message.kind) return false;
  if (before.operator?.user_id !== message.operator?.user_id) return false;
  return Date.parse(message.created_at) - Date.parse(before.created_at) < 5 * 60_000;
}

/** The first of the last `unread` messages of the customer. */
export function firstUnread(messages: readonly Message[], unread: number): number | null {
  let left = unread;
  for (let at = messages.length - 1; at >= 0 && left > 0; at -= 1) {
    const message = messages[at];
    if (message?.author !== "customer") continue;
    left -= 1;
    if (left === 0) return message.seq;
  }
  return null;
}
