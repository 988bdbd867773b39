//! The document is OpenAPI 3.1, by the meta-schema.

use crate::operation::site;
use crate::program;
use std::process::Command;

#[test]
fn the_document_is_valid_openapi() {
    let Some(validator) = program::find("openapi-spec-validator", "the_document_is_valid_openapi") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, site().get("/openapi.json").body).unwrap();
    let check = |schema: &str| Command::new(&validator).args(["--schema", schema]).arg(&file).output().unwrap();
    let found = check("3.1.0");
    let told = String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{told}");
    print!("{told}");
    // It does look: as a document of the older version it would not do.
    assert!(!check("3.0").status.success());
}
