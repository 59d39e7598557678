//! Messages a second through our channel and through crossbeam's, with the same threads; prints a table.
//!
//! `cargo bench -p multilane-sync --bench channels -- [messages] [repeats] [words of the rows]`
//!
//! The first rows are the shapes of crossbeam's own benchmarks, the last those of a pool: one queue that all
//! workers share, against one for each, with operations that do nothing.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use multilane_sync::{Blocking, Channel, Patience};

/// A channel of either kind.
trait Queue: Send + Sync + 'static {
    fn new(capacity: usize) -> Self;
    fn put(&self, item: usize);
    fn take(&self) -> usize;
}

struct Ours(Channel<usize>);

impl Queue for Ours {
    fn new(capacity: usize) -> Self {
        Self(Channel::new(capacity))
    }

    fn put(&self, item: usize) {
        self.0.send(item, Patience::Forever, &mut Blocking).unwrap();
    }

    fn take(&self) -> usize {
        self.0.receive(Patience::Forever, &mut Blocking).unwrap().unwrap()
    }
}

struct Theirs(crossbeam_channel::Sender<usize>, crossbeam_channel::Receiver<usize>);

impl Queue for Theirs {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = match capacity {
            0 => crossbeam_channel::unbounded(),
            capacity => crossbeam_channel::bounded(capacity),
        };
        Self(sender, receiver)
    }

    fn put(&self, item: usize) {
        self.0.send(item).unwrap();
    }

    fn take(&self) -> usize {
        self.1.recv().unwrap()
    }
}

/// How many threads put, how many take, and whether each taker has a queue of its own. Without takers, one thread puts
/// so many and takes them.
#[derive(Clone, Copy)]
struct Shape {
    putters: usize,
    takers: usize,
    own: bool,
}

/// What a run came to.
#[derive(Clone, Copy)]
struct Run {
    /// Messages a second.
    rate: f64,
    /// Messages a second of processor time, which others on the machine change less.
    cpu_rate: f64,
}

impl Run {
    fn of(messages: usize, work: impl FnOnce()) -> Self {
        let (begin, cpu_begin) = (Instant::now(), cpu_seconds());
        work();
        Self {
            rate: messages as f64 / begin.elapsed().as_secs_f64(),
            cpu_rate: messages as f64 / (cpu_seconds() - cpu_begin).max(1e-6),
        }
    }
}

/// Processor time of this process so far.
fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 * 1e-9
}

fn run<Q: Queue>(shape: Shape, capacity: usize, messages: usize) -> Run {
    let Shape { putters, takers, own } = shape;
    if takers == 0 {
        return run_alone::<Q>(shape, capacity, messages);
    }
    let queues: Arc<Vec<Q>> = Arc::new((0..if own { takers } else { 1 }).map(|_| Q::new(capacity)).collect());
    let (each_puts, each_takes) = (messages / putters, messages / takers);
    let start = Arc::new(Barrier::new(putters + takers + 1));
    let mut threads = Vec::new();
    for _ in 0..putters {
        let (queues, start) = (queues.clone(), start.clone());
        threads.push(thread::spawn(move || {
            start.wait();
            for item in 0..each_puts {
                queues[item % queues.len()].put(item);
            }
        }));
    }
    for taker in 0..takers {
        let (queues, start) = (queues.clone(), start.clone());
        threads.push(thread::spawn(move || {
            start.wait();
            for _ in 0..each_takes {
                black_box(queues[taker % queues.len()].take());
            }
        }));
    }
    start.wait();
    Run::of(messages, || {
        for thread in threads {
            thread.join().unwrap();
        }
    })
}

/// Where one thread puts and takes, as it does where no other is at the channel.
fn run_alone<Q: Queue>(shape: Shape, capacity: usize, messages: usize) -> Run {
    let queue = Q::new(capacity);
    let at_a_time = if capacity == 0 {
        shape.putters
    } else {
        capacity.min(shape.putters)
    };
    Run::of(messages, || {
        for start in (0..messages).step_by(at_a_time) {
            for item in 0..at_a_time {
                queue.put(start + item);
            }
            for _ in 0..at_a_time {
                black_box(queue.take());
            }
        }
    })
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut rates: Vec<f64> = runs.iter().map(of).collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let (numbers, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .partition(|argument| argument.parse::<usize>().is_ok());
    let mut arguments = numbers.iter().filter_map(|argument| argument.parse::<usize>().ok());
    // A multiple of every number of threads.
    let messages = arguments.next().unwrap_or(200_000).next_multiple_of(20 * 240);
    let repeats = arguments.next().unwrap_or(5);
    let shape = |putters, takers| Shape {
        putters,
        takers,
        own: false,
    };
    let mut rows = Vec::new();
    for capacity in [0, 1, 100, 1000] {
        rows.push(("alone, one at a time".to_owned(), shape(1, 0), capacity));
        rows.push(("alone, 100 at a time".to_owned(), shape(100, 0), capacity));
        rows.push(("spsc".to_owned(), shape(1, 1), capacity));
        for threads in [2, 4, 8, 15] {
            rows.push((format!("mpsc {threads}"), shape(threads, 1), capacity));
        }
        for threads in [2, 4, 8] {
            rows.push((format!("mpmc {threads}+{threads}"), shape(threads, threads), capacity));
        }
    }
    for workers in [2, 4, 8, 16] {
        rows.push((format!("shared queue, {workers} workers"), shape(1, workers), 0));
        let own = Shape {
            own: true,
            ..shape(1, workers)
        };
        rows.push((format!("queue per worker, {workers}"), own, 0));
    }
    println!(
        "{:<28} {:>8} {:>14} {:>14} {:>7} {:>12}",
        "", "bound", "ours/s", "crossbeam/s", "ratio", "of CPU time"
    );
    rows.retain(|(name, ..)| words.is_empty() || words.iter().any(|word| name.contains(word.as_str())));
    for (name, shape, capacity) in rows {
        // With room for one, each message is a switch of threads.
        let messages = if capacity == 1 && shape.takers > 0 {
            messages / 20
        } else {
            messages
        };
        // Interleaved, so that a busy moment meets both.
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..repeats {
            ours.push(run::<Ours>(shape, capacity, messages));
            theirs.push(run::<Theirs>(shape, capacity, messages));
        }
        let bound = if capacity == 0 {
            "none".to_owned()
        } else {
            capacity.to_string()
        };
        let rate = |runs: &[Run]| median(runs, |run| run.rate);
        let cpu_rate = |runs: &[Run]| median(runs, |run| run.cpu_rate);
        println!(
            "{name:<28} {bound:>8} {:>14.0} {:>14.0} {:>7.2} {:>12.2}",
            rate(&ours),
            rate(&theirs),
            rate(&ours) / rate(&theirs),
            cpu_rate(&ours) / cpu_rate(&theirs)
        );
    }
}
