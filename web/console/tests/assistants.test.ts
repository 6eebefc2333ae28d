import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keepPlaces, parseQuestions, writeQuestions } from "../src/assistants/questions";
import { changed, FIELDS, intervals, lines, merge, written, type Settings } from "../src/assistants/settings";
import { matching, wanted, type Canned } from "../src/dialog/find";
import { parseTags, sorted, type Document } from "../src/knowledge/status";

/** Settings that differ only in a few of their words. */
const settings = fc
  .record({ name: fc.constantFrom("a", "b", "c"), greeting: fc.constantFrom("x", "y"), temperature: fc.constantFrom(0, 0.5), tags: fc.subarray(["t", "u"]) })
  .map((given) => given as unknown as Settings);

describe("two people change the same draft", () => {
  it("keeps what only one of them has changed, and names what both have", () => {
    fc.assert(
      fc.property(settings, settings, settings, (base, ours, theirs) => {
        const merged = merge(base, ours, theirs);
        const mine = new Set(changed(base, ours));
        const their = new Set(changed(base, theirs));
        for (const field of FIELDS) {
          const expected = mine.has(field) ? ours : theirs;
          expect(written(merged.settings[field])).toBe(written(expected[field]));
          const isConflict = mine.has(field) && their.has(field) && written(ours[field]) !== written(theirs[field]);
          expect(merged.conflicts.includes(field)).toBe(isConflict);
        }
      }),
    );
  });

  it("does not take the order of parts for a change", () => {
    expect(written({ a: 1, b: [{ c: null, d: "x" }] })).toBe(written({ b: [{ d: "x", c: null }], a: 1 }));
    expect(written(["a", "b"])).not.toBe(written(["b", "a"]));
  });
});

it("tells what became of each line", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 }).map((all) => all.join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const found = lines(before, after);
      expect(found.filter((line) => line.is !== "added").map((line) => line.text).join("\n")).toBe(before);
      expect(found.filter((line) => line.is !== "removed").map((line) => line.text).join("\n")).toBe(after);
      if (before === after) expect(found.every((line) => line.is === "same")).toBe(true);
    }),
  );
  expect(lines("a\nb\nc", "a\nx\nc").map((line) => line.is)).toEqual(["same", "removed", "added", "same"]);
});

it("reads working hours as they are typed", () => {
  expect(intervals("9:00-12:30")).toBeNull();
  expect(intervals("09:00 – 12:30, 13:30-18:00")).toEqual(["09:00-12:30", "13:30-18:00"]);
  expect(intervals("")).toEqual([]);
  expect(intervals("09:00-24:00")).toEqual(["09:00-24:00"]);
  expect(intervals("soon")).toBeNull();
});

describe("questions a line each", () => {
  it("come back as they were typed", () => {
    const typed = "How long may I return an item? | 30 days | a month\n\nWho won the cup?";
    const read = parseQuestions(typed);
    expect(read).toEqual([
      { question: "How long may I return an item?", answers: ["30 days", "a month"] },
      { question: "Who won the cup?", answers: [] },
    ]);
    expect(parseQuestions(writeQuestions(read))).toEqual(read);
  });

  it("keep the documents that a line cannot name", () => {
    const before = [{ question: "What does\ndelivery cost?", document_names: ["prices.pdf"], answers: ["290"] }];
    const typed = parseQuestions(writeQuestions(before).replace("290", "300"));
    expect(keepPlaces(typed, before)).toEqual([
      { question: "What does\ndelivery cost?", document_names: ["prices.pdf"], answers: ["300"] },
    ]);
  });
});

it("shows what failed first, then what is being read, then the newest", () => {
  const document = (id: string, status: string, created_at: string) => ({ id, status, created_at }) as Document;
  const list = [
    document("1", "ready", "2026-01-01"),
    document("2", "ready", "2026-02-01"),
    document("3", "failed", "2025-01-01"),
    document("4", "chunking", "2024-01-01"),
  ];
  expect(sorted(list).map((one) => one.id)).toEqual(["3", "4", "2", "1"]);
  expect(parseTags(" a, b ,,a ")).toEqual(["a", "b"]);
});

it("looks for a reply that is kept ready while nothing else is typed", () => {
  expect(wanted("/Ret")).toBe("ret");
  expect(wanted("/")).toBe("");
  expect(wanted("/ret urn")).toBeNull();
  expect(wanted("either/or")).toBeNull();
  const reply = (shortcut: string, title: string) => ({ shortcut, title }) as Canned;
  const all = [reply("hi", "Greeting before a return"), reply("return", "Returns"), reply("ret2", "Other")];
  expect(matching(all, "ret", 2).map((one) => one.shortcut)).toEqual(["return", "ret2"]);
  expect(matching(all, "ret", 9).map((one) => one.shortcut)).toEqual(["return", "ret2", "hi"]);
});
