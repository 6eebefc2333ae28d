import * as fc from "fast-check";
import { expect, it } from "vitest";
import { i18n } from "@lingui/core";
import { cell, dayBefore } from "../src/billing/table";
import { counted } from "../src/shell/counted";
import { money } from "../src/ui/money";

it("keeps every digit of an amount that a float cannot hold", () => {
  i18n.loadAndActivate({ locale: "en", messages: {} });
  expect(money("9007199254740993.000001", "USD")).toBe("$9,007,199,254,740,993.000001");
  expect(money("-0.1", "USD")).toBe("-$0.10");
  i18n.loadAndActivate({ locale: "ru", messages: {} });
  expect(money("1234567.5", "EUR").replaceAll(/\s/g, " ")).toBe("1 234 567,50 €");
});

it("writes cells that no program takes for a formula", () => {
  expect(cell("=1+1")).toBe("'=1+1");
  expect(cell("-12.50")).toBe("-12.50");
  expect(cell("@a")).toBe("'@a");
  expect(cell('say "hi", twice')).toBe('"say ""hi"", twice"');
  expect(dayBefore(new Date("2026-03-01T12:00:00Z"), 1)).toBe("2026-02-28");
});

it("counts in front of a title once, whatever it was before", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { minLength: 1 }), (counts) => {
      const title = counts.reduce((title, count) => counted(title, count), "Waiting · ReplyX");
      const last = counts.at(-1)!;
      expect(title).toBe(last === 0 ? "Waiting · ReplyX" : `(${last > 99 ? "99+" : last}) Waiting · ReplyX`);
    }),
  );
});
