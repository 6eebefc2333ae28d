import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isBase } from "../src/i18n/base";
import en from "../src/i18n/en.json";
import ru from "../src/i18n/ru.json";

const root = join(import.meta.dirname, "../src");

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
}

it("has every text in both languages, with the same values", () => {
  expect(Object.keys(ru)).toEqual(Object.keys(en));
  for (const [key, text] of Object.entries(en)) {
    const values = (text: string) => new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]).filter((name) => /^(n|name|time|code|request|cost|what|detail)$/.test(name!)));
    expect(values(ru[key as keyof typeof ru]), key).toEqual(values(text));
  }
});

it("gives Russian its own plural forms", () => {
  for (const [key, text] of Object.entries(ru)) {
    if (!text.includes(", plural,")) continue;
    for (const form of ["one", "few", "many", "other"]) expect(text, key).toContain(`${form} {`);
  }
});

it("uses every text", () => {
  const code = sources(root).filter((name) => /\.tsx?$/.test(name)).map((name) => readFileSync(name, "utf8")).join("\n");
  const computed = [...code.matchAll(/`([\w.]+)\.\$\{/g)].map((match) => `${match[1]}.`);
  const unused = Object.keys(en).filter(
    (key) => !code.includes(`"${key}"`) && !computed.some((start) => key.startsWith(start)),
  );
  expect(unused).toEqual([]);
});

it("names colors only in the tokens", () => {
  for (const file of sources(root).filter((name) => name.endsWith(".css") && !name.endsWith("tokens.css"))) {
    expect(readFileSync(file, "utf8"), file).not.toMatch(/#[0-9a-f]{3,8}\b(?!\s*\{)|\brgba?\(|\bhsl/i);
  }
});

it("has the texts of the first load and the inbox in the part that comes with them", () => {
  const code = sources(root).filter((name) => /\.tsx?$/.test(name) && !name.endsWith("dialog/Sources.tsx"));
  const early = code.filter((name) => /src\/((api|dialog|i18n|inbox|live|session|shell|theme)\/|\w+\.tsx?$|ui\/(form|keys|memory|said|ui)\.|start\/(done|steps)\.)/.test(name));
  expect(early.length).toBeGreaterThan(30);
  // Called with words, and as a part of a list that is spoken later.
  const keys = early.flatMap((name) => [...readFileSync(name, "utf8").matchAll(/"([a-zA-Z]+\.[\w.]+)"/g)].map((match) => match[1]!));
  const missing = keys.filter((key) => Object.hasOwn(en, key) && !isBase(key) && !LATE.includes(key));
  expect(missing).toEqual([]);
  const computed = early.flatMap((name) => [...readFileSync(name, "utf8").matchAll(/`([a-zA-Z]+\.)\$\{/g)].map((match) => match[1]!));
  expect(computed.filter((start) => Object.keys(en).some((key) => key.startsWith(start) && !isBase(key)))).toEqual([]);
});

/** Names of checks in the parts of forms, spoken only where a form of another screen uses them. */
const LATE: readonly string[] = [
  "field.password",
  // These are the names of events.
  "assistant.paused",
  "document.deleted",
];
