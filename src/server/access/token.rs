//! One token as it is kept, and how it stands in the file.

use super::caller::Caller;
use super::caller::Only;
use super::grant::Grant;
use super::secret::Digest;
use super::secret::is_id;
use crate::engine::time::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// The longest name of a token.
const MAX_NAME_CHARS: usize = 64;

/// What is kept of a token: everything but its secret.
pub struct Token {
    /// What names it, for ever.
    pub id: Arc<str>,
    /// What its holder is called. Event ids and idempotency keys are one name's own, so a token that
    /// takes over from another should have its name.
    pub name: Arc<str>,
    /// What it is for.
    pub grants: Arc<[Grant]>,
    /// The calls that its holder sees; all of them where it is empty.
    pub only: Arc<Only>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    pub(super) digest: Digest,
}

impl Token {
    /// A new one; what is wrong with it is a sentence.
    ///
    /// # Errors
    /// Where its name can't be one, it is for nothing, or it is for everything and yet confined.
    pub fn new(id: &str, name: &str, digest: Digest, created: Timestamp) -> Result<Self, String> {
        let chars = name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&chars) || name.chars().any(char::is_control) || name.trim() != name {
            return Err(format!(
                "a token's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character \
                                and no space at either end"
            ));
        }
        let (grants, only) = (Arc::default(), Arc::default());
        Ok(Self { id: id.into(), name: name.into(), grants, only, created, expires: None, digest })
    }

    /// The same with what it is for.
    ///
    /// # Errors
    /// Where that is nothing, or everything and yet confined.
    pub fn meant_for(self, mut grants: Vec<Grant>, only: Only, expires: Option<Timestamp>) -> Result<Self, String> {
        grants.sort_unstable();
        grants.dedup();
        if grants.is_empty() {
            return Err("a token needs a scope: ingest, read or admin".to_owned());
        }
        if !only.is_empty() && grants.contains(&Grant::Admin) {
            return Err("a token with the scope admin can't be confined to some calls".to_owned());
        }
        if !only.is_empty() && !grants.contains(&Grant::Read) {
            return Err("what a token may see goes with the scope read; it has not got it".to_owned());
        }
        if let Some((name, _)) = only.iter().find(|(_, values)| values.is_empty()) {
            return Err(format!("`{name}` confines the token to no value at all"));
        }
        Ok(Self { grants: grants.into(), only: Arc::new(only), expires, ..self })
    }

    /// Whether it is past its end.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    pub(super) fn caller(&self) -> Caller {
        let Self { id, name, grants, only, .. } = self;
        Caller {
            name: Arc::clone(name),
            token: Some(Arc::clone(id)),
            grants: Arc::clone(grants),
            only: Arc::clone(only),
        }
    }
}

/// A token in the file. What is not known is refused: it may be a restriction.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) id: String,
    name: String,
    scopes: Vec<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    sha256: String,
    #[serde(default, skip_serializing_if = "Only::is_empty")]
    only: Only,
}

impl From<&Token> for Row {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            scopes: token.grants.iter().map(|grant| grant.word().to_owned()).collect(),
            created: token.created.to_string(),
            expires: token.expires.map(|end| end.to_string()),
            sha256: token.digest.hex(),
            only: Only::clone(&token.only),
        }
    }
}

impl Row {
    /// The token, or what is wrong with the row.
    pub(super) fn token(self) -> Result<Token, String> {
        let time = |text: &str| text.parse().map_err(|fault| format!("{text:?} is no time: {fault}"));
        let grant = |word: &String| Grant::parse(word).ok_or_else(|| format!("{word:?} is no scope"));
        if !is_id(&self.id) {
            return Err("its id is none".to_owned());
        }
        let digest = Digest::parse(&self.sha256).ok_or("`sha256` is not 64 hexadecimal digits")?;
        let grants = self.scopes.iter().map(grant).collect::<Result<_, _>>()?;
        let expires = self.expires.as_deref().map(time).transpose()?;
        Token::new(&self.id, &self.name, digest, time(&self.created)?)?.meant_for(grants, self.only, expires)
    }
}
