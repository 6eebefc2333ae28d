// The owner looks after the workspace, an admin after the installation; each sees what they may.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { axe, browse, leave, open, Person, picture, Program, shop, signIn, Telegram, until, write } from "./lib.mjs";

const telegram = new Telegram();
let program;
let browser;
let place;
let page;

before(async () => {
  await telegram.start();
  program = new Program({ TELEGRAM_API_URL: telegram.url, BILLING: "on", CURRENCY: "USD" });
  [browser] = await Promise.all([browse(), program.start()]);
  place = await shop(program);
  await program.run("admin", "role", place.owner.email, "admin");
});

afterEach(async () => {
  await leave(page);
  page = undefined;
});

after(async () => {
  await browser?.close();
  await program?.stop();
  telegram.stop();
});

async function clean(what) {
  assert.deepEqual(await axe(page), [], `accessibility: ${what}`);
  assert.deepEqual(page.faults, [], `faults: ${what}`);
}

const at = (path) => `${program.base}/app/w/${place.owner.workspace}/${path}`;

test("a bot is connected, stopped, started and deleted, and its failure is told", async () => {
  page = await open(browser);
  await signIn(page, place.owner);
  await page.getByRole("link", { name: "Channels" }).click();
  await page.getByText("No bot is connected yet.").waitFor();
  await page.getByText("Mobile app").waitFor();
  await clean("no bots");
  await page.getByRole("button", { name: "Connect the bot" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token").fill("123456789:AAF-bad-bad-bad-bad-bad-bad-bad-bad");
  await page.keyboard.press("Enter");
  await dialog.locator("[aria-live=assertive] p, [aria-invalid=true]").first().waitFor();
  await clean("a token that Telegram refuses");
  await dialog.getByLabel("Token").fill("123456789:AAF-good-good-good-good-good-good");
  await page.keyboard.press("Enter");
  const bots = page.getByRole("list", { name: "Telegram bots" });
  await bots.getByText("@lantern_bot").waitFor();
  await bots.getByText("Running").waitFor();
  await picture(page, "channels-en-light-1280");
  await clean("channels");
  await page.getByRole("button", { name: "Stop: @lantern_bot" }).click();
  await bots.getByText("Stopped").waitFor();
  await page.getByRole("button", { name: "Start: @lantern_bot" }).click();
  await bots.getByText("Running").waitFor();
  await page.getByRole("button", { name: "Delete: @lantern_bot" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("No bot is connected yet.").waitFor();

  await page.getByRole("button", { name: "New channel" }).click();
  await dialog.getByLabel("Name").fill("Web shop");
  await dialog.getByRole("button", { name: "New channel" }).click();
  await page.getByRole("list", { name: "Programs of your own" }).getByText("Web shop").waitFor();
});

test("members are invited, given roles and removed; keys are made and revoked", async () => {
  const { owner } = place;
  await owner.call("POST", "invitations", { email: "nina@example.org", role: "viewer" });
  const [, token] = await program.letter("nina@example.org", /#token=([\w.~-]+)/);
  const nina = new Person(program, "nina@example.org");
  await nina.register("Nina", token);

  page = await open(browser, { locale: "ru-RU", colorScheme: "dark" });
  await signIn(page, owner);
  await page.getByRole("link", { name: "Настройки" }).click();
  await page.getByLabel("Название пространства").waitFor();
  await clean("workspace");
  await page.getByRole("link", { name: "Участники" }).click();
  const members = page.getByRole("list", { name: "Участники" });
  await members.getByText("nina@example.org").waitFor();
  await clean("members");
  await picture(page, "members-ru-dark-1280");
  await page.getByLabel("Роль: Nina").selectOption("operator");
  await until("the role is changed", async () => {
    const { items } = await owner.call("GET", "members");
    return items.some((one) => one.name === "Nina" && one.role === "operator");
  });
  await page.getByRole("button", { name: "Пригласить коллегу" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Почта").fill("oleg@example.org");
  await clean("an invitation");
  await dialog.getByRole("button", { name: "Отправить приглашение" }).click();
  await page.getByRole("list", { name: "Приглашены" }).getByText("oleg@example.org").waitFor();
  await page.getByRole("button", { name: "Отозвать: oleg@example.org" }).click();
  await page.getByText("oleg@example.org", { exact: true }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Исключить: Nina" }).click();
  await dialog.getByRole("button", { name: "Исключить" }).click();
  await members.getByText("nina@example.org").waitFor({ state: "detached" });

  await page.getByRole("link", { name: "Ключи API" }).click();
  await page.getByText("Ключей пока нет.").waitFor();
  await page.getByRole("button", { name: "Новый ключ" }).click();
  await dialog.getByLabel("Имя").fill("Склад");
  await dialog.getByRole("button", { name: "Новый ключ" }).click();
  await dialog.getByText("Выберите хотя бы одно право").waitFor();
  await dialog.getByLabel("documents:write").check();
  await dialog.getByLabel("documents:read").check();
  await clean("a new key");
  await dialog.getByRole("button", { name: "Новый ключ" }).click();
  const secret = await dialog.getByRole("textbox", { name: "Ключ API" }).inputValue();
  const program2 = new Person(program, "");
  program2.token = secret;
  assert.deepEqual((await program2.call("GET", "documents")).items, []);
  await dialog.getByRole("button", { name: "Я их сохранил" }).click();
  await page.getByText("documents:read, documents:write").waitFor();
  await picture(page, "keys-ru-dark-1280");
  await page.getByRole("button", { name: "Отозвать: Склад" }).click();
  await dialog.getByRole("button", { name: "Отозвать" }).click();
  await page.getByText("Ключей пока нет.").waitFor();
  await page.getByRole("link", { name: "Журнал действий" }).click();
  await page.getByRole("table").waitFor();
  await clean("audit");
  await picture(page, "audit-ru-dark-1280");
});

test("balance, entries and usage are told without losing a digit", async () => {
  const { owner } = place;
  await owner.call("POST", `admin/workspaces/${owner.workspace}/credits`, { amount: "1234567.123456", reason: "Transfer of March" });
  page = await open(browser, { viewport: { width: 375, height: 740 } });
  await signIn(page, owner);
  await page.goto(at("settings/billing"));
  await page.getByText("Transfer of March").waitFor();
  await page.getByText(/1,234,567\.12/).first().waitFor();
  await clean("balance");
  await picture(page, "billing-en-light-375");
  await page.getByLabel("Kind").selectOption("credit");
  await page.getByText("Transfer of March").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download as a table" }).click();
  assert.equal((await download).suggestedFilename(), "entries.csv");
  await page.goto(at("settings/usage"));
  await page.getByText(/No model was used in these days|Usage/).first().waitFor();
  await clean("usage");
  await picture(page, "usage-en-light-375");
});

test("an admin looks after users, workspaces, settings and prices", async () => {
  const { owner } = place;
  const other = new Person(program, "victor@example.org");
  await other.register("Victor");
  page = await open(browser);
  await signIn(page, owner);
  await page.getByRole("link", { name: "Platform" }).click();
  await page.getByLabel("Search by name or e-mail").fill("victor");
  await page.getByText("kim@example.org").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Block: victor@example.org" }).click();
  const dialog = page.getByRole("dialog");
  await clean("before blocking");
  await dialog.getByRole("button", { name: "Block" }).click();
  await page.getByText("Blocked", { exact: true }).waitFor();
  await assert.rejects(other.call("GET", "me"), /401|403/);
  await picture(page, "admin-users-en-light-1280");

  await page.getByRole("link", { name: "Workspaces" }).click();
  await page.getByRole("button", { name: "Balance: Green Lantern Shop" }).click();
  await dialog.getByLabel("Amount, USD").fill("12.50");
  await dialog.getByLabel("Reason").fill("Goodwill");
  await dialog.getByRole("button", { name: "Book it" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await clean("a balance");
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Suspend: Victor" }).click();
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("Suspended").waitFor();

  await page.getByRole("navigation", { name: "Platform" }).getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Search settings").fill("trial_message_limit");
  await page.getByRole("button", { name: /^Edit: .*trial_message_limit/i }).click();
  await clean("settings");
  await page.locator("input[name=value]").fill("77");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Changed", { exact: true }).waitFor();
  await page.getByRole("button", { name: /^Reset: / }).click();
  await page.getByText("Changed", { exact: true }).waitFor({ state: "detached" });

  await page.getByRole("link", { name: "Prices" }).click();
  await page.getByRole("button", { name: "Set prices" }).click();
  await page.getByLabel("An answer").fill("0.07");
  await page.getByRole("button", { name: "Set prices" }).click();
  await page.getByRole("cell", { name: "0.07" }).waitFor();
  await clean("prices");
  await page.getByRole("navigation", { name: "Platform" }).getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("table").waitFor();
  await clean("platform audit");
});

test("the palette goes anywhere, and the title counts those who wait", async () => {
  const { owner } = place;
  const dialog = await write(place, "iris", "Iris Blom", "I want to talk to a human, please");
  await until("the dialog waits", async () => (await owner.call("GET", `dialogs/${dialog}`)).control === "waiting");
  page = await open(browser, { colorScheme: "dark" });
  await signIn(page, owner);
  await page.getByText("Iris Blom").waitFor();
  await until("the title counts", async () => /^\(1\) /.test(await page.title()));

  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog");
  await palette.getByRole("menuitem").first().waitFor();
  await clean("palette");
  await page.keyboard.type("knowl");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Knowledge" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("iris");
  await palette.getByRole("menuitem", { name: /Iris Blom/ }).waitFor();
  await picture(page, "palette-en-dark-1280");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Iris Blom" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await palette.waitFor({ state: "detached" });
});

test("a reply that is kept ready is put in with a few letters", async () => {
  const { owner } = place;
  const dialog = await write(place, "otto", "Otto Lind", "I want to talk to a human, please");
  await until("the dialog waits", async () => (await owner.call("GET", `dialogs/${dialog}`)).control === "waiting");
  page = await open(browser);
  await signIn(page, owner);
  await page.goto(at("settings/canned"));
  await page.getByRole("button", { name: "New reply" }).click();
  const overlay = page.getByRole("dialog");
  await overlay.getByLabel("Shortcut").fill("returns");
  await overlay.getByLabel("Title").fill("Returns");
  await overlay.getByLabel("Text").fill("You may return it within 30 days.");
  await clean("a reply that is kept ready");
  await overlay.getByRole("button", { name: "Save" }).click();
  await page.getByText("You may return it within 30 days.").waitFor();
  await clean("canned replies");

  await page.goto(at(`inbox/waiting/${dialog}`));
  const area = page.getByLabel("Reply to Otto Lind");
  await area.fill("/ret");
  await page.getByRole("option", { name: /Returns/ }).waitFor();
  await clean("choosing a reply");
  await picture(page, "canned-en-light-1280");
  await area.press("Enter");
  await until("the words are there", async () => (await area.inputValue()) === "You may return it within 30 days.");
  await area.press("Control+Enter");
  await page.getByRole("log").getByText("You may return it within 30 days.").waitFor();
});

test("a viewer sees what they may, and is told what they may not", async () => {
  const { owner } = place;
  await owner.call("POST", "invitations", { email: "vera@example.org", role: "viewer" });
  const [, token] = await program.letter("vera@example.org", /#token=([\w.~-]+)/);
  const vera = new Person(program, "vera@example.org");
  await vera.register("Vera", token);
  page = await open(browser);
  await signIn(page, vera);
  await page.getByRole("link", { name: "Assistants" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Platform" }).count(), 0);
  assert.equal(await page.getByRole("link", { name: "First steps" }).count(), 0);
  await page.goto(at("admin"));
  await page.getByText("You may not see this.").waitFor();
  await page.goto(at("settings/keys"));
  await page.getByText("You may not").first().waitFor();
  await page.goto(at(`assistants/${place.assistant.id}`));
  await page.getByLabel("Greeting").waitFor();
  assert.ok(await page.getByLabel("Greeting").isDisabled());
  assert.equal(await page.getByRole("button", { name: "Stop everything" }).count(), 0);
  await clean("an assistant that may only be read");
  await page.goto(at("knowledge"));
  await page.getByText("No documents yet.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Choose files" }).count(), 0);
});
