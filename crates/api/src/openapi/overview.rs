//! The text at the head of the document: what all operations have in common, and the tables.

use std::fmt::Write;

use replyx_core::{permission::Permission, role::Role};

use super::problems::CODES;

const CONVENTIONS: &str = "\
Answers a business's customers in Telegram and in programs of your own, from the business's own documents.

## Conventions

Bodies are JSON with names in `snake_case`, times are in UTC (RFC 3339), ids are UUIDs. Unknown \
fields in a body are refused, as are unknown query parameters (`unknown_parameter`) and the \
character U+0000 anywhere. New fields may be added to responses. All fields of a response are \
present unless they are marked as optional.

**Authentication.** An access token or an API key as `Authorization: Bearer ...`, an API key as \
`X-API-Key`, or, in a browser that signed in with `cookies: true`, as cookies; then every change \
must repeat the cookie `__Host-rx_csrf` in `X-CSRF-Token`. Access tokens are valid for an hour; \
`POST /api/v1/auth/refresh` creates new ones. `X-Workspace` selects one of your workspaces.

**Lists** take `limit` (1 to 200, 50 by default) and `cursor`, and return `{\"items\": [], \
\"next_cursor\": null}`. Send `next_cursor` as `cursor` to get the next page, until it is `null`. \
Pages stay consistent while items are added.

**Repeats.** If you do not know whether a POST arrived, send it again with the same \
`Idempotency-Key`. The same key with the same body returns the stored response (with \
`Idempotent-Replayed: true`); with another body it is 422. While the first request is still \
running, the repeat waits up to 5 seconds for its answer, then gets 409 with `Retry-After`. \
Responses are kept for 24 hours, except those with 401, 403, 408, 429 and 5xx: such a request is \
processed again.

**Changes.** If a response has an `ETag`, send it as `If-Match` with a change: if the resource \
has changed since, nothing happens and the response is 412. Sent as `If-None-Match` with a read, \
the response is 304 as long as nothing has changed. A PATCH is a merge patch (RFC 7396): send it \
as `application/json` or `application/merge-patch+json`; fields that are left out stay as they \
are.

**Limits.** `RateLimit` and `RateLimit-Policy` show what is left of each limit that applied to \
the request, as in the IETF draft: `\"user\";r=1190;t=1, \"upload\";r=7;t=90`. Beyond a limit the \
response is 429; its headers and `detail` name the limit, and `Retry-After` says after how many \
seconds to retry. Limits are kept per user, per API key, or per address for requests without \
credentials (an IPv6 address counts with its /64); some operations have their own limits.

**Request ids.** An `X-Request-Id` of up to 64 letters, digits, `-`, `_` and `.` is kept and \
returned; otherwise one is generated. The log contains it.
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
        "\n## Roles and permissions\n\nEach operation lists the permission it needs. An API key has those \
         of its scopes that its creator's role has, and none that requires a person \
         (`members:write`, `owners:write`, `keys:write`); it stops working once its creator is \
         removed, suspended or blocked. A service key, created by an owner, keeps its scopes when \
         its creator leaves.\n\n| permission | allows to |",
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
