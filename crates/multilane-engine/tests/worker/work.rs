//! The calls that the tests of backends submit, as text, and what they do.
//!
//! Runs in worker processes and in worker threads. Waits only on named pipes, which
//! block until both ends are there.

use std::fs::File;
use std::io::Write;

/// Runs one call; the error is the text a caller is to see.
pub(crate) fn run(call: &str, report: &dyn Fn(i64, i64)) -> Result<Vec<u8>, String> {
    let (verb, rest) = call.split_once(' ').unwrap_or((call, ""));
    match verb {
        "echo" => Ok(rest.as_bytes().to_vec()),
        "bytes" => Ok(vec![7; rest.parse().unwrap()]),
        "fail" => Err(rest.to_owned()),
        "pid" => Ok(std::process::id().to_string().into_bytes()),
        // Opening a pipe blocks until somebody opens the other end.
        "await" => File::open(rest).map(|_| Vec::new()).map_err(|error| error.to_string()),
        "arrive" => File::options()
            .write(true)
            .open(rest)
            .map(|_| Vec::new())
            .map_err(|error| error.to_string()),
        "append" => {
            let (path, text) = rest.split_once(' ').unwrap();
            let mut file = File::options().append(true).create(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            Ok(Vec::new())
        }
        // Fails until the file has as many letters as the number says, adding one each time.
        "until" => {
            let (count, path) = rest.split_once(' ').unwrap();
            let mut file = File::options().append(true).create(true).open(path).unwrap();
            file.write_all(b"x").unwrap();
            let made = file.metadata().unwrap().len();
            if made < count.parse().unwrap() {
                Err(format!("attempt {made}"))
            } else {
                Ok(made.to_string().into_bytes())
            }
        }
        // Dies in the first attempt, answers in the second.
        "die-once" => {
            let existed = std::path::Path::new(rest).exists();
            File::create(rest).unwrap();
            if !existed {
                std::process::exit(9);
            }
            Ok(b"survived".to_vec())
        }
        "progress" => {
            let (at, pipe) = rest.split_once(' ').unwrap();
            report(at.parse().unwrap(), 10);
            run(&format!("await {pipe}"), report)
        }
        "exit" => std::process::exit(rest.parse().unwrap()),
        "abort" => std::process::abort(),
        "panic" => panic!("{rest}"),
        _ => Err(format!("unknown call `{call}`")),
    }
}
