use std::{collections::BTreeMap, sync::Arc};

use metrics::gauge;
use replyx_extractive::NAME as EXTRACTIVE;
use secrecy::{ExposeSecret, SecretString};

use super::{HeldKey, Provider, ProviderKey, Standing, client::Client};
use crate::{error::ModelError, limits::Limits};

/// The provider of models that name none.
pub(crate) const DEFAULT_PROVIDER: &str = "openai";
/// The provider of models whose names begin with `claude`.
pub(crate) const ANTHROPIC: &str = "anthropic";

/// Providers and keys as they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) providers: Vec<Provider>,
    pub(crate) keys: Vec<ProviderKey>,
}

/// A provider in use.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) name: Arc<str>,
    provider: Provider,
    /// Only where there is a key to use it with.
    client: Option<Client>,
    /// All of its keys, those not enabled included.
    keys: Vec<Arc<HeldKey>>,
}

/// A model at its provider.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) provider: Arc<str>,
    /// Without the provider's name.
    pub(crate) model: String,
    /// Those that may be used, in the order of their use; none for a model that needs no key.
    pub(crate) keys: Vec<Arc<HeldKey>>,
}

/// The providers and keys of a moment.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    providers: BTreeMap<String, Served>,
}

impl Registry {
    /// Joins tables; of two providers or keys with one name, the later counts. What has not changed
    /// since `before` keeps its connections and its history.
    pub(crate) fn new(
        tables: &[&Table],
        before: &Self,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        let providers: BTreeMap<&str, &Provider> = tables
            .iter()
            .flat_map(|table| &table.providers)
            .map(|provider| (provider.name.as_str(), provider))
            .collect();

        let keys: BTreeMap<_, _> =
            tables.iter().flat_map(|table| &table.keys).map(|key| (key.id, key)).collect();

        let serve = |provider: &Provider| -> Result<Served, ModelError> {
            let known = before.providers.get(&provider.name);
            let known = known.filter(|served| served.provider == *provider);

            let mut wanted: Vec<ProviderKey> = keys
                .values()
                .filter(|key| key.provider == provider.name && key.belongs_to(&provider.base_url))
                .map(|key| (*key).clone())
                .collect();

            if wanted.is_empty() && provider.keyless {
                wanted.push(ProviderKey::configured(&provider.name, SecretString::from("")));
            }

            let client = match known.and_then(|served| served.client.clone()) {
                None if !wanted.is_empty() => Some(Client::new(provider, limits)?),
                known => known,
            };

            let hold = |key: ProviderKey| {
                let is_known = |held: &&Arc<HeldKey>| is_same(&held.key, &key);
                let held = known.and_then(|served| served.keys.iter().find(is_known)).cloned();
                let with =
                    |client: &Client| Arc::new(HeldKey::new(key.clone(), client.with_key(&key)));
                held.or_else(|| client.as_ref().map(with))
            };

            let keys: Vec<_> = wanted.into_iter().filter_map(hold).collect();
            let name = Arc::from(provider.name.as_str());
            Ok(Served { name, provider: provider.clone(), client, keys })
        };

        let providers = providers
            .into_iter()
            .map(|(name, provider)| Ok((name.to_owned(), serve(provider)?)))
            .collect::<Result<_, ModelError>>()?;

        Ok(Self { providers })
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<HeldKey>)> {
        self.providers.values().flat_map(|served| served.keys.iter().map(|key| (&served.name, key)))
    }

    /// Tells the metrics how many keys there are in which state, as far as this process knows.
    pub(crate) fn measure(&self) {
        let mut counts: BTreeMap<(Arc<str>, &str), u32> = BTreeMap::new();

        for (provider, held) in self.keys() {
            let standing = held.standing();
            for (state, word) in Standing::ALL {
                let count = counts.entry((Arc::clone(provider), word)).or_default();
                *count += u32::from(state == standing);
            }
        }
        for ((provider, state), count) in counts {
            gauge!("model_keys", "provider" => provider, "state" => state).set(count);
        }
    }

    /// Has this provider a key that is enabled?
    pub(crate) fn is_configured(&self, provider: &str) -> bool {
        let keys = self.providers.get(provider).map_or(&[][..], |served| &served.keys);
        keys.iter().any(|held| held.key.enabled)
    }

    /// The provider and the model that a name means: two spellings of one model have the same
    /// place.
    pub(crate) fn place<'n>(&self, name: &'n str) -> (&'n str, &'n str) {
        if name == EXTRACTIVE {
            return (EXTRACTIVE, EXTRACTIVE);
        }
        let named = name.split_once(':').filter(|(provider, model)| {
            self.providers.contains_key(*provider) && !model.is_empty()
        });
        named.unwrap_or_else(|| {
            let is_claude = name.starts_with("claude") && self.is_configured(ANTHROPIC);
            (if is_claude { ANTHROPIC } else { DEFAULT_PROVIDER }, name)
        })
    }

    /// The model of this name, if its provider is configured.
    pub(crate) fn link(&self, name: &str) -> Option<Link> {
        if name == EXTRACTIVE {
            return Some(Link {
                provider: EXTRACTIVE.into(),
                model: name.into(),
                keys: Vec::new(),
            });
        }
        let (provider, model) = self.place(name);
        let served = self.providers.get(provider)?;
        let mut keys: Vec<_> =
            served.keys.iter().filter(|held| held.key.enabled).cloned().collect();
        keys.sort_by_key(|held| held.order());
        let link = Link { provider: Arc::clone(&served.name), model: model.to_owned(), keys };
        (!link.keys.is_empty()).then_some(link)
    }
}

fn is_same(one: &ProviderKey, other: &ProviderKey) -> bool {
    fn rest(key: &ProviderKey) -> impl PartialEq + '_ {
        (
            (key.id, key.priority, key.enabled),
            (key.daily_requests, key.monthly_requests, key.daily_cost, key.monthly_cost),
            key.origin.as_deref(),
        )
    }

    rest(one) == rest(other) && one.secret.expose_secret() == other.secret.expose_secret()
}
