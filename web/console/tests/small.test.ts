import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { device } from "../src/account/device";
import { highlight, split } from "../src/assistants/highlight";
import { familiesOf } from "../src/data/fresh";
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
