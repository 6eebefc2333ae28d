import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { device } from "../src/account/device";
import { highlight, split } from "../src/assistants/highlight";
import { familiesOf } from "../src/data/fresh";
import { merged } from "../src/dialog/merge";
import { snoozes } from "../src/dialog/snooze";
import { belongs } from "../src/inbox/views";
import { attended, current, type AttentionWord } from "../src/live/attention";
import { rolesBelow } from "../src/settings/roles";
import { doneOf } from "../src/start/done";

describe("a passage", () => {
  it("keeps every character, whatever is marked in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.string()), (text, others) => {
        expect(highlight(text, others).map((segment) => segment.text).join("")).toBe(text);
      }),
    );
  });

  it("marks words in any of their forms, and numbers only as they are", () => {
    const marked = (text: string, other: string) =>
      highlight(text, [other]).filter((segment) => segment.isMarked).map((segment) => segment.text);
    expect(marked("Courier deliveries to Finland: 12 euros, 120 by plane.", "What is the delivery to Finland? 12?")).toEqual([
      "deliveries",
      "Finland",
      "12",
    ]);
    expect(marked("Доставка курьером стоит 12 евро", "Сколько стоит доставку курьера?")).toEqual(["Доставка", "курьером", "стоит"]);
  });

  it("is cut by bytes, and stands in the whole text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), fc.nat(1000), (a, b, c, offset) => {
        const size = (text: string) => new TextEncoder().encode(text).length;
        expect(split(a + b + c, offset, offset + size(a), offset + size(a) + size(b))).toEqual([a, b, c]);
      }),
    );
  });
});

it("names browsers that carry the names of others", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  expect(device(chrome)).toBe("Chrome · Linux");
  expect(device(`${chrome} Edg/140.0`)).toBe("Edge · Linux");
  expect(device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1")).toBe("Safari · iPhone");
  expect(device("curl/8.5.0")).toBeNull();
});

it("counts a step as done only when what it asks for is there", () => {
  const nothing = { assistants: 0, knowledge: 0, isAsked: false, channels: 0, people: 1 };
  expect([...doneOf(nothing)]).toEqual([]);
  expect([...doneOf({ ...nothing, assistants: 1, knowledge: 2 })]).toEqual(["assistant", "knowledge"]);
  expect(doneOf({ assistants: 1, knowledge: 1, isAsked: true, channels: 1, people: 2 }).size).toBe(5);
});

it("offers no role above one's own", () => {
  expect(rolesBelow("admin")).toEqual(["admin", "operator", "viewer"]);
  expect(rolesBelow(null)).toEqual([]);
});

it("knows what an event makes old", () => {
  expect(familiesOf("document.status")).toContain("documents");
  expect(familiesOf("source.deleted")).toContain("sources");
  expect(familiesOf("message.stored")).toEqual([]);
});

describe("the times to put a dialog off until", () => {
  const names = (now: Date) => snoozes(now).map((time) => time.id);

  it("are those that make sense at that moment", () => {
    expect(names(new Date(2026, 10, 25, 10))).toEqual(["hours", "evening", "tomorrow", "monday", "week"]);
    expect(names(new Date(2026, 10, 25, 16))).toEqual(["hours", "tomorrow", "monday", "week"]);
    // On a Sunday tomorrow is Monday; on a Monday it is in a week.
    expect(names(new Date(2026, 10, 29, 16))).toEqual(["hours", "tomorrow", "week"]);
    expect(names(new Date(2026, 10, 30, 16))).toEqual(["hours", "tomorrow", "week"]);
  });

  it("lie ahead, in order, and begin with the working day", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(2026, 0, 1), max: new Date(2028, 0, 1), noInvalidDate: true }), (now) => {
        const times = snoozes(now);
        const ahead = times.map((time) => time.at.getTime() - now.getTime());
        expect(ahead).toEqual([...ahead].sort((one, other) => one - other));
        expect(ahead[0]).toBeGreaterThan(0);
        for (const { id, at } of times) if (id !== "hours") expect([9, 18]).toContain(at.getHours());
        expect(times.filter((time) => time.id === "monday").every((time) => time.at.getDay() === 1)).toBe(true);
      }),
    );
  });
});

it("shows a dialog that was put off only among those", () => {
  const own = { control: "human", assignee: { user_id: "me", name: "" }, tags: [{ id: "t", name: "" }], unread: 0, snoozed_until: null };
  const dialog = own as unknown as Parameters<typeof belongs>[2];
  const off = { ...dialog, snoozed_until: "2027-01-01T00:00:00Z" };
  expect([belongs("mine", {}, dialog, "me"), belongs("snoozed", {}, dialog, "me")]).toEqual([true, false]);
  expect([belongs("mine", {}, off, "me"), belongs("snoozed", {}, off, "me")]).toEqual([false, true]);
  expect(belongs("snoozed", {}, off, "another")).toBe(false);
  expect([belongs("mine", { tag: "t" }, dialog, "me"), belongs("mine", { tag: "u" }, dialog, "me")]).toEqual([true, false]);
});

describe("an unsent text on two devices", () => {
  it("loses no word", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (base, ours, theirs) => {
        const both = merged(base, ours, theirs);
        if (ours !== base) expect(both).toContain(ours);
        if (theirs !== base) expect(both).toContain(theirs);
      }),
    );
  });

  it("follows the one that has changed, also when it is sent and gone", () => {
    expect(merged("a", "a", "")).toBe("");
    expect(merged("a", "", "a")).toBe("");
    expect(merged("a", "a b", "a")).toBe("a b");
    expect(merged("", "ours", "theirs")).toBe("theirs\n\nours");
  });
});

it("knows who looks at a dialog until it no longer holds", () => {
  const word: AttentionWord = { type: "dialog.attention", dialog_id: "d", user_id: "u", name: "Ann", state: "viewing", lasts_s: 15 };
  const viewing = attended(new Map(), word, 1_000);
  const typing = attended(viewing, { ...word, state: "typing" }, 5_000);
  expect(typing.get("d")).toEqual([{ user: "u", name: "Ann", state: "typing", until: 20_000 }]);
  expect(current(typing, 19_999)).toBe(typing);
  expect(current(typing, 20_000).size).toBe(0);
  expect(attended(typing, { ...word, state: "away" }, 6_000).size).toBe(0);
});
