//! All codes of problems, and how an answer with them is described.

use std::fmt::Write;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::{
    Content, Ref, RefOr, Response, ResponseBuilder,
    example::{Example, ExampleBuilder},
};

/// The type of a problem's body.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// A kind of problem. The same name may come with several statuses: a wrong code of a second factor
/// is no sign-in (401), no permission (403), or no proof of having the device (422).
pub(crate) struct Code {
    /// Its stable name.
    pub(crate) name: &'static str,
    /// The status it comes with.
    pub(crate) status: u16,
    /// What it says.
    pub(crate) meaning: &'static str,
}

macro_rules! codes {
    ($($status:literal { $($name:ident: $meaning:literal,)+ })+) => {
        /// Every kind of problem.
        pub(crate) const CODES: &[Code] = &[$($(
            Code { name: stringify!($name), status: $status, meaning: $meaning },
        )+)+];
    };
}

codes! {
    400 {
        malformed: "the body, the query or a header is malformed",
        unknown_parameter: "the query has a parameter that the operation does not have",
    }
    401 {
        unauthenticated: "missing or invalid credentials",
        wrong_credentials: "the e-mail address or the password is wrong",
        totp_required: "the password is correct; a code of the second factor is required",
        wrong_totp: "the code of the second factor is wrong",
        refresh_reused: "this refresh token was already used; the session has ended",
    }
    402 {
        insufficient_funds: "there is not enough money; `available` and `needed` say how much there is and how much it takes",
    }
    403 {
        forbidden: "your role or the scopes of your key do not allow this",
        session_required: "this requires a signed-in user, not an API key",
        csrf_failed: "a change with a cookie but without the session's CSRF token, or from another site",
        member_suspended: "your membership of this workspace is suspended",
        workspace_suspended: "this workspace is suspended",
        account_blocked: "this account is blocked",
        registration_closed: "registration is by invitation only",
        not_for_you: "the invitation was sent to another address",
        wrong_password: "the password is wrong",
        totp_required: "a code of the second factor is required",
        wrong_totp: "the code of the second factor is wrong",
    }
    404 {
        not_found: "it does not exist or belongs to another workspace",
        not_stored: "the file is not stored: its status says why",
        no_original: "the document is a page or an answer, and was not uploaded as a file",
    }
    405 {
        method_not_allowed: "this method is not allowed here",
    }
    408 {
        too_slow: "the body did not arrive in time",
    }
    409 {
        already_credited: "a credit with this source and number exists",
        already_member: "they are already a member",
        assistant_in_use: "the assistant still has channels",
        channel_stopped: "the channel is not running",
        too_many_channels: "the workspace has 100 channels of the kind `api`",
        billing_off: "nobody pays in this installation",
        bot_exists: "this bot is registered already, and its stored token works",
        other_bot: "the token belongs to another bot",
        token_unchanged: "the token is stored already",
        bot_moved: "the bot was connected elsewhere with a newer token",
        evaluation_regressed: "the draft is worse on the questions of the gate",
        evaluation_required: "the gate requires a run of its questions first",
        question_set_in_use: "the question set is the gate of its assistant",
        workspace_full: "the workspace has used up its storage",
        too_many_waiting: "too many documents of the workspace are waiting to be read",
        too_many_runs: "too many runs of the set are waiting",
        too_many_question_sets: "the assistant has reached the limit of question sets",
        different_sets: "the runs are of different question sets",
        email_taken: "an account with this address already exists",
        idempotency_key_in_use: "the first request with this key is still being processed",
        invitation_void: "the person who sent the invitation may no longer invite",
        is_page: "the document is a page of a source, which keeps it up to date",
        last_assistant: "no other assistant knows the document",
        last_owner: "there would be no owner left",
        nothing_to_undo: "the step is undone, was done more than a minute ago, or by somebody else",
        not_failed: "nothing of the message has failed and can be sent again",
        not_held: "only a dialog that an operator has can be snoozed",
        tag_exists: "another tag has this name",
        too_many_tags: "the workspace has 500 tags",
        shortcut_taken: "another canned reply of this language has the shortcut",
        too_many_canned_replies: "the workspace has 1,000 canned replies",
        client_id_taken: "`client_id` is that of another message of the dialog",
        channel_deleted: "the channel of the dialog was deleted",
        closed: "the dialog is closed",
        contact_blocked: "the customer has blocked the bot",
        newer_reply: "a colleague has answered since you read the dialog; `message` is the reply",
        not_closed: "the dialog is not closed, or the customer has another open one",
        not_waiting: "the dialog does not wait for a human and no operator has it",
        no_price: "nobody knows what the model costs, or what a dollar is worth",
        not_yours: "another operator has the dialog, or its control has changed; `holder` says who has it",
        not_ready: "it is not finished: a document has not been read, or a run has not ended",
        set_by_another: "somebody else has just set this; try again",
        second_factor_exists: "a second factor is already enabled",
        no_second_factor: "there is no second factor",
        too_many_model_keys: "the installation has reached the limit of model keys",
        too_many_model_providers: "the installation has reached the limit of model providers",
        too_many_keys: "the workspace has reached the limit of API keys",
        too_many_sources: "the workspace has reached the limit of sources",
        too_many_workspaces: "you have reached the limit of workspaces",
        job_running: "the job is running; try again when it has ended",
        job_scheduled: "the job runs by the clock and cannot be canceled",
        yourself: "admins cannot do this to their own account",
    }
    412 {
        precondition_failed: "it has been changed since you read it; read it again",
    }
    413 {
        too_large: "the body is too large",
    }
    415 {
        unsupported_media_type: "the content type of the body is not supported",
    }
    422 {
        invalid: "some fields are invalid; `errors` lists them",
        idempotency_key_reused: "this key was used for another request",
        wrong_code: "the code is wrong, used or expired",
        wrong_totp: "the code does not match the secret",
        wrong_token: "the link is invalid, used or expired",
    }
    429 {
        too_many_requests: "too many requests; `Retry-After` says when to retry",
        too_many_streams: "you or the workspace have reached the limit of open streams",
    }
    500 {
        internal: "internal error",
    }
    502 {
        bad_gateway: "another service did not answer",
    }
    503 {
        busy: "the server is overloaded or the database is busy; `Retry-After` says when to retry",
    }
}

/// The first kind of problem of this name.
pub(super) fn code(name: &str) -> Option<&'static Code> {
    all(name).next()
}

/// The kinds of problem that a description names `in backticks`.
pub(super) fn named(description: &str) -> Vec<&'static Code> {
    description.split('`').skip(1).step_by(2).flat_map(all).collect()
}

fn all(name: &str) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |code| code.name == name)
}

impl Code {
    /// The name of its example in the document.
    pub(super) fn key(&self) -> String {
        if all(self.name).count() == 1 {
            self.name.to_owned()
        } else {
            format!("{}_{}", self.name, self.status)
        }
    }

    /// As it stands among the document's examples.
    pub(super) fn example(&self) -> Example {
        ExampleBuilder::new().summary(self.meaning).value(Some(self.problem())).build()
    }

    fn problem(&self) -> Value {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|it| it.canonical_reason());
        let mut problem = json!({
            "type": format!("/problems/{}", self.name),
            "title": reason.unwrap_or("Error"),
            "status": self.status,
            "detail": self.meaning,
            "code": self.name,
        });
        if self.name == "invalid" {
            problem["errors"] = json!([{"field": "name", "message": "is required"}]);
        }
        problem
    }
}

/// An answer with one of these problems.
pub(super) fn response(description: impl Into<String>, codes: &[&'static Code]) -> Response {
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    for code in codes {
        let example = Ref::new(format!("#/components/examples/{}", code.key()));
        content.examples.insert(code.key(), RefOr::Ref(example));
    }
    let mut response =
        ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).build();
    let status = codes.first().map_or(0, |code| code.status);
    super::headers::add_headers(&mut response, status, true);
    response
}

/// What these problems are, in words.
pub(super) fn description(codes: &[&'static Code]) -> String {
    let mut text = String::new();
    for code in codes {
        let separator = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{separator}`{}`: {}", code.name, code.meaning);
    }
    text
}

/// The name of the answer with these problems among the document's components.
pub(super) fn component(codes: &[&'static Code]) -> String {
    let names: Vec<String> = codes.iter().map(|code| capitalised(code.name)).collect();
    names.join("Or")
}

fn capitalised(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let (first, rest) = word.split_at(1);
            [first.to_uppercase(), rest.to_owned()]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_once_with_a_status_and_has_a_status_that_exists() {
        for code in CODES {
            assert_eq!(CODES.iter().filter(|other| other.key() == code.key()).count(), 1);
            assert!(code.problem()["title"] != "Error", "{}", code.name);
        }
    }

    #[test]
    fn codes_are_found_in_backticks_alone() {
        let names = |text| named(text).iter().map(|code| code.name).collect::<Vec<_>>();
        assert_eq!(
            names("`invalid`; `wrong_token` when busy, not `Last-Event-ID`"),
            ["invalid", "wrong_token"]
        );
        assert_eq!(names("busy"), [""; 0]);
    }

    #[test]
    fn a_component_is_named_after_its_codes() {
        let codes = named("`invalid``idempotency_key_reused`");
        assert_eq!(component(&codes), "InvalidOrIdempotencyKeyReused");
    }
}
