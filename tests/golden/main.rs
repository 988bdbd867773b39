//! Snapshots of every released format are read for ever, and by more than one codec.
//!
//! The files in `snapshots/` were written once and are never written again. Each has its figures
//! beside it as text. They are read through the library; and, without it, by two other codecs that
//! read the same bytes, so that the files outlive the crate they were written with. That the engine
//! they were made of still gives the same bytes shows that the format has not moved.

mod made;
mod mirror;

use mirror::Manifest;
use mirror::Names;
use mirror::Piece;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use tallyring::Engine;
use tallyring::engine::event::Dimension;
use tallyring::engine::histogram::Distribution;
use tallyring::engine::money::decimal;
use tallyring::engine::query::Completeness;
use tallyring::engine::query::Query;
use tallyring::engine::query::Totals;
use tallyring::engine::time::Timestamp;
use tallyring::snapshot::Head;
use tallyring::snapshot::Place;
use tallyring::snapshot::Snapshot;
use tallyring::storage::Disk;
use tallyring::store::image;
use tallyring::store::image::Freezer;
use tallyring::store::image::Saved;

/// The golden files; the second leans on the first.
const FILES: [&str; 2] = ["v1-full", "v1-next"];

/// The zstd they were compressed with. Another one may compress otherwise; what it compresses is
/// the same.
const ZSTD: u32 = 10_507;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name)
}

fn head(file: usize) -> Head {
    let (frames, events) = [(12, 120), (14, 131)][file];
    let place = Place { frames, events, chain: [0xc4 + file as u8; 32] };
    Head { instance: *b"golden-instance!", place, taken_us: made::TAKEN[file] * 1_000_000 }
}

fn name(file: usize) -> String {
    let Place { frames, events, .. } = head(file).place;
    format!("{frames:020}-{events:020}.snap")
}

/// A data folder with the golden files under the names they had.
fn folder() -> (tempfile::TempDir, Disk) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("snapshots")).expect("a folder in it");
    for (file, golden_name) in FILES.iter().enumerate() {
        let to = folder.path().join("snapshots").join(name(file));
        fs::copy(golden(&format!("{golden_name}.snap")), to).expect("the golden file");
    }
    let disk = Disk::read_only(folder.path()).expect("readable");
    (folder, disk)
}

/// The same engine, written again.
fn write(folder: &Path) -> Vec<(Saved, Engine)> {
    let disk = Disk::lock(folder).expect("a data folder");
    let mut freezer = Freezer::default();
    let engine = made::first();
    let first = freezer.save(&disk, &engine, now(0), head(0), made::ids(9), false).expect("written");
    let before = image::load(&disk, &first.name, made::config()).expect("read");
    made::go_on(&engine);
    let second = freezer.save(&disk, &engine, now(1), head(1), made::ids(11), false).expect("written");
    vec![(first, before), (second, engine)]
}

fn now(file: usize) -> Timestamp {
    Timestamp::from_secs(made::TAKEN[file])
}

/// Every figure by model and window, and the ids.
fn figures(engine: &Engine, ids: &[([u8; 16], u64)], now: Timestamp) -> String {
    let mut text = String::new();
    for window in [60, 800, 14_000, 260_000, 900_000] {
        let query = Query { distributions: true, ..Query::window(window).group_by(Dimension::Model) };
        let usage = engine.query(&query, now).expect("a good question");
        writeln!(text, "window {window} s, {} s exact", usage.resolution_secs).expect("a text");
        let mut lines = vec![line("all", &usage.totals)];
        let name = |name: &Option<std::sync::Arc<str>>| name.as_deref().unwrap_or("-").to_owned();
        lines.extend(usage.groups.iter().map(|group| line(&name(&group.name[0]), &group.totals)));
        lines[1..].sort();
        lines.iter().for_each(|line| writeln!(text, "  {line}").expect("a text"));
        let Completeness { unpriced, late, rejected, duplicates, .. } = usage.completeness;
        writeln!(text, "  {unpriced} unpriced, {late} late, {rejected:?} rejected, {duplicates} duplicates")
            .expect("a text");
    }
    for dimension in [Dimension::Key, Dimension::User, Dimension::Endpoint, Dimension::Status, Dimension::Label(0)] {
        let mut values: Vec<String> =
            engine.values(dimension, "", 100).iter().map(|value| value.value.to_string()).collect();
        values.sort();
        writeln!(text, "{dimension:?}: {}", values.join(" ")).expect("a text");
    }
    writeln!(text, "ids {ids:?}").expect("a text");
    text
}

fn line(name: &str, totals: &Totals) -> String {
    let sums = &totals.sums;
    let tokens = [
        sums.input_tokens,
        sums.output_tokens,
        sums.cache_read_tokens,
        sums.cache_write_tokens,
        sums.reasoning_tokens,
        sums.total_tokens,
    ];
    let costs = sums.cost.by_currency();
    let costs: Vec<String> = costs
        .iter()
        .map(|cost| format!("{} {} in {}", cost.currency.code(), decimal(cost.nanos), cost.calls))
        .collect();
    format!(
        "{name}: {} calls, {} failed, {} other, {} unmetered, tokens {tokens:?}, {}, latency {} ttft {}",
        sums.requests,
        sums.failures,
        sums.overflowed,
        sums.unmetered,
        costs.join(", "),
        times(sums.latency.count, sums.latency.sum_us, &totals.latency),
        times(sums.ttft.count, sums.ttft.sum_us, &totals.ttft),
    )
}

fn times(count: u64, sum: u128, times: &Distribution) -> String {
    let [p50, p99] = [0.5, 0.99].map(|quantile| times.quantile(quantile));
    format!("[{count} of {sum} us, {:?} to {:?}, p50 {p50:?}, p99 {p99:?}]", times.min_us(), times.max_us())
}

/// The bodies of all sections, with their kinds.
fn bodies(disk: &Disk, name: &str) -> Vec<(u32, Vec<u8>)> {
    let snapshot = Snapshot::open(disk, name).expect("whole");
    let body = |place: usize| snapshot.read(place).expect("whole");
    snapshot.sections().iter().enumerate().map(|(place, section)| (section.kind, body(place))).collect()
}

#[test]
fn golden_files_read_as_they_were_written() {
    let (_folder, disk) = folder();
    for (file, golden_name) in FILES.iter().enumerate() {
        let info = image::verify(&disk, &name(file)).expect("whole");
        assert_eq!((info.full, info.place, info.taken_us), (file == 0, head(file).place, head(file).taken_us));
        let engine = image::load(&disk, &name(file), made::config()).expect("an engine");
        let ids = image::load_ids(&disk, &name(file)).expect("ids");
        let expected = fs::read_to_string(golden(&format!("{golden_name}.txt"))).expect("its figures");
        assert_eq!(figures(&engine, &ids, now(file)), expected, "{golden_name}");
    }
}

#[test]
fn the_same_engine_still_gives_the_same_bytes() {
    let again = tempfile::tempdir().expect("a folder");
    let written = write(again.path());
    let (folder, disk) = folder();
    for (file, (info, engine)) in written.into_iter().enumerate() {
        let copy = image::load(&disk, &name(file), made::config()).expect("an engine");
        assert!(copy.canonical_bytes() == engine.canonical_bytes());
        let others = Disk::read_only(again.path()).expect("readable");
        assert!(bodies(&disk, &name(file)) == bodies(&others, &info.name), "{}", FILES[file]);
        let bytes = |root: &Path| fs::read(root.join("snapshots").join(name(file))).expect("the file");
        if zstd::zstd_safe::version_number() == ZSTD {
            assert!(bytes(folder.path()) == bytes(again.path()), "{}", FILES[file]);
        }
    }
}

/// Kinds of sections.
const MANIFEST: u32 = 1;
const NAMES: u32 = 2;
const SLICES: u32 = 3;
const IDS: u32 = 4;

#[test]
fn other_codecs_read_the_same_values() {
    let (_folder, disk) = folder();
    for (file, ids) in [(0, 9), (1, 11)] {
        let bodies = bodies(&disk, &name(file));
        let of = |kind: u32| bodies.iter().filter(move |body| body.0 == kind).map(|body| body.1.as_slice());
        let manifest: Manifest = mirror::read(of(MANIFEST).next().expect("one"));
        let names: Vec<Names> = of(NAMES).map(mirror::read).collect();
        let pieces: Vec<Piece> = of(SLICES).flat_map(mirror::read::<Vec<Piece>>).collect();
        let read: Vec<([u8; 16], u64)> = of(IDS).flat_map(mirror::read::<Vec<([u8; 16], u64)>>).collect();
        assert!(read.iter().copied().eq(made::ids(ids)));

        let rows: u32 = names.iter().map(|names| if let Names::Series { rows, .. } = names { *rows } else { 0 }).sum();
        assert_eq!(rows, manifest.series);
        assert_eq!(pieces.len(), manifest.leaves.iter().filter(|leaf| leaf.file == 0).count());
        assert_eq!((manifest.facts.accepted, manifest.ids), (head(file).place.events, u64::from(ids)));
        assert_eq!(manifest.facts.labels, ["team"]);
        if file == 0 {
            assert_eq!(totals(&pieces), expected(&disk), "what the mirror adds up is what the engine answers");
            assert!(texts(&names).any(|text| text == "__other__") && texts(&names).any(|text| text == "模型"));
        }
    }
}

fn texts(names: &[Names]) -> impl Iterator<Item = &str> {
    let texts = names.iter().filter_map(|names| match names {
        Names::Texts { texts, .. } => Some(texts),
        Names::Series { .. } => None,
    });
    texts.flatten().map(String::as_str)
}

/// Calls, input tokens, latencies and their sum, money by currency.
type Sums = (u128, u128, u128, u128, Vec<(String, u128)>);

fn totals(pieces: &[Piece]) -> Sums {
    let sum = |column: usize| pieces.iter().map(|piece| piece.columns[column].sum(piece.ids.len())).sum();
    let money = |code: &str| {
        let costs = pieces.iter().flat_map(|piece| piece.costs.iter().map(|cost| (cost, piece.ids.len())));
        let own = costs.filter(|(cost, _)| cost.currency == code.as_bytes());
        (code.to_owned(), own.map(|(cost, rows)| cost.nanos.sum(rows)).sum())
    };
    let bins: u128 = pieces.iter().map(|piece| piece.times[0].counts.sum(piece.times[0].bins.len())).sum();
    assert_eq!(bins, sum(10), "each latency is in one bin");
    (sum(0), sum(4), sum(10), sum(11), vec![money("CNY"), money("USD")])
}

/// The same as the library answers it.
fn expected(disk: &Disk) -> Sums {
    let engine = image::load(disk, &name(0), made::config()).expect("an engine");
    let query = Query::between(Timestamp::from_secs(0), now(0).plus_secs(1));
    let sums = engine.query(&query, now(0)).expect("a good question").totals.sums;
    let costs = sums.cost.by_currency();
    let costs = costs.iter().map(|cost| (cost.currency.code().to_owned(), cost.nanos.unsigned_abs())).collect();
    (sums.requests.into(), sums.input_tokens, sums.latency.count.into(), sums.latency.sum_us, costs)
}

/// Writes the golden files of a new format: `cargo test --test golden -- --ignored`. It refuses to
/// touch one that is there.
#[test]
#[ignore = "writes files that are kept for ever"]
fn write_golden_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, (info, engine)) in write(folder.path()).into_iter().enumerate() {
        let bytes = fs::read(folder.path().join("snapshots").join(&info.name)).expect("just written");
        let text = figures(&engine, &made::ids([9, 11][file]).collect::<Vec<_>>(), now(file));
        for (end, bytes) in [("snap", bytes.as_slice()), ("txt", text.as_bytes())] {
            let path = golden(&format!("{}.{end}", FILES[file]));
            let mut file = fs::File::create_new(&path).expect("a golden file is never written again");
            std::io::Write::write_all(&mut file, bytes).expect("written");
        }
    }
}
