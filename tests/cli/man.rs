//! Manual pages, out of the same words as the help.

use crate::kit::run;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn the_page_names_every_command() {
    let page = run(&["man"]).ok();
    assert!(page.contains(".TH tallyring 1"), "{page}");
    for command in commands() {
        assert!(page.contains(&format!("tallyring\\-{command}(1)")), "{command}: {page}");
    }
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man/man1");
    run(&["man", "--dir", pages.to_str().unwrap()]).ok();
    let there: BTreeSet<String> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(there.contains("tallyring.1") && there.contains("tallyring-snapshot-create.1"), "{there:?}");
    for command in commands() {
        assert!(there.contains(&format!("tallyring-{command}.1")), "{command}: {there:?}");
    }
    let serve = fs::read_to_string(pages.join("tallyring-serve.1")).unwrap();
    assert!(serve.contains("data\\-dir"), "{serve}");
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = run(&["--help"]).ok();
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(names.len() > 10, "{help}");
    names.into_iter().filter(|name| name != "help").collect()
}
