//! What a process serves over HTTP: everything with the role `http`, else health and metrics.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use replyx_api::{ApiSettings, AppState, access::Accesses, vitals::Health};
use replyx_engine::Engine;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    config::Config,
    files::OpenFiles,
    roles::{Roles, http},
    space, telemetry,
};

/// What decides where a process listens, and for what.
pub(super) struct Serving<'a> {
    pub config: &'a Config,
    pub roles: Roles,
    pub files: &'a OpenFiles,
    /// Ends the server.
    pub stop: &'a CancellationToken,
}

/// A process that listens.
pub(super) struct Served {
    pub server: JoinHandle<()>,
    /// Look at what the process needs, and at what the database has become, for health and metrics.
    pub watching: [JoinHandle<()>; 2],
    address: SocketAddr,
    is_new: bool,
}

impl Served {
    /// Where it listens, and whether there is no account yet.
    pub const fn told(&self) -> (Option<SocketAddr>, bool) {
        (Some(self.address), self.is_new)
    }
}

impl Serving<'_> {
    /// Begins to listen; `None`: this process does not.
    pub async fn begin(
        &self,
        engine: &Arc<Engine>,
        accesses: Arc<Accesses>,
        work_stop: &CancellationToken,
    ) -> anyhow::Result<Option<Served>> {
        let wanted = if self.roles.http {
            Some(self.config.listen())
        } else {
            self.config.listen_for_probes()
        };
        let Some(wanted) = wanted else { return Ok(None) };
        let listener =
            http::listen(wanted).with_context(|| format!("cannot listen on `{wanted}`"))?;
        let address = listener.local_addr()?;

        let render = telemetry::metrics(work_stop.clone())?;
        let health = Health::default();
        let look = space::of(self.config.data_dir());
        let watching = health.clone().watch(Arc::clone(engine), look, work_stop.clone());
        let state = AppState::new(
            Arc::clone(engine),
            accesses,
            health,
            Box::new(render),
            ApiSettings { program: app::program()?, ..self.config.api(address) },
            self.stop.clone(),
        );

        let router =
            if self.roles.http { replyx_api::router(&state) } else { replyx_api::probes(&state) };
        let is_new = self.roles.http && !engine.db.read().await?.system().users().any().await?;
        let stop = self.stop.clone();
        let settings = state.settings.clone();
        let most =
            if self.roles.bots { self.files.connections() } else { self.files.connections_alone() };
        let server = tokio::spawn(async move {
            if let Err(error) = http::serve(listener, router, &settings, most, stop).await {
                tracing::error!(error = %error, "http server failed");
            }
        });
        let sizes = replyx_api::sizes::watch(Arc::clone(engine), work_stop.clone());
        let watching = [tokio::spawn(watching), tokio::spawn(sizes)];
        Ok(Some(Served { server, watching, address, is_new }))
    }
}
