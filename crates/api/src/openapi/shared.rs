//! What operations refer to: headers, parameters, ways of showing who one is.

use serde_json::json;
use utoipa::openapi::{
    Components, Header, HeaderBuilder, ObjectBuilder, Required, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::problems::CODES;
use crate::{cookies, csrf};

/// An access token, or an API key shown as one.
pub(crate) const BEARER: &str = "bearer";
/// An API key.
pub(super) const KEY: &str = "apiKey";
/// An access token in a cookie.
pub(super) const COOKIE: &str = "cookie";
/// The proof that a change by cookie was meant.
pub(super) const CSRF: &str = "csrf";

/// The parameter that names the workspace to act in.
pub(super) const WORKSPACE: &str = "Workspace";
/// The parameter that makes a repeat harmless.
pub(super) const IDEMPOTENCY_KEY: &str = "IdempotencyKey";

/// The parameter with the tag of what was read before a change.
pub(super) const IF_MATCH: &str = "IfMatch";
/// The parameter with the tag of what the client has.
pub(super) const IF_NONE_MATCH: &str = "IfNoneMatch";

/// Adds all of it to the document.
pub(super) fn add(components: &mut Components) {
    // No operation answers 405: it is the answer of a path.
    for code in CODES.iter().filter(|code| code.status != 405) {
        components.examples.insert(code.key(), code.example().into());
    }
    for (name, header) in headers() {
        components.headers.insert(name.to_owned(), header.into());
    }
    components.parameters.insert(WORKSPACE.to_owned(), workspace().into());
    components.parameters.insert(IDEMPOTENCY_KEY.to_owned(), idempotency_key().into());
    components.parameters.insert(IF_MATCH.to_owned(), if_match().into());
    components.parameters.insert(IF_NONE_MATCH.to_owned(), if_none_match().into());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("An access token, or an API key."));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    let value = ApiKeyValue::with_description;
    let key = value("X-API-Key", "An API key of a workspace.");
    components.add_security_scheme(KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let cookie = value(cookies::ACCESS, "The access token of a browser's session.");
    components.add_security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let token = value("X-CSRF-Token", "Repeats the cookie `__Host-rx_csrf`.");
    debug_assert!(token.name.eq_ignore_ascii_case(csrf::HEADER));
    components.add_security_scheme(CSRF, SecurityScheme::ApiKey(ApiKey::Header(token)));
}

fn headers() -> [(&'static str, Header); 9] {
    let text = |description: &str, example: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]);
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };

    let seconds =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).examples([json!(3)]);
    let retry_after = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("After how many seconds to try again."));
    [
        (
            "X-Request-Id",
            text(
                "The id of the request in the log: the one sent, or a generated one.",
                "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            ),
        ),
        (
            "RateLimit",
            text(
                "What is left of the limit, and in how many seconds it is full again.",
                r#""user";r=1199;t=1"#,
            ),
        ),
        (
            "RateLimit-Policy",
            text("The limit, and its window in seconds.", r#""user";q=1200;w=60"#),
        ),
        ("Retry-After", retry_after.build()),
        (
            "Location",
            text(
                "The address of the created resource.",
                "/api/v1/assistants/019a0000-0000-7000-8000-000000000000",
            ),
        ),
        (
            "Link",
            text(
                "The address of the next page (`rel=\"next\"`); absent on the last one.",
                r#"</api/v1/assistants?limit=50&cursor=019a0000-0000-7000-8000-000000000000>; rel="next""#,
            ),
        ),
        (
            "ETag",
            text(
                "The version of the resource, for `If-Match` of a change and `If-None-Match` of the next read.",
                r#""3.0f1e2d3c4b5a6978""#,
            ),
        ),
        ("WWW-Authenticate", text("How to authenticate.", "Bearer")),
        (
            "Idempotent-Replayed",
            text(
                "`true` if this is the stored response of an earlier request with the same key.",
                "true",
            ),
        ),
    ]
}

fn workspace() -> Parameter {
    // Generated clients turn a value of the format `uuid` into an object, which is no value of a
    // header.
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(36))
        .max_length(Some(36))
        .pattern(Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"));
    ParameterBuilder::new()
        .name("X-Workspace")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The workspace to act in. By default that of the access token or key."))
        .schema(Some(id))
        .build()
}

fn if_match() -> Parameter {
    tags(
        "If-Match",
        "The `ETag` from the last read: the change is refused with 412 if the resource has changed since. Without it, the change applies in any case.",
    )
}

fn if_none_match() -> Parameter {
    tags(
        "If-None-Match",
        "The `ETag` of the version you have: if it is current, the response is 304.",
    )
}

fn tags(name: &str, description: &str) -> Parameter {
    let tag = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(tag))
        .build()
}

fn idempotency_key() -> Parameter {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A key of your choice. A repeat with the same key and the same body within 24 hours is not processed again: it gets the stored response.",
        ))
        .schema(Some(key))
        .build()
}
