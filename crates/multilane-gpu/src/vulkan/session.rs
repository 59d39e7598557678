//! A kernel on a Vulkan device: one command buffer, fence and result for each slot.
//!
//! Commands are recorded once, so that a submission is one call of the driver; only stamped ones are recorded each time.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use ash::vk;

use crate::{GpuError, Session, Setup, device::stride, wgsl};

use super::{During, Gpu, ROUTE, memory::Buffer};

/// How long an operation may take.
const PATIENCE_NS: u64 = 120_000_000_000;

pub(super) struct VulkanSession {
    gpu: Arc<Gpu>,
    setup: Setup,
    results: Option<Buffer>,
    inputs: Vec<Buffer>,
    module: vk::ShaderModule,
    sets: vk::DescriptorSetLayout,
    layout: vk::PipelineLayout,
    pipeline: vk::Pipeline,
    descriptors: vk::DescriptorPool,
    stamps: vk::QueryPool,
    slots: Vec<Slot>,
}

struct Slot {
    /// Of this slot alone: a pool takes one thread at a time.
    pool: vk::CommandPool,
    plain: vk::CommandBuffer,
    stamped: vk::CommandBuffer,
    descriptor: vk::DescriptorSet,
    fence: vk::Fence,
    in_flight: AtomicBool,
}

impl VulkanSession {
    pub(super) fn new(gpu: Arc<Gpu>, setup: Setup) -> Result<Self, GpuError> {
        // From here on `drop` gives back what was made, on every way out.
        let mut session = Self {
            gpu,
            setup,
            results: None,
            inputs: Vec::new(),
            module: vk::ShaderModule::null(),
            sets: vk::DescriptorSetLayout::null(),
            layout: vk::PipelineLayout::null(),
            pipeline: vk::Pipeline::null(),
            descriptors: vk::DescriptorPool::null(),
            stamps: vk::QueryPool::null(),
            slots: Vec::new(),
        };
        session.make_pipeline()?;
        session.make_slots()?;
        session.make_stamps()?;
        session.make_memory()?;
        for number in 0..session.slots.len() {
            session.describe(number);
            let commands = session.slots[number].plain;
            session.record(number, commands, None)?;
        }
        Ok(session)
    }

    fn make_pipeline(&mut self) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let code = translate(&wgsl::text(self.setup.kernel))?;
        let module = vk::ShaderModuleCreateInfo::default().code(&code);
        // SAFETY: the code was written by a translator that validated it; structures outlive the calls, here and below.
        self.module = unsafe { device.create_shader_module(&module, None) }.during("loading the kernel")?;
        let bindings = [0, 1, 2].map(|number| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(number)
                .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        });
        let sets = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: see above.
        self.sets = unsafe { device.create_descriptor_set_layout(&sets, None) }.during("loading the kernel")?;
        let layouts = [self.sets];
        let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
        // SAFETY: see above.
        self.layout = unsafe { device.create_pipeline_layout(&layout, None) }.during("loading the kernel")?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(self.module)
            .name(c"operate");
        let wanted = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(self.layout)];
        // SAFETY: see above.
        let made = unsafe { device.create_compute_pipelines(self.gpu.compiled, &wanted, None) };
        let pipelines = made.map_err(|(_, error)| error).during("compiling the kernel")?;
        self.pipeline = pipelines.first().copied().unwrap_or_default();
        Ok(())
    }

    fn make_slots(&mut self) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let sizes = [vk::DescriptorPoolSize::default()
            .ty(vk::DescriptorType::STORAGE_BUFFER)
            .descriptor_count(3 * self.setup.slots)];
        let pool = vk::DescriptorPoolCreateInfo::default().max_sets(self.setup.slots).pool_sizes(&sizes);
        // SAFETY: the structures outlive the calls, here and below.
        self.descriptors = unsafe { device.create_descriptor_pool(&pool, None) }.during("making slots")?;
        let layouts = vec![self.sets; self.setup.slots as usize];
        let wanted = vk::DescriptorSetAllocateInfo::default()
            .descriptor_pool(self.descriptors)
            .set_layouts(&layouts);
        // SAFETY: the pool was made for so many sets.
        let sets = unsafe { device.allocate_descriptor_sets(&wanted) }.during("making slots")?;
        for descriptor in sets {
            let pool = vk::CommandPoolCreateInfo::default()
                .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER)
                .queue_family_index(self.gpu.family);
            // SAFETY: the family is that of the device's queues.
            let pool = unsafe { device.create_command_pool(&pool, None) }.during("making slots")?;
            self.slots.push(Slot {
                pool,
                plain: vk::CommandBuffer::null(),
                stamped: vk::CommandBuffer::null(),
                descriptor,
                fence: vk::Fence::null(),
                in_flight: AtomicBool::new(false),
            });
            let slot = self.slots.last_mut().expect("a slot was pushed just now");
            let wanted = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(2);
            // SAFETY: the pool is alive.
            let commands = unsafe { device.allocate_command_buffers(&wanted) }.during("making slots")?;
            (slot.plain, slot.stamped) = (commands[0], commands[1]);
            // SAFETY: a fence needs nothing but the device.
            slot.fence = unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) }.during("making slots")?;
        }
        Ok(())
    }

    fn make_stamps(&mut self) -> Result<(), GpuError> {
        if self.setup.stamps == 0 {
            return Ok(());
        }
        if self.gpu.stamp_mask == 0 {
            return Err(failed("reading its clock", "the device keeps no time"));
        }
        let count = 2 * self.setup.stamps;
        let wanted = vk::QueryPoolCreateInfo::default()
            .query_type(vk::QueryType::TIMESTAMP)
            .query_count(count);
        // SAFETY: the structure outlives the call.
        self.stamps = unsafe { self.gpu.device.create_query_pool(&wanted, None) }.during("reading its clock")?;
        let stamps = self.stamps;
        // SAFETY: the pool has so many queries, and nobody uses them yet.
        self.at_once(|device, commands| unsafe { device.cmd_reset_query_pool(commands, stamps, 0, count) })
    }

    fn make_memory(&mut self) -> Result<(), GpuError> {
        let results = Buffer::on_device(&self.gpu, stride(self.setup.kernel) * u64::from(self.setup.slots))?;
        self.results = Some(results);
        for values in self.setup.kernel.inputs() {
            let bytes = size_of_val(values.as_slice()) as u64;
            let host = Buffer::on_host(&self.gpu, bytes)?;
            host.write(&values)?;
            let device = Buffer::on_device(&self.gpu, bytes)?;
            let (from, to) = (host.handle, device.handle);
            self.inputs.push(device);
            let all = [vk::BufferCopy::default().size(bytes)];
            // SAFETY: both buffers have so many bytes and live until the copy has ended.
            self.at_once(|device, commands| unsafe { device.cmd_copy_buffer(commands, from, to, &all) })?;
        }
        Ok(())
    }

    /// Points a slot's bindings at the inputs and at its own result.
    fn describe(&self, number: usize) {
        let whole = |buffer: &Buffer| [vk::DescriptorBufferInfo::default().buffer(buffer.handle).range(vk::WHOLE_SIZE)];
        let result = vk::DescriptorBufferInfo::default()
            .buffer(self.result())
            .offset(stride(self.setup.kernel) * number as u64)
            .range(self.setup.kernel.lengths()[2] as u64 * 4);
        let infos = [whole(&self.inputs[0]), whole(&self.inputs[1]), [result]];
        let writes: Vec<_> = (0u32..)
            .zip(&infos)
            .map(|(binding, info)| {
                vk::WriteDescriptorSet::default()
                    .dst_set(self.slots[number].descriptor)
                    .dst_binding(binding)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .buffer_info(info)
            })
            .collect();
        // SAFETY: set and buffers are alive, and no command uses the set yet.
        unsafe { self.gpu.device.update_descriptor_sets(&writes, &[]) };
    }

    fn result(&self) -> vk::Buffer {
        self.results.as_ref().expect("results are made before slots use them").handle
    }

    fn record(&self, number: usize, commands: vk::CommandBuffer, stamp: Option<u32>) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let slot = &self.slots[number];
        let [x, y] = self.setup.kernel.groups();
        // SAFETY: the slot is its caller's alone and nothing of it is in flight, so its pool and commands are not in use;
        // all handles are alive.
        let recorded = unsafe {
            let begin = device.begin_command_buffer(commands, &vk::CommandBufferBeginInfo::default());
            begin.map(|()| {
                if let Some(stamp) = stamp {
                    device.cmd_write_timestamp(commands, vk::PipelineStageFlags::TOP_OF_PIPE, self.stamps, 2 * stamp);
                }
                device.cmd_bind_pipeline(commands, vk::PipelineBindPoint::COMPUTE, self.pipeline);
                let sets = [slot.descriptor];
                let point = vk::PipelineBindPoint::COMPUTE;
                device.cmd_bind_descriptor_sets(commands, point, self.layout, 0, &sets, &[]);
                for turn in 0..self.setup.batch {
                    if turn > 0 {
                        in_order(device, commands, vk::AccessFlags::SHADER_WRITE, vk::PipelineStageFlags::COMPUTE_SHADER);
                    }
                    device.cmd_dispatch(commands, x, y, 1);
                }
                if let Some(stamp) = stamp {
                    let bottom = vk::PipelineStageFlags::BOTTOM_OF_PIPE;
                    device.cmd_write_timestamp(commands, bottom, self.stamps, 2 * stamp + 1);
                }
            })
        };
        recorded.during("recording commands")?;
        // SAFETY: it is being recorded.
        unsafe { device.end_command_buffer(commands) }.during("recording commands")
    }

    /// Runs commands on the first queue and waits for them; no slot is in flight on it.
    fn at_once(&self, commands: impl FnOnce(&ash::Device, vk::CommandBuffer)) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let slot = self.slots.first().ok_or_else(|| failed("making slots", "a session has no slots"))?;
        let begin = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: nothing of the first slot is in flight, and nobody else has it now.
        unsafe { device.begin_command_buffer(slot.stamped, &begin) }.during("recording commands")?;
        commands(device, slot.stamped);
        // SAFETY: it is being recorded.
        unsafe { device.end_command_buffer(slot.stamped) }.during("recording commands")?;
        self.hand_in(0, slot, slot.stamped)?;
        self.waited(slot)
    }

    fn hand_in(&self, queue: u32, slot: &Slot, commands: vk::CommandBuffer) -> Result<(), GpuError> {
        let commands = [commands];
        let submission = [vk::SubmitInfo::default().command_buffers(&commands)];
        let queue = &self.gpu.queues[queue as usize];
        // SAFETY: the slot is not in flight, so its fence and commands are free; the lock keeps the queue for this call.
        let submitted = unsafe {
            self.gpu.device.reset_fences(&[slot.fence]).and_then(|()| {
                let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                self.gpu.device.queue_submit(*queue, &submission, slot.fence)
            })
        };
        submitted.during("submission")?;
        slot.in_flight.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn waited(&self, slot: &Slot) -> Result<(), GpuError> {
        // Only the worker that has the slot writes this.
        if !slot.in_flight.load(Ordering::Relaxed) {
            return Ok(());
        }
        // SAFETY: the fence was handed in with commands.
        match unsafe { self.gpu.device.wait_for_fences(&[slot.fence], true, PATIENCE_NS) } {
            Err(vk::Result::TIMEOUT) => Err(failed("waiting", "an operation did not end in two minutes")),
            ended => {
                slot.in_flight.store(false, Ordering::Relaxed);
                ended.during("waiting")
            }
        }
    }
}

impl Session for VulkanSession {
    fn submit(&self, queue: u32, slot: u32, stamp: Option<u32>) -> Result<(), GpuError> {
        let place = &self.slots[slot as usize];
        let Some(stamp) = stamp else {
            return self.hand_in(queue, place, place.plain);
        };
        self.record(slot as usize, place.stamped, Some(stamp))?;
        self.hand_in(queue, place, place.stamped)
    }

    fn wait(&self, slot: u32) -> Result<(), GpuError> {
        self.waited(&self.slots[slot as usize])
    }

    fn read(&self, slot: u32) -> Result<Vec<f32>, GpuError> {
        let count = self.setup.kernel.lengths()[2];
        let bytes = count as u64 * 4;
        let host = Buffer::on_host(&self.gpu, bytes)?;
        let (from, to) = (self.result(), host.handle);
        let part = [vk::BufferCopy::default()
            .src_offset(stride(self.setup.kernel) * u64::from(slot))
            .size(bytes)];
        self.at_once(|device, commands| {
            // SAFETY: commands are being recorded; both buffers have so many bytes and live until the copy has ended.
            unsafe {
                in_order(device, commands, vk::AccessFlags::SHADER_WRITE, vk::PipelineStageFlags::TRANSFER);
                device.cmd_copy_buffer(commands, from, to, &part);
                in_order(device, commands, vk::AccessFlags::TRANSFER_WRITE, vk::PipelineStageFlags::HOST);
            }
        })?;
        host.read(count)
    }

    fn stamps(&self, count: u32) -> Result<Vec<(u64, u64)>, GpuError> {
        let mut ticks = vec![[0u64; 2]; count as usize];
        let flags = vk::QueryResultFlags::TYPE_64 | vk::QueryResultFlags::WAIT;
        // SAFETY: a pool of so many queries, each written by a submission that has ended.
        unsafe {
            self.gpu
                .device
                .get_query_pool_results(self.stamps, 0, ticks.as_flattened_mut(), flags)
        }
        .during("reading its clock")?;
        let nanoseconds = |tick: u64| ((tick & self.gpu.stamp_mask) as f64 * self.gpu.tick_ns) as u64;
        Ok(ticks.iter().map(|[begin, end]| (nanoseconds(*begin), nanoseconds(*end))).collect())
    }
}

impl Drop for VulkanSession {
    fn drop(&mut self) {
        for slot in &self.slots {
            // Memory must not go while the device uses it; a device that failed uses nothing.
            let _ = self.waited(slot);
        }
        let device = &self.gpu.device;
        // SAFETY: nothing is in flight any more, and null handles are ignored.
        unsafe {
            for slot in &self.slots {
                device.destroy_fence(slot.fence, None);
                device.destroy_command_pool(slot.pool, None);
            }
            device.destroy_query_pool(self.stamps, None);
            device.destroy_descriptor_pool(self.descriptors, None);
            device.destroy_pipeline(self.pipeline, None);
            device.destroy_pipeline_layout(self.layout, None);
            device.destroy_descriptor_set_layout(self.sets, None);
            device.destroy_shader_module(self.module, None);
        }
    }
}

/// Lets what was written so be seen by all that comes after it in a stage.
///
/// # Safety
///
/// The commands are being recorded.
unsafe fn in_order(
    device: &ash::Device,
    commands: vk::CommandBuffer,
    written: vk::AccessFlags,
    stage: vk::PipelineStageFlags,
) {
    let barrier = [vk::MemoryBarrier::default()
        .src_access_mask(written)
        .dst_access_mask(vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE)];
    let before = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
    // SAFETY: the caller's promise.
    unsafe { device.cmd_pipeline_barrier(commands, before, stage, vk::DependencyFlags::empty(), &barrier, &[], &[]) };
}

/// Translates a kernel to SPIR-V.
fn translate(text: &str) -> Result<Vec<u32>, GpuError> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| failed("reading the kernel", &error.to_string()))?;
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
    let info = validator
        .validate(&module)
        .map_err(|error| failed("validating the kernel", &error.to_string()))?;
    let options = naga::back::spv::Options {
        lang_version: (1, 3),
        ..naga::back::spv::Options::default()
    };
    let pipeline = naga::back::spv::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: wgsl::ENTRY.to_owned(),
    };
    naga::back::spv::write_vec(&module, &info, &options, Some(&pipeline))
        .map_err(|error| failed("translating the kernel", &error.to_string()))
}

fn failed(what: &'static str, why: &str) -> GpuError {
    GpuError::Failed {
        route: ROUTE,
        what,
        why: why.to_owned(),
    }
}
