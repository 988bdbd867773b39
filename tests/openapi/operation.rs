//! The document as a list of operations.

use crate::site::NOON;
use crate::site::Site;
use serde_json::Value;
use std::sync::Arc;
use tallyring::Engine;
use tallyring::clock::Manual;
use tallyring::engine::config::Config;
use tallyring::privacy::Keyring;
use tallyring::server::App;
use tallyring::store::Store;

/// A configuration with a label.
pub(crate) fn config() -> Config {
    Config { labels: vec!["team".to_owned()], ..Config::default() }
}

pub(crate) fn site() -> Site {
    Site::durable(NOON, config())
}

/// The same app without its sockets.
pub(crate) fn app() -> App {
    let store = Store::in_memory(Engine::new(config()).unwrap());
    App::new(store, Arc::new(Keyring::new([7; 32])), Arc::new(Manual::at(crate::site::instant(NOON))))
}

/// The document, with references followed on request.
pub(crate) struct Document(pub(crate) Value);

/// One operation of it.
pub(crate) struct Operation<'a> {
    pub(crate) method: String,
    pub(crate) path: &'a str,
    pub(crate) told: &'a Value,
    pub(crate) parameters: Vec<&'a Value>,
}

impl Document {
    pub(crate) fn of(site: &Site) -> Self {
        Self(site.get("/openapi.json").json())
    }

    /// What a value stands for: itself, or what its `$ref` names.
    pub(crate) fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let place = reference.strip_prefix('#').expect("within the document");
        self.0.pointer(place).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, told)| (method, path, told))
        });
        operations
            .map(|(method, path, told)| {
                let parameters = told["parameters"].as_array().into_iter().flatten();
                let parameters = parameters.map(|parameter| self.follow(parameter)).collect();
                Operation { method: method.to_uppercase(), path, told, parameters }
            })
            .collect()
    }

    /// The response that an operation tells for a status, and where it stands.
    pub(crate) fn response<'a>(&'a self, operation: &Operation<'a>, status: u16) -> Option<(String, &'a Value)> {
        let status = status.to_string();
        let told = operation.told["responses"].get(&status)?;
        let (path, method) = (escaped(operation.path), operation.method.to_lowercase());
        let own = format!("#/paths/{path}/{method}/responses/{status}");
        let place = told["$ref"].as_str().map_or(own, str::to_owned);
        Some((place, self.follow(told)))
    }
}

impl Operation<'_> {
    /// Its parameters of one place: `query`, `path` or `header`.
    pub(crate) fn of(&self, place: &str) -> impl Iterator<Item = (&str, &Value)> {
        let of = self.parameters.iter().filter(move |parameter| parameter["in"] == place);
        of.map(|parameter| (parameter["name"].as_str().unwrap(), *parameter))
    }

    /// Its path with examples for what varies.
    pub(crate) fn example_path(&self) -> String {
        self.of("path").fold(self.path.to_owned(), |path, (name, told)| {
            path.replace(&format!("{{{name}}}"), told["example"].as_str().unwrap())
        })
    }
}

/// A name within a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
