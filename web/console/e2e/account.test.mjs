// Somebody comes with nothing: an account, the first steps, a colleague, and what one does when a password is lost.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { axe, browse, leave, open, Person, picture, Program, signIn, Telegram, totp, until } from "./lib.mjs";

const telegram = new Telegram();
let program;
let browser;
let page;

before(async () => {
  await telegram.start();
  program = new Program({ EMAIL_CONFIRMATION: "always", TELEGRAM_API_URL: telegram.url, RATE_REGISTER: "200/1h" });
  [browser] = await Promise.all([browse(), program.start()]);
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

/** Somebody whose address is confirmed. */
async function account(email, name) {
  const person = new Person(program, email);
  await person.call("POST", "auth/register", { email, password: person.password, name });
  const [code] = await program.letter(email, /\b\d{6}\b/);
  const given = await person.call("POST", "auth/confirm", { email, code });
  person.token = given.access_token;
  person.workspace = given.workspace.id;
  return person;
}

test("from the address to the first right answer on one's own document, and to a customer", async () => {
  page = await open(browser);
  await page.addInitScript(() => {
    document.addEventListener("click", (event) => {
      // What the program presses itself is no click.
      if (event.isTrusted && event.detail > 0) sessionStorage.setItem("clicks", String(Number(sessionStorage.getItem("clicks") ?? 0) + 1));
    }, { capture: true });
  });
  const begun = Date.now();
  await page.goto(`${program.base}/app/`);
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByRole("heading", { name: "Create an account" }).waitFor();
  await clean("sign-up");
  await picture(page, "sign-up-en-light-1280");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByText("Fill this in").first().waitFor();
  await page.getByLabel("Your name").fill("Olga Stone");
  await page.getByLabel("E-mail").fill("olga@example.org");
  await page.getByLabel("Password").fill("short");
  await page.keyboard.press("Enter");
  await page.getByText("Choose 8 to 128 characters").waitFor();
  await clean("sign-up refused");
  await page.getByLabel("Password").fill("green lantern 7");
  await page.keyboard.press("Enter");

  await page.getByRole("heading", { name: "Confirm your e-mail" }).waitFor();
  await clean("confirm");
  await page.getByLabel("Code from the letter").fill("000000");
  await page.keyboard.press("Enter");
  await page.getByText("The code is wrong or no longer valid.").waitFor();
  const [code] = await program.letter("olga@example.org", /\b\d{6}\b/);
  await page.getByLabel("Code from the letter").fill(code);
  await page.keyboard.press("Enter");

  await page.getByRole("heading", { name: "First steps" }).waitFor();
  await page.getByLabel("Name").waitFor();
  await clean("first steps");
  await picture(page, "start-en-light-1280");
  await page.getByLabel("Name").fill("Support");
  await page.keyboard.press("Enter");
  await page.getByText("1 of 5 done").first().waitFor();

  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose files" }).click();
  await (await chooser).setFiles([
    { name: "delivery.md", mimeType: "text/markdown", buffer: Buffer.from("# Delivery\n\nA courier to Finland is 12 euros and takes four days.\n") },
    { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("this is no PDF") },
    { name: "program.exe", mimeType: "application/octet-stream", buffer: Buffer.from([77, 90, 144, 0, 3, 0, 0, 0]) },
  ]);
  await page.getByText("3 of 3 sent").waitFor();
  await page.getByText(/can be searched/).waitFor();
  await clean("documents");
  await picture(page, "start-files-en-light-1280");

  await page.getByRole("button", { name: "Ask it a question" }).last().click();
  await page.getByLabel("Your question").fill("How much is a courier to Finland?");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("mark", { hasText: "Finland" }).first().waitFor();
  await page.getByText(/12 euros/).first().waitFor();
  const clicks = Number(await page.evaluate(() => sessionStorage.getItem("clicks")));
  const seconds = (Date.now() - begun) / 1000;
  console.log(`first right answer after ${clicks} clicks and ${seconds.toFixed(0)} s`);
  assert.ok(clicks <= 12, `${clicks} clicks`);
  assert.ok(seconds < 300, `${seconds} seconds`);
  await clean("answer");
  await picture(page, "start-answer-en-light-1280");

  await page.getByRole("button", { name: /Connect a Telegram bot/ }).click();
  await page.getByLabel("Token").fill("nonsense");
  await page.keyboard.press("Enter");
  await page.getByText(/A token looks like/).waitFor();
  await page.getByLabel("Token").fill("123456789:AAF-bad-bad-bad-bad-bad-bad-bad-bad");
  await page.keyboard.press("Enter");
  await page.locator("[aria-live=assertive] p, [aria-invalid=true]").first().waitFor();
  await clean("bot refused");
  await page.getByLabel("Token").fill("123456789:AAF-good-good-good-good-good-good");
  await page.keyboard.press("Enter");
  await page.getByText("@lantern_bot is connected").waitFor();

  telegram.write(77, "Anna", "How much is a courier to Finland?");
  await until("the customer is answered", () => telegram.sent.some((message) => /12 euros/.test(message.text)), 60_000);

  await page.getByRole("button", { name: /Invite a colleague/ }).click();
  const invite = page.getByLabel("E-mail");
  if (!(await invite.isVisible())) await page.getByRole("button", { name: /Invite a colleague/ }).click();
  await invite.fill("pavel@example.org");
  await page.keyboard.press("Enter");
  await page.getByText("5 of 5 done").first().waitFor();
  await clean("all done");
  await page.getByRole("button", { name: "Go to the inbox" }).click();
  await page.waitForURL(/\/inbox\//);
  await page.getByRole("link", { name: /First steps/ }).waitFor({ state: "detached" });
});

test("a colleague joins by the link of the letter, on a phone and in Russian", async () => {
  const owner = await account("irma@example.org", "Irma");
  await owner.call("POST", "invitations", { email: "petr@example.org", role: "operator", language: "ru" });
  const [, token] = await program.letter("petr@example.org", /#token=([\w.~-]+)/);

  page = await open(browser, { locale: "ru-RU", colorScheme: "dark", viewport: { width: 375, height: 740 }, hasTouch: true });
  await page.goto(`${program.base}/app/invite#token=${token}`);
  await page.getByRole("heading", { name: "Приглашение" }).waitFor();
  assert.ok(!page.url().includes(token), "the token leaves the address");
  await clean("invitation");
  await picture(page, "invite-ru-dark-375");
  await page.getByRole("button", { name: "У меня уже есть аккаунт" }).click();
  await page.getByRole("heading", { name: "Вход" }).waitFor();
  await clean("invitation with an account");
  await page.getByRole("button", { name: "У меня ещё нет аккаунта" }).click();
  await page.getByLabel("Ваше имя").fill("Пётр");
  await page.getByLabel("Почта").fill("petr@example.org");
  await page.getByLabel("Пароль").fill("зелёный фонарь 7");
  await page.getByRole("button", { name: "Создать аккаунт и присоединиться" }).tap();
  await page.waitForURL(/\/(inbox|confirm)/);
  if (page.url().includes("/confirm")) {
    const [code] = await program.letter("petr@example.org", /\b\d{6}\b/);
    await page.getByLabel("Код из письма").fill(code);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/inbox\//);
  }
  await page.getByText("Никто не ждёт.").waitFor();
  await clean("inbox of an operator");
  await picture(page, "inbox-empty-ru-dark-375");
  const { items } = await owner.call("GET", "members");
  assert.equal(items.length, 2);
});

test("a lost password is set anew by mail", async () => {
  const person = await account("lena@example.org", "Lena");
  page = await open(browser);
  await page.goto(`${program.base}/app/sign-in`);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail").fill(person.email);
  await clean("forgot");
  await page.keyboard.press("Enter");
  await page.getByText(/a letter with a link is on its way/).waitFor();
  const [, token] = await program.letter(person.email, /reset#token=([\w.~-]+)/);

  await page.goto(`${program.base}/app/reset#token=nonsense`);
  await page.getByLabel("New password").fill("blue lantern 8");
  await page.keyboard.press("Enter");
  await page.getByText(/The link is wrong/).waitFor();
  await clean("a wrong link");
  await page.goto("about:blank");
  await page.goto(`${program.base}/app/reset#token=${token}`);
  await page.getByLabel("New password").fill("blue lantern 8");
  await page.keyboard.press("Enter");
  await page.getByText(/The password has been changed/).waitFor();
  await clean("reset");
  person.password = "blue lantern 8";
  await signIn(page, person);
});

test("somebody changes what belongs to them: name, language, password, second factor, sessions", async () => {
  const person = await account("maria@example.org", "Maria");
  page = await open(browser);
  await signIn(page, person);
  await page.getByRole("button", { name: /^Account and settings/ }).click();
  await page.getByRole("menuitem", { name: "Your account" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.getByText("This session").waitFor();
  await clean("profile");
  await picture(page, "me-en-light-1280");

  const waits = page.getByLabel("A customer waits for a person");
  assert.equal(await waits.isChecked(), true);
  await waits.uncheck();
  await page.getByRole("button", { name: "Save" }).last().click();
  await page.getByText("Saved").waitFor();
  await page.reload();
  await page.getByText("This session").waitFor();
  assert.equal(await waits.isChecked(), false);
  assert.equal(await page.getByLabel("A note mentions you").isChecked(), true);

  await page.getByLabel("Current password").fill("not it 1234");
  await page.getByLabel("New password").fill("blue lantern 8");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("The password is wrong.").waitFor();
  await page.getByLabel("Current password").fill(person.password);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("The password has been changed").waitFor();
  person.password = "blue lantern 8";

  await page.getByRole("button", { name: "Turn it on" }).click();
  await page.getByRole("textbox", { name: "Password", exact: true }).fill(person.password);
  await page.keyboard.press("Enter");
  const secret = await page.getByRole("textbox", { name: "Key", exact: true }).inputValue();
  await clean("second factor");
  await page.getByLabel("Code").fill(totp(secret));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor();
  await clean("recovery codes");
  await picture(page, "codes-en-light-1280");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText(/recovery codes left/).waitFor();

  await page.getByLabel("Language").selectOption("ru");
  await page.getByLabel("Theme").selectOption("dark");
  await page.getByLabel("Your name").fill("Мария");
  await page.getByRole("button", { name: "Save" }).first().click();
  await page.getByRole("heading", { name: "Ваш профиль" }).waitFor();
  assert.equal((await page.evaluate(() => document.documentElement.dataset.theme)), "dark");
  await picture(page, "me-ru-dark-1280");
  await clean("in Russian");
});
