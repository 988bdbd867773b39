//! The file of tokens: TOML, written aside and renamed, so that whoever reads it sees one state or
//! the next.
//!
//! That it is there means that everybody is asked for a token, also where it holds none. It has no
//! secrets in it, only what a secret can be known again by.

use super::token::Row;
use super::token::Token;
use serde::Deserialize;
use serde::Serialize;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

/// The name of the file in the data folder.
pub const TOKENS_FILE: &str = "tokens.toml";

const HEAD: &str =
    "# Access tokens, written by `tallyring token`. While this file is there, every request needs one.\n\n";

/// A file of tokens that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It can't be read or written.
    #[error("{}: {fault}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        fault: io::Error,
    },
    /// It is not what `tallyring token` writes.
    #[error("{}: {detail}", file.display())]
    Malformed {
        /// Which file.
        file: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    #[serde(default, rename = "token")]
    tokens: Vec<Row>,
}

/// Reads all tokens; `None` where there is no file.
///
/// # Errors
/// [`TokensError`]; a file that is partly right is not used in part.
pub fn read(path: &Path) -> Result<Option<Vec<Token>>, TokensError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // A data folder that is a file has no tokens, and is refused for what it is.
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(fault) => return Err(io_error(path, fault)),
    };
    parse(&text).map(Some).map_err(|detail| TokensError::Malformed { file: path.to_owned(), detail })
}

fn parse(text: &str) -> Result<Vec<Token>, String> {
    let rows: Rows = toml::from_str(text).map_err(|fault| fault.message().to_owned())?;
    let mut tokens: Vec<Token> = Vec::with_capacity(rows.tokens.len());
    for (number, row) in (1..).zip(rows.tokens) {
        let token = row.token().map_err(|detail| format!("token {number}: {detail}"))?;
        if tokens.iter().any(|other| other.id == token.id) {
            return Err(format!("token {number}: its id is another one's too"));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// Writes all tokens. Only the owner of the file can read it.
///
/// # Errors
/// [`TokensError::Io`]; then the file is as it was.
pub fn write(path: &Path, tokens: &[Token]) -> Result<(), TokensError> {
    let rows = Rows { tokens: tokens.iter().map(Row::from).collect() };
    let text = HEAD.to_owned() + &toml::to_string(&rows).expect("texts and lists of texts are TOML");
    replace(path, text.as_bytes()).map_err(|fault| io_error(path, fault))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    match fs::remove_file(&aside) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {} // what a write that was cut off left behind
    }
    let mut file = private(&aside)?;
    give(&file, &fs::metadata(path).or_else(|_| fs::metadata(folder))?)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Gives a new file to whom the old one, or the folder, belongs to: what the administrator writes for
/// a server must not be out of the server's reach.
#[cfg(unix)]
fn give(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if file.metadata()?.uid() == like.uid() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn give(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn io_error(path: &Path, fault: io::Error) -> TokensError {
    TokensError::Io { file: path.to_owned(), fault }
}

/// What tells one state of the file from another. A rename gives another file, an editor at least
/// another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// The state of the file; `None` where it is not there or can't be looked at.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some(Stamp { file: number(&found), bytes: found.len(), modified: found.modified().ok() })
}

#[cfg(unix)]
fn number(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::super::grant::Grant;
    use super::super::secret::Digest;
    use super::*;
    use crate::engine::time::Timestamp;

    fn token(name: &str) -> Token {
        Token::new("01234567", name, Digest::presented(name), Timestamp::from_secs(5)).unwrap()
    }

    fn rows(text: &str) -> String {
        parse(text).err().expect("a refusal")
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join(TOKENS_FILE);
        assert!(read(&path).unwrap().is_none());
        let only = [("user".to_owned(), vec!["ann \"b\"\n".to_owned(), "eve".to_owned()])].into();
        let end = Some(Timestamp::from_secs(9));
        let full = token("full").meant_for(vec![Grant::Read, Grant::Ingest, Grant::Read], only, end).unwrap();
        write(&path, &[full]).unwrap();
        let back = read(&path).unwrap().unwrap();
        assert_eq!(
            (&*back[0].id, &*back[0].name, &*back[0].grants),
            ("01234567", "full", &[Grant::Ingest, Grant::Read][..])
        );
        assert_eq!(back[0].only["user"], ["ann \"b\"\n", "eve"]);
        assert_eq!((back[0].created, back[0].expires), (Timestamp::from_secs(5), end));
        assert!(back[0].digest.matches(&Digest::presented("full")));
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().len(), 0, "no tokens is not the same as no file");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left aside");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKENS_FILE);
        fs::write(folder.path().join("tokens.toml.new"), "of a write that was cut off").unwrap();
        write(&path, &[]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_right_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKENS_FILE);
        write(&path, &[token("a").meant_for(vec![Grant::Read], [].into(), None).unwrap()]).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        assert_eq!(parse(&good).unwrap().len(), 1);
        let twice = format!("{good}\n{good}");
        let cases = [
            (good.replace("read", "reed"), "token 1: \"reed\" is no scope"),
            (good.replace("[\"read\"]", "[]"), "token 1: a token needs a scope: ingest, read or admin"),
            (good.replace("01234567", "0123456l"), "token 1: its id is none"),
            (good.replace("name = \"a\"", "name = \"\""), "token 1: a token's name has"),
            (good.replace("created = \"", "created = \"x"), "is no time"),
            (good.replace("sha256 = \"", "sha256 = \"x"), "token 1: `sha256` is not 64 hexadecimal digits"),
            (good.clone() + "owner = \"me\"\n", "unknown field `owner`"),
            (good.clone() + "[token.only]\nuser = []\n", "`user` confines the token to no value at all"),
            (good.replace("read", "admin") + "[token.only]\nuser = [\"a\"]\n", "can't be confined"),
            (good.replace("read", "ingest") + "[token.only]\nuser = [\"a\"]\n", "goes with the scope read"),
            (twice, "token 2: its id is another one's too"),
            ("[[token".to_owned(), ""),
        ];
        for (text, expected) in cases {
            assert!(rows(&text).contains(expected), "{expected}: {}", rows(&text));
        }
    }
}
