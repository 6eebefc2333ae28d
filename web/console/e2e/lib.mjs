// What the scenarios share: the real program with a folder of its own, people who work in it, customers who write
// through a channel of a program, and Debian's Chromium.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const OUT = join(import.meta.dirname, "out");
const AXE = readFileSync(join(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");
/** A built page to look at before the program carries it. */
const DIST = process.env.REPLYX_PAGE;
const PASSWORD = "green lantern 7";
mkdirSync(OUT, { recursive: true });

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks until the answer is truthy. */
export async function until(what, ask, most = 90_000) {
  const end = Date.now() + most;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The program under test. */
export class Program {
  #folder = mkdtempSync(join(tmpdir(), "replyx-console-"));
  #child = null;

  /** @param settings of the environment, besides those that every program under test has */
  constructor(settings = {}) {
    this.settings = settings;
  }

  async start() {
    this.port ??= await freePort();
    const env = {
      PATH: process.env.PATH,
      DATA_DIR: this.#folder,
      PORT: String(this.port),
      LOG_LEVEL: "error",
      REPLY_WINDOW_MS: "20",
      // Nothing of a test reaches the real one.
      TELEGRAM_API_URL: "http://127.0.0.1:9",
      ...this.settings,
    };
    this.#child = spawn(process.env.REPLYX_PROGRAM, ["serve"], { env, cwd: this.#folder, stdio: ["ignore", "ignore", "inherit"] });
    const child = this.#child;
    await until("the program answers", () => child.exitCode !== null || fetch(`${this.base}/health/ready`).then((answer) => answer.ok, () => false), 60_000);
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}`);
  }

  get base() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Runs a command of the program on the same data. */
  async run(...words) {
    const env = { PATH: process.env.PATH, DATA_DIR: this.#folder, ...this.settings };
    const child = spawn(process.env.REPLYX_PROGRAM, words, { env, cwd: this.#folder, stdio: ["ignore", "ignore", "inherit"] });
    const code = await new Promise((resolve) => child.once("exit", resolve));
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}`);
  }

  /** The text of the newest letter to an address, once there is one that matches. */
  letter(address, mark) {
    const folder = join(this.#folder, "mail");
    return until(`a letter to ${address}`, () => {
      if (!existsSync(folder)) return null;
      const files = readdirSync(folder).sort().reverse();
      for (const file of files) {
        const source = readFileSync(join(folder, file), "utf8");
        if (!new RegExp(`^To:.*${RegExp.escape?.(address) ?? address}`, "im").test(source)) continue;
        const found = mark.exec(decoded(source));
        if (found) return found;
      }
      return null;
    });
  }

  /** Ends it without a word of warning. */
  async kill() {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async stop() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A letter without the ways in which its parts travel. */
function decoded(source) {
  const parts = source.split(/^--.*$/m).map((part) => {
    const [head, ...rest] = part.split(/\r?\n\r?\n/);
    const text = rest.join("\n\n");
    if (/base64/i.test(head)) return Buffer.from(text.replaceAll(/\s/g, ""), "base64").toString("utf8");
    if (!/quoted-printable/i.test(head)) return text;
    const joined = text.replaceAll(/=\r?\n/g, "");
    return Buffer.from(joined.replaceAll(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16))), "latin1").toString("utf8");
  });
  return parts.join("\n");
}

/** What stands in for Telegram: one bot, whose customers write when a scenario says so. */
export class Telegram {
  sent = [];
  #updates = [];
  #last = 0;
  #wake = () => undefined;

  async start() {
    this.#server = createHttpServer((request, answer) => void this.#answer(request, answer));
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  #server = null;

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** A customer writes to the bot. */
  write(id, name, text) {
    this.#last += 1;
    const from = { id, is_bot: false, first_name: name, language_code: "en" };
    const message = { message_id: this.#last, from, chat: { id, type: "private", first_name: name }, date: Math.floor(Date.now() / 1000), text };
    this.#updates.push({ update_id: this.#last, message });
    this.#wake();
  }

  async #answer(request, answer) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const given = Buffer.concat(chunks).toString("utf8");
    const [, token, method] = /^\/bot([^/]+)\/(\w+)/.exec(request.url) ?? [];
    const reply = (status, body) => {
      answer.writeHead(status, { "content-type": "application/json" });
      answer.end(JSON.stringify(body));
    };
    if (!token?.includes("AAF-good")) {
      return reply(401, { ok: false, error_code: 401, description: "Unauthorized" });
    }
    if (method === "getMe") {
      return reply(200, { ok: true, result: { id: 123456789, is_bot: true, first_name: "Lantern", username: "lantern_bot" } });
    }
    if (method === "getUpdates") {
      const { offset = 0 } = JSON.parse(given || "{}");
      this.#updates = this.#updates.filter((update) => update.update_id >= offset);
      if (this.#updates.length === 0) {
        await new Promise((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, 1_000);
        });
      }
      return reply(200, { ok: true, result: this.#updates });
    }
    if (method === "getWebhookInfo") return reply(200, { ok: true, result: { url: "", pending_update_count: 0, has_custom_certificate: false } });
    if (method === "sendMessage") {
      const message = JSON.parse(given);
      this.sent.push(message);
      this.#last += 1;
      const chat = { id: message.chat_id, type: "private" };
      return reply(200, { ok: true, result: { message_id: this.#last, date: Math.floor(Date.now() / 1000), chat, text: message.text } });
    }
    return reply(200, { ok: true, result: true });
  }
}

/** Somebody with a token. */
export class Person {
  constructor(program, email) {
    this.program = program;
    this.email = email;
    this.password = PASSWORD;
  }

  async call(method, path, body) {
    const headers = { "content-type": "application/json" };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const answer = await fetch(`${this.program.base}/api/v1/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  async register(name, invitation) {
    const given = await this.call("POST", "auth/register", {
      email: this.email,
      password: PASSWORD,
      name,
      ...(invitation ? { invitation } : {}),
    });
    this.token = given.access_token;
    this.workspace = given.workspace.id;
    return given;
  }
}

/** A shop: its owner, an assistant that knows something, and a channel. */
export async function shop(program) {
  const owner = new Person(program, "kim@example.org");
  await owner.register("Kim Larsen");
  await owner.call("PATCH", "workspace", { name: "Green Lantern Shop" });
  const assistant = await owner.call("POST", "assistants", { name: "Support", template: "support.en" });
  const pair = await owner.call("POST", `assistants/${assistant.id}/answers`, {
    question: "How much is a courier to Finland?",
    answer: "A courier to Finland is 12 euros.",
  });
  await until("the answer is found", async () => {
    const { status } = await owner.call("GET", `assistants/${assistant.id}/answers/${pair.id}`);
    return status === "ready";
  });
  await owner.call("POST", `assistants/${assistant.id}/publish`, {});
  const channel = await owner.call("POST", `assistants/${assistant.id}/channels`, { kind: "api", name: "Mobile app" });
  return { owner, assistant, channel };
}

let customers = 0;

/** A customer writes; gives the dialog. */
export async function write({ owner, channel }, contact, name, text) {
  customers += 1;
  const posted = await owner.call("POST", `channels/${channel.id}/messages`, {
    contact,
    name,
    text,
    client_id: `m-${customers}-${Date.now()}`,
  });
  return posted.dialog_id;
}

export async function messages(person, dialog) {
  return (await person.call("GET", `dialogs/${dialog}/messages?limit=200`)).items;
}

export async function browse() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page that remembers what went wrong in it. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-US",
    reducedMotion: "reduce",
    ...options,
  });
  // The machine may be slow.
  context.setDefaultTimeout(90_000);
  if (DIST) await serve(context, DIST);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    // An answer that refuses something is no fault of the page.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  await page.exposeFunction("reportViolation", (text) => faults.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  page.faults = faults;
  return page;
}

/** Closes a page; keeps the last thing that was seen, for whoever looks into a failure. */
export async function leave(page) {
  if (!page || page.isClosed()) return;
  await picture(page, "last");
  if (page.faults?.length > 0) console.log(page.faults);
  await page.context().close();
}

/** Puts a built page in place of the one that the program carries, under the same policy. */
async function serve(context, dist) {
  await context.route(/^[^?#]*\/app(\/|$)/, async (route) => {
    const url = new URL(route.request().url());
    const path = url.pathname.slice("/app/".length);
    const isFile = /\.\w+$/.test(path);
    const own = await fetch(new URL("/app/", url));
    await route.fulfill({
      path: join(dist, isFile ? path : "index.html"),
      headers: { "content-security-policy": own.headers.get("content-security-policy") },
    });
  });
}

export async function signIn(page, person) {
  await page.goto(`${person.program.base}/app/`);
  await page.getByLabel(/^(E-mail|Почта)$/).fill(person.email);
  await page.getByLabel(/^(Password|Пароль)$/).fill(person.password);
  await page.getByRole("button", { name: /^(Sign in|Войти)$/ }).click();
  await page.waitForURL(/\/inbox\//);
}

/** The findings of axe, in a line each. */
export async function axe(page) {
  // Evaluated by the debugger, not as a script of the page, so the policy stays as it is.
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).slice(0, 3).join(" | ")}`);
}

export async function picture(page, name) {
  await page.screenshot({ path: join(OUT, `${name}.png`) });
}

/** The code that an authenticator app shows. */
export function totp(secret, now = Date.now()) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll("=", "")].map((one) => alphabet.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash.at(-1) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
