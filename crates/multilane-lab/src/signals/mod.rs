//! What the system says of threads and of the machine, read from its texts.
//!
//! Takes the text of a file under `/proc` or of a control group and returns data. Opens no file and looks at no clock.

mod calls;
mod stretch;
mod texts;

pub use calls::{Doing, Runtime, doing, kind_of};
pub use stretch::Stretch;
pub use texts::{busy_ticks, run_delay_ns, throttled_ns};
