//! Data folders that can't be used: the server says why, and which file, and ends with 3.

use crate::kit::Said;
use crate::kit::Server;
use crate::kit::run;
use std::fs;

/// Starts a server that can't open its folder.
fn refused(folder: &str, more: &[&str]) -> Said {
    let said = run(&[&["serve", "--listen", "127.0.0.1:0", "--data-dir", folder], more].concat());
    assert!(!said.err.contains("panicked"), "{said:?}");
    said
}

#[test]
fn a_folder_belongs_to_one_server() {
    let server = Server::start();
    let folder = server.folder.path().join("data");
    let said = refused(folder.to_str().unwrap(), &[]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("another process has this data folder open"), "{said:?}");
    assert!(said.err.contains(folder.to_str().unwrap()), "{said:?}");
    assert_eq!(server.requests(), 0, "the first is not disturbed");
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "mine").unwrap();
    let said = refused(file.to_str().unwrap(), &["--keys=plain"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains(file.to_str().unwrap()), "{said:?}");
    assert_eq!(refused(file.to_str().unwrap(), &[]).code, 2, "the secret of keys comes first");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_folder_where_a_file_should_be_is_refused() {
    for place in ["lock", "journal", "snapshots"] {
        let folder = tempfile::tempdir().unwrap();
        match place {
            "lock" => fs::create_dir(folder.path().join(place)).unwrap(),
            _ => fs::write(folder.path().join(place), "mine").unwrap(),
        }
        let said = refused(folder.path().to_str().unwrap(), &[]);
        assert_eq!(said.code, 3, "{place}: {said:?}");
    }
}

/// Nobody can make a folder there, whoever runs the tests.
#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let said = refused("/proc/tallyring-data", &["--keys=plain"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("/proc/tallyring-data"), "{said:?}");
}

#[test]
fn labels_can_be_added_but_not_taken_away() {
    let folder = Server::start_with(&["serve", "--labels", "team"]).into_folder();
    let data = folder.path().join("data");
    let said = refused(data.to_str().unwrap(), &["--labels", "region"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("[team]") && said.err.contains("[region]"), "{said:?}");
    let more = Server::start_in(folder, &["serve", "--labels", "team,region"]);
    assert_eq!(more.requests(), 0);
}
