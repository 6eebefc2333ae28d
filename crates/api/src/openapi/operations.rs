//! What follows for an operation from who may call it, from its path and from its method.

use replyx_core::permission::Permission;
use utoipa::openapi::{
    Components, Paths, Ref, RefOr, Response,
    path::{HttpMethod, Operation, ParameterIn, PathItem},
    security::SecurityRequirement,
};

use super::{
    headers,
    problems::{self, Code, code},
    shared,
};

/// The base of what identity, limits and idempotency keys are about.
const API: &str = "/api/v1/";
/// POSTs whose answers are never kept for a repeat.
const NOT_REPEATABLE: [&str; 4] =
    ["/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/events/ticket"];

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Anybody,
    Account,
    Admin,
    Member(Permission),
}

/// Completes every operation.
pub(super) fn complete(paths: &mut Paths, components: &mut Components) {
    for (path, item) in &mut paths.paths {
        for (method, operation) in of(item) {
            let kind = Kind::of(path, &method, operation);
            kind.describe(operation);
            kind.secure(operation);
            kind.take_parameters(path, operation);
            kind.answer(operation, components);
        }
    }
}

/// The operations of a path.
pub(crate) fn of(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// What decides.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
struct Kind {
    who: Who,
    /// Does it belong to the API proper?
    api: bool,
    /// Are requests limited?
    limited: bool,
    changes: bool,
    repeatable: bool,
    has_body: bool,
    has_query: bool,
    names_something: bool,
    /// Is a change refused to who has read an earlier edition?
    conditional: bool,
    /// Is a read not answered to who has the same?
    cached: bool,
    /// Is it a list that comes in pages?
    paged: bool,
}

impl Kind {
    fn of(path: &str, method: &HttpMethod, operation: &Operation) -> Self {
        let api = path.starts_with(API);
        let is_query = |parameter: &RefOr<_>| match parameter {
            RefOr::T(utoipa::openapi::path::Parameter { parameter_in, .. }) => {
                *parameter_in == ParameterIn::Query
            }
            RefOr::Ref(_) => false,
        };
        let is_cursor = |parameter: &RefOr<utoipa::openapi::path::Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == "cursor");
        Self {
            who: who(operation),
            api,
            limited: api || path == "/metrics",
            changes: *method != HttpMethod::Get,
            repeatable: api && *method == HttpMethod::Post && !NOT_REPEATABLE.contains(&path),
            has_body: operation.request_body.is_some(),
            has_query: operation.parameters.iter().flatten().any(is_query),
            names_something: path.contains('{'),
            conditional: api && operation.responses.responses.contains_key("412"),
            cached: api && operation.responses.responses.contains_key("304"),
            paged: api && operation.parameters.iter().flatten().any(is_cursor),
        }
    }

    fn describe(&self, operation: &mut Operation) {
        if let Some(summary) = &mut operation.summary
            && let Some((first, more)) = summary.split_once(". ")
        {
            let said = operation.description.take().unwrap_or_default();
            operation.description = Some(format!("{more}\n\n{said}"));
            *summary = format!("{first}.");
        }

        let who = match self.who {
            Who::Member(permission) => {
                let word = permission.as_str();
                let role = permission.least_role().as_str();
                let above = if role == "owner" { "" } else { " and above" };

                let keys = if permission.needs_person() {
                    "; not for API keys"
                } else {
                    ", or a key with that scope"
                };

                format!("Needs the permission `{word}`: the role {role}{above}{keys}.")
            }
            Who::Account => "For people who are signed in; not for API keys.".to_owned(),
            Who::Admin => "For platform admins.".to_owned(),
            Who::Anybody if self.api => "Needs no credentials.".to_owned(),
            Who::Anybody => return,
        };

        let said = operation.description.take().filter(|said| !said.trim().is_empty());
        operation.description = Some(match said {
            Some(said) => format!("{}\n\n{who}", said.trim()),
            None => who,
        });
    }

    fn secure(&self, operation: &mut Operation) {
        let needs: Vec<&str> = match self.who {
            Who::Anybody => {
                operation.security = Some(Vec::new());
                return;
            }
            Who::Account => Vec::new(),
            Who::Admin => vec!["admin"],
            Who::Member(permission) => vec![permission.as_str()],
        };
        let by = |scheme| SecurityRequirement::new(scheme, needs.iter().copied());
        let cookie = by(shared::COOKIE);
        let cookie = if self.changes { cookie.add(shared::CSRF, [""; 0]) } else { cookie };
        let mut ways = vec![by(shared::BEARER), cookie];
        if matches!(self.who, Who::Member(permission) if !permission.needs_person()) {
            ways.insert(1, by(shared::KEY));
        }
        operation.security = Some(ways);
    }

    fn take_parameters(&self, path: &str, operation: &mut Operation) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && parameter.description.is_none()
            {
                parameter.description = thing(path, &parameter.name);
            }
        }

        let mut names = Vec::new();
        if matches!(self.who, Who::Member(_)) {
            names.push(shared::WORKSPACE);
        }
        if self.repeatable {
            names.push(shared::IDEMPOTENCY_KEY);
        }
        if self.conditional {
            names.push(shared::IF_MATCH);
        }
        if self.cached {
            names.push(shared::IF_NONE_MATCH);
        }

        let parameters = names
            .into_iter()
            .map(|name| RefOr::Ref(Ref::new(format!("#/components/parameters/{name}"))));
        operation.parameters.get_or_insert_default().extend(parameters);
    }

    /// The problems that any operation of this kind may answer with, by status.
    fn problems(&self) -> Vec<Vec<&'static Code>> {
        let is_member = matches!(self.who, Who::Member(_));

        let forbidden: &[&str] = match self.who {
            Who::Anybody => &[],
            Who::Account => &["session_required"],
            Who::Admin => &["forbidden", "session_required"],
            Who::Member(_) => &["forbidden", "member_suspended", "workspace_suspended"],
        };

        let mut names: Vec<&str> = forbidden.to_vec();
        for (name, may_be) in [
            ("csrf_failed", self.changes && self.who != Who::Anybody),
            (
                "malformed",
                self.api && (self.has_body || self.has_query || self.repeatable || is_member),
            ),
            ("unknown_parameter", self.api),
            ("unauthenticated", self.who != Who::Anybody),
            ("not_found", self.names_something || is_member),
            ("too_slow", self.has_body || self.repeatable),
            ("idempotency_key_in_use", self.repeatable),
            ("too_large", self.has_body || self.repeatable),
            ("unsupported_media_type", self.api && self.has_body),
            ("invalid", self.api && self.has_body),
            ("idempotency_key_reused", self.repeatable),
            ("too_many_requests", self.limited),
            ("internal", self.api),
            ("busy", true),
        ] {
            if may_be {
                names.push(name);
            }
        }

        let mut codes: Vec<&Code> = names.into_iter().filter_map(code).collect();
        codes.sort_by_key(|code| code.status);

        codes.chunk_by(|a, b| a.status == b.status).map(<[_]>::to_vec).collect()
    }

    fn answer(&self, operation: &mut Operation, components: &mut Components) {
        let responses = &mut operation.responses.responses;
        let mut generic = self.problems();
        for (status, response) in responses.iter_mut() {
            let (Ok(status), RefOr::T(response)) = (status.parse::<u16>(), response) else {
                continue;
            };
            let ours = generic.extract_if(.., |codes| codes[0].status == status).next();
            if status < 400 {
                headers::add_headers(response, status, self.limited);
                if status == 201 {
                    headers::add_header(response, "Location");
                }
                if self.conditional || self.cached {
                    headers::add_header(response, "ETag");
                }
                if self.paged && status == 200 {
                    headers::add_header(response, "Link");
                }
                if self.repeatable {
                    headers::add_header(response, "Idempotent-Replayed");
                }
            } else if is_problem(response) {
                match special(status, response, ours.as_deref().unwrap_or_default()) {
                    Some(described) => *response = described,
                    None => generic.extend(ours),
                }
            } else {
                // It has a form of its own, and may still be a problem of a layer around the
                // handler.
                headers::add_headers(response, status, self.limited);
                let ours = problems::response("", &ours.unwrap_or_default());
                response.content.extend(ours.content);
            }
        }
        for codes in generic {
            let name = problems::component(&codes);
            let reference = RefOr::Ref(Ref::from_response_name(&name));
            responses.insert(codes[0].status.to_string(), reference);
            let described = || problems::response(problems::description(&codes), &codes).into();
            components.responses.entry(name).or_insert_with(described);
        }
    }
}

/// Who may call: what the handler's `security` says.
fn who(operation: &Operation) -> Who {
    let said = serde_json::to_value(&operation.security).unwrap_or_default();
    let needs = said.pointer(&format!("/0/{}", shared::BEARER));
    match needs.and_then(|needs| needs.as_array()) {
        None => Who::Anybody,
        Some(needs) => match needs.first().and_then(|need| need.as_str()) {
            None => Who::Account,
            Some("admin") => Who::Admin,
            Some(word) => Permission::ALL
                .iter()
                .find(|permission| permission.as_str() == word)
                .map_or(Who::Admin, |permission| Who::Member(*permission)),
        },
    }
}

/// What a parameter of the path identifies: the name of the segment before it, in the singular.
fn thing(path: &str, parameter: &str) -> Option<String> {
    let (before, _) = path.split_once(&format!("/{{{parameter}}}"))?;
    let things = before.rsplit('/').next()?.replace("api-", "API ");
    let thing = things.strip_suffix('s').unwrap_or(&things);
    Some(format!("Which {thing}: its {parameter}."))
}

fn is_problem(response: &Response) -> bool {
    response.content.values().any(|content| match content {
        RefOr::T(content) => matches!(
            &content.schema,
            Some(RefOr::Ref(schema)) if schema.ref_location.ends_with("/Problem")
        ),
        RefOr::Ref(_) => false,
    })
}

/// The answer with the codes that the handler names and those that any such operation has; `None`
/// when the handler names none of its own.
fn special(status: u16, response: &Response, ours: &[&'static Code]) -> Option<Response> {
    let mut codes = problems::named(&response.description);
    codes.retain(|code| code.status == status);
    if codes.is_empty() && !ours.is_empty() {
        return None;
    }
    let mut description = response.description.clone();
    if codes.is_empty() {
        // The first of a status is the one that needs no further word; a conflict always does.
        let code = problems::CODES.iter().find(|code| code.status == status && status != 409)?;
        description = format!("`{}`: {description}", code.name);
        codes.push(code);
    }
    let more: Vec<&Code> =
        ours.iter().copied().filter(|code| codes.iter().all(|it| it.name != code.name)).collect();
    if !more.is_empty() {
        description = format!("{description}; {}", problems::description(&more));
        codes.extend(more);
    }
    Some(problems::response(description, &codes))
}
