// What the pages behind links in letters do: /invite joins a workspace, /reset sets a new password.
"use strict";

const API = "/api/v1/";
const element = (id) => document.getElementById(id);

// The token leaves the address bar, so that it is not seen over a shoulder or kept in the history.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname + location.search);

// A failed request, with the code that the API gave it.
class Refused extends Error {
  constructor(problem) {
    super(problem.detail || "");
    this.code = problem.code || "unknown";
    this.fields = problem.errors || [];
  }
}

async function post(path, body, access) {
  const headers = { "content-type": "application/json" };
  if (access) headers.authorization = "Bearer " + access;
  let answer;
  try {
    answer = await fetch(API + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
    });
  } catch {
    throw new Refused({ code: "offline" });
  }
  const text = await answer.text();
  let content = {};
  try {
    content = text ? JSON.parse(text) : {};
  } catch {
    content = {};
  }
  if (!answer.ok) throw new Refused(content);
  return content;
}

// The sentence for a code, in the language of the page.
function sentence(code) {
  const texts = element("texts").content;
  const found = texts.querySelector('[data-code="' + CSS.escape(code) + '"]');
  return (found || texts.querySelector('[data-code="unknown"]')).textContent;
}

function show(error) {
  const box = element("error");
  const code = error instanceof Refused ? error.code : "unknown";
  const fields = error instanceof Refused ? error.fields.map((field) => field.message) : [];
  box.textContent = [sentence(code), ...fields].join(" ");
  box.hidden = false;
  const totp = element("login-totp-row");
  if (totp && (code === "totp_required" || code === "wrong_totp")) {
    totp.hidden = false;
    element("login-totp").focus();
  }
}

function finish(workspace) {
  if (workspace) element("workspace").textContent = workspace;
  element("forms").hidden = true;
  element("error").hidden = true;
  element("done").hidden = false;
  element("done").focus();
}

// Runs a form's work once at a time, and shows what goes wrong.
function on(id, work) {
  const form = element(id);
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    element("error").hidden = true;
    try {
      await work((name) => element(id + "-" + name).value);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  });
}

// Nobody goes on from this page, so nobody stays signed in by it.
async function signOut(access) {
  try {
    await post("auth/logout", {}, access);
  } catch {
    // The session ends by itself.
  }
}

on("join", async (value) => {
  const body = { email: value("email"), password: value("password"), invitation: token };
  body.language = document.documentElement.lang;
  if (value("name").trim()) body.name = value("name").trim();
  const made = await post("auth/register", body);
  await signOut(made.access_token);
  finish(made.workspace.name);
});

on("login", async (value) => {
  const body = { email: value("email"), password: value("password") };
  if (value("totp").trim()) body.totp = value("totp").trim();
  const tokens = await post("auth/login", body);
  try {
    const joined = await post("invitations/accept", { token }, tokens.access_token);
    finish(joined.name);
  } finally {
    await signOut(tokens.access_token);
  }
});

on("reset", async (value) => {
  if (value("password") !== value("again")) throw new Refused({ code: "differs" });
  await post("auth/password/reset", { token, new_password: value("password") });
  finish(null);
});

// The other language keeps the token.
const other = element("other");
other.addEventListener("click", () => {
  if (token) other.hash = "token=" + encodeURIComponent(token);
});

if (token) {
  element("forms").hidden = false;
} else {
  show(new Refused({ code: "no_token" }));
}
