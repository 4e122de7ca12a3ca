//! One file.

use crate::config::GeoSource;
use crate::variables::{append, number, text};
use maxminddb::{MaxMindDbError, PathElement, Reader};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;
use std::fmt;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The longest file, in bytes.
const LONGEST: u64 = 1 << 30;

/// A database, in memory.
pub(super) struct Database {
    reader: Reader<Vec<u8>>,
    path: PathBuf,
    state: FileState,
}

/// What tells one state of a file from another.
#[derive(PartialEq, Eq)]
struct FileState {
    length: u64,
    modified: Option<SystemTime>,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("it is longer than 1 GiB")]
    Length,
    #[error("{0}")]
    Content(#[from] MaxMindDbError),
}

impl Database {
    pub(super) fn read(path: &Path) -> Result<Self, ReadError> {
        let state = FileState::from(&fs::metadata(path)?);
        if state.length > LONGEST {
            return Err(ReadError::Length);
        }
        Ok(Self { reader: Reader::from_source(fs::read(path)?)?, path: path.to_owned(), state })
    }

    /// What the file has now, if it has changed.
    pub(super) fn reread(&self) -> Result<Option<Self>, ReadError> {
        if FileState::from(&fs::metadata(&self.path)?) == self.state {
            return Ok(None);
        }
        Self::read(&self.path).map(Some)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends what it has for an address, or else the default.
    pub(super) fn value(&self, source: &GeoSource, address: IpAddr, out: &mut Vec<u8>) -> bool {
        // An error says that the file is damaged, or has no addresses of this kind.
        match self.find(source.path, address).ok().flatten() {
            Some(value) => value.write(out),
            None => append(source.default.map(str::as_bytes), out),
        }
    }

    fn find(&self, path: &[&str], address: IpAddr) -> Result<Option<Value<'_>>, MaxMindDbError> {
        let path: SmallVec<[PathElement<'_>; 4]> =
            path.iter().map(|key| key.parse().map_or(PathElement::Key(key), PathElement::Index)).collect();
        self.reader.lookup(address)?.decode_path(&path)
    }
}

impl From<&Metadata> for FileState {
    fn from(file: &Metadata) -> Self {
        Self { length: file.len(), modified: file.modified().ok() }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A value that is neither a map nor a list.
enum Value<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Value<'_> {
    /// As nginx's module writes it. Always `true`.
    fn write(&self, out: &mut Vec<u8>) -> bool {
        match *self {
            Self::Text(value) => text(value, out),
            Self::Bytes(value) => append(Some(value), out),
            Self::Bool(value) => number(u8::from(value), out),
            Self::Unsigned(value) => number(value, out),
            Self::Signed(value) => number(value, out),
            Self::Float(value) => {
                // Writing to memory cannot fail.
                let _ = write!(out, "{value:.5}");
                true
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a Boolean")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_borrowed_bytes<E>(self, value: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Value::Bytes(value))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        if value.is_finite() { Ok(Value::Float(value)) } else { Err(E::custom("not a number")) }
    }
}
