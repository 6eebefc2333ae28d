// What the scenarios share: the real program with a folder of its own, people who work in it, customers who write
// through a channel of a program, and Debian's Chromium.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const OUT = join(import.meta.dirname, "out");
const AXE = readFileSync(join(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");
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
export async function until(what, ask, most = 20_000) {
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
    };
    this.#child = spawn(process.env.REPLYX_PROGRAM, ["serve"], { env, cwd: this.#folder, stdio: ["ignore", "ignore", "inherit"] });
    await until("the program answers", () => fetch(`${this.base}/health/ready`).then((answer) => answer.ok, () => false), 60_000);
  }

  get base() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends it without a word of warning. */
  async kill() {
    const child = this.#child;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async stop() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
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
  await owner.call("POST", `assistants/${assistant.id}/answers`, {
    question: "How much is a courier to Finland?",
    answer: "A courier to Finland is 12 euros.",
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
  const page = await context.newPage();
  const faults = [];
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
