//! What stands in the sections, written down a second time, for two other codecs.

use serde::Deserialize;
use serde::Serialize;
use std::fmt::Debug;
use wincode::SchemaRead;
use wincode::SchemaWrite;
use wincode::config::Configuration;

macro_rules! mirrors {
    ($($item:item)+) => {
        $(
            #[derive(Debug, PartialEq, Serialize, Deserialize, SchemaRead, SchemaWrite)]
            $item
        )+
    };
}

mirrors! {
    pub(crate) struct Manifest {
        pub(crate) facts: Facts,
        pub(crate) series: u32,
        pub(crate) ids: u64,
        pub(crate) leaves: Vec<Leaf>,
    }
    pub(crate) struct Facts {
        pub(crate) now: i64,
        pub(crate) tiers: Vec<(u32, u32)>,
        pub(crate) covered: Vec<i64>,
        pub(crate) labels: Vec<String>,
        pub(crate) accepted: u64,
        pub(crate) late: u64,
        pub(crate) rejected: [u64; 4],
        pub(crate) duplicates: u64,
    }
    pub(crate) struct Leaf {
        pub(crate) tier: u8,
        pub(crate) number: i64,
        pub(crate) file: u32,
        pub(crate) section: u32,
        pub(crate) piece: u32,
        pub(crate) pieces: u32,
    }
    pub(crate) enum Names {
        Texts { dimension: u8, texts: Vec<String> },
        Series { rows: u32, columns: Vec<Packed> },
    }
    pub(crate) enum Packed {
        Const(u64),
        U8(Vec<u8>),
        U16(Vec<u16>),
        U32(Vec<u32>),
        U64(Vec<u64>),
        U128(Vec<u128>),
    }
    pub(crate) struct Piece {
        pub(crate) tier: u8,
        pub(crate) number: i64,
        pub(crate) ids: Vec<u32>,
        pub(crate) columns: [Packed; 14],
        pub(crate) costs: Vec<Cost>,
        pub(crate) times: [Bins; 2],
    }
    pub(crate) struct Cost {
        pub(crate) currency: [u8; 3],
        pub(crate) nanos: Packed,
        pub(crate) calls: Packed,
    }
    pub(crate) struct Bins {
        pub(crate) many: Vec<u32>,
        pub(crate) min: Packed,
        pub(crate) max: Packed,
        pub(crate) lens: Packed,
        pub(crate) bins: Vec<u16>,
        pub(crate) counts: Packed,
    }
}

impl Packed {
    /// The value of a row.
    pub(crate) fn get(&self, row: usize) -> u128 {
        match self {
            Self::Const(value) => u128::from(*value),
            Self::U8(values) => u128::from(values[row]),
            Self::U16(values) => u128::from(values[row]),
            Self::U32(values) => u128::from(values[row]),
            Self::U64(values) => u128::from(values[row]),
            Self::U128(values) => values[row],
        }
    }

    /// The sum of so many rows.
    pub(crate) fn sum(&self, rows: usize) -> u128 {
        (0..rows).map(|row| self.get(row)).sum()
    }
}

/// The most that is given room before it is read.
const LIMIT: usize = 64 << 20;

/// A body as bincode 1 and wincode read it, which must be the same; and both must write it again
/// as it was, so that no byte was passed over.
pub(crate) fn read<T>(body: &[u8]) -> T
where
    T: for<'a> Deserialize<'a> + Serialize + PartialEq + Debug,
    T: for<'a> SchemaRead<'a, Config, Dst = T> + SchemaWrite<Config, Src = T>,
{
    let old: T = bincode1::deserialize(body).expect("bincode 1 reads it");
    let other: T = wincode::config::deserialize_exact(body, config()).expect("wincode reads it");
    assert_eq!(old, other);
    assert!(bincode1::serialize(&old).expect("bincode 1 writes it") == body);
    assert!(wincode::config::serialize(&other, config()).expect("wincode writes it") == body);
    old
}

/// Fixed widths, little-endian, lengths of 64 bits, tags of 32: the default, with a limit.
pub(crate) type Config = Configuration<true, LIMIT>;

fn config() -> Config {
    Configuration::default().with_preallocation_size_limit::<LIMIT>()
}
