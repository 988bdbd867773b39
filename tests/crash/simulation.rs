//! The simulated disk, by hand: each promise of `tallyring::storage` kept, and each thing that is
//! no promise broken.

use crate::sim::Call;
use crate::sim::Fault;
use crate::sim::How;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::Op;
use crate::sim::SimDisk;
use crate::sim::torn;
use std::collections::BTreeSet;
use tallyring::storage::File;
use tallyring::storage::Storage;
use tallyring::storage::write_all_at;

/// A disk with a durable file `a` that holds `durable`.
fn disk() -> (SimDisk, Box<dyn File>) {
    let disk = SimDisk::new();
    let file = disk.create("a").unwrap();
    write_all_at(&*file, b"durable", 0).unwrap();
    file.sync().unwrap();
    disk.sync_folder("").unwrap();
    (disk, file)
}

fn lost(disk: &SimDisk) -> Image {
    disk.cut(&mut Loss::all())
}

/// Every outcome of a power cut that some seed brings about.
fn outcomes<T: Ord>(disk: &SimDisk, of: impl Fn(&Image) -> T) -> BTreeSet<T> {
    (0..500).map(|seed| of(&disk.cut(&mut Loss::random(seed)))).collect()
}

fn text(image: &Image, name: &str) -> String {
    String::from_utf8_lossy(image.bytes(name)).into_owned()
}

#[test]
fn a_process_sees_what_it_did() {
    let (disk, file) = disk();
    write_all_at(&*file, b"!", 9).unwrap();
    let mut bytes = [9; 12];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 10);
    assert_eq!(&bytes[..10], b"durable\0\0!");
    file.set_len(2).unwrap();
    file.reserve(4).unwrap();
    file.reserve(1).unwrap();
    assert_eq!((file.size().unwrap(), text(&disk.image(), "a").as_str()), (4, "du\0\0"));
    disk.create_folder("f").unwrap();
    disk.create("f/x").unwrap();
    disk.rename("f/x", "f/b").unwrap();
    assert_eq!((disk.list("").unwrap(), disk.list("f").unwrap()), (vec!["a".to_owned()], vec!["b".to_owned()]));
    disk.remove("f/b").unwrap();
    assert!(disk.open("f/b").is_err() && disk.remove("f/b").is_err() && disk.create("g/x").is_err());
    assert!(disk.open("f").is_err_and(|fault| fault.kind() == std::io::ErrorKind::InvalidInput));
}

#[test]
fn what_was_not_synced_can_be_lost() {
    let (disk, file) = disk();
    write_all_at(&*file, b"DUR", 0).unwrap();
    file.set_len(5).unwrap();
    assert_eq!(text(&lost(&disk), "a"), "durable");
    assert_eq!(text(&disk.cut(&mut Loss::nothing()), "a"), "DURab");
    let mut all = outcomes(&disk, |image| text(image, "a"));
    all.retain(|text| text.starts_with("dur") || text.starts_with("DUR"));
    assert_eq!(all, ["durable", "DURable", "durab", "DURab"].map(str::to_owned).into(), "besides junk");
    file.sync().unwrap();
    assert_eq!(outcomes(&disk, |image| text(image, "a")), ["DURab".to_owned()].into());
}

#[test]
fn writes_can_be_kept_in_another_order() {
    let (disk, file) = disk();
    for text in [b"x", b"y"] {
        write_all_at(&*file, text, 0).unwrap();
    }
    file.set_len(3).unwrap();
    let all = outcomes(&disk, |image| text(image, "a"));
    assert!(all.contains("yur") && all.contains("xur"), "the second write lost, or made before the first");
    file.sync().unwrap();
    write_all_at(&*file, b"!", 5).unwrap();
    file.set_len(1).unwrap();
    let all = outcomes(&disk, |image| text(image, "a"));
    assert!(all.contains("y") && all.contains("y\0\0\0\0!"), "written, then cut; cut, then written: {all:?}");
}

#[test]
fn a_write_is_kept_by_the_sector() {
    let (disk, file) = disk();
    write_all_at(&*file, &[b'n'; 1_200], 300).unwrap();
    file.sync().unwrap();
    write_all_at(&*file, &[b'w'; 1_000], 400).unwrap();
    for seed in 0..500 {
        let bytes = disk.cut(&mut Loss::random(seed)).bytes("a").to_vec();
        assert_eq!(&bytes[..7], b"durable");
        assert!(bytes[300..400].iter().chain(&bytes[1_400..]).all(|byte| *byte == b'n'), "outside of the write");
        for sector in [400..512, 512..1_024, 1_024..1_400] {
            let whole = [b'n', b'w'].iter().any(|old| bytes[sector.clone()].iter().all(|byte| byte == old));
            let junk = bytes[sector].iter().collect::<BTreeSet<_>>().len() > 50;
            assert!(whole || junk, "seed {seed}");
        }
    }
    let (mut platter, log) = disk.history();
    let Some(Op::Data { change, .. }) = log.last() else { panic!("the last change is a write") };
    let cuts = torn(change);
    assert_eq!(cuts.len(), 2, "at 512 and 1,024");
    log[..log.len() - 1].iter().for_each(|op| platter.step(op));
    platter.step(&Op::Data { inode: 0, change: cuts[0].clone() });
    let left = platter.image(&mut Loss::nothing());
    assert_eq!((left.bytes("a")[511], left.bytes("a")[512]), (b'w', b'n'));
}

#[test]
fn names_are_durable_once_their_folder_is_synced() {
    let (disk, file) = disk();
    disk.create_folder("f").unwrap();
    let aside = disk.create("f/tmp").unwrap();
    write_all_at(&*aside, b"new", 0).unwrap();
    aside.sync().unwrap();
    disk.rename("f/tmp", "f/b").unwrap();
    assert!(lost(&disk).names("b").is_empty(), "synced, and without a name");
    let kept = outcomes(&disk, |image| image.names("").join(" "));
    assert_eq!(kept, ["a", "a f/b", "a f/tmp"].map(str::to_owned).into());
    disk.sync_folder("").unwrap();
    assert!(lost(&disk).names("b").is_empty(), "another folder");
    disk.sync_folder("f").unwrap();
    assert_eq!((text(&lost(&disk), "f/b").as_str(), text(&lost(&disk), "a").as_str()), ("new", "durable"));
    disk.remove("a").unwrap();
    assert_eq!(outcomes(&disk, |image| image.names("a").len()), [0, 1].into());
    drop(file);
    disk.sync_folder("").unwrap();
    assert!(lost(&disk).names("a").is_empty());
}

#[test]
fn names_and_data_are_lost_apart() {
    let (disk, _) = disk();
    let file = disk.create("b").unwrap();
    write_all_at(&*file, b"x", 0).unwrap();
    assert_eq!(disk.cut(&mut Loss::names()).names("b").len(), 0);
    assert_eq!(disk.cut(&mut Loss::data()).bytes("b"), b"");
    assert_eq!(disk.cut(&mut Loss::data()).names("b").len(), 1);
}

#[test]
fn a_failed_sync_may_drop_what_was_written() {
    let (disk, file) = disk();
    disk.fail(&[Fault { call: Call::Sync, nth: 1, ever: false, how: How::Dropped }]);
    write_all_at(&*file, b"DUR", 0).unwrap();
    assert!(file.sync().is_err());
    write_all_at(&*file, b"!", 7).unwrap();
    file.sync().unwrap();
    assert_eq!(text(&disk.image(), "a"), "DURable!", "it is read as if it were there");
    assert_eq!(text(&lost(&disk), "a"), "durable!");
}

#[test]
fn calls_fail_when_told_to() {
    let (disk, file) = disk();
    disk.fail(&[Fault { call: Call::Write, nth: 2, ever: false, how: How::EIO }]);
    let writes: Vec<_> = (0..3).map(|_| file.write_at(b"xyz", 0).map_err(|fault| fault.raw_os_error())).collect();
    assert_eq!(writes, [Ok(3), Err(Some(5)), Ok(3)]);
    disk.fail(&[Fault { call: Call::Write, nth: 2, ever: true, how: How::Short }]);
    let writes: Vec<_> = (0..3).map(|_| file.write_at(b"xyz", 0).unwrap()).collect();
    assert_eq!((writes, disk.struck()), (vec![3, 2, 2], 2));
    disk.fail(&[]);
    disk.set_room(10);
    assert!(file.reserve(11).is_err_and(|fault| fault.kind() == std::io::ErrorKind::StorageFull));
    file.reserve(10).unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 0);
}

#[test]
fn a_boot_starts_from_an_image() {
    let (first, _) = disk();
    let second = SimDisk::boot(&first.image());
    let file = second.open_to_write("a").unwrap();
    write_all_at(&*file, b"D", 0).unwrap();
    let made = second.create("b").unwrap();
    write_all_at(&*made, b"b", 0).unwrap();
    assert_eq!(text(&lost(&second), "a"), "durable");
    assert_eq!(text(&second.cut(&mut Loss::nothing()), "a"), "Durable");
    assert_eq!(text(&second.cut(&mut Loss::nothing()), "b"), "b");
    assert_eq!(text(&first.image(), "a"), "durable", "disks share nothing that changes");
    assert!(first.image().is_kept_in(&second.cut(&mut Loss::all())));
    assert!(!first.image().is_kept_in(&second.image()));
}

#[test]
fn notes_lie_between_changes() {
    let (disk, file) = disk();
    disk.note(7);
    write_all_at(&*file, b"D", 0).unwrap();
    let (mut platter, log) = disk.history();
    let noted: Vec<u64> = log.iter().map(|op| (platter.step(op), platter.noted()).1).collect();
    assert_eq!(noted, [0, 0, 0, 0, 7, 7]);
    assert_eq!(platter.pending(), 1);
}
