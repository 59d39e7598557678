//! A worker process without Python, for the tests of the process pool.
//!
//! Runs the calls of `work.rs`. Never used outside of tests.

#![expect(clippy::unwrap_used, reason = "a test whose worker panics fails, as it should")]

mod work;

use multilane_engine::process::layout::Verdict;
use multilane_engine::process::spawn::Coordinates;
use multilane_engine::process::worker::{Times, Worker};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let coordinates = Coordinates::parse(&arguments).expect("the pool appends the coordinates");
    let mut worker = Worker::join(coordinates).expect("the pool is there");
    let setup = String::from_utf8(worker.setup()).expect("the tests send text");
    if let Some(reason) = setup.strip_prefix("refuse ") {
        worker.fail(reason.as_bytes()).expect("there is room for a message");
        std::process::exit(1);
    }
    if setup == "vanish" {
        std::process::exit(1);
    }
    worker.ready();
    while let Some(job) = worker.wait_next() {
        let call = String::from_utf8(worker.arguments(&job).to_vec()).expect("the tests send text");
        let result = work::run(&call, &|done, total| worker.report_progress(&job, done, total));
        // A message starts with the number of pieces of shared memory it refers to.
        let mut message = vec![0; 4];
        let verdict = match result {
            Ok(bytes) => {
                message.extend(bytes);
                Verdict::Returned
            }
            Err(text) => {
                message.extend(text.as_bytes());
                Verdict::Raised
            }
        };
        worker
            .finish(&job, verdict, &message, Vec::new(), Times::default())
            .expect("there is room for a result");
    }
}
