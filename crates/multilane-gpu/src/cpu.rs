//! The device of processor threads: each queue is a thread that computes operations in order.
//!
//! It needs no driver, so that what does not depend on one can be tested everywhere, and it is what other devices are
//! compared with.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
};

use multilane_engine::clock;

use crate::{Device, Facts, GpuError, Kernel, Session, Setup, kept::Kept};

/// Queues, which cost a thread each.
const MOST_QUEUES: u32 = 256;

pub(crate) struct Cpu {
    facts: Facts,
    inputs: Kept<[Vec<f32>; 2]>,
}

impl Cpu {
    pub(crate) fn new() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            facts: Facts {
                route: "cpu",
                device: format!("{threads} processors"),
                driver: "none".to_owned(),
                queues: MOST_QUEUES,
                software: true,
            },
            inputs: Kept::new(),
        }
    }
}

impl Device for Cpu {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn load(&self, setup: Setup) -> Result<Box<dyn Session>, GpuError> {
        let inputs = self.inputs.of(setup.kernel, || Ok(setup.kernel.inputs()))?;
        let work = Arc::new(Work::new(setup, inputs));
        let mut session = CpuSession {
            work: Arc::clone(&work),
            queues: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..setup.queues {
            let (sender, receiver) = channel::<Submission>();
            let work = Arc::clone(&work);
            let serve = move || receiver.iter().for_each(|submission| work.run(submission));
            let thread = thread::Builder::new()
                .name(format!("queue-{number}"))
                .spawn(serve)
                .map_err(|error| GpuError::Failed {
                    route: "cpu",
                    what: "starting a queue",
                    why: error.to_string(),
                })?;
            session.queues.push(sender);
            session.threads.push(thread);
        }
        Ok(Box::new(session))
    }
}

struct Submission {
    slot: u32,
    stamp: Option<u32>,
}

/// What the queues of a session share.
struct Work {
    kernel: Kernel,
    batch: u32,
    inputs: Arc<[Vec<f32>; 2]>,
    slots: Vec<Slot>,
    stamps: Mutex<Vec<(u64, u64)>>,
}

struct Slot {
    result: Mutex<Vec<f32>>,
    in_flight: Mutex<bool>,
    ended: Condvar,
}

impl Work {
    fn new(setup: Setup, inputs: Arc<[Vec<f32>; 2]>) -> Self {
        let slot = |_| Slot {
            result: Mutex::new(vec![0.0; setup.kernel.lengths()[2]]),
            in_flight: Mutex::new(false),
            ended: Condvar::new(),
        };
        Self {
            kernel: setup.kernel,
            batch: setup.batch,
            inputs,
            slots: (0..setup.slots).map(slot).collect(),
            stamps: Mutex::new(vec![(0, 0); setup.stamps as usize]),
        }
    }

    fn run(&self, submission: Submission) {
        let began_ns = clock::now_ns();
        let slot = &self.slots[submission.slot as usize];
        {
            let mut result = slot.result.lock().unwrap_or_else(PoisonError::into_inner);
            for _ in 0..self.batch {
                self.kernel.compute(&self.inputs[0], &self.inputs[1], &mut result);
            }
        }
        if let Some(stamp) = submission.stamp {
            let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
            stamps[stamp as usize] = (began_ns, clock::now_ns());
        }
        *slot.in_flight.lock().unwrap_or_else(PoisonError::into_inner) = false;
        slot.ended.notify_all();
    }
}

struct CpuSession {
    work: Arc<Work>,
    queues: Vec<Sender<Submission>>,
    threads: Vec<JoinHandle<()>>,
}

impl Session for CpuSession {
    fn submit(&self, queue: u32, slot: u32, stamp: Option<u32>) -> Result<(), GpuError> {
        let place = &self.work.slots[slot as usize];
        *place.in_flight.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.queues[queue as usize]
            .send(Submission { slot, stamp })
            .map_err(|_| GpuError::Failed {
                route: "cpu",
                what: "submission",
                why: "the queue has ended".to_owned(),
            })
    }

    fn wait(&self, slot: u32) -> Result<(), GpuError> {
        let place = &self.work.slots[slot as usize];
        let in_flight = place.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            place
                .ended
                .wait_while(in_flight, |in_flight| *in_flight)
                .unwrap_or_else(PoisonError::into_inner),
        );
        Ok(())
    }

    fn read(&self, slot: u32) -> Result<Vec<f32>, GpuError> {
        let place = &self.work.slots[slot as usize];
        Ok(place.result.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn stamps(&self, count: u32) -> Result<Vec<(u64, u64)>, GpuError> {
        let stamps = self.work.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stamps[..count as usize].to_vec())
    }
}

impl Drop for CpuSession {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A queue that panicked has said so already.
            let _ = thread.join();
        }
    }
}
