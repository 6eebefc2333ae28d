//! What the parts of an installation tell each other, typed.
//!
//! [`News`] is the one message there is; each has a [`Topic`]. News are hints: what they tell of is
//! in the database, so one that is lost costs time and nothing else. [`News::Attention`] alone is
//! stored nowhere: it is said again every few seconds. A process of a newer version
//! may tell what this one does not know: that is counted in `news_unknown_total` and ignored.

use std::fmt;

use replyx_core::{
    attention::Attention,
    ids::{ProcessId, WorkspaceId},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Live, LiveError, Signal, Subscription};

/// What one may listen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The log of a workspace.
    Log(WorkspaceId),
    /// Work that waits.
    Work,
    /// Changes of what callers have access to.
    Access,
    /// Changes of settings, of providers of models and of the keys to them.
    Settings,
    /// The end of one request, named by a hash.
    Request(String),
}

impl fmt::Display for Topic {
    /// The topic's name on the bus.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(workspace) => write!(f, "log:{workspace}"),
            Self::Work => f.write_str("work"),
            Self::Access => f.write_str("access"),
            Self::Settings => f.write_str("settings"),
            Self::Request(hash) => write!(f, "idempotency:{hash}"),
        }
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// A workspace's log has grown.
    Logged {
        /// Whose log.
        workspace_id: WorkspaceId,
        /// The number of its newest event.
        seq: i64,
    },
    /// Somebody looks at a dialog, or types in it.
    Attention {
        /// Whose dialog it is.
        workspace_id: WorkspaceId,
        /// What is to be seen.
        attention: Attention,
    },
    /// Work waits.
    Work(Work),
    /// What these give access to has changed: users, sessions, keys and workspaces.
    Access {
        /// Their ids.
        ids: Vec<Uuid>,
    },
    /// Settings, providers of models or keys to them have changed.
    Settings,
    /// A request has been answered.
    Answered {
        /// The hash that names it.
        request: String,
    },
}

impl News {
    /// Who hears it.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Logged { workspace_id, .. } | Self::Attention { workspace_id, .. } => {
                Topic::Log(*workspace_id)
            }
            Self::Work(_) => Topic::Work,
            Self::Access { .. } => Topic::Access,
            Self::Settings => Topic::Settings,
            Self::Answered { request } => Topic::Request(request.clone()),
        }
    }

    /// Reads what this process or another one told; `None`: a newer version told it.
    pub fn read(message: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Dispatch<Self>>(message).ok().map(|told| told.news)
    }
}

/// Which kinds of work wait. Kinds that a newer version knows are left out when they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four, on the bus by their names")]
pub struct Work {
    /// Customers to be answered.
    pub turns: bool,
    /// Replies to be sent.
    pub outbox: bool,
    /// Background jobs.
    pub jobs: bool,
    /// Bots that changed.
    pub bots: bool,
}

impl Work {
    /// Every kind: after a gap any may wait.
    pub const ALL: Self = Self { turns: true, outbox: true, jobs: true, bots: true };

    /// Whether none waits.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The kinds of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            turns: self.turns || other.turns,
            outbox: self.outbox || other.outbox,
            jobs: self.jobs || other.jobs,
            bots: self.bots || other.bots,
        }
    }
}

/// News, and the process that tells them.
#[derive(Debug, Serialize, Deserialize)]
struct Dispatch<N> {
    from: ProcessId,
    #[serde(flatten)]
    news: N,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewsSignal {
    /// Another process tells this.
    News(News),
    /// News may have been missed: look in the database.
    Gap,
}

/// One listener of one topic, until dropped.
#[derive(Debug)]
pub struct Listener {
    own: ProcessId,
    subscription: Subscription,
}

impl Listener {
    /// Waits for what another process tells. Never ends by itself; may be cancelled without loss.
    pub async fn next(&mut self) -> NewsSignal {
        loop {
            let message = match self.subscription.next().await {
                Signal::Gap => return NewsSignal::Gap,
                Signal::Message(message) => message,
            };

            match serde_json::from_slice::<Dispatch<News>>(&message) {
                Ok(told) if told.from == self.own => {}
                Ok(told) => return NewsSignal::News(told.news),
                Err(_) => metrics::counter!("news_unknown_total").increment(1),
            }
        }
    }
}

impl Live {
    /// Tells the news to everyone who listens to their topic now.
    ///
    /// # Errors
    ///
    /// As [`Live::publish`].
    pub async fn tell(&self, from: ProcessId, news: &News) -> Result<(), LiveError> {
        let topic = news.topic().to_string();
        let told = serde_json::to_vec(&Dispatch { from, news }).expect("news are plain data");
        self.publish(&topic, told).await
    }

    /// Listens to what other processes than `own` tell. As with [`Live::subscribe`]: first listen,
    /// then read the database.
    pub async fn listen(&self, topic: &Topic, own: ProcessId) -> Listener {
        Listener { own, subscription: self.subscribe(&topic.to_string()).await }
    }
}

#[cfg(test)]
mod tests {
    use replyx_core::{attention::AttentionState, clock::Clock};

    use super::*;

    #[test]
    fn news_have_one_written_form() {
        let id = Uuid::from_u128(7);
        let from = ProcessId::from(id);
        let jobs = Work { jobs: true, ..Work::default() };
        for (news, written) in [
            (
                News::Logged { workspace_id: id.into(), seq: 5 },
                r#""news":"logged","workspace_id":"00000000-0000-0000-0000-000000000007","seq":5"#,
            ),
            (
                News::Attention {
                    workspace_id: id.into(),
                    attention: Attention {
                        dialog_id: id.into(),
                        user_id: id.into(),
                        name: "Kim".to_owned(),
                        state: AttentionState::Typing,
                    },
                },
                concat!(
                    r#""news":"attention","workspace_id":"00000000-0000-0000-0000-000000000007","#,
                    r#""attention":{"dialog_id":"00000000-0000-0000-0000-000000000007","#,
                    r#""user_id":"00000000-0000-0000-0000-000000000007","name":"Kim","#,
                    r#""state":"typing"}"#
                ),
            ),
            (
                News::Work(jobs),
                r#""news":"work","turns":false,"outbox":false,"jobs":true,"bots":false"#,
            ),
            (
                News::Access { ids: vec![id] },
                r#""news":"access","ids":["00000000-0000-0000-0000-000000000007"]"#,
            ),
            (News::Settings, r#""news":"settings""#),
            (News::Answered { request: "ab".to_owned() }, r#""news":"answered","request":"ab""#),
        ] {
            let text = serde_json::to_string(&Dispatch { from, news: &news }).unwrap();
            assert_eq!(text, format!(r#"{{"from":"{id}",{written}}}"#));
            let read: Dispatch<News> = serde_json::from_str(&text).unwrap();
            assert_eq!((read.from, &read.news), (from, &news));
            assert_eq!(News::read(text.as_bytes()), Some(news));
        }
    }

    #[tokio::test]
    async fn what_a_newer_process_tells_is_skipped_and_what_it_adds_is_left_out() {
        let live = Live::in_process();
        let clock = Clock::system();
        let here: ProcessId = clock.id();
        let there: ProcessId = clock.id();
        let mut listener = live.listen(&Topic::Work, here).await;

        for told in [
            "tojb".to_owned(),
            "\u{0}".to_owned(),
            format!(r#"{{"from":"{there}","news":"weather","rain":true}}"#),
            format!(r#"{{"from":"{there}","news":"work","bots":true,"robots":true}}"#),
        ] {
            live.publish("work", told).await.unwrap();
        }

        let bots = Work { bots: true, ..Work::default() };
        assert_eq!(listener.next().await, NewsSignal::News(News::Work(bots)));
    }

    #[tokio::test]
    async fn a_process_does_not_hear_itself() {
        let live = Live::in_process();
        let clock = Clock::system();
        let here: ProcessId = clock.id();
        let there: ProcessId = clock.id();
        let mut listener = live.listen(&Topic::Settings, here).await;

        live.tell(here, &News::Settings).await.unwrap();
        live.tell(here, &News::Settings).await.unwrap();
        live.tell(there, &News::Settings).await.unwrap();

        assert_eq!(listener.next().await, NewsSignal::News(News::Settings));
        let again = tokio::time::timeout(std::time::Duration::from_millis(50), listener.next());
        assert!(again.await.is_err(), "its own news came back to it");
    }
}
