//! What stands in the sections of a snapshot, and the only file that names its codec.
//!
//! Bodies are bincode with fixed-width little-endian numbers: a number is its bytes, an array its
//! elements, a text or a list its length as u64 and then its elements, an enum its number as u32 and
//! then its fields. That is what bincode 1 wrote by default and what other crates read, so the files
//! outlive the crate. Only u8 to u128, i64, texts, lists, arrays and enums are used.
//!
//! Decoding is safe for any bytes: no list is given room before its length was held against
//! [`MAX_SECTION`], and bytes left over are a fault. Whether the values make sense is the reader's
//! to check.

use crate::engine::image::Facts;
use crate::engine::money::Currency;
use crate::engine::plain::PlainBins;
use crate::engine::plain::PlainCosts;
use crate::engine::plain::PlainSlice;
use crate::engine::plain_column::PlainColumn;
use bincode::Decode;
use bincode::Encode;
use bincode::config::Configuration;
use bincode::config::Fixint;
use bincode::config::Limit;
use bincode::config::LittleEndian;
use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::DecodeError;
use bincode::error::EncodeError;

/// The most bytes decoded at once.
const MAX_SECTION: usize = 64 << 20;

/// One configuration for ever: with another one the same bytes would mean something else.
const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_SECTION>> =
    bincode::config::standard().with_fixed_int_encoding().with_limit::<MAX_SECTION>();

/// What can be read.
pub(crate) trait Read: Decode<()> {}

impl<T: Decode<()>> Read for T {}

/// A value as bytes.
pub(crate) fn encode(value: &impl Encode) -> Vec<u8> {
    bincode::encode_to_vec(value, CONFIG).expect("memory takes any bytes, and no value here refuses to be written")
}

/// The value that some bytes are, all of them.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn decode<T: Read>(bytes: &[u8]) -> Result<T, String> {
    match bincode::decode_from_slice(bytes, CONFIG) {
        Ok((value, read)) if read == bytes.len() => Ok(value),
        Ok((_, read)) => Err(format!("{} bytes too many", bytes.len() - read)),
        Err(fault) => Err(format!("it can't be decoded ({fault})")),
    }
}

/// What a snapshot holds besides calls, and where the calls are.
#[derive(Debug, Encode, Decode)]
pub(crate) struct Manifest {
    /// What the engine knew.
    pub(crate) facts: Facts,
    /// Series in the dictionary of this file.
    pub(crate) series: u32,
    /// Ids in this file.
    pub(crate) ids: u64,
    /// The leaves, by the time they begin.
    pub(crate) leaves: Vec<LeafAt>,
}

/// Where a leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LeafAt {
    /// Its tier, by its place in the facts.
    pub(crate) tier: u8,
    /// Its bucket's number.
    pub(crate) number: i64,
    /// In which file: 0 is this one, n the n-th it leans on.
    pub(crate) file: u32,
    /// The section of that file in which it begins.
    pub(crate) section: u32,
    /// Its first piece, by its place in that section.
    pub(crate) piece: u32,
    /// Its pieces, one after another, over as many sections as they take.
    pub(crate) pieces: u32,
}

/// Part of the dictionary of a file. Texts come before rows, dimension by dimension.
#[derive(Debug, Encode, Decode)]
pub(crate) enum Names {
    /// Some of the texts of a dimension, which ascend.
    Texts {
        /// The dimension, by its place.
        dimension: u8,
        /// The texts, each once.
        texts: Vec<String>,
    },
    /// The names of some series, which ascend.
    Series {
        /// How many.
        rows: u32,
        /// For each dimension the places of their texts.
        columns: Vec<PlainColumn>,
    },
}

/// Some rows of a leaf; most leaves are one piece.
#[derive(Debug, Encode, Decode)]
pub(crate) struct Piece {
    /// The leaf's tier.
    pub(crate) tier: u8,
    /// The leaf's bucket.
    pub(crate) number: i64,
    /// The rows, whose series are places in the dictionary of the file.
    pub(crate) rows: PlainSlice,
}

/// An id that came before and the hash of its payload.
pub(crate) type Id = ([u8; 16], u64);

/// Writes and reads the fields of an engine's struct one after another.
macro_rules! fields {
    ($type:ident { $($field:ident),+ }) => {
        impl Encode for $type {
            fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
                $(Encode::encode(&self.$field, to)?;)+
                Ok(())
            }
        }

        impl<C> Decode<C> for $type {
            fn decode<D: Decoder<Context = C>>(from: &mut D) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Decode::decode(from)?),+ })
            }
        }
    };
}

fields!(Facts { now, tiers, covered, labels, accepted, late, rejected, duplicates });
fields!(PlainCosts { currency, nanos, calls });
fields!(PlainBins { many, min, max, lens, bins, counts });

// The derived structs above ask it of their fields; nothing is ever borrowed.
bincode::impl_borrow_decode!(Facts);
bincode::impl_borrow_decode!(PlainColumn);
bincode::impl_borrow_decode!(PlainSlice);

/// Columns by their width: the variant's number, then the one value or all of them.
macro_rules! variants {
    ($($number:literal => $variant:ident),+) => {
        impl Encode for PlainColumn {
            fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
                match self {
                    $(Self::$variant(values) => {
                        Encode::encode(&$number, to)?;
                        Encode::encode(values, to)
                    })+
                }
            }
        }

        impl<C> Decode<C> for PlainColumn {
            fn decode<D: Decoder<Context = C>>(from: &mut D) -> Result<Self, DecodeError> {
                match u32::decode(from)? {
                    $($number => Ok(Self::$variant(Decode::decode(from)?)),)+
                    _ => Err(DecodeError::Other("no such width of a column")),
                }
            }
        }
    };
}

variants!(0_u32 => Const, 1_u32 => U8, 2_u32 => U16, 3_u32 => U32, 4_u32 => U64, 5_u32 => U128);

/// The three letters.
impl Encode for Currency {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        let letters: [u8; 3] = self.code().as_bytes().try_into().expect("a code has three letters");
        letters.encode(to)
    }
}

impl<C> Decode<C> for Currency {
    fn decode<D: Decoder<Context = C>>(from: &mut D) -> Result<Self, DecodeError> {
        let letters = <[u8; 3]>::decode(from)?;
        let currency = std::str::from_utf8(&letters).ok().and_then(|code| Self::parse(code).ok());
        let spelt = currency.filter(|currency| currency.code().as_bytes() == letters);
        spelt.ok_or(DecodeError::Other("no such currency"))
    }
}

impl Encode for PlainSlice {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        self.ids.encode(to)?;
        self.columns.encode(to)?;
        self.costs.encode(to)?;
        self.times.encode(to)
    }
}

impl<C> Decode<C> for PlainSlice {
    fn decode<D: Decoder<Context = C>>(from: &mut D) -> Result<Self, DecodeError> {
        let ids: Box<[u32]> = Decode::decode(from)?;
        let columns = Decode::decode(from)?;
        let costs = Decode::decode(from)?;
        let times: [PlainBins; 2] = Decode::decode(from)?;
        let told = times.iter().all(|bins| tells(&bins.lens, ids.len(), bins.bins.len()));
        told.then_some(Self { ids, columns, costs, times }).ok_or(DecodeError::Other("bins that belong to no row"))
    }
}

/// Whether lengths are those of just so many rows, and add up to just so many bins.
fn tells(lens: &PlainColumn, rows: usize, bins: usize) -> bool {
    let add = |sum: u32, row: usize| sum.checked_add(u32::try_from(lens.get(row)).ok()?);
    holds(lens, rows) && (0..rows).try_fold(0, add).is_some_and(|sum| sum as usize == bins)
}

/// Whether a column has just so many values.
pub(crate) fn holds(column: &PlainColumn, rows: usize) -> bool {
    match column {
        PlainColumn::Const(_) => true,
        PlainColumn::U8(values) => values.len() == rows,
        PlainColumn::U16(values) => values.len() == rows,
        PlainColumn::U32(values) => values.len() == rows,
        PlainColumn::U64(values) => values.len() == rows,
        PlainColumn::U128(values) => values.len() == rows,
    }
}

/// A list made one element at a time: the same bytes as of the whole, without holding it.
pub(crate) struct List {
    count: u64,
    bytes: Vec<u8>,
}

impl List {
    pub(crate) fn new() -> Self {
        Self { count: 0, bytes: encode(&0_u64) }
    }

    pub(crate) fn push(&mut self, element: &impl Encode) {
        self.count += 1;
        let written = bincode::encode_into_std_write(element, &mut self.bytes, CONFIG);
        written.expect("memory takes any bytes, and no value here refuses to be written");
    }

    /// How many elements.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The list, encoded; an empty one is left.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let Self { count, mut bytes } = std::mem::replace(self, Self::new());
        bytes[..8].copy_from_slice(&count.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests;
