//! API keys are secrets that arrive inside events: here they become public names.
//!
//! ```text
//! raw key      sk-proj-Zx81…(51 characters)…Qa1b2
//! public name  sk-p…a1b2.3k9qd5m0c7v1x8r2h4t6w0yz5b
//!              mask      fingerprint: 128 bits of keyed BLAKE3, in lower-case base 32
//! ```
//!
//! The fingerprint makes names differ wherever keys differ; the mask is for the reader's eye. A
//! name needs no escaping in HTML, CSV or a shell, whatever the key is made of. Without the pepper
//! nobody can test a guessed key against a name.
//!
//! Neither type here has `Debug`, `Display` or `Serialize`: what can't be printed can't leak.

use hashbrown::HashMap;
use parking_lot::RwLock;
use std::borrow::Cow;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Crockford's base 32 in lower case: no `i`, `l`, `o` or `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of 128 bits in base 32.
const DIGITS: usize = 26;
/// Keys with fewer characters than this show nothing of themselves: eight of them told would
/// leave too little to guess.
const MASKED_CHARS: usize = 24;
/// How many raw keys one generation of the cache holds; there are two.
const CACHE_KEYS: usize = 16_384;
/// Keys longer than this are named, but not cached: the cache stays small.
const CACHE_KEY_BYTES: usize = 256;
/// Keys shorter than this are not looked for in texts: they would be found in ordinary words.
const SCRUBBED_BYTES: usize = 8;
/// Bytes in a pepper.
const PEPPER_BYTES: usize = 32;

/// Turns raw API keys into public names. Cheap to share, by reference or `Arc`.
pub struct Keyring {
    pepper: Option<[u8; PEPPER_BYTES]>,
    cache: RwLock<Cache>,
}

/// Raw keys named lately, in two generations: when the young one is full it becomes the old one,
/// and what was only in the old one is forgotten.
#[derive(Default)]
struct Cache {
    young: HashMap<Box<str>, Arc<str>, foldhash::fast::RandomState>,
    old: HashMap<Box<str>, Arc<str>, foldhash::fast::RandomState>,
}

impl Keyring {
    /// Names keys by a keyed BLAKE3 fingerprint under this secret.
    #[must_use]
    pub fn new(pepper: [u8; PEPPER_BYTES]) -> Self {
        Self { pepper: Some(pepper), cache: RwLock::default() }
    }

    /// Leaves keys as they are, for those who must.
    #[must_use]
    pub fn plain() -> Self {
        Self { pepper: None, cache: RwLock::default() }
    }

    /// Names keys under the secret in a file; a missing file is created with 32 random bytes that
    /// only its owner can read. The same file gives the same names for ever.
    ///
    /// # Errors
    /// Of the file system or the random source, or `InvalidData` when the file is not 32 bytes
    /// long: a secret cut short must not pass for one.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match read_pepper(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_pepper(path)?,
            other => return other.map(Self::new),
        }
        // Read back rather than remembered: when two processes start at once, one of them wins.
        read_pepper(path).map(Self::new)
    }

    /// The public name of a raw key. `""` stays `""`, and a public name stays as it is, so that
    /// queries take either.
    #[must_use]
    pub fn public_name(&self, key: &str) -> String {
        self.shared_name(key).as_ref().to_owned()
    }

    /// The same without a copy: a key seen lately costs one look into the cache.
    #[must_use]
    pub fn shared_name(&self, key: &str) -> Arc<str> {
        let Some(pepper) = &self.pepper else { return key.into() };
        if key.is_empty() {
            return key.into();
        }
        if let Some(name) = self.cache.read().find(key) {
            return name;
        }
        let name: Arc<str> = if is_public_name(key) { key.into() } else { name_of(pepper, key).into() };
        if key.len() <= CACHE_KEY_BYTES {
            self.cache.write().keep(key, &name);
        }
        name
    }

    /// An error text without secrets: providers like to quote the key they refuse. The call's own
    /// key, and every word that begins like a key (`sk-`, `AIza`), becomes its public name.
    ///
    /// A plain keyring changes nothing.
    #[must_use]
    pub fn scrub<'t>(&self, text: &'t str, key: &str) -> Cow<'t, str> {
        if self.pepper.is_none() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let text = match key {
            key if key.len() >= SCRUBBED_BYTES && text.contains(key) => {
                Cow::Owned(text.replace(key, &self.shared_name(key)))
            }
            _ => Cow::Borrowed(text),
        };
        if key_like(&text).is_none() { text } else { Cow::Owned(self.scrub_words(&text)) }
    }

    fn scrub_words(&self, text: &str) -> String {
        let (mut rest, mut clean) = (text, String::with_capacity(text.len()));
        while let Some((start, end)) = key_like(rest) {
            clean.push_str(&rest[..start]);
            clean.push_str(&self.shared_name(&rest[start..end]));
            rest = &rest[end..];
        }
        clean + rest
    }
}

impl Cache {
    fn find(&self, key: &str) -> Option<Arc<str>> {
        self.young.get(key).or_else(|| self.old.get(key)).map(Arc::clone)
    }

    fn keep(&mut self, key: &str, name: &Arc<str>) {
        if self.young.len() >= CACHE_KEYS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.into(), Arc::clone(name));
    }
}

/// What API keys begin with, and what access tokens of this program do.
const MARKS: [&str; 3] = ["sk-", "AIza", TOKEN_MARK];
const TOKEN_MARK: &str = "tr_";
/// Letters of an access token.
const TOKEN_CHARS: usize = 52;

/// Where the first word lies that begins like an API key and is long enough to be one, or that is an
/// access token; words that already are public names, or the middle of one, are passed over.
fn key_like(text: &str) -> Option<(usize, usize)> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let mut from = 0;
    loop {
        let found = MARKS.iter().filter_map(|mark| Some((from + text[from..].find(mark)?, *mark)));
        let (start, mark) = found.min()?;
        let length = text.as_bytes()[start..].iter().take_while(|b| is_part(**b)).count();
        // Many a word has the mark of tokens in it, so those are told by their shape.
        let inside = text[..start].bytes().last().is_some_and(is_part);
        if mark == TOKEN_MARK && (inside || length != TOKEN_CHARS) {
            from = start + mark.len();
            continue;
        }
        if length >= 16 {
            return Some((start, start + length));
        }
        from = start + length;
    }
}

/// Mask, dot, fingerprint.
fn name_of(pepper: &[u8; PEPPER_BYTES], key: &str) -> String {
    let mut name = mask(key);
    name.push('.');
    let digest = blake3::keyed_hash(pepper, key.as_bytes());
    let bits = digest.as_bytes()[..16].iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    name.extend((0..DIGITS).rev().map(|digit| {
        let five = usize::try_from((bits >> (5 * digit)) & 31).expect("five bits fit");
        char::from(ALPHABET[five])
    }));
    name
}

/// The first and the last four characters of a long key, `key` for a short one.
fn mask(key: &str) -> String {
    if key.chars().nth(MASKED_CHARS - 1).is_none() {
        return "key".to_owned();
    }
    let head = key.chars().take(4).map(plain_char);
    let mut tail: Vec<char> = key.chars().rev().take(4).map(plain_char).collect();
    tail.reverse();
    head.chain(['…']).chain(tail).collect()
}

/// The character where it is harmless everywhere, else `_`.
fn plain_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
}

/// Whether a text has exactly the shape of a public name.
fn is_public_name(text: &str) -> bool {
    let Some((mask, digits)) = text.rsplit_once('.') else { return false };
    let shaped = digits.len() == DIGITS && digits.bytes().all(|b| ALPHABET.contains(&b));
    // 128 bits leave the first digit three of its five.
    shaped && digits.as_bytes()[0] <= b'7' && is_mask(mask)
}

fn is_mask(mask: &str) -> bool {
    let plain = |part: &str| part.len() == 4 && part.chars().all(|c| plain_char(c) == c || c == '_');
    mask == "key" || mask.split_once('…').is_some_and(|(head, tail)| plain(head) && plain(tail))
}

fn read_pepper(path: &Path) -> io::Result<[u8; PEPPER_BYTES]> {
    let bytes = fs::read(path)?;
    warn_if_shared(path);
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let text = format!("{}: holds {} bytes, a pepper has {PEPPER_BYTES}", path.display(), bytes.len());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

/// Writes a new pepper aside, syncs it, and links it into place unless there is one by then: no
/// crash leaves half a secret under the final name.
fn create_pepper(path: &Path) -> io::Result<()> {
    let mut pepper = [0; PEPPER_BYTES];
    getrandom::fill(&mut pepper).map_err(io::Error::from)?;
    let aside = path.with_extension(format!("{}.tmp", std::process::id()));
    let linked = write_secret(&aside, &pepper).and_then(|()| fs::hard_link(&aside, path));
    let removed = fs::remove_file(&aside);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => removed?,
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn write_secret(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret)?;
    file.sync_all()
}

/// A mounted secret is often readable by all; that is the mount's business, but worth a word.
#[cfg(unix)]
fn warn_if_shared(path: &Path) {
    let mode = fs::metadata(path).map(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()));
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "others can read the pepper; chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_shared(_: &Path) {}

#[cfg(test)]
mod tests;
