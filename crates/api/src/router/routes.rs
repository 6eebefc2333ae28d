//! Every route, by area.

use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    admin, answers, assistants, attachments, auth, billing, bots, canned_replies, channels,
    dialogs, documents, evaluation, events, health, hooks, index, input::JSON_LIMIT, measure,
    models, openapi, operators, problems, sizes, sources, state::AppState, tags, usage, users,
    workspaces,
};

/// The base of the API.
const BASE: &str = "/api/v1";

/// All routes.
pub(super) fn all() -> OpenApiRouter<AppState> {
    let api = accounts()
        .merge(in_workspaces())
        .merge(assistants_and_dialogs())
        .merge(installation())
        .layer(DefaultBodyLimit::max(JSON_LIMIT));
    // The handler bounds an upload itself, before it reads one.
    let uploads = OpenApiRouter::new()
        .routes(routes!(documents::upload::upload))
        .routes(routes!(attachments::upload::upload))
        .routes(routes!(answers::import::import))
        .layer(DefaultBodyLimit::disable());
    let hooks = OpenApiRouter::new()
        .routes(routes!(hooks::telegram::receive))
        .layer(DefaultBodyLimit::max(replyx_fleet::receive::BODY_LIMIT));
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .nest(BASE, api.merge(uploads))
        .merge(hooks)
        .merge(probes())
        .routes(routes!(index::index))
        .routes(routes!(problems::read))
}

/// What supervisors and monitors ask of every process.
pub(super) fn probes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(measure::metrics))
        .routes(routes!(sizes::read))
}

/// People: signing up and in, and what is theirs alone.
fn accounts() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::confirm::confirm))
        .routes(routes!(auth::confirm::resend))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::refresh::refresh))
        .routes(routes!(auth::login::logout))
        .routes(routes!(auth::passwords::change_password))
        .routes(routes!(auth::passwords::forgot_password))
        .routes(routes!(auth::passwords::reset_password))
        .routes(routes!(auth::sessions::list, auth::sessions::delete_others))
        .routes(routes!(auth::sessions::delete))
        .routes(routes!(auth::totp::read, auth::totp::begin, auth::totp::remove))
        .routes(routes!(auth::totp::confirm))
        .routes(routes!(auth::totp::recovery_codes))
        .routes(routes!(users::me::me, users::me::update, users::me::delete))
        .routes(routes!(users::me::restore))
        .routes(routes!(users::export::export))
}

/// A workspace: who works in it, with which keys, and what they did.
fn in_workspaces() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(workspaces::create, workspaces::list))
        .routes(routes!(workspaces::read, workspaces::update))
        .routes(routes!(workspaces::members::list))
        .routes(routes!(workspaces::members::update, workspaces::members::delete))
        .routes(routes!(workspaces::invitations::create, workspaces::invitations::list))
        .routes(routes!(workspaces::invitations::accept))
        .routes(routes!(workspaces::invitations::delete))
        .routes(routes!(workspaces::api_keys::create, workspaces::api_keys::list))
        .routes(routes!(
            workspaces::api_keys::read,
            workspaces::api_keys::update,
            workspaces::api_keys::delete
        ))
        .routes(routes!(workspaces::audit::audit))
        .routes(routes!(billing::balance::read))
        .routes(routes!(billing::entries::list))
        .routes(routes!(billing::prices::list))
}

/// The product's own matter.
fn assistants_and_dialogs() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(assistants::create::create, assistants::list))
        .routes(routes!(assistants::read, assistants::update::update, assistants::delete))
        .routes(routes!(assistants::templates::templates))
        .routes(routes!(models::list))
        .routes(routes!(assistants::publish::publish))
        .routes(routes!(assistants::rollback::rollback))
        .routes(routes!(assistants::pause::paused, assistants::pause::pause))
        .routes(routes!(assistants::pause::resume))
        .routes(routes!(assistants::sla::read, assistants::sla::set))
        .routes(routes!(assistants::versions::versions))
        .routes(routes!(assistants::search::search))
        .routes(routes!(assistants::preview::preview))
        .routes(routes!(assistants::stats::stats))
        .routes(routes!(answers::create::create, answers::list))
        .routes(routes!(answers::read, answers::update::update, answers::delete))
        .routes(routes!(usage::list::list))
        .routes(routes!(documents::list::list))
        .routes(routes!(
            documents::read::read,
            documents::update::update,
            documents::delete::delete
        ))
        .routes(routes!(documents::file::file, documents::replace::replace))
        .routes(routes!(documents::text::text))
        .routes(routes!(documents::link::link, documents::unlink::unlink))
        .routes(routes!(documents::reindex::reindex))
        .routes(routes!(sources::create::create))
        .routes(routes!(sources::list))
        .routes(routes!(sources::read, sources::update::update, sources::delete))
        .routes(routes!(sources::fetch))
        .merge(evaluations())
        .routes(routes!(bots::create::create))
        .routes(routes!(bots::list))
        .routes(routes!(bots::read, bots::update, bots::delete))
        .routes(routes!(bots::replace_token::replace))
        .routes(routes!(bots::start))
        .routes(routes!(bots::stop))
        .routes(routes!(channels::create::create))
        .routes(routes!(channels::list))
        .routes(routes!(channels::read, channels::delete))
        .routes(routes!(channels::messages::post))
        .routes(routes!(dialogs::list::list))
        .routes(routes!(dialogs::read::read, dialogs::update::update))
        .routes(routes!(dialogs::messages::messages))
        .routes(routes!(dialogs::inbox::counts))
        .routes(routes!(dialogs::inbox::mark_read))
        .routes(routes!(dialogs::write::write))
        .routes(routes!(dialogs::parts::parts))
        .routes(routes!(dialogs::parts::retry))
        .routes(routes!(dialogs::control::take_over))
        .routes(routes!(dialogs::control::release))
        .routes(routes!(dialogs::control::hand_off))
        .routes(routes!(dialogs::control::close))
        .routes(routes!(dialogs::control::reopen))
        .routes(routes!(dialogs::act::correct))
        .merge(inbox_tools())
        .routes(routes!(operators::queue::queue))
        .routes(routes!(attachments::read::read))
        .routes(routes!(operators::list::list))
        .routes(routes!(operators::board::board))
        .routes(routes!(operators::presence::set))
        .routes(routes!(operators::presence::end_shift))
        .routes(routes!(events::stream_events))
        .routes(routes!(events::dialog::stream_dialog_events))
        .routes(routes!(events::ticket::create))
}

/// What operators sort and answer with.
fn inbox_tools() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(dialogs::draft::read, dialogs::draft::set))
        .routes(routes!(dialogs::attention::tell))
        .routes(routes!(dialogs::bulk::apply))
        .routes(routes!(dialogs::bulk::undo))
        .routes(routes!(dialogs::views::read, dialogs::views::set))
        .routes(routes!(tags::create, tags::list))
        .routes(routes!(tags::read, tags::update, tags::delete))
        .routes(routes!(canned_replies::save::create, canned_replies::list))
        .routes(routes!(canned_replies::read, canned_replies::save::update, canned_replies::delete))
        .routes(routes!(canned_replies::text::text))
}

/// How assistants are measured.
fn evaluations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(evaluation::create_set::create_set, evaluation::sets::list_sets))
        .routes(routes!(
            evaluation::sets::read_set,
            evaluation::update_set::update_set,
            evaluation::sets::delete_set
        ))
        .routes(routes!(evaluation::start_run::start_run, evaluation::runs::list_runs))
        .routes(routes!(evaluation::runs::read_run))
        .routes(routes!(evaluation::results::results))
        .routes(routes!(evaluation::diff::diff))
}

/// The admin side.
fn installation() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::users::list))
        .routes(routes!(admin::users::read, admin::users::delete))
        .routes(routes!(admin::users::block))
        .routes(routes!(admin::users::unblock))
        .routes(routes!(admin::users::reset_second_factor))
        .routes(routes!(admin::workspaces::list))
        .routes(routes!(admin::workspaces::read, admin::workspaces::update))
        .routes(routes!(admin::workspaces::suspend))
        .routes(routes!(admin::workspaces::resume))
        .routes(routes!(admin::settings::list))
        .routes(routes!(admin::settings::read, admin::settings::set, admin::settings::remove))
        .routes(routes!(admin::system::read))
        .routes(routes!(admin::jobs::list))
        .routes(routes!(admin::jobs::cancel))
        .routes(routes!(admin::jobs::retry))
        .routes(routes!(admin::model_usage::list))
        .routes(routes!(admin::balances::read))
        .routes(routes!(admin::balances::credit))
        .routes(routes!(admin::balances::refund))
        .routes(routes!(admin::balances::correct))
        .routes(routes!(admin::prices::list, admin::prices::set))
        .routes(routes!(admin::prices::list_rates, admin::prices::set_rate))
        .routes(routes!(admin::prices::ledger))
        .routes(routes!(admin::model_providers::list))
        .routes(routes!(admin::model_providers::set, admin::model_providers::delete))
        .routes(routes!(admin::model_keys::create, admin::model_keys::list))
        .routes(routes!(admin::model_keys::update, admin::model_keys::delete))
        .routes(routes!(admin::audit::audit))
}
