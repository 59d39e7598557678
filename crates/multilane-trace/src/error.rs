//! What can go wrong when a trace is read or written.

use std::path::PathBuf;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("`{}` is not a multilane {expected} file", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// `trace` or `proof`.
        expected: &'static str,
        /// The kind of multilane file that it is, when it is one.
        found: Option<String>,
    },
    /// A newer build wrote the file.
    #[error("`{}` has format {found}, and this version reads up to format {supported}", path.display())]
    FutureFormat {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest format that this build reads.
        supported: u32,
    },
    /// The file ends early or its checksum is wrong.
    #[error("`{}` is cut short or damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it went wrong.
        detail: String,
    },
    /// The file is whole, but its content is not what its format says.
    #[error("`{}` holds data that is not a {expected}: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `trace` or `proof`.
        expected: &'static str,
        /// Where it went wrong.
        detail: String,
    },
    /// The file would fill memory.
    #[error("`{}` unpacks to more than {limit_bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
}

impl TraceError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Malformed { .. } | Self::TooLarge { .. } => None,
            Self::NotOurs { found: Some(found), .. } => Some(format!("it is a multilane {found} file")),
            Self::NotOurs { expected, .. } => Some(format!(
                "give a file that multilane saved as a {expected}; its name usually ends in `.ml{expected}`"
            )),
            Self::FutureFormat { .. } => Some("update multilane, or save the file again with this version".to_owned()),
            Self::Damaged { .. } => Some("copy or save the file again".to_owned()),
        }
    }
}
