//! The file that traces and proofs are kept in.
//!
//! One line of text, `multilane <kind> <format>`, then gzip-compressed JSON:
//! `tail -n +2 run.mltrace | gunzip` shows it. The reader trusts nothing: every
//! file gives a value or an error that names what is wrong with it.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{
    Deserialize as _, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};

use crate::TraceError;

/// A reader stops here: a small file can unpack to any size.
const LIMIT_BYTES: u64 = 8 << 30;

/// The longest first line that a reader looks for.
const MAX_HEADER_BYTES: usize = 64;

/// What a file holds, and in which version.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `trace` or `proof`.
    pub name: &'static str,
    /// The version that is written, and the newest that is read.
    pub format: u32,
}

/// Writes `value` to `path`, replacing what was there only when all of it is written.
pub fn save<T: Serialize>(kind: Kind, value: &T, path: &Path) -> Result<(), TraceError> {
    let failed = |source| TraceError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    // The name is unique within this process and between processes, so that two
    // savers of one path do not write into each other's file.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::File::create(&part)
        .and_then(|file| {
            let mut out = io::BufWriter::new(file);
            write(kind, value, &mut out)?;
            out.flush()
        })
        .and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // The first error is the one to report; a leftover part file is harmless.
        let _ = fs::remove_file(&part);
        failed(error)
    })
}

/// Reads a value of this kind from `path`.
pub fn load<T: DeserializeOwned>(kind: Kind, path: &Path) -> Result<T, TraceError> {
    let bytes = fs::read(path).map_err(|source| TraceError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    read(kind, &bytes, path)
}

/// Writes the file's bytes to `out`.
pub fn write<T: Serialize>(kind: Kind, value: &T, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "multilane {} {}", kind.name, kind.format)?;
    let mut packer = GzEncoder::new(out, Compression::new(4));
    // The encoder is slow on the single characters that the JSON writer emits.
    let mut buffered = io::BufWriter::with_capacity(1 << 16, &mut packer);
    serde_json::to_writer(&mut buffered, value)?;
    buffered.flush()?;
    drop(buffered);
    packer.finish()?;
    Ok(())
}

/// Reads a value from a file's bytes; `path` only names it in errors.
pub fn read<T: DeserializeOwned>(kind: Kind, bytes: &[u8], path: &Path) -> Result<T, TraceError> {
    let payload = check_header(kind, bytes, path)?;
    let mut json = Vec::new();
    let unpacked = GzDecoder::new(payload)
        .take(LIMIT_BYTES)
        .read_to_end(&mut json)
        .map_err(|error| TraceError::Damaged {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
    if unpacked as u64 == LIMIT_BYTES {
        return Err(TraceError::TooLarge {
            path: path.to_owned(),
            limit_bytes: LIMIT_BYTES,
        });
    }
    from_json(&json).map_err(|error| TraceError::Malformed {
        path: path.to_owned(),
        expected: kind.name,
        detail: error.to_string(),
    })
}

/// Reads a value from a file's JSON.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    // A list would be taken for the fields in order, and an empty one for all defaults.
    if json.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(serde_json::Error::custom("expected an object"));
    }
    serde_json::from_slice(json)
}

/// Reads a `format` field, for `#[serde(deserialize_with)]`: one above `NEWEST` is an error.
pub fn known_format<'de, const NEWEST: u32, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format > NEWEST {
        return Err(D::Error::custom(format!(
            "format {format} is newer than {NEWEST}, the newest that this version reads"
        )));
    }
    Ok(format)
}

/// Checks the first line; returns what follows it.
fn check_header<'a>(kind: Kind, bytes: &'a [u8], path: &Path) -> Result<&'a [u8], TraceError> {
    let not_ours = |found| TraceError::NotOurs {
        path: path.to_owned(),
        expected: kind.name,
        found,
    };
    let head = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
    let end = head
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(|| not_ours(None))?;
    let line = std::str::from_utf8(&head[..end]).map_err(|_| not_ours(None))?;
    let mut words = line.split(' ');
    let (Some("multilane"), Some(name), Some(format), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(not_ours(None));
    };
    if name != kind.name {
        return Err(not_ours(Some(name.to_owned())));
    }
    let format: u32 = format.parse().map_err(|_| not_ours(None))?;
    if format > kind.format {
        return Err(TraceError::FutureFormat {
            path: path.to_owned(),
            found: format,
            supported: kind.format,
        });
    }
    Ok(&bytes[end + 1..])
}
