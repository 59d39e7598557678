//! What the tests of backends share: pools under one roof, gates and waiting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use multilane_engine::backend::{Backend, Host};
use multilane_engine::clock;
use multilane_engine::process;
use multilane_engine::process::store::Store;
use multilane_engine::task::{Failure, Options, Outcome, Task, Value};
use multilane_engine::threads;

use crate::work;

/// Long enough for anything that is going to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs callbacks as they are.
pub(crate) struct PlainHost;

impl Host for PlainHost {
    fn run_callbacks(&self, body: &mut dyn FnMut()) {
        body();
    }

    fn describe_failure(&self, message: &[u8]) -> String {
        String::from_utf8_lossy(message).into_owned()
    }
}

struct PlainRunner;

impl threads::Runner for PlainRunner {
    fn run(&self, worker: &threads::Worker) {
        while let Some(job) = worker.next() {
            worker.run(job);
        }
    }

    fn start(&self) -> Result<(), String> {
        Ok(())
    }

    fn interrupt(&self, _thread: u64) -> bool {
        false
    }

    fn thread(&self) -> u64 {
        0
    }
}

/// A pool of either kind.
pub(crate) enum AnyPool {
    Processes(process::pool::Pool, Arc<Store>),
    Threads(Arc<threads::Pool>),
}

/// What differs between process pools of the tests.
#[derive(Default)]
pub(crate) struct Setting {
    pub(crate) setup: &'static str,
    pub(crate) recycle_after: Option<u32>,
    pub(crate) memory_limit: Option<u64>,
}

pub(crate) fn processes_with(workers: usize, setting: Setting) -> AnyPool {
    let store = Store::create().unwrap();
    let config = process::pool::Config {
        workers,
        launch: process::spawn::Launch {
            program: env!("CARGO_BIN_EXE_multilane-engine-worker").into(),
            arguments: Vec::new(),
            environment: Vec::new(),
        },
        setup: setting.setup.into(),
        memory_limit: setting.memory_limit,
        recycle_after: setting.recycle_after,
        host: Arc::new(PlainHost),
    };
    AnyPool::Processes(process::pool::Pool::start(&store, config).unwrap(), store)
}

pub(crate) fn processes(workers: usize) -> AnyPool {
    let pool = processes_with(workers, Setting::default());
    assert!(pool.wait_ready());
    pool
}

pub(crate) fn threads(workers: usize) -> AnyPool {
    AnyPool::Threads(Arc::new(threads::Pool::start(workers, Arc::new(PlainRunner)).unwrap()))
}

impl AnyPool {
    pub(crate) fn backend(&self) -> &dyn Backend {
        match self {
            Self::Processes(pool, _) => pool,
            Self::Threads(pool) => pool.as_ref(),
        }
    }

    pub(crate) fn process_pool(&self) -> &process::pool::Pool {
        match self {
            Self::Processes(pool, _) => pool,
            Self::Threads(_) => panic!("a pool of threads"),
        }
    }

    pub(crate) fn wait_ready(&self) -> bool {
        match self {
            Self::Processes(pool, _) => pool.wait_ready(PATIENCE),
            Self::Threads(pool) => pool.wait_ready(PATIENCE),
        }
    }

    pub(crate) fn submit(&self, call: &str) -> Arc<Task> {
        self.submit_with(call, Options::default())
    }

    pub(crate) fn submit_with(&self, call: &str, options: Options) -> Arc<Task> {
        self.backend().admit().unwrap();
        let task = Task::new(options, clock::now_ns());
        match self {
            Self::Processes(pool, store) => {
                let code = store.allocate(8).unwrap();
                let work = process::pool::Work::new(store, code, call.as_bytes(), Vec::new()).unwrap();
                pool.submit(&task, work);
            }
            Self::Threads(pool) => {
                let (call, id, weak) = (call.to_owned(), task.id, Arc::downgrade(pool));
                let report = move |done, total| {
                    if let Some(pool) = weak.upgrade() {
                        pool.report_progress(id, done, total);
                    }
                };
                let call = move || match work::run(&call, &report) {
                    Ok(bytes) => Ok(Value::Local(Box::new(bytes))),
                    Err(text) => Err(Value::Local(Box::new(text.into_bytes()))),
                };
                pool.submit(&task, Box::new(call));
            }
        }
        task
    }

    /// Waits for the end of `task` and says how it ended.
    #[track_caller]
    pub(crate) fn end_of(&self, task: &Task) -> String {
        let deadline_ns = clock::now_ns() + PATIENCE.as_nanos() as u64;
        while !task.is_done() {
            assert!(clock::now_ns() < deadline_ns, "a task never ended");
            self.backend().wait(task, Some(PATIENCE));
        }
        let text = |value: &Value| match value {
            Value::Message(message) => String::from_utf8_lossy(&message.bytes).into_owned(),
            Value::Local(any) => String::from_utf8_lossy(any.downcast_ref::<Vec<u8>>().unwrap()).into_owned(),
        };
        match task.outcome().unwrap() {
            Outcome::Done(value) => text(value),
            Outcome::Cancelled => "cancelled".to_owned(),
            Outcome::Failed(Failure::Raised(value)) => format!("raised {}", text(value)),
            Outcome::Failed(Failure::WorkerDied { how, .. }) => format!("died: {how}"),
            Outcome::Failed(Failure::MemoryExceeded { .. }) => "too much memory".to_owned(),
            Outcome::Failed(Failure::TimedOut { stopped, .. }) => format!("timed out, stopped: {stopped}"),
            Outcome::Failed(Failure::Abandoned { reason }) => format!("abandoned: {reason}"),
        }
    }

    /// Waits until a worker runs `task`.
    #[track_caller]
    pub(crate) fn running(&self, task: &Task) {
        eventually("the task never started", || {
            self.backend().running_since(task).is_some()
        });
    }

    #[track_caller]
    pub(crate) fn close(&self) {
        self.backend().close(false);
        assert!(self.backend().wait_closed(PATIENCE), "a worker never ended");
    }
}

/// Asks again and again until the answer is yes.
#[track_caller]
pub(crate) fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline_ns = clock::now_ns() + PATIENCE.as_nanos() as u64;
    while !check() {
        assert!(clock::now_ns() < deadline_ns, "{what}");
        std::thread::yield_now();
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("multilane-engine-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// A named pipe: both sides wait for each other when they open it.
    pub(crate) fn gate(&self, name: &str) -> String {
        let path = self.path(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lets the task that awaits this gate go on.
pub(crate) fn open_gate(path: &str) {
    drop(std::fs::File::options().write(true).open(path).unwrap());
}
