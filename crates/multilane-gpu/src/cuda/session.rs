//! A kernel on a CUDA device: streams as queues, an event and a result for each slot.

use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cudarc::driver::{result, sys};

use crate::{GpuError, Kernel, Session, Setup, device::stride};

use super::{
    During, Gpu,
    memory::{Inputs, Memory},
};

pub(super) struct CudaSession {
    gpu: Arc<Gpu>,
    setup: Setup,
    function: sys::CUfunction,
    inputs: Arc<Inputs>,
    results: Memory,
    streams: Vec<sys::CUstream>,
    slots: Vec<Slot>,
    /// Events before and after each stamped submission, and one before all.
    stamps: Vec<[sys::CUevent; 2]>,
    origin: Option<sys::CUevent>,
}

struct Slot {
    ended: sys::CUevent,
    in_flight: AtomicBool,
}

// SAFETY: handles of the driver, which may be used from any thread that is in their context; a slot and a stamp have one
// user at a time, and the driver takes submissions to a stream from several threads.
unsafe impl Send for CudaSession {}
// SAFETY: see above.
unsafe impl Sync for CudaSession {}

impl CudaSession {
    pub(super) fn new(gpu: Arc<Gpu>, inputs: Arc<Inputs>, setup: Setup) -> Result<Self, GpuError> {
        gpu.enter()?;
        let name = match setup.kernel {
            Kernel::Element { .. } => c"element",
            Kernel::Matrix { .. } => c"matrix",
            Kernel::Triad { .. } => c"triad",
            Kernel::Nothing => c"nothing",
        };
        // SAFETY: the module is loaded.
        let function =
            unsafe { result::module::get_function(gpu.module, name.to_owned()) }.during("loading the kernel")?;
        let results = Memory::new(&gpu, (stride(setup.kernel) * u64::from(setup.slots)) as usize)?;
        // From here on `drop` gives back what was made.
        let mut session = Self {
            gpu,
            setup,
            function,
            inputs,
            results,
            streams: Vec::new(),
            slots: Vec::new(),
            stamps: Vec::new(),
            origin: None,
        };
        for _ in 0..setup.queues {
            let stream = result::stream::create(result::stream::StreamKind::NonBlocking).during("making a stream")?;
            session.streams.push(stream);
        }
        for _ in 0..setup.slots {
            let ended = event(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
            session.slots.push(Slot {
                ended,
                in_flight: AtomicBool::new(false),
            });
        }
        if setup.stamps > 0 {
            let origin = event(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
            session.origin = Some(origin);
            for _ in 0..setup.stamps {
                let begin = event(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
                session.stamps.push([begin, begin]);
                let end = event(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
                if let Some(last) = session.stamps.last_mut() {
                    last[1] = end;
                }
            }
            // SAFETY: event and stream are alive.
            unsafe {
                result::event::record(origin, session.streams[0])
                    .and_then(|()| result::event::synchronize(origin))
                    .during("reading its clock")?;
            }
        }
        Ok(session)
    }

    fn result(&self, slot: u32) -> sys::CUdeviceptr {
        self.results.place + stride(self.setup.kernel) * u64::from(slot)
    }

    fn launch(&self, stream: sys::CUstream, slot: u32) -> Result<(), GpuError> {
        let [left, right] = &self.inputs.0;
        let (mut left, mut right, mut result) = (left.place, right.place, self.result(slot));
        let (mut size, mut iterations) = match self.setup.kernel {
            Kernel::Element { elements, iterations } => (elements, iterations),
            Kernel::Matrix { size } => (size, 0),
            Kernel::Triad { elements } => (elements, 0),
            Kernel::Nothing => (0, 0),
        };
        let mut arguments: [*mut c_void; 5] = [
            (&raw mut left).cast(),
            (&raw mut right).cast(),
            (&raw mut result).cast(),
            (&raw mut size).cast(),
            (&raw mut iterations).cast(),
        ];
        let [x, y] = self.setup.kernel.groups();
        let threads = self.setup.kernel.threads();
        // SAFETY: the arguments are those of every kernel, and the driver copies them in the call; the memory is as long as
        // the kernel's arrays and lives until the session has waited for all slots.
        unsafe { result::launch_kernel(self.function, (x, y, 1), (threads, 1, 1), 0, stream, &mut arguments) }
            .during("submission")
    }
}

impl Session for CudaSession {
    fn submit(&self, queue: u32, slot: u32, stamp: Option<u32>) -> Result<(), GpuError> {
        self.gpu.enter()?;
        let stream = self.streams[queue as usize];
        let place = &self.slots[slot as usize];
        let record = |event: sys::CUevent| {
            // SAFETY: event and stream are alive, and the event is this caller's alone.
            unsafe { result::event::record(event, stream) }.during("submission")
        };
        let stamps = stamp.map(|stamp| self.stamps[stamp as usize]);
        if let Some([begin, _]) = stamps {
            record(begin)?;
        }
        for _ in 0..self.setup.batch {
            self.launch(stream, slot)?;
        }
        if let Some([_, end]) = stamps {
            record(end)?;
        }
        record(place.ended)?;
        place.in_flight.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn wait(&self, slot: u32) -> Result<(), GpuError> {
        let place = &self.slots[slot as usize];
        // Only the worker that has the slot writes this.
        if !place.in_flight.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.gpu.enter()?;
        // SAFETY: the event is alive and was recorded.
        unsafe { result::event::synchronize(place.ended) }.during("an operation")
    }

    fn read(&self, slot: u32) -> Result<Vec<f32>, GpuError> {
        self.gpu.enter()?;
        let mut values = vec![0.0f32; self.setup.kernel.lengths()[2]];
        // SAFETY: the slot's result has so many numbers; the caller waited for it.
        unsafe { result::memcpy_dtoh_sync(&mut values, self.result(slot)) }.during("reading memory")?;
        Ok(values)
    }

    fn stamps(&self, count: u32) -> Result<Vec<(u64, u64)>, GpuError> {
        self.gpu.enter()?;
        let origin = self.origin.expect("a session with stamps has an origin");
        let since = |event: sys::CUevent| -> Result<u64, GpuError> {
            // SAFETY: both events are alive, keep time and were recorded.
            let milliseconds = unsafe { result::event::elapsed(origin, event) }.during("reading its clock")?;
            Ok((f64::from(milliseconds.max(0.0)) * 1e6) as u64)
        };
        self.stamps[..count as usize]
            .iter()
            .map(|[begin, end]| Ok((since(*begin)?, since(*end)?)))
            .collect()
    }
}

impl Drop for CudaSession {
    fn drop(&mut self) {
        if self.gpu.enter().is_err() {
            return;
        }
        // A device that failed gives nothing back, and there is nobody to tell.
        // SAFETY: streams end here, before the memory that their work uses goes; every handle is given back once.
        unsafe {
            for stream in &self.streams {
                let _ = result::stream::synchronize(*stream);
                let _ = result::stream::destroy(*stream);
            }
            let slots = self.slots.iter().map(|slot| slot.ended);
            for event in slots.chain(self.origin) {
                let _ = result::event::destroy(event);
            }
            for [begin, end] in &self.stamps {
                let _ = result::event::destroy(*begin);
                if begin != end {
                    let _ = result::event::destroy(*end);
                }
            }
        }
    }
}

fn event(flags: sys::CUevent_flags) -> Result<sys::CUevent, GpuError> {
    result::event::create(flags).during("making an event")
}
