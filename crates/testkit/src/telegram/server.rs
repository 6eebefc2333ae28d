//! The HTTP side of the server: finds the bot, lets ordered faults happen, answers.

use std::sync::{Arc, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    World,
    bot::{BotCore, Refused},
    fault::{Call, TelegramFault},
    files, methods, reach,
    wire::{self, Address, Refusal, Upload},
};
use crate::net::Connection;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(answer).with_state(world)
}

async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(address) = Address::of_file(&parts.uri) {
        return file(&world, &address);
    }
    let Some(address) = Address::read(&parts.uri) else {
        return Refusal::new(404, "Not Found").into_response();
    };
    let found = {
        let bots = world.bots.lock().unwrap_or_else(PoisonError::into_inner);
        bots.get(address.token.as_ref()).cloned()
    };

    let Some(bot) = found else {
        return Refusal::new(401, "Unauthorized").into_response();
    };
    let known = wire::METHODS.iter().find(|known| known.eq_ignore_ascii_case(address.method));
    let Some(&method) = known else {
        world.shared.violation(format!("`{}` is not a method that the fake knows", address.method));
        return Refusal::new(404, "Not Found").into_response();
    };

    let has_file = method == "sendDocument";
    let limit = if has_file { wire::UPLOAD_LIMIT } else { wire::BODY_LIMIT };
    let Ok(body) = to_bytes(body, limit).await else {
        return Refusal::new(413, "Request Entity Too Large").into_response();
    };
    let is_form = parts
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    let read = if has_file && is_form {
        wire::read_multipart(method, &parts.headers, body).await
    } else {
        let read = wire::read_parameters(method, &parts.uri, &parts.headers, &body);
        read.map(|parameters| (parameters, Vec::new()))
    };
    match read {
        Ok((parameters, uploads)) => {
            run(&bot, &connection, method, (&parameters, uploads.as_slice())).await
        }
        Err(refusal) => {
            world.shared.violation(format!("{method}: {}", refusal.description));
            refusal.into_response()
        }
    }
}

/// Gives out a file of a bot.
fn file(world: &World, address: &Address<'_>) -> Response {
    let found = {
        let bots = world.bots.lock().unwrap_or_else(PoisonError::into_inner);
        bots.get(address.token.as_ref()).cloned()
    };
    let Some(bot) = found else {
        return Refusal::new(401, "Unauthorized").into_response();
    };
    match files::download(&bot, address.method) {
        Some(bytes) => bytes.into_response(),
        None => Refusal::new(404, "Not Found").into_response(),
    }
}

async fn run(
    bot: &Arc<BotCore>,
    connection: &Connection,
    method: &str,
    (parameters, uploads): (&Map<String, Value>, &[Upload]),
) -> Response {
    let fault = bot.shared.faults.strike(&Call {
        token: &bot.token,
        method,
        chat: reach::chat_id(parameters),
        formatted: ["parse_mode", "entities"].iter().any(|name| parameters.contains_key(*name)),
    });

    match fault {
        None => carry_out(bot, method, (parameters, uploads), true).await,
        Some(TelegramFault::Delay(time)) => {
            tokio::time::sleep(time).await;
            carry_out(bot, method, (parameters, uploads), true).await
        }
        Some(TelegramFault::Hold(hold)) => {
            hold.pass().await;
            carry_out(bot, method, (parameters, uploads), true).await
        }
        Some(TelegramFault::BreakAfter) => {
            carry_out(bot, method, (parameters, uploads), false).await;
            connection.cut();
            std::future::pending().await
        }
        Some(TelegramFault::HangAfter) => {
            carry_out(bot, method, (parameters, uploads), false).await;
            std::future::pending().await
        }
        Some(TelegramFault::BreakBefore) => {
            connection.cut();
            std::future::pending().await
        }
        Some(TelegramFault::Hang) => std::future::pending().await,
        Some(TelegramFault::Status(code)) => in_trouble(code),
        Some(TelegramFault::Error { code, description }) => {
            Refusal::new(code, description).into_response()
        }
        Some(TelegramFault::TooManyRequests { retry_after }) => {
            Refusal::too_many_requests(retry_after).into_response()
        }
        Some(TelegramFault::RefuseEntities) => Refusal::bad_request(
            "can't parse entities: Unsupported start tag \"x\" at byte offset 0",
        )
        .into_response(),
    }
}

async fn carry_out(
    bot: &Arc<BotCore>,
    method: &str,
    call: (&Map<String, Value>, &[Upload]),
    answered: bool,
) -> Response {
    match methods::call(bot, method, call, answered).await {
        Ok(answer) => answer.into_response(),
        Err(refusal) => {
            bot.refused(Refused {
                method: method.to_owned(),
                code: refusal.code,
                description: refusal.description.clone(),
            });
            refusal.into_response()
        }
    }
}

/// The server's own failures come as JSON, those of the proxy before it as a page.
fn in_trouble(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Error");
    if code == 500 {
        return Refusal::new(500, reason).into_response();
    }
    let page = format!("<html><head><title>{code} {reason}</title></head></html>\r\n");
    (status, [("content-type", "text/html")], Body::from(page)).into_response()
}
