// What keeps an inbox in order: tags, dialogs that are put off, words on another device, steps on many dialogs, views.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { axe, browse, leave, open, Person, picture, Program, shop, signIn, until, write } from "./lib.mjs";

const program = new Program();
let browser;
let place;
let page;

before(async () => {
  [browser] = await Promise.all([browse(), program.start()]);
  place = await shop(program);
});

afterEach(async () => {
  await leave(page);
  page = undefined;
});

after(async () => {
  await browser?.close();
  await program.stop();
});

const row = (name) => page.getByRole("list", { name: /^(Dialogs|Диалоги)$/ }).getByRole("link", { name });
const log = () => page.getByRole("log");
const shown = (dialog) => place.owner.call("GET", `dialogs/${dialog}`);

async function clean(what) {
  assert.deepEqual(await axe(page), [], `accessibility: ${what}`);
  assert.deepEqual(page.faults, [], `faults: ${what}`);
}

/** A dialog in which a customer waits for a person. */
async function waiting(contact, name) {
  const dialog = await write(place, contact, name, "I want to talk to a human, please");
  await until("the dialog waits", async () => (await shown(dialog)).control === "waiting");
  return dialog;
}

test("a dialog gets a new tag with the keyboard, and the list is filtered by it", async () => {
  const dialog = await waiting("ann", "Ann Berg");
  await waiting("bob", "Bob Stone");
  await place.owner.call("POST", "tags", { name: "delivery" });
  page = await open(browser);
  await signIn(page, place.owner);
  await row(/Ann Berg/).click();
  await log().waitFor();

  await page.keyboard.press("KeyL");
  const editor = page.getByRole("dialog", { name: "Change tags" });
  await editor.getByRole("menuitemcheckbox", { name: "delivery" }).waitFor();
  await page.keyboard.type("refund");
  await editor.getByText("Create “refund”").waitFor();
  await clean("tags");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await until("the tag is on", async () => (await shown(dialog)).tags.some((tag) => tag.name === "refund"));
  await editor.getByRole("menuitemcheckbox", { name: "delivery" }).click();
  await until("both are on", async () => (await shown(dialog)).tags.length === 2);
  await picture(page, "tags-en-light-1280");
  await page.keyboard.press("Escape");
  await editor.waitFor({ state: "detached" });
  await row(/Ann Berg.*delivery.*refund/s).waitFor();

  await page.getByRole("button", { name: "Tag: All tags" }).click();
  await page.getByRole("menuitemradio", { name: "refund" }).click();
  await row(/Bob Stone/).waitFor({ state: "detached" });
  assert.match(page.url(), /tag=/);
  await row(/Ann Berg/).waitFor();
  await clean("filtered");
  await picture(page, "tag-filter-en-light-1280");

  // What a colleague takes off goes away by itself.
  await place.owner.call("PATCH", `dialogs/${dialog}`, { tags: [] });
  await page.getByText("No dialog matches these filters.").waitFor();
});

test("a dialog is put off until tomorrow, and comes back when the customer writes", async () => {
  const dialog = await waiting("carl", "Carl Weiss");
  await place.owner.call("POST", `dialogs/${dialog}/takeover`, {});
  page = await open(browser, { colorScheme: "dark" });
  await signIn(page, place.owner);
  await page.goto(`${program.base}/app/w/${place.owner.workspace}/inbox/mine/${dialog}`);
  await log().waitFor();
  await page.locator("body").click({ position: { x: 700, y: 300 } });
  await page.keyboard.press("KeyZ");
  await page.getByRole("menuitem", { name: /Tomorrow morning/ }).waitFor();
  await clean("times");
  await picture(page, "snooze-en-dark-1280");
  await page.getByRole("menuitem", { name: /Tomorrow morning/ }).click();
  await row(/Carl Weiss/).waitFor({ state: "detached" });
  const until9 = new Date((await shown(dialog)).snoozed_until);
  const browserHour = await page.evaluate((at) => new Date(at).getHours(), until9.toISOString());
  assert.equal(browserHour, 9);

  await page.getByRole("link", { name: /^Snoozed/ }).click();
  await row(/Carl Weiss/).waitFor();
  await clean("snoozed");
  await picture(page, "snoozed-en-dark-1280");
  await write(place, "carl", "Carl Weiss", "I have found the number");
  await row(/Carl Weiss/).waitFor({ state: "detached" });
  await page.getByText("You have put nothing off.").waitFor();
  assert.equal((await shown(dialog)).snoozed_until, null);
});

test("on a phone and in Russian, tags and times fit", async () => {
  const dialog = await waiting("dina", "Дина Орлова");
  await place.owner.call("POST", `dialogs/${dialog}/takeover`, {});
  const tags = [];
  for (const name of ["возврат денег", "повреждена посылка", "постоянный клиент"]) tags.push((await place.owner.call("POST", "tags", { name })).id);
  await place.owner.call("PATCH", `dialogs/${dialog}`, { tags });
  page = await open(browser, { viewport: { width: 375, height: 740 }, locale: "ru-RU", colorScheme: "dark", hasTouch: true });
  await signIn(page, place.owner);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.goto(`${program.base}/app/w/${place.owner.workspace}/inbox/mine`);
  await row(/Дина/).waitFor();
  await clean("list");
  await picture(page, "tags-list-ru-dark-375");
  assert.equal(await wide(), false, "the list is no wider than the screen");
  await row(/Дина/).tap();
  await log().waitFor();
  await clean("dialog");
  await picture(page, "tags-dialog-ru-dark-375");
  assert.equal(await wide(), false, "the dialog is no wider than the screen");
  await page.getByRole("button", { name: "Изменить метки" }).tap();
  await page.getByRole("menuitemcheckbox", { name: "возврат денег" }).waitFor();
  await clean("editor");
  await picture(page, "tags-editor-ru-dark-375");
});

test("words begun on one device go on on another, where a colleague is seen to type", async () => {
  const dialog = await waiting("emma", "Emma Lind");
  const at = `${program.base}/app/w/${place.owner.workspace}/inbox/waiting/${dialog}`;
  const area = (where) => where.getByRole("textbox", { name: /^Reply to/ });
  page = await open(browser);
  await signIn(page, place.owner);
  await page.goto(at);
  await log().waitFor();
  await area(page).pressSequentially("Your parcel is in ");
  await until("the server has the words", async () => (await place.owner.call("GET", `dialogs/${dialog}/draft`)).text.trim() === "Your parcel is in");

  const { token } = await invited("ida@example.org");
  const colleague = new Person(program, "ida@example.org");
  await colleague.register("Ida Colleague", token);
  await colleague.call("POST", `dialogs/${dialog}/typing`, { state: "typing" });
  await page.getByText("Ida Colleague is typing").waitFor();
  await clean("a colleague types");
  await picture(page, "typing-en-light-1280");

  const other = await open(browser);
  try {
    await signIn(other, place.owner);
    await other.goto(at);
    await until("the words are here", async () => (await area(other).inputValue()).trim() === "Your parcel is in");
    await area(other).fill("Your parcel is in Oslo.");
    await area(other).press("Control+Enter");
    await until("the server has none", async () => (await place.owner.call("GET", `dialogs/${dialog}/draft`)).text === "");
  } finally {
    await leave(other);
  }
});

async function invited(email) {
  await place.owner.call("POST", "invitations", { email, role: "operator" });
  const [, token] = await program.letter(email, /#token=([0-9a-f]+)/);
  return { token };
}
