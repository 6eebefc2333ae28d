//! The text at the head of the document: what all operations have in common, and the tables.

use std::fmt::Write;

use replyx_core::{permission::Permission, role::Role};

use super::problems::CODES;

const CONVENTIONS: &str = "\
Answers a business's customers in Telegram from the business's own documents.

## Conventions

JSON in and out, names in `snake_case`, times in UTC by RFC 3339, ids UUIDs. Fields of a body that we do not know are \
refused, and so are query parameters that an operation does not have (`unknown_parameter`) and the character U+0000 \
anywhere. Answers may gain fields. All fields of an answer are always there unless they are marked as optional.

**Who calls.** An access token or an API key as `Authorization: Bearer ...`, an API key as `X-API-Key`, or, in a \
browser that signed in with `cookies: true`, cookies; then a request that changes something repeats the cookie \
`__Host-rx_csrf` in `X-CSRF-Token`. Access tokens last an hour; `POST /api/v1/auth/refresh` makes new ones. \
`X-Workspace` says in which of their workspaces somebody acts.

**Lists** take `limit` (1 to 200, 50 unless given) and `cursor`, and answer `{\"items\": [], \"next_cursor\": null}`. \
Give `next_cursor` back as `cursor` for the next page, until it is `null`. A page stays right while items are added.

**Repeats.** If you do not know whether a POST arrived, send it again with the same `Idempotency-Key`. The same key \
with the same body gets the stored answer (with `Idempotent-Replayed: true`), with another body 422. While the first \
request is still running, the repeat waits up to 5 seconds for its answer, then gets 409 with `Retry-After`. Answers are \
kept for 24 hours, except those with 401, 403, 408, 429 and 5xx: such a request is processed again.

**Changes.** Where an answer has an `ETag`, send it back as `If-Match` when changing the thing: if somebody else has \
changed it since, nothing happens and the answer is 412. Sent back as `If-None-Match` when reading, the answer is 304 as \
long as it has not changed. A PATCH is a merge patch (RFC 7396): send it as \
`application/json` or `application/merge-patch+json`; fields that are left out stay as they are.

**Limits.** `RateLimit` and `RateLimit-Policy` tell what is left of each limit that the request counted against, as in \
the IETF's draft: `\"user\";r=1190;t=1, \"upload\";r=7;t=90`. Past a limit the answer is 429; its headers and `detail` \
name the limit that refused, and `Retry-After` says after how many seconds to try again. Limits are kept per user, per API key, or per address \
for requests without credentials (an IPv6 address counts with its /64); some operations have a limit of their own.

**Request ids.** An `X-Request-Id` of up to 64 letters, digits, `-`, `_` and `.` is taken over and answered; otherwise \
we make one. It stands in our log.
";

/// The whole text, Markdown.
pub(super) fn text() -> String {
    let mut text = CONVENTIONS.to_owned();
    text.push_str(
        "\n## Problems\n\nErrors are `application/problem+json` (RFC 9457). `code` is stable; `type` is \
         `/problems/{code}`; `errors` names fields.\n\n| status | code | says |\n|---|---|---|\n",
    );
    for code in CODES {
        let _ = writeln!(text, "| {} | `{}` | {} |", code.status, code.name, code.meaning);
    }
    text.push_str(
        "\n## Roles and permissions\n\nEach operation names the permission it needs. An API key has those among its \
         scopes that its maker's present role has too, and none that needs a person (`members:write`, `owners:write`, \
         `keys:write`); it is dead once its maker is removed, suspended or blocked. A service key, made by an owner, \
         keeps its scopes when its maker leaves.\n\n| permission | allows to |",
    );
    for role in Role::ALL {
        let _ = write!(text, " {} |", role.as_str());
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(Role::ALL.len()));
    text.push('\n');
    for permission in Permission::ALL {
        let _ = write!(text, "| `{}` | {} |", permission.as_str(), permission.description());
        for role in Role::ALL {
            text.push_str(if *role >= permission.least_role() { " yes |" } else { " |" });
        }
        text.push('\n');
    }
    text
}
