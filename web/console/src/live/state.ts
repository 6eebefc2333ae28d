/**
 * What the console knows of a workspace's dialogs, and how events and answers of the server change
 * it. Pure: nothing here reads a clock or sends a request.
 *
 * Every change is a join: an event or an answer that is older than what is known changes nothing,
 * and it does not matter in which order a snapshot and the events around it arrive. A stream that
 * was cut and resumed therefore ends in the same state as one that never was.
 */
import type { Control, Delivery, Dialog, DialogHead, DialogMarks, DialogOpened, LiveEvent, Message, Operator } from "../api/types";

export interface Timeline {
  /** By `seq`, each once; gaps are what has not been loaded yet. */
  readonly messages: readonly Message[];
  /** The messages of which only what an event says is known; they are loaded again. */
  readonly partial: ReadonlySet<number>;
}

export interface State {
  /** The number of the last event that was applied. */
  readonly lastEvent: number;
  readonly dialogs: ReadonlyMap<string, Dialog>;
  /** Only of dialogs that were opened. */
  readonly timelines: ReadonlyMap<string, Timeline>;
  /** The dialogs in which the assistant is at work, and the message it answers. */
  readonly thinking: ReadonlyMap<string, number>;
  /** Where and when an answer of the assistant was last discarded, because somebody took over. */
  readonly discarded: ReadonlyMap<string, string>;
  /** Dialogs that events name and nothing is known of; they are loaded. */
  readonly unknown: ReadonlySet<string>;
  /** The names of operators. */
  readonly names: ReadonlyMap<string, string>;
  /** The last events that said whether a contact blocks the bot. */
  readonly blocks: ReadonlyMap<string, { readonly event: number; readonly blocked: boolean }>;
  /** The last events that said how messages were delivered. */
  readonly deliveries: ReadonlyMap<string, { readonly event: number; readonly delivery: Delivery }>;
  /** The last events that said what messages were changed to, by dialog and place. */
  readonly edits: ReadonlyMap<string, { readonly event: number; readonly text: string }>;
  /** The last events that said which tags a dialog has, and until when it is out of sight. */
  readonly marks: ReadonlyMap<string, Marked>;
  /** The names of tags, as far as they are known. */
  readonly tags: ReadonlyMap<string, string>;
  readonly deletedTags: ReadonlySet<string>;
  /** Grows when everything must be read again. */
  readonly generation: number;
}

interface Marked {
  readonly tagged: number;
  readonly snoozed: number;
}

const UNMARKED: Marked = { tagged: 0, snoozed: 0 };

export const EMPTY: State = {
  lastEvent: 0,
  dialogs: new Map(),
  timelines: new Map(),
  thinking: new Map(),
  discarded: new Map(),
  unknown: new Set(),
  names: new Map(),
  blocks: new Map(),
  deliveries: new Map(),
  edits: new Map(),
  marks: new Map(),
  tags: new Map(),
  deletedTags: new Set(),
  generation: 0,
};

const EMPTY_TIMELINE: Timeline = { messages: [], partial: new Set() };
/** How much of a message a list shows. */
const EXCERPT = 200;
const UNREAD_MOST = 100;
/** So many messages of a dialog are read again when something may have been missed. */
const RENEWED = 50;
/** So many deliveries are remembered, and so many edits. */
const REMEMBERED = 500;

/** Applies an event of the log. */
export function apply(state: State, event: LiveEvent): State {
  if (event.type === "reset") {
    return { ...renewed(state), lastEvent: event.id, thinking: new Map() };
  }
  if (!("id" in event) || event.id <= state.lastEvent) return state;

  const next: State = { ...state, lastEvent: event.id };
  switch (event.type) {
    case "dialog.opened":
      return missing(next, event.dialog_id);
    case "dialog.control":
      return control(next, event);
    case "dialog.tagged":
      return tagged(next, event.dialog_id, event.tags, event.id);
    case "dialog.snoozed":
      return snoozed(next, event.dialog_id, event.until, event.id);
    case "dialog.returned":
      return snoozed(next, event.dialog_id, null, event.id);
    case "tag.deleted":
      return untagged(next, event.tag_id);
    case "message.stored":
      return message(next, event.dialog_id, {
        ...BLANK,
        id: event.message_id,
        seq: event.seq,
        author: event.author,
        text: event.text ?? "",
        created_at: event.at,
        delivery: event.author === "customer" ? "none" : "queued",
      });
    case "note.stored":
      return message(next, event.dialog_id, {
        ...BLANK,
        id: event.message_id,
        seq: event.seq,
        author: "operator",
        kind: "note",
        mentions: event.mentions ?? [],
        operator: operator(event.author_id),
        created_at: event.at,
      });
    case "reply.settled": {
      const settled = message(next, event.dialog_id, {
        ...BLANK,
        id: event.message_id,
        seq: event.seq,
        author: "assistant",
        text: event.text ?? "",
        created_at: event.at,
        delivery: "queued",
      });
      return { ...settled, thinking: without(settled.thinking, event.dialog_id) };
    }
    case "turn.started":
      return { ...next, thinking: withEntry(next.thinking, event.dialog_id, event.seq) };
    case "turn.limited":
      return { ...next, thinking: without(next.thinking, event.dialog_id) };
    case "turn.discarded":
      return {
        ...next,
        thinking: without(next.thinking, event.dialog_id),
        discarded: withEntry(next.discarded, event.dialog_id, event.at),
      };
    case "message.delivered":
      return delivered(next, event, "delivered");
    case "message.failed":
      return delivered(next, event, "failed");
    case "message.canceled":
      return delivered(next, event, "canceled");
    case "message.retried":
      return delivered(next, event, "queued");
    case "message.edited":
      return edited(next, event);
    case "message.act_corrected":
    case "attachment.status":
      return again(next, event.dialog_id, event.message_id);
    case "contact.blocked":
      return blocked(next, event);
    default:
      return next;
  }
}

/** Something may have been missed: the lists and the newest messages are read again. */
export function renewed(state: State): State {
  const timelines = new Map<string, Timeline>();
  for (const [id, { messages, partial }] of state.timelines) {
    const newest = messages.slice(-RENEWED).map((message) => message.seq);
    timelines.set(id, { messages, partial: new Set([...partial, ...newest]) });
  }
  return { ...state, timelines, generation: state.generation + 1 };
}

/** Takes dialogs in that the server listed, asked after the event `asked` had been applied. */
export function loaded(state: State, dialogs: readonly Dialog[], asked: number = state.lastEvent): State {
  const known = new Map(state.dialogs);
  const unknown = new Set(state.unknown);
  const names = new Map(state.names);
  const tags = new Map(state.tags);
  for (const given of dialogs) {
    for (const tag of given.tags) if (tag.name !== "") tags.set(tag.id, tag.name);
    const old = known.get(given.id);
    const block = state.blocks.get(given.contact_id);
    const isOlder = block !== undefined && block.event > asked;
    const contact = isOlder ? { ...given.contact, blocked: block.blocked } : given.contact;
    const last_message = currentLast(state, given, asked);
    const dialog = { ...given, contact, last_message, ...marksOf(state, given.id, given, asked) };
    known.set(dialog.id, old ? join(old, dialog) : dialog);
    unknown.delete(dialog.id);
    if (dialog.assignee?.user_id) names.set(dialog.assignee.user_id, dialog.assignee.name);
  }
  return { ...state, dialogs: known, unknown, names, tags };
}

/** Takes in the names of tags. */
export function named(state: State, tags: readonly { readonly id: string; readonly name: string }[]): State {
  const names = new Map(state.tags);
  for (const tag of tags) names.set(tag.id, tag.name);
  return { ...state, tags: names };
}

/**
 * Takes in what the server says of who may speak in a dialog and what operators have put on it,
 * asked after the event `asked` had been applied.
 */
export function controlled(
  state: State,
  head: DialogHead & Partial<DialogMarks>,
  asked: number = state.lastEvent,
): State {
  const old = state.dialogs.get(head.id);
  if (!old) return missing(state, head.id);
  if (head.epoch < old.epoch) return state;
  const { last_seq: _, updated_at: __, ...told } = head;
  const given = { tags: head.tags ?? old.tags, snoozed_until: head.snoozed_until === undefined ? old.snoozed_until : head.snoozed_until };
  const rest = { ...told, ...marksOf(state, head.id, given, asked) };
  const names = new Map(state.names);
  if (head.assignee?.user_id) names.set(head.assignee.user_id, head.assignee.name);
  return { ...state, names, dialogs: withEntry(state.dialogs, head.id, { ...old, ...rest }) };
}

/** Takes in a dialog that was opened by its address, asked after the event `asked` had been applied. */
export function opened(state: State, given: DialogOpened, asked: number = state.lastEvent): State {
  const { queue: _, usage: __, sla: ___, ...head } = given;
  const old = state.dialogs.get(given.id);
  const timelines = state.timelines.has(given.id)
    ? state.timelines
    : withEntry(state.timelines, given.id, EMPTY_TIMELINE);
  if (!old) {
    const dialog: Dialog = { ...head, last_message: null, unread: 0 };
    return { ...loaded(state, [dialog], asked), timelines, unknown: new Set(state.unknown).add(given.id) };
  }

  const next = { ...controlled(state, head, asked), timelines };
  const known = next.dialogs.get(given.id) ?? old;
  if (given.last_seq <= known.last_seq) return next;
  // What was said since is not in this description: the list tells it.
  const dialog = { ...known, last_seq: given.last_seq, updated_at: given.updated_at };
  return {
    ...next,
    dialogs: withEntry(next.dialogs, given.id, dialog),
    unknown: new Set(next.unknown).add(given.id),
  };
}

/** Takes messages in that the server listed, asked after the event `asked` had been applied. */
export function read(
  state: State,
  dialog: string,
  messages: readonly Message[],
  asked: number = state.lastEvent,
): State {
  let timeline = state.timelines.get(dialog) ?? EMPTY_TIMELINE;
  const names = new Map(state.names);
  for (const message of messages) {
    const known = state.deliveries.get(message.id);
    const isOlder = known !== undefined && known.event > asked;
    const current = isOlder ? { ...message, delivery: known.delivery } : message;
    const edit = state.edits.get(place(dialog, message.seq));
    const isOutdated = edit !== undefined && edit.event > asked;
    timeline = placed(timeline, current, isOutdated ? "partial" : "whole");
    if (message.operator?.user_id) names.set(message.operator.user_id, message.operator.name);
  }
  return { ...state, names, timelines: withEntry(state.timelines, dialog, timeline) };
}

/** Notes that the reader has read a dialog up to a message. */
export function seen(state: State, dialog: string, seq: number): State {
  const old = state.dialogs.get(dialog);
  if (!old || old.unread === 0 || seq < old.last_seq) return state;
  return { ...state, dialogs: withEntry(state.dialogs, dialog, { ...old, unread: 0 }) };
}

/** The numbers of the messages to load next, if something at the end is missing. */
export function gap(state: State, dialog: string): { from: number; to: number } | null {
  const timeline = state.timelines.get(dialog);
  const last = state.dialogs.get(dialog)?.last_seq;
  if (!timeline || last === undefined) return null;

  const first = timeline.messages[0]?.seq ?? last + 1;
  let expected = first;
  for (const message of timeline.messages) {
    if (message.seq !== expected || timeline.partial.has(message.seq)) return { from: expected, to: last };
    expected += 1;
  }
  return expected <= last ? { from: expected, to: last } : null;
}

const BLANK: Message = {
  act: null,
  answer: null,
  attachments: [],
  author: "system",
  created_at: "",
  delivery: "none",
  id: "",
  kind: "text",
  mentions: [],
  operator: null,
  quoted: null,
  revisions: [],
  seq: 0,
  text: "",
};

/** The name of an operator, as far as it is known. */
export function nameOf(state: State, operator: Operator | null): string {
  return operator?.name || (operator?.user_id ? (state.names.get(operator.user_id) ?? "") : "");
}

/** What is newer of two descriptions of a dialog. */
function join(old: Dialog, given: Dialog): Dialog {
  const speech = given.last_seq >= old.last_seq ? given : old;
  const rule = given.epoch >= old.epoch ? given : old;
  return {
    ...given,
    last_seq: speech.last_seq,
    last_message: speech.last_message,
    unread: speech.unread,
    updated_at: speech.updated_at,
    answered_seq: Math.max(old.answered_seq, given.answered_seq),
    epoch: rule.epoch,
    control: rule.control,
    assignee: rule.assignee,
    handoff_reason: rule.handoff_reason,
    waiting_since: rule.waiting_since,
    closed_at: rule.closed_at,
  };
}

/** The marks of a dialog: what an event since the question said, otherwise what was answered. */
function marksOf(state: State, id: string, given: DialogMarks, asked: number): DialogMarks {
  const old = state.dialogs.get(id);
  const mark = state.marks.get(id) ?? UNMARKED;
  return {
    tags: old && mark.tagged > asked ? old.tags : given.tags.filter((tag) => !state.deletedTags.has(tag.id)),
    snoozed_until: old && mark.snoozed > asked ? old.snoozed_until : given.snoozed_until,
  };
}

function tagged(state: State, id: string, tags: readonly string[], event: number): State {
  const old = state.dialogs.get(id);
  if (!old) return missing(state, id);
  const now = tags.map((tag) => ({ id: tag, name: state.tags.get(tag) ?? "" }));
  const mark = { ...(state.marks.get(id) ?? UNMARKED), tagged: event };
  return {
    ...state,
    marks: withEntry(state.marks, id, mark),
    dialogs: withEntry(state.dialogs, id, { ...old, tags: now }),
  };
}

function snoozed(state: State, id: string, until: string | null, event: number): State {
  const old = state.dialogs.get(id);
  if (!old) return missing(state, id);
  const mark = { ...(state.marks.get(id) ?? UNMARKED), snoozed: event };
  return {
    ...state,
    marks: withEntry(state.marks, id, mark),
    dialogs: withEntry(state.dialogs, id, { ...old, snoozed_until: until }),
  };
}

function untagged(state: State, tag: string): State {
  const dialogs = new Map(state.dialogs);
  for (const [id, dialog] of dialogs) {
    const tags = dialog.tags.filter((one) => one.id !== tag);
    if (tags.length < dialog.tags.length) dialogs.set(id, { ...dialog, tags });
  }
  return { ...state, dialogs, deletedTags: new Set(state.deletedTags).add(tag) };
}

/** Events say who it was; the name is looked up when it is shown. */
function operator(id: string | null | undefined): Operator | null {
  return id ? { user_id: id, name: "" } : null;
}

type ControlEvent = Extract<LiveEvent, { type: "dialog.control" }>;

function control(state: State, event: ControlEvent): State {
  const old = state.dialogs.get(event.dialog_id);
  if (!old) return missing(state, event.dialog_id);

  let next = state;
  if (event.epoch > old.epoch) {
    const now: Control = event.control;
    const dialog: Dialog = {
      ...old,
      epoch: event.epoch,
      control: now,
      assignee: operator(event.assignee_id),
      handoff_reason: now === "waiting" ? (event.reason ?? null) : null,
      waiting_since: now === "waiting" ? (old.waiting_since ?? event.at) : null,
      closed_at: now === "closed" ? event.at : null,
    };
    next = {
      ...state,
      dialogs: withEntry(state.dialogs, dialog.id, dialog),
      thinking: now === "ai" ? state.thinking : without(state.thinking, dialog.id),
    };
  }
  if (event.seq == null) return next;

  // The log does not say the id of the message: it is loaded with the rest of it.
  return message(next, event.dialog_id, {
    ...BLANK,
    id: `${event.dialog_id}/${event.seq}`,
    seq: event.seq,
    kind: "control",
    text: event.step ?? "",
    operator: operator(event.assignee_id),
    created_at: event.at,
  });
}

function message(state: State, id: string, given: Message): State {
  const dialog = state.dialogs.get(id);
  if (!dialog) return missing(state, id);

  let next = state;
  if (given.seq > dialog.last_seq) {
    const fromCustomer = given.author === "customer";
    const changed: Dialog = {
      ...dialog,
      last_seq: given.seq,
      updated_at: given.created_at,
      unread: fromCustomer ? Math.min(UNREAD_MOST, dialog.unread + 1) : dialog.unread,
      last_message: {
        author: given.author,
        created_at: given.created_at,
        kind: given.kind,
        seq: given.seq,
        text: excerpt(given.text),
      },
    };
    next = { ...next, dialogs: withEntry(next.dialogs, id, changed) };
  }

  const timeline = next.timelines.get(id);
  if (!timeline) return next;
  return { ...next, timelines: withEntry(next.timelines, id, placed(timeline, given, "partial")) };
}

/** Puts a message in its place. What is known whole is not replaced by a part of it. */
function placed(timeline: Timeline, given: Message, how: "whole" | "partial"): Timeline {
  const { messages } = timeline;
  const at = position(messages, given.seq);
  const old = messages[at]?.seq === given.seq ? messages[at] : undefined;
  if (old && how === "partial") return timeline;

  const partial = new Set(timeline.partial);
  if (how === "partial") partial.add(given.seq);
  else partial.delete(given.seq);
  return {
    messages: [...messages.slice(0, at), given, ...messages.slice(old ? at + 1 : at)],
    partial,
  };
}

function position(messages: readonly Message[], seq: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

type DeliveryEvent = { readonly id: number; readonly dialog_id: string; readonly message_id: string };

function delivered(state: State, event: DeliveryEvent, delivery: Delivery): State {
  const deliveries = remembered(state.deliveries, event.message_id, { event: event.id, delivery });
  const next = { ...state, deliveries };
  return patched(next, event.dialog_id, event.message_id, (message) => ({ ...message, delivery }));
}

type EditedEvent = Extract<LiveEvent, { type: "message.edited" }>;

/** A message says something else; who reads it is shown its earlier words, too, once it is loaded again. */
function edited(state: State, { id: event, dialog_id, message_id, seq, text = "" }: EditedEvent): State {
  const edits = remembered(state.edits, place(dialog_id, seq), { event, text });
  const dialog = state.dialogs.get(dialog_id);
  const last = dialog?.last_message;
  const dialogs =
    dialog && last?.seq === seq
      ? withEntry(state.dialogs, dialog_id, { ...dialog, last_message: { ...last, text: excerpt(text) } })
      : state.dialogs;
  const next = patched({ ...state, edits, dialogs }, dialog_id, message_id, (message) => ({ ...message, text }));
  return again(next, dialog_id, message_id);
}

/** The last message of a dialog: as an event since the question said, otherwise as it was answered. */
function currentLast(state: State, { id, last_message: last }: Dialog, asked: number): Dialog["last_message"] {
  const edit = last ? state.edits.get(place(id, last.seq)) : undefined;
  return last && edit && edit.event > asked ? { ...last, text: excerpt(edit.text) } : last;
}

const place = (dialog: string, seq: number): string => `${dialog}/${seq}`;

const excerpt = (text: string): string => [...text].slice(0, EXCERPT).join("");

/** Adds what an event said. Only answers that are on their way are compared with it, so the oldest may go. */
function remembered<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  const copy = new Map(map).set(key, value);
  const oldest = copy.keys().next();
  if (copy.size > REMEMBERED && !oldest.done) copy.delete(oldest.value);
  return copy;
}

function again(state: State, dialog: string, id: string): State {
  const timeline = state.timelines.get(dialog);
  const message = timeline?.messages.find((message) => message.id === id);
  if (!timeline || !message) return state;
  const partial = new Set(timeline.partial).add(message.seq);
  return { ...state, timelines: withEntry(state.timelines, dialog, { ...timeline, partial }) };
}

function patched(state: State, dialog: string, id: string, change: (message: Message) => Message): State {
  const timeline = state.timelines.get(dialog);
  if (!timeline?.messages.some((message) => message.id === id)) return state;
  const messages = timeline.messages.map((message) => (message.id === id ? change(message) : message));
  return { ...state, timelines: withEntry(state.timelines, dialog, { ...timeline, messages }) };
}

type BlockedEvent = Extract<LiveEvent, { type: "contact.blocked" }>;

function blocked(state: State, { id: event, contact_id: contact, blocked }: BlockedEvent): State {
  const dialogs = new Map(state.dialogs);
  for (const [id, dialog] of dialogs) {
    if (dialog.contact_id !== contact) continue;
    dialogs.set(id, { ...dialog, contact: { ...dialog.contact, blocked } });
  }
  return { ...state, dialogs, blocks: withEntry(state.blocks, contact, { event, blocked }) };
}

function missing(state: State, id: string): State {
  if (state.dialogs.has(id) || state.unknown.has(id)) return state;
  return { ...state, unknown: new Set(state.unknown).add(id) };
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
