//! Which models may be used: those that the installation allows, and of these those that a
//! workspace does.
//!
//! Names are compared by what they mean, so that another spelling of a model is the same model;
//! what is not known to be allowed is not.

use std::sync::{Arc, PoisonError, RwLock};

use replyx_core::setting::is_model_name;

use replyx_extractive::NAME as EXTRACTIVE;

use crate::{
    keys::{ANTHROPIC, DEFAULT_PROVIDER, Registry},
    models::Models,
    prices::Price,
};

/// The installation's list; none allows what has a price.
#[derive(Debug)]
pub(crate) struct Allowed {
    configured: Vec<String>,
    list: RwLock<Arc<[String]>>,
}

impl Allowed {
    pub(crate) fn new(configured: Vec<String>) -> Self {
        let list = RwLock::new(configured.clone().into());
        Self { configured, list }
    }

    fn list(&self) -> Arc<[String]> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A model that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// Its name, as an assistant names it.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// What it costs, where that is known.
    pub price: Option<Price>,
    /// Tokens that it reads and writes at once, where that is known.
    pub context: Option<u64>,
    /// Whether it is the default model.
    pub is_default: bool,
}

impl Models {
    /// Replaces the list of models that may be used; `None` brings back the configuration's. An
    /// empty one allows the default, those to fall back on, the one that quotes, and every model
    /// with a price.
    pub fn set_allowed(&self, list: Option<Vec<String>>) {
        let list = list.unwrap_or_else(|| self.allowed.configured.clone());
        *self.allowed.list.write().unwrap_or_else(PoisonError::into_inner) = list.into();
    }

    /// May a model be used? `only` are the models that the workspace may use, if it may not use
    /// all.
    pub fn allows(&self, name: &str, only: Option<&[String]>) -> bool {
        self.permits(&self.registry(), name, only)
    }

    /// The model an assistant of a workspace means: the one it names, else the installation's
    /// default; where that may not be used, the first that may.
    pub fn resolve_for(&self, named: Option<&str>, only: Option<&[String]>) -> String {
        let resolved = self.resolve(named);
        let is_named = named.is_some_and(|name| !name.trim().is_empty());
        let registry = self.registry();
        if is_named || self.permits(&registry, resolved, only) {
            return resolved.to_owned();
        }
        let list = self.allowed.list();
        let usable =
            |name: &&String| self.permits(&registry, name, only) && registry.link(name).is_some();
        let first = only.unwrap_or(&list).iter().find(usable);
        first.map_or_else(|| resolved.to_owned(), Clone::clone)
    }

    pub(crate) fn permits(&self, registry: &Registry, name: &str, only: Option<&[String]>) -> bool {
        if !is_model_name(name) {
            return false;
        }
        let meant = registry.place(name);
        let among = |list: &[String]| list.iter().any(|one| registry.place(one) == meant);
        let list = self.allowed.list();
        let by_installation = if list.is_empty() {
            let (provider, model) = meant;
            provider == EXTRACTIVE
                || among(self.default_model.as_slice())
                || among(&self.fallbacks)
                || self.prices.known(provider, model).is_some_and(|known| known.chats)
        } else {
            among(&list)
        };
        by_installation && only.is_none_or(among)
    }

    /// What the configuration names and the list of allowed models leaves out: a sentence for each,
    /// with what happens instead.
    pub fn left_out(&self) -> Vec<String> {
        let registry = self.registry();
        let mut sentences = Vec::new();

        let default = self.resolve(None);
        if !self.permits(&registry, default, None) {
            let named =
                if self.default_model.is_some() { "DEFAULT_MODEL" } else { "the default model" };
            let other = self.resolve_for(None, None);
            sentences.push(if other == default {
                format!(
                    "ALLOWED_MODELS leaves out {named} `{default}` and names no model that can be asked instead: \
                     assistants that name no model answer with their fallback text"
                )
            } else {
                format!(
                    "ALLOWED_MODELS leaves out {named} `{default}`: assistants that name no model use `{other}`"
                )
            });
        }
        let left_out = |name: &&String| !self.permits(&registry, name, None);
        for name in self.fallbacks.iter().filter(left_out) {
            sentences.push(format!(
                "ALLOWED_MODELS leaves out `{name}` of FALLBACK_MODELS: it is never asked"
            ));
        }
        sentences
    }

    /// The models that may be used and whose providers have keys, by name. `only` as in
    /// [`Self::allows`].
    pub fn list(&self, only: Option<&[String]>) -> Vec<ListedModel> {
        let registry = self.registry();
        let default = self.resolve_for(None, only);
        let mut names = vec![EXTRACTIVE.to_owned(), default.clone()];
        names.extend(self.fallbacks.iter().cloned());
        names.extend(self.allowed.list().iter().cloned());
        names.extend(only.unwrap_or_default().iter().cloned());
        names.extend(self.prices.chats().filter_map(|(name, known)| {
            let whose = known.provider.as_deref();
            let name = match whose {
                None | Some(DEFAULT_PROVIDER | ANTHROPIC) => name.to_owned(),
                Some(provider) => format!("{provider}:{name}"),
            };
            // Without its own provider a model is nobody's here.
            let at_home = whose.is_none_or(|whose| registry.place(&name).0 == whose);
            at_home.then_some(name)
        }));

        let mut listed: Vec<ListedModel> = Vec::new();
        let mut places = Vec::new();
        for name in &names {
            let place = registry.place(name);
            let usable = self.permits(&registry, name, only) && registry.link(name).is_some();
            if !usable || places.contains(&place) {
                continue;
            }
            places.push(place);
            let (provider, model) = place;
            let known = self.prices.known(provider, model);
            listed.push(ListedModel {
                name: name.clone(),
                provider: provider.to_owned(),
                price: known.map(|known| known.price),
                context: known.and_then(|known| known.context),
                is_default: registry.place(&default) == place,
            });
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        listed
    }
}
