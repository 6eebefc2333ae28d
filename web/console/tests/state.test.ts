/** Any cut and resume of the log ends in the same state. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dialog, LiveEvent, Message } from "../src/api/types";
import { apply, EMPTY, gap, loaded, named, opened, read, seen, type State } from "../src/live/state";

/** A server: a log, and what it would answer after each event. */
interface Moment {
  readonly event: LiveEvent;
  readonly dialogs: readonly Dialog[];
  readonly messages: ReadonlyMap<string, readonly Message[]>;
}

const at = (id: number): string => new Date(Date.UTC(2026, 2, 14, 9, 0, id)).toISOString();

function fresh(id: string): Dialog {
  return {
    id,
    answered_seq: 0,
    assignee: null,
    assistant_id: "a",
    bot_id: "c",
    channel_id: "c",
    closed_at: null,
    contact_id: `contact-${id}`,
    contact: { id: `contact-${id}`, display_name: id, blocked: false, chat_kind: "private", source: null },
    control: "ai",
    created_at: at(0),
    epoch: 0,
    handoff_reason: null,
    last_message: null,
    last_seq: 0,
    snoozed_until: null,
    tags: [],
    unread: 0,
    updated_at: at(0),
    waiting_since: null,
  };
}

type Act = { dialog: string; act: "customer" | "reply" | "operator" | "note" | "control" | "deliver" | "fail" | "retry" | "block" | "edit" | "tag" | "untag" | "snooze"; pick: number };

const acts = fc.array(
  fc.record({
    dialog: fc.constantFrom("d1", "d2", "d3"),
    act: fc.constantFrom<Act["act"]>("customer", "reply", "operator", "note", "control", "deliver", "fail", "retry", "block", "edit", "tag", "untag", "snooze"),
    pick: fc.nat(100),
  }),
  { maxLength: 40, size: "max" },
);

const STEPS = [
  ["take_over", "human"],
  ["release", "ai"],
  ["hand_off", "waiting"],
  ["close", "closed"],
] as const;

/** Lets the server do these things. */
function happen(acts: readonly Act[]): Moment[] {
  const dialogs = new Map(["d1", "d2", "d3"].map((id) => [id, fresh(id)]));
  const messages = new Map<string, Message[]>(["d1", "d2", "d3"].map((id) => [id, []]));
  const moments: Moment[] = [];
  for (const act of acts) {
    const id = moments.length + 1;
    const event = happenOne(act, id, dialogs, messages);
    if (!event) continue;
    moments.push({
      event,
      dialogs: [...dialogs.values()],
      messages: new Map([...messages].map(([dialog, list]) => [dialog, [...list]])),
    });
  }
  return moments;
}

function happenOne(
  { dialog: key, act, pick }: Act,
  id: number,
  dialogs: Map<string, Dialog>,
  messages: Map<string, Message[]>,
): LiveEvent | null {
  const dialog = dialogs.get(key)!;
  const list = messages.get(key)!;
  const base = { id, at: at(id), version: 1, dialog_id: key } as const;
  const say = (message: Partial<Message>): Message => {
    const stored: Message = {
      act: null,
      answer: null,
      attachments: [],
      author: "customer",
      created_at: at(id),
      delivery: "none",
      id: `${key}-${dialog.last_seq + 1}`,
      kind: "text",
      mentions: [],
      operator: null,
      quoted: null,
      revisions: [],
      seq: dialog.last_seq + 1,
      text: `words ${id}`,
      ...message,
    };
    list.push(stored);
    const { author, created_at, kind, seq, text } = stored;
    dialogs.set(key, {
      ...dialogs.get(key)!,
      last_seq: seq,
      updated_at: at(id),
      last_message: { author, created_at, kind, seq, text },
      unread: dialogs.get(key)!.unread + (author === "customer" ? 1 : 0),
    });
    return stored;
  };
  switch (act) {
    case "customer":
    case "operator": {
      const by = act === "customer" ? ("customer" as const) : ("operator" as const);
      const { id: message_id, seq, text } = say({ author: by, delivery: by === "customer" ? "none" : "queued" });
      return { ...base, type: "message.stored", author: by, message_id, seq, text };
    }
    case "note": {
      const { id: message_id, seq } = say({ author: "operator", kind: "note", text: "" });
      return { ...base, type: "note.stored", message_id, seq };
    }
    case "reply": {
      const { id: message_id, seq, text } = say({ author: "assistant", delivery: "queued" });
      return { ...base, type: "reply.settled", message_id, seq, text, outcome: "answered" };
    }
    case "control": {
      const [step, control] = STEPS[pick % STEPS.length]!;
      const who = control === "human" ? { user_id: "u1", name: "" } : null;
      const epoch = dialog.epoch + 1;
      dialogs.set(key, {
        ...dialog,
        epoch,
        control,
        assignee: who,
        handoff_reason: control === "waiting" ? "asked" : null,
        waiting_since: control === "waiting" ? (dialog.waiting_since ?? at(id)) : null,
        closed_at: control === "closed" ? at(id) : null,
      });
      const { seq } = say({ author: "system", kind: "control", text: step, operator: who });
      return {
        ...base,
        type: "dialog.control",
        step,
        control,
        epoch,
        seq,
        ...(who ? { assignee_id: who.user_id } : {}),
        ...(control === "waiting" ? { reason: "asked" as const } : {}),
      };
    }
    case "deliver":
    case "fail": {
      const queued = list.filter((message) => message.delivery === "queued");
      const chosen = queued[pick % Math.max(1, queued.length)];
      if (!chosen) return null;
      const delivery = act === "deliver" ? ("delivered" as const) : ("failed" as const);
      list[chosen.seq - 1] = { ...chosen, delivery };
      return act === "deliver"
        ? { ...base, type: "message.delivered", message_id: chosen.id, uncertain: 0 }
        : { ...base, type: "message.failed", message_id: chosen.id, error: "refused" };
    }
    case "retry": {
      const failed = list.find((message) => message.delivery === "failed");
      if (!failed) return null;
      list[failed.seq - 1] = { ...failed, delivery: "queued" };
      return { ...base, type: "message.retried", message_id: failed.id };
    }
    case "edit": {
      const said = list.filter((message) => message.author === "customer");
      const chosen = said[pick % Math.max(1, said.length)];
      if (!chosen) return null;
      const text = `other words ${id}`;
      list[chosen.seq - 1] = { ...chosen, text, revisions: [...chosen.revisions, { text: chosen.text, until: at(id) }] };
      const last = dialog.last_message;
      if (last?.seq === chosen.seq) dialogs.set(key, { ...dialog, last_message: { ...last, text } });
      return { ...base, type: "message.edited", message_id: chosen.id, seq: chosen.seq, text };
    }
    case "tag": {
      const tags = TAGS.filter((tag, index) => (pick >> index) & 1 && !deletedIn(dialogs).has(tag.id));
      dialogs.set(key, { ...dialog, tags });
      return { ...base, type: "dialog.tagged", tags: tags.map((tag) => tag.id) };
    }
    case "untag": {
      const { id: tag_id } = TAGS[pick % TAGS.length]!;
      if (deletedIn(dialogs).has(tag_id)) return null;
      deletedIn(dialogs).add(tag_id);
      for (const [id, one] of dialogs) {
        if (one.tags.some((tag) => tag.id === tag_id)) dialogs.set(id, { ...one, tags: one.tags.filter((tag) => tag.id !== tag_id) });
      }
      return { id, at: at(id), version: 1, type: "tag.deleted", tag_id };
    }
    case "snooze": {
      const until = pick % 3 === 0 ? null : at(id + 1000);
      dialogs.set(key, { ...dialog, snoozed_until: until });
      return until === null
        ? { ...base, type: "dialog.returned", because: "customer" }
        : { ...base, type: "dialog.snoozed", until };
    }
    case "block": {
      const blocked = pick % 2 === 0;
      dialogs.set(key, { ...dialog, contact: { ...dialog.contact, blocked } });
      return { id, at: at(id), version: 1, type: "contact.blocked", contact_id: dialog.contact_id, blocked };
    }
  }
}

const TAGS = ["t1", "t2", "t3"].map((id) => ({ id, name: `tag ${id}` }));

const deleted = new WeakMap<object, Set<string>>();

/** The tags that were deleted on this server. */
function deletedIn(server: object): Set<string> {
  const known = deleted.get(server) ?? new Set();
  deleted.set(server, known);
  return known;
}

const START = ["d1", "d2", "d3"].map(fresh);

function begin(): State {
  const { last_message: _, unread: __, ...head } = fresh("d1");
  const usage = { calls: 0, completion_tokens: 0, cost: "0", prompt_tokens: 0 };
  return opened(named(loaded(EMPTY, START), TAGS), { ...head, queue: null, sla: null, usage } as Parameters<typeof opened>[1]);
}

/** Loads what the state lacks, as the page does. */
function filled(state: State, moment: Moment | undefined): State {
  const list = moment?.messages.get("d1") ?? [];
  const from = gap(state, "d1")?.from ?? Infinity;
  const partial = state.timelines.get("d1")?.partial ?? new Set();
  return read(state, "d1", list.filter((message) => message.seq >= from || partial.has(message.seq)));
}

function told(state: State) {
  return {
    dialogs: Object.fromEntries([...state.dialogs].sort(([a], [b]) => a.localeCompare(b))),
    messages: state.timelines.get("d1")?.messages,
  };
}

describe("the state of a workspace", () => {
  it("is what the server says, after its events", () => {
    fc.assert(
      fc.property(acts, (acts) => {
        const moments = happen(acts);
        const last = moments.at(-1);
        const state = filled(moments.reduce((state, { event }) => apply(state, event), begin()), last);
        expect(told(state).dialogs).toEqual(Object.fromEntries((last?.dialogs ?? START).map((one) => [one.id, one])));
        expect(told(state).messages).toEqual(last?.messages.get("d1") ?? []);
      }),
    );
  });

  it("is the same when the stream was cut, resumed, and snapshots came in between", () => {
    const cuts = fc.array(fc.record({ cut: fc.nat(40), back: fc.nat(10), snapshot: fc.nat(40) }), { maxLength: 4, size: "max" });
    fc.assert(
      fc.property(acts, cuts, (acts, cuts) => {
        const moments = happen(acts);
        const last = moments.at(-1);
        const whole = filled(moments.reduce((state, { event }) => apply(state, event), begin()), last);

        let state = begin();
        let next = 0;
        for (const { cut, back, snapshot } of [...cuts, { cut: Infinity, back: 0, snapshot: 0 }]) {
          for (; next < Math.min(moments.length, cut); next += 1) {
            const before = state;
            state = apply(state, moments[next]!.event);
            // Nobody sees an older state again.
            for (const [id, dialog] of before.dialogs) {
              expect(state.dialogs.get(id)!.epoch).toBeGreaterThanOrEqual(dialog.epoch);
              expect(state.dialogs.get(id)!.last_seq).toBeGreaterThanOrEqual(dialog.last_seq);
            }
          }
          // A list that was asked for before the cut, or that is ahead of the stream.
          const seen = moments[Math.min(snapshot, moments.length - 1)];
          if (seen && cut !== Infinity) {
            const asked = "id" in seen.event ? seen.event.id : 0;
            state = loaded(state, seen.dialogs, asked);
            state = read(state, "d1", seen.messages.get("d1")!.slice(-5), asked);
          }
          // After a reconnection some events come again.
          next = Math.max(0, next - back);
        }
        expect(told(filled(state, last))).toEqual(told(whole));
      }),
      { numRuns: 1000 },
    );
  });

  it("asks for everything again after a reset, and goes on from its number", () => {
    const moments = happen([
      { dialog: "d1", act: "customer", pick: 0 },
      { dialog: "d1", act: "customer", pick: 0 },
    ]);
    const before = filled(apply(begin(), moments[0]!.event), moments[0]);
    const after = apply(before, { type: "reset", id: 7 });
    expect(after.generation).toBe(before.generation + 1);
    expect(gap(after, "d1")).toEqual({ from: 1, to: 1 });
    expect(apply(after, moments[1]!.event)).toBe(after);
  });

  it("names dialogs that it does not know, once", () => {
    const { event } = happen([{ dialog: "d1", act: "customer", pick: 0 }])[0]!;
    const state = apply(EMPTY, event);
    expect([...state.unknown]).toEqual(["d1"]);
    expect([...loaded(state, [fresh("d1")]).unknown]).toEqual([]);
  });

  it("counts as read only what was there to read", () => {
    const moments = happen(Array.from({ length: 3 }, () => ({ dialog: "d1", act: "customer" as const, pick: 0 })));
    const state = moments.reduce((state, { event }) => apply(state, event), begin());
    expect(state.dialogs.get("d1")?.unread).toBe(3);
    expect(seen(state, "d1", 2).dialogs.get("d1")?.unread).toBe(3);
    expect(seen(state, "d1", 3).dialogs.get("d1")?.unread).toBe(0);
  });
});
