//! Test 32: five times as much as it can take. What is taken is exact and prompt, what is not is
//! told at once.

use crate::flood::flood;
use crate::kit::alone;
use crate::kit::events;
use crate::kit::percentile;
use crate::runs;
use crate::support::Server;
use std::time::Duration;

const BATCH: usize = 500;

fn batch() -> Vec<u8> {
    let line = |n: usize| {
        format!(
            "{{\"key\":\"sk-{}\",\"user\":\"user-{}\",\"model\":\"model-{}\",\"status\":200,\"latency_ms\":{}.5,\
             \"input_tokens\":{},\"output_tokens\":{},\"cost\":\"0.000{}\"}}\n",
            n % 50,
            n % 97,
            n % 7,
            100 + n,
            n * 3,
            n,
            1_000 + n
        )
    };
    events((0..BATCH).map(line).collect::<String>().as_bytes())
}

#[test]
fn five_times_the_load_is_shed_and_nothing_is_lost() {
    let _alone = alone();
    let server = Server::start_with(&["--journal-segment-bytes", "256MiB"]);
    let request = batch();
    let second = |seconds: u64| Duration::from_secs(seconds * runs::times());
    let mut acknowledged = flood(&server, &request, 8, second(1), None).taken_ms.len(); // warm
    let peak = flood(&server, &request, 8, second(3), None);
    let mut over = flood(&server, &request, 96, second(6), Some(5.0 * peak.rate()));
    let mut after = flood(&server, &request, 4, second(2), None);
    acknowledged += peak.taken_ms.len() + over.taken_ms.len() + after.taken_ms.len();

    let (offered, goodput) = (over.sent as f64 / over.seconds / peak.rate(), over.rate() / peak.rate());
    println!(
        "capacity {:.0} requests/s of {BATCH} events; offered {offered:.2} times that; taken {goodput:.2} of it; \
         taken p50 {:.0} p99 {:.0} ms; {} refused, p50 {:.0} p99 {:.0} ms; afterwards {:.2} of it, p99 {:.0} ms, {} refused",
        peak.rate(),
        percentile(&mut over.taken_ms, 50),
        percentile(&mut over.taken_ms, 99),
        over.refused_ms.len(),
        percentile(&mut over.refused_ms, 50),
        percentile(&mut over.refused_ms, 99),
        after.rate() / peak.rate(),
        percentile(&mut after.taken_ms, 99),
        after.refused_ms.len(),
    );
    for load in [&peak, &over, &after] {
        assert!(load.faults.is_empty(), "{:?}", &load.faults[..load.faults.len().min(9)]);
    }
    assert_eq!(server.requests(), (acknowledged * BATCH) as u64, "what was acknowledged is counted, and nothing else");
    assert!(!over.refused_ms.is_empty(), "it was too much");
    // Of a figure that any other program on the machine moves, only a collapse is a fault.
    assert!(goodput >= 0.2, "{goodput}");
    assert!(after.refused_ms.is_empty(), "and then it is not");
}
