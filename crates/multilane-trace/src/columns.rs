//! Writes lists of events as columns: `{"rows": 2, "id": [1, 2], …}`.
//!
//! A column whose values are all the default is left out, and a column that is
//! missing or unknown reads as the default, so that a build may add fields.
//! Columns of different lengths are an error.

macro_rules! columns {
    ($module:ident, $row:ty, { $($field:ident: $kind:ty),+ $(,)? }) => {
        pub(crate) mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

            use crate::event::*;

            #[derive(Default, Serialize, Deserialize)]
            #[serde(default)]
            struct Columns {
                rows: usize,
                $(#[serde(skip_serializing_if = "Vec::is_empty")] $field: Vec<$kind>,)+
            }

            /// Writes `rows` as columns.
            pub(crate) fn serialize<S: Serializer>(rows: &[$row], serializer: S) -> Result<S::Ok, S::Error> {
                let default = <$row>::default();
                let mut columns = Columns { rows: rows.len(), ..Columns::default() };
                $(if rows.iter().any(|row| row.$field != default.$field) {
                    columns.$field = rows.iter().map(|row| row.$field).collect();
                })+
                columns.serialize(serializer)
            }

            /// Reads columns back into rows.
            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$row>, D::Error> {
                let columns = Columns::deserialize(deserializer)?;
                // A column that differs from the default is always written, so a
                // file without any column holds rows of defaults. `rows` is then
                // the only word on their number, and a damaged file could ask for
                // all memory: a run has no such rows, and more than a few are refused.
                let longest = [$(columns.$field.len()),+].into_iter().max().unwrap_or(0);
                if longest == 0 && columns.rows > MAX_DEFAULT_ROWS {
                    return Err(D::Error::custom(format!(
                        "`{}` announces {} rows and holds none", stringify!($module), columns.rows
                    )));
                }
                $(if !columns.$field.is_empty() && columns.$field.len() != columns.rows {
                    return Err(D::Error::custom(format!(
                        "column `{}` of `{}` has {} values, not {}",
                        stringify!($field), stringify!($module), columns.$field.len(), columns.rows
                    )));
                })+
                let mut rows = vec![<$row>::default(); columns.rows];
                $(for (row, value) in rows.iter_mut().zip(&columns.$field) {
                    row.$field = *value;
                })+
                Ok(rows)
            }

            const MAX_DEFAULT_ROWS: usize = 4096;
        }
    };
}

columns!(tasks, Task, {
    id: u64, function: u32, worker: u32, attempt: u16, status: Status,
    queued_ns: u64, ready_ns: u64, started_ns: u64, ended_ns: u64, collected_ns: u64,
    cpu_ns: u64, encode_ns: u64, decode_ns: u64, result_encode_ns: u64, result_decode_ns: u64,
    interpreter_wait_ns: u64, run_queue_ns: u64, core_start: u16, core_end: u16,
    bytes_in: u64, bytes_out: u64, parent: u64,
});
columns!(progress, Progress, { task: u64, at_ns: u64, done: u64, total: u64 });
columns!(samples, Sample, { worker: u32, at_ns: u64, kind: u8 });
