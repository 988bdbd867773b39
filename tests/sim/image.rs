//! What is on a disk while no process runs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names and bytes. Bytes are shared until someone changes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) files: BTreeMap<String, Arc<Vec<u8>>>,
    pub(crate) folders: BTreeSet<String>,
}

impl Image {
    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], |bytes| bytes)
    }

    /// The bytes of a file, to change them.
    pub(crate) fn edit(&mut self, name: &str) -> &mut Vec<u8> {
        Arc::make_mut(self.files.entry(name.to_owned()).or_default())
    }

    /// Names that end so, in order.
    pub(crate) fn names(&self, suffix: &str) -> Vec<String> {
        self.files.keys().filter(|name| name.ends_with(suffix)).cloned().collect()
    }

    /// The last name that ends so.
    pub(crate) fn last(&self, suffix: &str) -> String {
        self.names(suffix).pop().expect("there is such a file")
    }

    /// Whether every file of this image is in another, byte for byte.
    pub(crate) fn is_kept_in(&self, other: &Self) -> bool {
        self.files.iter().all(|(name, bytes)| other.files.get(name) == Some(bytes))
    }
}
