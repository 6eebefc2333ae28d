//! What a start tells: where everything is and what to do first. On a terminal as lines for a
//! person, elsewhere as lines of the log.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
};

use replyx_engine::Engine;
use replyx_terminal::{Color, Painter, complain};

use crate::config::{Config, LogFormat};

/// What somebody does who has just installed the program.
const FIRST_STEP: &str = "there is no account yet: `replyx admin create EMAIL` makes the first admin, or register on the docs page";

/// A program that has started and listens.
pub struct Started<'a> {
    /// What it works with.
    pub engine: &'a Engine,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether there is no account yet.
    pub is_new: bool,
}

/// Tells it.
pub fn show(config: &Config, started: &Started<'_>) {
    let address = started.address;
    let docs = format!("http://{address}/api/docs");
    let data = config.data_dir().display().to_string();

    let mail = if config.sends_mail() {
        "by SMTP".to_owned()
    } else {
        config.data_dir().join("mail").display().to_string()
    };

    let model = model(started.engine);
    if !io::stderr().is_terminal() || config.log_format() == LogFormat::Json {
        tracing::info!(docs, data.folder = data, model, mail, "ready to use");
        if started.is_new {
            tracing::info!("{FIRST_STEP}");
        }
        return;
    }

    let painter = Painter::for_errors();
    complain!("");
    complain!("  {}", painter.paint(Color::Bold, "ReplyX is running"));

    for (what, value) in [
        ("address", format!("http://{address}")),
        ("docs", docs),
        ("data", data),
        ("model", model),
        ("mail", mail),
    ] {
        complain!("  {} {value}", painter.paint(Color::Cyan, format_args!("{what:<8}")));
    }

    if started.is_new {
        complain!("  {} {FIRST_STEP}", painter.paint(Color::Yellow, "first   "));
    }

    complain!("");
}

/// The model of assistants that name none, and whether it can be asked.
fn model(engine: &Engine) -> String {
    let name = engine.models.resolve(None);
    if engine.models.is_configured(name) {
        name.to_owned()
    } else {
        format!("{name} (no key for it yet)")
    }
}
