//! The device that Vulkan finds: its queue family with most queues, all of them at once.
//!
//! The loader is looked for at run time. A discrete device is taken before an integrated one, and software last.

mod memory;
mod once;
mod program;
mod session;

use std::{
    ffi::CStr,
    sync::{Arc, Mutex, PoisonError},
};

use ash::vk;

use crate::{Device, Facts, GpuError, Session, Setup, kept::Kept};

use program::Program;
use session::VulkanSession;

const ROUTE: &str = "vulkan";

/// How long an operation may take, in slices: a process that was stopped for a while has lost one of them, and not all.
const SLICES: u32 = 120;
const SLICE_NS: u64 = 1_000_000_000;

/// The device, its queues and what they were made of.
struct Gpu {
    // Holds the loader, whose code everything else calls.
    _entry: ash::Entry,
    instance: ash::Instance,
    device: ash::Device,
    memory: vk::PhysicalDeviceMemoryProperties,
    family: u32,
    /// A queue takes one submission at a time: Vulkan leaves the lock to its user.
    queues: Vec<Mutex<vk::Queue>>,
    /// Nanoseconds of a tick of the device's clock.
    tick_ns: f64,
    /// The bits of a time stamp that mean something.
    stamp_mask: u64,
}

impl Gpu {
    /// Hands commands that are in no use to a queue; the fence, which is in none either, says when they have ended.
    fn submit(&self, queue: u32, submission: &[vk::SubmitInfo<'_>], fence: vk::Fence) -> Result<(), vk::Result> {
        let queue = self.queues[queue as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // SAFETY: commands and fence are the caller's and free; the lock keeps the queue for this call.
        unsafe { self.device.queue_submit(*queue, submission, fence) }
    }

    /// Waits for a fence that was handed in.
    fn wait(&self, fence: vk::Fence, what: &'static str) -> Result<(), GpuError> {
        for _ in 0..SLICES {
            // SAFETY: the fence is alive, and belongs to the caller.
            match unsafe { self.device.wait_for_fences(&[fence], true, SLICE_NS) } {
                Err(vk::Result::TIMEOUT) => {}
                ended => return ended.during(what),
            }
        }
        Err(failed(what, "it did not end in two minutes"))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // SAFETY: sessions hold the device, so all that was made of it is gone; nobody else knows these handles.
        unsafe {
            self.device.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

pub(crate) struct Vulkan {
    gpu: Arc<Gpu>,
    facts: Facts,
    programs: Kept<Program>,
}

impl Vulkan {
    pub(crate) fn open() -> Result<Self, GpuError> {
        // SAFETY: the loader's initialisation is the system's own, run as any program that uses Vulkan runs it.
        let entry = unsafe { ash::Entry::load() }.map_err(|error| unavailable(format!("no Vulkan loader: {error}")))?;
        let application = vk::ApplicationInfo::default()
            .application_name(c"multilane")
            .api_version(vk::API_VERSION_1_2);
        let wanted = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: the structures outlive the call.
        let instance = unsafe { entry.create_instance(&wanted, None) }
            .map_err(|error| unavailable(format!("Vulkan does not start: {error}")))?;
        match Self::of_instance(entry, &instance) {
            Ok(found) => Ok(found),
            Err(error) => {
                // SAFETY: nothing was made of the instance, or it is gone again.
                unsafe { instance.destroy_instance(None) };
                Err(error)
            }
        }
    }

    fn of_instance(entry: ash::Entry, instance: &ash::Instance) -> Result<Self, GpuError> {
        // SAFETY: the instance is alive, here and below.
        let devices = unsafe { instance.enumerate_physical_devices() }
            .map_err(|error| unavailable(format!("Vulkan lists no devices: {error}")))?;
        let (physical, properties) = devices
            .into_iter()
            // SAFETY: see above; the handles come from it.
            .map(|device| (device, unsafe { instance.get_physical_device_properties(device) }))
            .min_by_key(|(_, properties)| preference(properties.device_type))
            .ok_or_else(|| unavailable("Vulkan has no driver for any device".to_owned()))?;
        // SAFETY: see above.
        let families = unsafe { instance.get_physical_device_queue_family_properties(physical) };
        let (family, chosen) = families
            .iter()
            .enumerate()
            .filter(|(_, family)| family.queue_flags.contains(vk::QueueFlags::COMPUTE) && family.queue_count > 0)
            .max_by_key(|(_, family)| (family.timestamp_valid_bits > 0, family.queue_count))
            .ok_or_else(|| unavailable("its device computes nothing".to_owned()))?;
        let priorities = vec![1.0; chosen.queue_count as usize];
        let queues = [vk::DeviceQueueCreateInfo::default()
            .queue_family_index(family as u32)
            .queue_priorities(&priorities)];
        let wanted = vk::DeviceCreateInfo::default().queue_create_infos(&queues);
        // SAFETY: the structures outlive the call, and the family has so many queues.
        let device = unsafe { instance.create_device(physical, &wanted, None) }
            .map_err(|error| unavailable(format!("its device does not start: {error}")))?;
        let queues = (0..chosen.queue_count)
            // SAFETY: these queues were asked for just now.
            .map(|number| Mutex::new(unsafe { device.get_device_queue(family as u32, number) }))
            .collect();
        let facts = Facts {
            route: ROUTE,
            device: name(&properties),
            driver: driver(instance, physical, &properties),
            queues: chosen.queue_count,
            software: properties.device_type == vk::PhysicalDeviceType::CPU,
        };
        // SAFETY: the instance is alive.
        let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
        let gpu = Gpu {
            _entry: entry,
            instance: instance.clone(),
            device,
            memory,
            family: family as u32,
            queues,
            tick_ns: f64::from(properties.limits.timestamp_period),
            stamp_mask: u64::MAX.checked_shr(64 - chosen.timestamp_valid_bits).unwrap_or(0),
        };
        Ok(Self {
            gpu: Arc::new(gpu),
            facts,
            programs: Kept::new(),
        })
    }
}

impl Device for Vulkan {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn load(&self, setup: Setup) -> Result<Box<dyn Session>, GpuError> {
        let program = self
            .programs
            .of(setup.kernel, || Program::new(&self.gpu, setup.kernel))?;
        Ok(Box::new(VulkanSession::new(Arc::clone(&self.gpu), program, setup)?))
    }
}

fn preference(kind: vk::PhysicalDeviceType) -> u32 {
    match kind {
        vk::PhysicalDeviceType::DISCRETE_GPU => 0,
        vk::PhysicalDeviceType::INTEGRATED_GPU => 1,
        vk::PhysicalDeviceType::VIRTUAL_GPU => 2,
        vk::PhysicalDeviceType::CPU => 4,
        _ => 3,
    }
}

/// The driver and its version, as it says them itself; before Vulkan 1.2 it says only a number of its own.
fn driver(instance: &ash::Instance, physical: vk::PhysicalDevice, properties: &vk::PhysicalDeviceProperties) -> String {
    if properties.api_version < vk::API_VERSION_1_2 {
        return format!("version {:#x}", properties.driver_version);
    }
    let mut said = vk::PhysicalDeviceDriverProperties::default();
    let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut said);
    // SAFETY: the instance is alive, and a device of this version knows the structure.
    unsafe { instance.get_physical_device_properties2(physical, &mut all) };
    let texts = [said.driver_name_as_c_str(), said.driver_info_as_c_str()];
    let texts: Vec<_> = texts.into_iter().flatten().map(CStr::to_string_lossy).collect();
    texts.join(" ").trim().to_owned()
}

fn name(properties: &vk::PhysicalDeviceProperties) -> String {
    properties
        .device_name_as_c_str()
        .map_or("a device without a name".into(), CStr::to_string_lossy)
        .into_owned()
}

fn failed(what: &'static str, why: &str) -> GpuError {
    GpuError::Failed {
        route: ROUTE,
        what,
        why: why.to_owned(),
    }
}

fn unavailable(why: String) -> GpuError {
    GpuError::Unavailable { route: ROUTE, why }
}

/// Gives an error of the driver the name of what was being done.
trait During<T> {
    fn during(self, what: &'static str) -> Result<T, GpuError>;
}

impl<T> During<T> for Result<T, vk::Result> {
    fn during(self, what: &'static str) -> Result<T, GpuError> {
        self.map_err(|error| GpuError::Failed {
            route: ROUTE,
            what,
            why: error.to_string(),
        })
    }
}
