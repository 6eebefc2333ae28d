/** Texts in the language of the reader. English comes with the page, other languages are loaded. */
import { i18n, type Messages } from "@lingui/core";
import english from "virtual:messages/en/base";
import { useSyncExternalStore } from "react";
import type texts from "./en.json";
import { recall, remember } from "../ui/memory";

export type Key = keyof typeof texts;
export type Language = "en" | "ru";

const LANGUAGES: readonly Language[] = ["en", "ru"];
const STORED = "rx-language";

export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", ru: "Русский" };

function preferred(): Language {
  const stored = recall(STORED);
  const wanted = [stored, ...navigator.languages].filter((tag) => tag !== null);
  const known = wanted.map((tag) => LANGUAGES.find((language) => tag.toLowerCase().startsWith(language)));
  return known.find((language) => language !== undefined) ?? "en";
}

/** Whether a screen was opened that needs more than the texts of the inbox. */
let isRestWanted = false;

async function restOf(language: Language): Promise<Messages> {
  return language === "ru"
    ? (await import("virtual:messages/ru/rest")).default
    : (await import("virtual:messages/en/rest")).default;
}

/** Loads the texts of the screens around the inbox. */
export async function loadRest(): Promise<void> {
  if (isRestWanted) return;
  i18n.load(language(), await restOf(language()));
  isRestWanted = true;
}

/** Speaks this language from now on; without one, the browser's. */
export async function speak(language: Language = preferred()): Promise<void> {
  const base = language === "ru" ? (await import("virtual:messages/ru/base")).default : english;
  const rest = isRestWanted ? await restOf(language) : {};
  i18n.loadAndActivate({ locale: language, messages: { ...base, ...rest } });
  document.documentElement.lang = language;
  formats.clear();
}

/** The same, and remembers it. */
export async function choose(language: Language): Promise<void> {
  remember(STORED, language);
  await speak(language);
}

export function t(key: Key, values?: Record<string, string | number>): string {
  return i18n._(key, values);
}

/** Whether we have words for this. */
export function isText(key: string): key is Key {
  return Object.hasOwn(i18n.messages, key);
}

export function language(): Language {
  return i18n.locale === "ru" ? "ru" : "en";
}

export function useLanguage(): Language {
  return useSyncExternalStore((listener) => i18n.on("change", listener), language);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const known = formats.get(name);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language(), options);
  formats.set(name, made);
  return made;
}

export function clock(date: Date): string {
  return format("clock", { hour: "2-digit", minute: "2-digit" }).format(date);
}

export function exact(date: Date): string {
  return format("exact", { dateStyle: "full", timeStyle: "medium" }).format(date);
}

/** The day, as a line between messages says it. */
export function day(date: Date, now: Date): string {
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const isThisYear = date.getFullYear() === now.getFullYear();
  return isThisYear
    ? format("day", { weekday: "long", day: "numeric", month: "long" }).format(date)
    : format("year", { day: "numeric", month: "long", year: "numeric" }).format(date);
}

export function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** How long ago, in as few characters as a list has room for. */
export function ago(date: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - date.getTime()) / 1000);
  if (seconds < 60) return t("time.now");
  if (seconds < 86_400) return duration(seconds);
  if (seconds < 6 * 86_400) return format("weekday", { weekday: "short" }).format(date);
  return format("short", { day: "numeric", month: "short" }).format(date);
}

/** A time to come, in as few characters as a list has room for. */
export function soon(date: Date, now: Date): string {
  const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
  if (days <= 0) return clock(date);
  if (days < 6) return format("soon", { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(date);
  return format("short", { day: "numeric", month: "short" }).format(date);
}

/** A duration in its largest unit. */
export function duration(seconds: number): string {
  const [value, unit] =
    seconds < 60
      ? [seconds, "second"]
      : seconds < 3600
        ? [seconds / 60, "minute"]
        : seconds < 86_400
          ? [seconds / 3600, "hour"]
          : [seconds / 86_400, "day"];
  const options: Intl.NumberFormatOptions = {
    style: "unit",
    unit: unit as string,
    unitDisplay: "narrow",
    maximumFractionDigits: 0,
  };
  return new Intl.NumberFormat(language(), options).format(Math.floor(value as number));
}

/** A size in the unit that fits. */
export function bytes(size: number): string {
  const [value, unit] =
    size < 1024 ? [size, "byte"] : size < 1024 ** 2 ? [size / 1024, "kilobyte"] : [size / 1024 ** 2, "megabyte"];
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit: unit as string,
    unitDisplay: "narrow",
    maximumFractionDigits: (value as number) < 10 ? 1 : 0,
  }).format(value as number);
}

/** A share as a percentage. */
export function percent(share: number): string {
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 1 }).format(share);
}

export function count(number: number): string {
  return new Intl.NumberFormat(language()).format(number);
}
