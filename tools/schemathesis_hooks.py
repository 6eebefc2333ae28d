"""Who calls, about what, and what is no finding, when schemathesis asks.

All operations are called by one owner of a workspace, those of the installation by an admin, and those that end a
session or an account by somebody whose account serves that operation alone and is replaced when it has ended.

An id that fits its schema and names nothing finds only 404s, so half of them are replaced by ids of things that are
there.
"""

import itertools
import json
import os
import re
import threading
import urllib.error
import urllib.request
import uuid

import schemathesis

BASE = os.environ["REPLYX_BASE"]
PASSWORD = "green lantern 7"
# They end the caller's session, lock them out, or change what they can show.
DESTRUCTIVE = {
    "logout_user",
    "delete_me",
    "restore_me",
    "change_password",
    "revoke_session",
    "revoke_other_sessions",
    "begin_second_factor",
    "confirm_second_factor",
    "remove_second_factor",
    "replace_recovery_codes",
    "remove_member",
    "update_member",
}
# Codes about what was asked before, or about a secret that only a mail or a device tells: no schema can say it.
BEYOND_SCHEMAS = {"idempotency_key_reused", "precondition_failed", "wrong_code", "wrong_token", "wrong_totp"}
# Fields with rules that no schema can say: how strong a password is, whether an address could exist, what fits the kind
# of a setting, what is in the future, whether there is anything to change, what names a thing that is there, what may be
# a name in a letter, which way for updates works here, which models are allowed, who wrote a message before, how long
# the words of a list may be.
STRICTER_THAN_SCHEMAS = {
    "password", "new_password", "email", "value", "expires_at", "file", "", "question", "answer", "base_url", "provider",
    "from", "to", "url", "time_zone", "fallback_models", "questions",
    "template", "gate.question_set_id", "name", "mode", "model", "allowed_models", "replaces",
    "client_id", "tags", "assignee_id", "snoozed_until", "title", "shortcut",
    "dialog_ids", "add_tags", "views",
}

# Their names are languages, days or dates, kinds of channels, models; their values have bounds that the description of
# the field tells.
MAPS = {"texts", "hours", "capacity", "answer_by_channel", "tokens"}

accounts = {}
furnished = set()
numbers = itertools.count()
lock = threading.Lock()


def ask(method, path, body=None, token=None):
    """The status and the body of an answer."""
    request = urllib.request.Request(f"{BASE}/api/v1{path}", method=method)
    is_form = isinstance(body, str)
    request.add_header("content-type", "multipart/form-data; boundary=limit" if is_form else "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    data = None if body is None else (body if is_form else json.dumps(body)).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None


def register():
    email = f"user{next(numbers)}@example.org"
    status, body = ask("POST", "/auth/register", {"email": email, "password": PASSWORD})
    assert status == 201, f"registering: {status}"
    return body["access_token"]


def ids_of(things, token):
    """The ids of what somebody has. Some things are listed below others alone."""
    above = {"/question-sets": "/assistants", "/evaluation-runs": "/question-sets", "/answers": "/assistants"}
    if things in above:
        below = "/runs" if things == "/evaluation-runs" else things
        return [it for one in ids_of(above[things], token)[:3] for it in ids_of(f"{above[things]}/{one}{below}", token)]
    _, found = ask("GET", f"{things}?limit=200", token=token)
    return [item.get("id") or item.get("user_id") for item in (found or {}).get("items", [])]


def furnish(token):
    """Makes one of everything, once."""
    if token in furnished:
        return
    furnished.add(token)
    _, assistant = ask("POST", "/assistants", {"name": "Support"}, token)
    path = f"/assistants/{assistant['id']}"
    form = (
        '--limit\r\ncontent-disposition: form-data; name="file"; filename="returns.md"\r\n\r\n'
        "# Returns\n\nYou may return an item within 30 days.\r\n--limit--\r\n"
    )
    ask("POST", f"{path}/documents", form, token)
    ask("POST", f"{path}/answers", {"question": "Are you open on Sundays?", "answer": "Yes."}, token)
    questions = [{"question": "How long may I return an item?", "answers": ["30 days"]}]
    status, made = ask("POST", f"{path}/question-sets", {"name": "Returns", "questions": questions}, token)
    if status == 201:
        ask("POST", f"/question-sets/{made['id']}/runs", {"answers": False}, token)
    ask("POST", f"{path}/bots", {"token": f"{next(numbers)}:{'a' * 35}"}, token)
    ask("POST", "/api-keys", {"name": "Key", "scopes": ["bots:read"]}, token)
    ask("POST", "/invitations", {"email": f"invited{next(numbers)}@example.org", "role": "viewer"}, token)


def sign_in_as_admin():
    email, password = json.loads(os.environ["REPLYX_ADMIN"])
    status, body = ask("POST", "/auth/login", {"email": email, "password": password})
    assert status == 200, f"signing in: {status}"
    return body["access_token"]


def token_for(operation):
    definition = operation.definition.raw
    name = definition.get("operationId", "")
    is_admin = "admin" in definition.get("tags", [])
    who = "admin" if is_admin else name if name in DESTRUCTIVE else "owner"
    with lock:
        token = accounts.get(who)
        # The admin, who is a member nowhere, blocks people and suspends workspaces too.
        place = "/me" if is_admin else "/workspace"
        if token is None or ask("GET", place, token=token)[0] != 200:
            token = accounts[who] = sign_in_as_admin() if is_admin else register()
        return token


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        return token_for(context.operation)

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if context.operation.path == "/api/v1/admin/settings/{name}" and path_parameters:
        # Names are found in the answers. Others' limits and whether anybody may register would be changed, too.
        is_known = re.fullmatch("[a-z_]+", str(path_parameters.get("name")))
        return {"name": "session_days"} if is_known else path_parameters
    if not path_parameters or "id" not in path_parameters:
        return path_parameters
    try:
        number = uuid.UUID(str(path_parameters["id"])).int
    except ValueError:
        return path_parameters
    things = context.operation.path.split("/{")[0].removeprefix("/api/v1")
    if number % 2 or things.endswith("/documents"):
        return path_parameters
    token = token_for(context.operation)
    ids = ids_of(things, token)
    if not ids and things != "/dialogs":
        # An admin sees everybody's things; others have their own.
        if things == "/admin/model-keys":
            ask("POST", things, {"provider": "openai", "name": "Key", "secret": "sk-none", "enabled": False}, token)
        furnish(register() if things.startswith("/admin") else token)
        ids = ids_of(things, token)
    return {**path_parameters, "id": ids[number // 2 % len(ids)]} if ids else path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    # Used again for something else a key is refused, and nothing more is found out.
    key = (case.headers or {}).get("Idempotency-Key", "")
    if re.fullmatch("[!-~]{1,255}", str(key)):
        end = str(next(numbers))
        case.headers["Idempotency-Key"] = key[: 255 - len(end)] + end


@schemathesis.hook
def map_body(context, body):
    name = context.operation.definition.raw.get("operationId")
    texts = {"login_user": ("email", "password"), "refresh_tokens": ("refresh_token",)}.get(name)
    if not texts or not isinstance(body, dict):
        return body
    given = [body.get(text) for text in texts]
    if not all(isinstance(text, str) and len(text) <= 100 for text in given) or len("".join(given)) % 2:
        return body
    email, password = json.loads(os.environ["REPLYX_ADMIN"])
    if name == "login_user":
        return {**body, "email": email, "password": password}
    _, tokens = ask("POST", "/auth/login", {"email": email, "password": password})
    return {**body, "refresh_token": tokens["refresh_token"]}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        # A header that we do not know is nothing wrong.
        return "x-schemathesis-unknown-property" not in (case.headers or {})
    if kind != "RejectedPositiveData":
        return True
    problem = response.json()
    if problem["code"] in BEYOND_SCHEMAS:
        return False
    if problem["code"] == "too_large":
        # Each question fits, and all of them together need not.
        return case.operation.definition.raw["operationId"] not in {"create_question_set", "update_question_set"}
    if problem["code"] == "malformed" and problem["detail"].startswith("`X-Workspace`"):
        # The tool makes values of a header that do not fit the pattern of its schema.
        return False
    if problem["code"] == "malformed" and problem["detail"].startswith("`cursor`"):
        # A cursor is ours to make, and opaque to clients.
        return False
    if problem["code"] == "malformed" and problem["detail"].startswith(("`control` contradicts", "`q` has no word")):
        # What two parameters say together, and how many words a text has, no schema tells.
        return case.operation.definition.raw["operationId"] != "list_dialogs"
    if problem["code"] == "unsupported_media_type":
        # What a file is, is seen from its bytes.
        return case.operation.definition.raw["operationId"] != "upload_document"
    fields = {error["field"].split("[")[0] for error in problem.get("errors", [])}
    if fields and fields <= {"text", "kind"} and case.operation.definition.raw["operationId"] == "write_message":
        # Only a reply with files goes without a text, and a note has no files.
        return False
    if fields == {"text"} and case.operation.path.startswith("/api/v1/canned-replies"):
        # What stands in braces is a placeholder, and only some are known.
        return False
    if fields and {field.split(".")[0] for field in fields} <= MAPS:
        return False
    return not fields or not fields <= STRICTER_THAN_SCHEMAS
