// An operator at work, in a real browser against the real program. Languages, themes and widths are spread over the
// scenarios; each looks for accessibility faults and for violations of the page's policy.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { axe, browse, leave, messages, open, Person, picture, Program, shop, signIn, totp, until, write } from "./lib.mjs";

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

const HUMAN = "I want to talk to a human, please";
const row = (name) => page.getByRole("list", { name: /^(Dialogs|Диалоги)$/ }).getByRole("link", { name });
const area = () => page.getByRole("textbox", { name: /^(Reply to|Ответ клиенту)/ });
const log = () => page.getByRole("log");

async function clean(what) {
  assert.deepEqual(await axe(page), [], `accessibility: ${what}`);
  assert.deepEqual(page.faults, [], `faults: ${what}`);
}

/** A dialog in which a customer waits for a person. */
async function waiting(contact, name) {
  const dialog = await write(place, contact, name, HUMAN);
  await until("the dialog waits", async () => (await place.owner.call("GET", `dialogs/${dialog}`)).control === "waiting");
  return dialog;
}

test("somebody with a second factor signs in, and is told what was wrong", async () => {
  const person = new Person(program, "ada@example.org");
  await person.register("Ada");
  const { secret } = await person.call("POST", "auth/totp", { password: person.password });
  const confirmed = await person.call("POST", "auth/totp/confirm", { code: totp(secret) });
  const [code] = confirmed.recovery_codes;

  page = await open(browser);
  await page.goto(`${program.base}/app/w/${person.workspace}/inbox/closed?unread=true`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await clean("sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Fill this in").first().waitFor();
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("not it 1234");
  await page.keyboard.press("Enter");
  await page.getByText("The e-mail or the password is wrong.").waitFor();
  await page.getByLabel("Password").fill(person.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Second step" }).waitFor();
  await clean("second step");
  await page.getByLabel("Code").fill(code);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/inbox\/closed\?unread=true$/);
  await page.getByText("No dialog matches these filters.").waitFor();
  await clean("nothing found");
  await page.getByRole("link", { name: "Clear filters" }).click();
  await page.getByText("No dialog has been closed yet.").waitFor();
  await page.keyboard.press("KeyG");
  await page.keyboard.press("KeyW");
  await page.getByText("Nobody waits.").waitFor();
  await clean("empty inbox");
});

test("an operator takes a dialog over, answers, notes, closes and reopens it with the keyboard", async () => {
  const dialog = await waiting("ann", "Ann Berg");
  page = await open(browser);
  await signIn(page, place.owner);
  await row(/Ann Berg/).waitFor();
  await clean("inbox");
  await picture(page, "inbox-en-light-1280");

  await page.keyboard.press("KeyJ");
  await page.getByRole("heading", { name: "Ann Berg" }).waitFor();
  await log().getByText(HUMAN).waitFor();
  await clean("dialog");
  await page.keyboard.press("KeyT");
  await log().getByText(/Kim Larsen took over/).waitFor();

  await page.keyboard.press("KeyR");
  await page.keyboard.type("Hello, this is Kim.");
  await page.keyboard.press("Control+Enter");
  await log().getByText("Hello, this is Kim.").waitFor();
  await log().getByText("Delivered").last().waitFor();
  assert.equal(await area().inputValue(), "");

  await page.keyboard.press("Escape");
  await page.keyboard.press("KeyA");
  await page.getByRole("menuitemradio", { name: /^You/ }).waitFor();
  await clean("colleagues");
  await page.getByRole("menuitemradio", { name: "Back to the queue" }).click();
  await log().getByText("Handed over to a person").nth(1).waitFor();
  await page.getByRole("button", { name: "Take over", exact: true }).click();
  await log().getByText(/Kim Larsen took over/).nth(1).waitFor();

  await page.getByRole("button", { name: /^Account and settings/ }).click();
  await page.getByRole("menuitemradio", { name: "Online" }).click();
  await until("the operator is online", async () => {
    const { items } = await place.owner.call("GET", "operators");
    return items.some((one) => one.name === "Kim Larsen" && one.state === "online");
  });
  await page.keyboard.press("Escape");

  await page.locator("body").click({ position: { x: 700, y: 300 } });
  await page.keyboard.press("KeyN");
  await page.keyboard.type("Likes short answers.");
  await page.keyboard.press("Control+Enter");
  await log().getByText("Likes short answers.").waitFor();
  await clean("dialog with a note");
  await picture(page, "dialog-en-light-1280");

  // What the customer writes appears by itself.
  await write(place, "ann", "Ann Berg", "Thank you, Kim!");
  await log().getByText("Thank you, Kim!").waitFor();

  await page.keyboard.press("Escape");
  await page.keyboard.press("KeyE");
  await page.getByRole("button", { name: "Reopen" }).first().waitFor();
  assert.equal((await place.owner.call("GET", `dialogs/${dialog}`)).control, "closed");
  await page.getByRole("button", { name: "Reopen" }).first().click();
  await page.getByRole("button", { name: "Close", exact: true }).waitFor();

  const stored = await messages(place.owner, dialog);
  assert.equal(stored.filter((message) => message.text === "Hello, this is Kim.").length, 1);
  assert.equal(stored.filter((message) => message.kind === "note").length, 1);
  await clean("at the end");
});

test("a colleague was quicker: the reply is refused, and its words are kept", async () => {
  const dialog = await waiting("boris", "Борис Петров");
  const key = await place.owner.call("POST", "api-keys", { name: "Night shift", scopes: ["dialogs:read", "dialogs:write"] });
  const colleague = new Person(program, "");
  colleague.token = key.key;

  // The page hears of nothing that happens.
  page = await open(browser, { colorScheme: "dark" });
  await page.route("**/api/v1/events", (route) => route.abort());
  await signIn(page, place.owner);
  await page.getByText(/^Reconnecting since/).first().waitFor();
  await row(/Борис/).click();
  await log().getByText(HUMAN).waitFor();
  await area().fill("I have the answer");

  await colleague.call("POST", `dialogs/${dialog}/takeover`, {});
  await area().press("Control+Enter");
  await page.getByRole("alert").getByText(/Night shift has this dialog/).waitFor();
  assert.equal(await area().inputValue(), "I have the answer");
  await log().getByText(/Night shift took over/).waitFor();
  await clean("refused");
  await picture(page, "refused-en-dark-1280");

  // After a reload the words are still there.
  await page.unroute("**/api/v1/events");
  await page.reload();
  await log().getByText(/Night shift took over/).waitFor();
  assert.equal(await area().inputValue(), "I have the answer");
  const stored = await messages(place.owner, dialog);
  assert.ok(!stored.some((message) => message.text === "I have the answer"));
});

test("the server is killed between sending and answering: no word is lost, none doubled", async () => {
  const dialog = await waiting("chidi", "Chidi Okafor");
  page = await open(browser);
  await signIn(page, place.owner);
  await row(/Chidi/).click();
  await log().getByText(HUMAN).waitFor();
  await page.keyboard.press("KeyT");
  await log().getByText(/took over/).waitFor();

  // The server takes the first message, and its answer is lost.
  let gone;
  const isGone = new Promise((resolve) => {
    gone = resolve;
  });
  await page.route("**/messages", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    await route.fetch();
    await program.kill();
    await route.abort();
    gone();
  });
  await area().fill("Taken before the crash");
  await area().press("Control+Enter");
  await isGone;
  await page.unroute("**/messages");
  await area().fill("Written while it was down");
  await area().press("Control+Enter");
  await log().getByText("Not sent yet. Trying again.").first().waitFor();
  await area().fill("A draft");
  await page.getByText(/^Reconnecting since/).first().waitFor();
  await clean("while the server is down");

  await program.start();
  await log().getByText("Not sent yet. Trying again.").first().waitFor({ state: "detached", timeout: 30_000 });
  await until("both are stored", async () => (await messages(place.owner, dialog)).some((one) => one.text === "Written while it was down"));
  await write(place, "chidi", "Chidi Okafor", "Are you still there?");
  await log().getByText("Are you still there?").waitFor({ timeout: 40_000 });
  assert.equal(await area().inputValue(), "A draft");

  const words = (await messages(place.owner, dialog)).filter((one) => one.author === "operator" && one.kind === "text").map((one) => one.text);
  assert.deepEqual(words, ["Taken before the crash", "Written while it was down"]);
  const shown = await log().locator("article").allInnerTexts();
  await page.reload();
  await log().getByText("Are you still there?").waitFor();
  assert.deepEqual(shown, await log().locator("article").allInnerTexts());
  assert.deepEqual(page.faults, []);
});

test("three tabs read one stream, and another goes on when its tab is closed", async () => {
  page = await open(browser);
  const context = page.context();
  const asked = [];
  context.on("request", (request) => {
    if (request.url().endsWith("/api/v1/events")) asked.push(request);
  });
  await signIn(page, place.owner);
  await page.getByRole("status").getByText("Connected").waitFor();
  const tabs = [];
  for (let count = 0; count < 2; count += 1) {
    const tab = await context.newPage();
    await tab.goto(page.url());
    await tab.getByRole("status").getByText("Connected").waitFor();
    tabs.push(tab);
  }
  assert.equal(asked.length, 1, "the tabs that came later ask for no stream");

  await waiting("dana", "Dana Weiss");
  for (const tab of [page, ...tabs]) await tab.getByRole("link", { name: /Dana Weiss/ }).waitFor();
  await page.close();
  await until("another tab asks for it", () => asked.length === 2);
  await waiting("emil", "Emil Karlsson");
  for (const tab of tabs) await tab.getByRole("link", { name: /Emil Karlsson/ }).waitFor();
  assert.equal(asked.length, 2);
  page = tabs[0];
});

test("on a phone, in Russian and in the dark, the list, the dialog and the way back fit", async () => {
  await waiting("fatima", "فاطمة");
  page = await open(browser, { viewport: { width: 375, height: 740 }, locale: "ru-RU", colorScheme: "dark", hasTouch: true });
  await page.goto(`${program.base}/app/`);
  await page.getByRole("heading", { name: "Вход" }).waitFor();
  await clean("sign-in");
  await picture(page, "sign-in-ru-dark-375");
  await signIn(page, place.owner);
  await row(/فاطمة/).waitFor();
  await clean("list");
  await picture(page, "inbox-ru-dark-375");

  const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(await wide(), false, "the list is no wider than the screen");
  await row(/فاطمة/).tap();
  await log().getByText(HUMAN).waitFor();
  await clean("dialog");
  await picture(page, "dialog-ru-dark-375");
  assert.equal(await wide(), false, "the dialog is no wider than the screen");
  for (const part of [page.getByRole("heading", { name: /فاطمة/ }), page.getByRole("button", { name: "Закрыть" })]) {
    const box = await part.boundingBox();
    assert.ok(box.width > 40 && box.x + box.width <= 375, JSON.stringify(box));
  }
  await page.getByRole("link", { name: "Назад к списку" }).tap();
  await row(/فاطمة/).waitFor();
});

test("a session that ends asks to sign in above the page, and what was written is sent afterwards", async () => {
  const dialog = await waiting("henry", "Henry Adams");
  page = await open(browser);
  await signIn(page, place.owner);
  await row(/Henry Adams/).click();
  await log().getByText(HUMAN).waitFor();
  await area().fill("Still here");
  await page.context().clearCookies();
  await area().press("Control+Enter");

  const asked = page.getByRole("dialog", { name: "Sign in" });
  await asked.getByText(/what you wrote is kept/).waitFor();
  await clean("signed out");
  await asked.getByLabel("E-mail").fill(place.owner.email);
  await asked.getByLabel("Password").fill(place.owner.password);
  await page.keyboard.press("Enter");
  await asked.waitFor({ state: "detached" });
  await until("the reply is stored", async () => {
    const texts = (await messages(place.owner, dialog)).map((message) => message.text);
    return texts.filter((text) => text === "Still here").length === 1;
  });
  await page.getByRole("status").getByText("Connected").waitFor({ timeout: 40_000 });
  await write(place, "henry", "Henry Adams", "Good that you are");
  await log().getByText("Good that you are").waitFor({ timeout: 40_000 });
});

test("a long dialog opens at its end, and its beginning is loaded on the way up", async () => {
  const dialog = await waiting("grace", "Grace Hopper");
  await place.owner.call("POST", `dialogs/${dialog}/takeover`, {});
  for (let count = 1; count <= 120; count += 1) {
    const body = { client_id: `long-${count}`, kind: "note", text: `Note ${count}. ${"Words ".repeat(count % 40)}` };
    await place.owner.call("POST", `dialogs/${dialog}/messages`, body);
  }
  page = await open(browser, { viewport: { width: 820, height: 1000 } });
  const pages = [];
  page.on("request", (request) => {
    if (request.url().includes("/messages?")) pages.push(new URL(request.url()).search);
  });
  await signIn(page, place.owner);
  await page.getByRole("link", { name: /^Mine/ }).click();
  await row(/Grace Hopper/).click();
  await log().getByText("Note 120.").waitFor();
  assert.equal(pages.length, 1, "only the newest page is loaded");
  assert.equal(await log().getByText("Note 1.").count(), 0);
  await clean("at 820 pixels");

  await log().hover();
  await until("the beginning", async () => {
    await page.mouse.wheel(0, -700);
    return log().getByText("The dialog begins here").isVisible();
  });
  assert.equal(pages.length, 3);
  await page.getByRole("button", { name: "Go to the newest message" }).click();
  await log().getByText("Note 120.").waitFor();
});

test("an answer shows its passages and how far it has come, and a reply becomes an answer", async () => {
  const dialog = await write(place, "hugo", "Hugo Weiss", "How much is a courier to Finland?");
  await until("it is answered", async () => (await messages(place.owner, dialog)).some((message) => message.answer));
  page = await open(browser);
  await signIn(page, place.owner);
  await page.goto(`${program.base}/app/w/${place.owner.workspace}/inbox/ai/${dialog}`);
  await log().getByRole("button", { name: "1 source" }).waitFor();
  await page.keyboard.press("KeyS");
  const panel = page.getByRole("dialog");
  await panel.locator("mark", { hasText: "courier" }).first().waitFor();
  await clean("sources");
  await picture(page, "sources-en-light-1280");
  await panel.getByRole("button", { name: "Done" }).click();

  await page.keyboard.press("KeyR");
  await page.keyboard.type("To Åland it is 15 euros.");
  await page.keyboard.press("Control+Enter");
  // Theirs and ours: before that, ours is not known to the server.
  await log().getByText("Delivered").nth(1).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("KeyQ");
  assert.equal(await panel.getByLabel("Question").inputValue(), "How much is a courier to Finland?");
  await panel.getByLabel("Question").fill("How much is a courier to Åland?");
  await clean("a reply becomes an answer");
  await panel.getByRole("button", { name: "Add an answer" }).click();
  await page.getByText("The answer will be found in a moment").waitFor();
  const { items } = await place.owner.call("GET", `assistants/${place.assistant.id}/answers`);
  assert.ok(items.some((one) => one.answer === "To Åland it is 15 euros."));
});

test("words of customers stay words", async () => {
  const hostile = `<img src=x onerror="document.title='x'"><script>alert(1)</script>[a](javascript:alert(1)) {{7*7}}`;
  page = await open(browser);
  page.on("dialog", () => page.faults.push("a dialog opened"));
  await signIn(page, place.owner);
  await write(place, "xss", 'Eve <img src=x onerror="x()">', `${hostile} human please`);
  const dialog = await until("it was answered", async () => {
    const [newest] = (await place.owner.call("GET", "dialogs?order=activity&limit=1")).items;
    return newest.last_message.author !== "customer" && newest;
  });
  await page.goto(`${program.base}/app/w/${place.owner.workspace}/inbox/${dialog.control}/${dialog.id}`);
  await log().getByText("onerror").first().waitFor();
  await row(/Eve <img src=x/).waitFor();
  assert.equal(await log().locator("img, script, a[href^=javascript]").count(), 0);
  await clean("hostile words");
});
