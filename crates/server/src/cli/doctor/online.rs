//! Does a provider take our key? Its list of models is asked for, which costs nothing.

use replyx_llm::{Dialect, Provider};
use replyx_tls::Protocols;
use reqwest::{StatusCode, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};

use super::PATIENCE;

/// Asks a provider for its models. The error is a sentence with the remedy; it holds neither key
/// nor address.
pub(super) async fn provider(
    provider: &Provider,
    key: Option<&SecretString>,
) -> Result<(), String> {
    let client =
        replyx_tls::client(Protocols::Any).timeout(PATIENCE).redirect(Policy::none()).build();
    let client = client.map_err(|_| "no client can be made".to_owned())?;
    let base = provider.base_url.trim_end_matches('/');
    let mut request = match provider.protocol {
        Dialect::Messages => client
            .get(format!("{}/v1/models", base.trim_end_matches("/v1")))
            .header("anthropic-version", "2023-06-01"),
        _ => client.get(format!("{base}/models")),
    };
    if let Some(key) = key {
        request = match provider.protocol {
            Dialect::Messages => request.header("x-api-key", key.expose_secret()),
            _ => request.bearer_auth(key.expose_secret()),
        };
    }
    let response = request.send().await.map_err(|error| {
        if error.is_timeout() {
            "it does not answer: check its address and the network".to_owned()
        } else {
            "it cannot be reached: check its address and the network".to_owned()
        }
    })?;
    match response.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err("it refuses the key: make a new one".to_owned())
        }
        status if status.is_server_error() => {
            Err(format!("it has trouble of its own (status {status}): try again later"))
        }
        // Not every server lists its models.
        _ => Ok(()),
    }
}
