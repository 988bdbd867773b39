//! One writer for each name: what two names send under the same ids counts twice, what one name
//! sends again under another token counts once.

use crate::house::House;
use crate::house::token;
use serde_json::json;
use tallyring::server::access::Grant;
use tallyring::server::access::Only;

#[test]
fn ids_and_idempotency_keys_are_a_name_s_own() {
    let sender = |name| token(name, &[Grant::Ingest], &Only::new(), None);
    let [(one, first), (two, second), (three, rotated)] = [sender("one"), sender("two"), sender("one")];
    let house = House::guarded(&[one, two, three]);
    let event = "{\"id\":\"7\",\"model\":\"m\"}\n";
    let counts = |reply: crate::house::Reply| (reply.json()["accepted"].clone(), reply.json()["duplicates"].clone());
    assert_eq!(counts(house.send(&first, event)), (json!(1), json!(0)));
    assert_eq!(counts(house.send(&first, event)), (json!(0), json!(1)));
    assert_eq!(counts(house.send(&second, event)), (json!(1), json!(0)), "another name, another call");
    assert_eq!(counts(house.send(&rotated, event)), (json!(0), json!(1)), "the same name goes on");

    let keyed = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers: [(&str, &[u8]); 3] = [
            ("authorization", bearer.as_bytes()),
            ("content-type", b"application/json"),
            ("idempotency-key", b"request-1"),
        ];
        counts(house.ask("POST", "/v1/events", &headers, b"{\"model\":\"n\"}"))
    };
    assert_eq!(keyed(&first), (json!(1), json!(0)));
    assert_eq!(keyed(&second), (json!(1), json!(0)));
    assert_eq!(keyed(&rotated), (json!(0), json!(1)));
    // What one name has sent is no conflict for another, so nobody learns of it.
    assert_eq!(counts(house.send(&first, "{\"id\":\"8\",\"model\":\"m\"}\n")), (json!(1), json!(0)));
    assert_eq!(counts(house.send(&second, "{\"id\":\"8\",\"model\":\"other\"}\n")), (json!(1), json!(0)));
    assert_eq!(house.send(&rotated, "{\"id\":\"8\",\"model\":\"other\"}\n").json()["rejected"], 1, "but for itself");
}
