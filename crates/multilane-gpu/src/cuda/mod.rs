//! NVIDIA's device through CUDA: a queue is a stream, and there are as many as asked for.
//!
//! The driver is looked for at run time; nothing of CUDA is needed to build this. The kernels are PTX, which the driver
//! compiles for what is there.

mod memory;
mod session;

use std::{ffi::CStr, sync::Arc};

use cudarc::driver::{
    result::{self, DriverError},
    sys,
};

use crate::{Device, Facts, GpuError, Session, Setup, kept::Kept};

use memory::Inputs;
use session::CudaSession;

const ROUTE: &str = "cuda";

/// Streams cost little, and the hardware takes turns between more of them than it has queues.
const MOST_QUEUES: u32 = 128;

/// The device's context, in which every thread that calls the driver has to be.
struct Gpu {
    device: sys::CUdevice,
    context: sys::CUcontext,
    module: sys::CUmodule,
}

// SAFETY: handles of the driver, which may be used from any thread that is in their context.
unsafe impl Send for Gpu {}
// SAFETY: see above; the driver has its own locks.
unsafe impl Sync for Gpu {}

impl Gpu {
    /// Puts the calling thread into the context; costs next to nothing when it is there already.
    fn enter(&self) -> Result<(), GpuError> {
        // SAFETY: the context is alive as long as this is.
        unsafe { result::ctx::set_current(self.context) }.during("entering the device")
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // A device that failed cannot be given back either.
        if self.enter().is_ok() {
            // SAFETY: sessions hold this, so nothing of the module is in use; the context was retained once.
            unsafe {
                let _ = result::module::unload(self.module);
                let _ = result::primary_ctx::release(self.device);
            }
        }
    }
}

pub(crate) struct Cuda {
    gpu: Arc<Gpu>,
    inputs: Kept<Inputs>,
    facts: Facts,
}

/// The text of the kernels; the driver wants it to end with a zero.
const KERNELS: &str = concat!(include_str!("kernels.ptx"), "\0");

impl Cuda {
    pub(crate) fn open() -> Result<Self, GpuError> {
        // SAFETY: loads NVIDIA's driver library as any program that uses it does. Asked first, since the first call of a
        // library that is not there panics.
        if !unsafe { sys::is_culib_present() } {
            return Err(unavailable("no CUDA driver (libcuda.so.1)".to_owned()));
        }
        result::init().map_err(|error| unavailable(said(error)))?;
        let device = result::device::get(0).map_err(|error| unavailable(said(error)))?;
        let name = result::device::get_name(device).map_err(|error| unavailable(said(error)))?;
        let mut version = 0;
        // SAFETY: writes one number.
        let asked = unsafe { sys::cuDriverGetVersion(&raw mut version) }.result();
        asked.during("asking for its version")?;
        // SAFETY: the device was found just now.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(|error| unavailable(said(error)))?;
        // From here on `drop` gives back what was made.
        let mut gpu = Gpu {
            device,
            context,
            module: std::ptr::null_mut(),
        };
        gpu.enter()?;
        // SAFETY: a text that ends with a zero; the driver reads no further.
        gpu.module = unsafe { result::module::load_data(KERNELS.as_ptr().cast()) }.during("compiling the kernels")?;
        let facts = Facts {
            route: ROUTE,
            device: name,
            driver: format!("CUDA {}.{}", version / 1000, version % 1000 / 10),
            queues: MOST_QUEUES,
            software: false,
        };
        Ok(Self {
            gpu: Arc::new(gpu),
            inputs: Kept::new(),
            facts,
        })
    }
}

impl Device for Cuda {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn load(&self, setup: Setup) -> Result<Box<dyn Session>, GpuError> {
        let inputs = self.inputs.of(setup.kernel, || Inputs::new(&self.gpu, setup.kernel))?;
        Ok(Box::new(CudaSession::new(Arc::clone(&self.gpu), inputs, setup)?))
    }
}

/// Gives an error of the driver the name of what was being done.
trait During<T> {
    fn during(self, what: &'static str) -> Result<T, GpuError>;
}

impl<T> During<T> for Result<T, DriverError> {
    fn during(self, what: &'static str) -> Result<T, GpuError> {
        self.map_err(|error| GpuError::Failed {
            route: ROUTE,
            what,
            why: said(error),
        })
    }
}

fn said(error: DriverError) -> String {
    error.error_string().map_or_else(
        |_| format!("error {:?}", error.0),
        |text: &CStr| text.to_string_lossy().into_owned(),
    )
}

fn unavailable(why: String) -> GpuError {
    GpuError::Unavailable { route: ROUTE, why }
}
