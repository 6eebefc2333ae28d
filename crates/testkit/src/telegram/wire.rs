//! The form of the Bot API on the wire: addresses, parameters, envelopes.

use std::borrow::Cow;

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE},
    response::Response,
};
use serde_json::{Map, Value, json};

use super::schema::Schema;

/// The most bytes that a request's body may have, unless it brings a file.
pub(crate) const BODY_LIMIT: usize = 1 << 20;
/// The most bytes that a request with a file may have: a file of 50 MB, and what stands around it.
pub(crate) const UPLOAD_LIMIT: usize = super::stored::UPLOAD_LIMIT + BODY_LIMIT;

/// The methods that the fake knows.
pub(crate) const METHODS: [&str; 13] = [
    "getMe",
    "getUpdates",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
    "sendMessage",
    "sendChatAction",
    "sendDocument",
    "getFile",
    "answerCallbackQuery",
    "setMyCommands",
    "deleteMyCommands",
    "getMyCommands",
];

/// A request that was refused, in Telegram's words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) description: String,
    pub(crate) parameters: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None }
    }

    pub(crate) fn bad_request(what: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", what.as_ref()))
    }

    pub(crate) fn too_many_requests(retry_after: u64) -> Self {
        Self {
            code: 429,
            description: format!("Too Many Requests: retry after {retry_after}"),
            parameters: Some(json!({"retry_after": retry_after})),
        }
    }

    pub(crate) fn upgraded(to: i64) -> Self {
        let what = "group chat was upgraded to a supergroup chat";
        Self { parameters: Some(json!({"migrate_to_chat_id": to})), ..Self::bad_request(what) }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut body =
            json!({"ok": false, "error_code": self.code, "description": self.description});
        if let Some(parameters) = self.parameters {
            body["parameters"] = parameters;
        }
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json_response(status, body.to_string())
    }
}

/// What a method returns: the text of `result`, and sometimes a remark beside it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: String,
    pub(crate) description: Option<&'static str>,
}

impl Answer {
    pub(crate) fn new(result: &Value) -> Self {
        Self { result: result.to_string(), description: None }
    }

    pub(crate) fn into_response(self) -> Response {
        let body = match self.description {
            None => format!(r#"{{"ok":true,"result":{}}}"#, self.result),
            Some(remark) => {
                format!(r#"{{"ok":true,"result":{},"description":"{remark}"}}"#, self.result)
            }
        };
        json_response(StatusCode::OK, body)
    }
}

fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// Bot and method of a request.
pub(crate) struct Address<'u> {
    pub(crate) token: Cow<'u, str>,
    pub(crate) method: &'u str,
}

impl<'u> Address<'u> {
    /// Reads `/file/bot{token}/{path}`, the address of a file; the path takes the place of the
    /// method.
    pub(crate) fn of_file(uri: &'u Uri) -> Option<Self> {
        let (token, method) = uri.path().strip_prefix("/file/bot")?.split_once('/')?;
        is_token(token).then_some(Self { token: Cow::Borrowed(token), method })
    }

    /// Reads `/bot{token}/{method}`.
    pub(crate) fn read(uri: &'u Uri) -> Option<Self> {
        let (token, method) = uri.path().strip_prefix("/bot")?.split_once('/')?;
        // Some clients escape the colon.
        let token = if token.contains('%') {
            Cow::Owned(token.replace("%3A", ":").replace("%3a", ":"))
        } else {
            Cow::Borrowed(token)
        };
        is_token(&token).then_some(Self { token, method })
    }
}

/// Whether this has the form of a bot's token: its id, a colon, its key.
pub(crate) fn is_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, key)| {
        (1..=16).contains(&id.len())
            && !id.starts_with('0')
            && id.bytes().all(|b| b.is_ascii_digit())
            && (1..=64).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    })
}

/// Reads the parameters of a call from the query, and from a JSON or form body.
///
/// # Errors
///
/// Refuses a body of another type, or one that cannot be read as its type.
pub(crate) fn read_parameters(
    method: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, Refusal> {
    let mut parameters = Map::new();
    read_form(method, uri.query().unwrap_or_default().as_bytes(), &mut parameters);
    if body.is_empty() {
        return Ok(parameters);
    }
    let content_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" => match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => parameters.extend(map),
            _ => return Err(Refusal::bad_request("can't parse JSON object")),
        },
        "application/x-www-form-urlencoded" => read_form(method, body, &mut parameters),
        _ => return Err(Refusal::bad_request("unsupported content type")),
    }
    Ok(parameters)
}

/// A file that came with a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Upload {
    /// The parameter that it is.
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) media_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// Reads the parameters of a call and its files from a `multipart/form-data` body.
///
/// # Errors
///
/// Refuses a body that cannot be read as its type.
pub(crate) async fn read_multipart(
    method: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(Map<String, Value>, Vec<Upload>), Refusal> {
    let unreadable = |_| Refusal::bad_request("can't parse multipart data");
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    // How much may come was looked at when the body was read.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| Refusal::bad_request("can't parse multipart data"))?;

    let mut parameters = Map::new();
    let mut uploads = Vec::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file_name) = field.file_name().map(str::to_owned) else {
            let text = field.text().await.map_err(unreadable)?;
            let value = Schema::get().read_text(method, &name, text);
            parameters.insert(name, value);
            continue;
        };
        let media_type = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(unreadable)?;
        // For the schema a file is an object; its bytes are beside it.
        parameters.insert(name.clone(), json!({}));
        uploads.push(Upload { field: name, name: file_name, media_type, bytes });
    }
    Ok((parameters, uploads))
}

fn read_form(method: &str, text: &[u8], parameters: &mut Map<String, Value>) {
    for (name, value) in url::form_urlencoded::parse(text) {
        let value = Schema::get().read_text(method, &name, value.into_owned());
        parameters.insert(name.into_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bot_and_a_method() {
        let read = |uri: &'static str| {
            let uri = Uri::from_static(uri);
            Address::read(&uri).map(|a| (a.token.into_owned(), a.method.to_owned()))
        };
        let found = Some(("12:a_B-9".to_owned(), "getMe".to_owned()));
        assert_eq!(read("/bot12:a_B-9/getMe"), found);
        assert_eq!(read("/bot12%3Aa_B-9/getMe?x=1"), found);
        for wrong in
            ["/", "/bot12:a", "/bot12/getMe", "/bot:a/getMe", "/botx:a/getMe", "/bot1:/getMe"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
