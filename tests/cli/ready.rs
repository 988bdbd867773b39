//! `ready` says by its exit code whether a server answers questions.

use crate::kit::Server;
use crate::kit::run;
use std::net::TcpListener;

#[test]
fn a_server_that_answers_is_ready() {
    let server = Server::start();
    let said = server.run(&["ready"]);
    assert_eq!((said.code, said.out.as_str(), said.err.trim()), (0, "", "ready"), "{said:?}");
    assert_eq!(server.run(&["ready", "--quiet"]).err, "");
}

#[test]
fn nobody_there_is_not_ready() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    for wait in [&["--wait", "300ms"][..], &[]] {
        let said = run(&[&["ready", "--url", &url], wait].concat());
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("no answer from"), "{said:?}");
    }
    assert_eq!(run(&["ready", "--url", "not a url"]).code, 2);
}
