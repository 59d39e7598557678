//! The JSON form of plans: `{"format": 1, "plan": {…}}`, for programs.
//!
//! Everything a plan is, values by number. Floats that JSON has no number for are texts:
//! `"nan"`, `"inf"`, `"-inf"`, and `"nan:7ff8000000000001"` for a NaN with other bits. Reads and
//! writes texts; what is read is verified, and never panics.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::PlanError;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::verify::verify;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The whole of a JSON text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "multilane plan", extend("$id" = "urn:multilane:plan:1"))]
struct File {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    #[expect(dead_code, reason = "looked at before the plan is read")]
    format: u32,
    /// The plan.
    plan: Plan,
}

/// The same without taking the plan.
#[derive(Serialize)]
struct FileOf<'a> {
    format: u32,
    plan: &'a Plan,
}

/// The format alone, whatever else a newer version wrote.
#[derive(Deserialize)]
#[serde(expecting = "an object with `format` and `plan`")]
struct Head {
    format: u64,
}

/// The plan as JSON on one line.
pub fn to_json(plan: &Plan) -> String {
    serde_json::to_string(&file_of(plan)).expect("a plan has only texts as keys, and floats are written by us")
}

/// The plan as JSON on many lines.
pub fn to_json_pretty(plan: &Plan) -> String {
    serde_json::to_string_pretty(&file_of(plan)).expect("a plan has only texts as keys, and floats are written by us")
}

fn file_of(plan: &Plan) -> FileOf<'_> {
    FileOf { format: FORMAT, plan }
}

/// Reads and verifies a plan.
pub fn from_json(text: &str, registry: &Registry) -> Result<Plan, Vec<PlanError>> {
    let plan = from_json_unverified(text).map_err(|error| vec![error])?;
    verify(&plan, registry)?;
    Ok(plan)
}

/// Reads a plan without verifying it: for tests of verifiers and tools that show broken plans.
pub fn from_json_unverified(text: &str) -> Result<Plan, PlanError> {
    let fault = |error: serde_json::Error| PlanError::Json {
        problem: error.to_string(),
    };
    let head: Head = serde_json::from_str(text).map_err(fault)?;
    if head.format > u64::from(FORMAT) {
        return Err(PlanError::FutureFormat {
            found: head.format,
            supported: FORMAT,
        });
    }
    if head.format == 0 {
        return Err(PlanError::Json {
            problem: "there is no format 0".to_owned(),
        });
    }
    let file: File = serde_json::from_str(text).map_err(fault)?;
    Ok(file.plan)
}

/// The schema of the JSON form, in the language of json-schema.org.
pub fn schema() -> String {
    let schema = schemars::schema_for!(File);
    serde_json::to_string_pretty(&schema).expect("a schema has only texts as keys")
}

/// A float, or a text where JSON has no number for it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Float {
    /// A finite number.
    Number(f64),
    /// One of the others.
    Text(#[schemars(regex(pattern = r"^(-?inf|nan(:[0-9a-f]{1,16})?)$"))] String),
}

impl Float {
    /// The text for a float that is not finite.
    fn text(value: f64, nan_bits: Option<u64>) -> Self {
        Self::Text(match nan_bits {
            Some(bits) => format!("nan:{bits:x}"),
            None if value.is_nan() => "nan".to_owned(),
            None if value > 0.0 => "inf".to_owned(),
            None => "-inf".to_owned(),
        })
    }
}

macro_rules! float_module {
    ($name:ident, $float:ty, $bits:ty) => {
        /// Floats of one width, to the last bit.
        pub(crate) mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

            use super::Float;

            pub(crate) fn serialize<S: Serializer>(value: &$float, serializer: S) -> Result<S::Ok, S::Error> {
                if value.is_finite() {
                    // The shortest spelling, unless reading it as f64 first would round to another number.
                    let short: f64 = format!("{value:?}").parse().unwrap_or(f64::NAN);
                    let exact = f64::from(*value);
                    let same = (short as $float).to_bits() == value.to_bits();
                    return Float::Number(if same { short } else { exact }).serialize(serializer);
                }
                let unusual = value.is_nan() && value.to_bits() != <$float>::NAN.to_bits();
                Float::text(f64::from(*value), unusual.then(|| u64::from(value.to_bits()))).serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$float, D::Error> {
                let text = match Float::deserialize(deserializer)? {
                    Float::Number(number) => {
                        let value = number as $float;
                        return if value.is_finite() {
                            Ok(value)
                        } else {
                            Err(D::Error::custom(concat!(
                                "a number that does not fit ",
                                stringify!($float)
                            )))
                        };
                    }
                    Float::Text(text) => text,
                };
                let value = match text.as_str() {
                    "nan" => Some(<$float>::NAN),
                    "inf" => Some(<$float>::INFINITY),
                    "-inf" => Some(<$float>::NEG_INFINITY),
                    other => other
                        .strip_prefix("nan:")
                        .and_then(|digits| <$bits>::from_str_radix(digits, 16).ok())
                        .map(<$float>::from_bits)
                        .filter(|value| value.is_nan()),
                };
                value.ok_or_else(|| {
                    D::Error::custom(concat!(
                        "a text that is no ",
                        stringify!($float),
                        "; there are \"nan\", \"inf\", \"-inf\" and \"nan:\" with its bits"
                    ))
                })
            }
        }
    };
}

float_module!(float32, f32, u32);
float_module!(float64, f64, u64);
