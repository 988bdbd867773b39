//! Names are unique, stable, harmless, and show no more of a key than they may.

use super::*;
use proptest::prelude::*;

const LONG: &str = "sk-proj-0123456789abcdefghij-a1b2";

fn keyring() -> Keyring {
    Keyring::new([7; 32])
}

#[test]
fn a_long_key_shows_four_characters_at_each_end() {
    let name = keyring().public_name(LONG);
    assert_eq!(name.split_once('.').unwrap().0, "sk-p…a1b2");
    assert_eq!(name.rsplit_once('.').unwrap().1.len(), 26);
    assert!(is_public_name(&name), "{name}");
}

#[test]
fn a_short_key_shows_nothing() {
    for key in ["a", "hunter2", "sk-12345678901234567890", "🔑🔑🔑🔑🔑🔑🔑🔑", "<script>alert(1)"] {
        let name = keyring().public_name(key);
        assert!(name.starts_with("key."), "{name}");
        assert!(is_public_name(&name), "{name}");
    }
}

#[test]
fn whatever_a_key_holds_its_name_is_harmless() {
    let keys = ["<script>alert(1)</script>", "/////////////////////////", "\u{1b}[2J sixteen more characters \r\n"];
    for key in keys.into_iter().chain(["🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑"])
    {
        let name = keyring().public_name(key);
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_….".contains(c)), "{name}");
        assert!(is_public_name(&name), "{name}");
    }
}

#[test]
fn keys_that_look_alike_get_different_names() {
    let names = [LONG, "sk-proj-0123456789abcdefghiJ-a1b2", "sk-proj-0123456789abcdefghij-a1b2 "]
        .map(|key| keyring().public_name(key));
    assert_ne!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
    assert_ne!(names[0], Keyring::new([8; 32]).public_name(LONG), "the pepper matters");
}

#[test]
fn the_fingerprint_is_the_keyed_hash() {
    let digest = blake3::keyed_hash(&[7; 32], LONG.as_bytes());
    let name = keyring().public_name(LONG);
    let digits = name.rsplit_once('.').unwrap().1;
    let bits = digits
        .bytes()
        .fold(0_u128, |bits, digit| (bits << 5) | ALPHABET.iter().position(|known| *known == digit).unwrap() as u128);
    assert_eq!(bits.to_be_bytes(), digest.as_bytes()[..16]);
}

#[test]
fn a_name_is_its_own_name_and_nothing_else_passes_for_one() {
    let keyring = keyring();
    let name = keyring.public_name(LONG);
    assert_eq!(keyring.public_name(&name), name);
    assert_eq!(keyring.public_name(""), "");
    let (mask, digits) = name.rsplit_once('.').unwrap();
    let near = [
        digits.to_owned(),
        format!("{mask}.{}", &digits[1..]),
        format!("{mask}.{}", digits.to_uppercase()),
        format!("{mask}.8{}", &digits[1..]),
        format!("{mask}x.{digits}"),
        format!("sk/p…a1b2.{digits}"),
        format!(".{digits}"),
    ];
    for text in near {
        assert_ne!(keyring.public_name(&text), text, "{text}");
    }
}

#[test]
fn a_plain_keyring_names_keys_by_themselves() {
    assert_eq!(Keyring::plain().public_name(LONG), LONG);
    assert_eq!(Keyring::plain().scrub(LONG, LONG), LONG);
}

#[test]
fn the_cache_forgets_but_names_stay() {
    let keyring = keyring();
    let first = keyring.public_name(LONG);
    for n in 0..3 * CACHE_KEYS {
        let _ = keyring.public_name(&format!("key number {n} of a great many"));
    }
    let cache = keyring.cache.read();
    assert!(cache.young.len() <= CACHE_KEYS && cache.old.len() <= CACHE_KEYS);
    assert!(cache.find(LONG).is_none(), "pushed out by now");
    drop(cache);
    assert_eq!(keyring.public_name(LONG), first);
}

#[test]
fn an_error_text_loses_every_key() {
    let keyring = keyring();
    let text = "Incorrect key hunter2-hunter2 or sk-canary-0123456789abcdef, AIzaSyA0123456789abcdef; see sk-1";
    let clean = keyring.scrub(text, "hunter2-hunter2");
    for secret in ["hunter2", "canary-0123", "SyA0123456789"] {
        assert!(!clean.contains(secret), "{clean}");
    }
    assert!(clean.starts_with("Incorrect key key.") && clean.ends_with("; see sk-1"), "{clean}");
    assert!(matches!(keyring.scrub("timed out", LONG), Cow::Borrowed("timed out")));
}

#[test]
fn the_pepper_is_made_once_and_only_its_owner_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pepper");
    let first = Keyring::load_or_create(&path).unwrap().public_name(LONG);
    let again = Keyring::load_or_create(&path).unwrap().public_name(LONG);
    assert_eq!(first, again);
    assert_eq!(fs::read(&path).unwrap().len(), 32);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left aside");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
}

#[test]
fn a_pepper_of_the_wrong_length_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pepper");
    fs::write(&path, b"short").unwrap();
    let error = Keyring::load_or_create(&path).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(fs::read(&path).unwrap(), b"short", "and left alone");
}

proptest! {
    #[test]
    fn any_key_gets_a_name_of_the_right_shape(key in "\\PC{1,64}") {
        let name = keyring().public_name(&key);
        prop_assert!(is_public_name(&name), "{}", name);
        prop_assert!(key.chars().count() >= 24 || name.starts_with("key."));
    }
}

#[test]
fn an_error_text_loses_every_access_token() {
    let token = format!("tr_0a1b2c3d_{}", "7".repeat(40));
    let keyring = keyring();
    for text in [token.clone(), format!("Bearer {token}, refused"), format!("str_ tr_ {token}")] {
        let clean = keyring.scrub(&text, "");
        assert!(!clean.contains("_7777"), "{clean}");
    }
    let longer = format!("{token}7");
    for text in ["str_replace_all_of_these_words_is_a_function", "tr_1", &longer] {
        assert_eq!(keyring.scrub(text, ""), text, "a word with the letters of the mark in it");
    }
    let hidden = "str_sk-0123456789abcdefghij";
    assert!(!keyring.scrub(hidden, "").contains("0123456789"), "a key in such a word is one still");
}
