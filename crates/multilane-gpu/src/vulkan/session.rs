//! A kernel on a Vulkan device: one command buffer, fence and result for each slot.
//!
//! Commands are recorded once, so that a submission is one call of the driver; only stamped ones are recorded each time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ash::vk;

use crate::{GpuError, Session, Setup, device::stride};

use super::{
    During, Gpu, failed,
    memory::Buffer,
    once::{at_once, in_order},
    program::Program,
};

pub(super) struct VulkanSession {
    gpu: Arc<Gpu>,
    setup: Setup,
    results: Buffer,
    program: Arc<Program>,
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
    pub(super) fn new(gpu: Arc<Gpu>, program: Arc<Program>, setup: Setup) -> Result<Self, GpuError> {
        let results = Buffer::on_device(&gpu, stride(setup.kernel) * u64::from(setup.slots))?;
        // From here on `drop` gives back what was made, on every way out.
        let mut session = Self {
            gpu,
            setup,
            program,
            results,
            descriptors: vk::DescriptorPool::null(),
            stamps: vk::QueryPool::null(),
            slots: Vec::new(),
        };
        session.make_slots()?;
        session.make_stamps()?;
        for number in 0..session.slots.len() {
            session.describe(number);
            let commands = session.slots[number].plain;
            session.record(number, commands, None)?;
        }
        Ok(session)
    }

    fn make_slots(&mut self) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let sizes = [vk::DescriptorPoolSize::default()
            .ty(vk::DescriptorType::STORAGE_BUFFER)
            .descriptor_count(3 * self.setup.slots)];
        let pool = vk::DescriptorPoolCreateInfo::default()
            .max_sets(self.setup.slots)
            .pool_sizes(&sizes);
        // SAFETY: the structures outlive the calls, here and below.
        self.descriptors = unsafe { device.create_descriptor_pool(&pool, None) }.during("making slots")?;
        let layouts = vec![self.program.sets; self.setup.slots as usize];
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
            let wanted = vk::CommandBufferAllocateInfo::default()
                .command_pool(pool)
                .command_buffer_count(2);
            // SAFETY: the pool is alive.
            let commands = unsafe { device.allocate_command_buffers(&wanted) }.during("making slots")?;
            (slot.plain, slot.stamped) = (commands[0], commands[1]);
            // SAFETY: a fence needs nothing but the device.
            slot.fence =
                unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) }.during("making slots")?;
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
        let wanted = vk::QueryPoolCreateInfo::default()
            .query_type(vk::QueryType::TIMESTAMP)
            .query_count(2 * self.setup.stamps);
        // SAFETY: the structure outlives the call.
        self.stamps = unsafe { self.gpu.device.create_query_pool(&wanted, None) }.during("reading its clock")?;
        Ok(())
    }

    /// Points a slot's bindings at the inputs and at its own result.
    fn describe(&self, number: usize) {
        let whole = |buffer: &Buffer| {
            [vk::DescriptorBufferInfo::default()
                .buffer(buffer.handle)
                .range(vk::WHOLE_SIZE)]
        };
        let result = vk::DescriptorBufferInfo::default()
            .buffer(self.results.handle)
            .offset(stride(self.setup.kernel) * number as u64)
            .range(self.setup.kernel.lengths()[2] as u64 * 4);
        let infos = [whole(&self.program.inputs[0]), whole(&self.program.inputs[1]), [result]];
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
                    device.cmd_reset_query_pool(commands, self.stamps, 2 * stamp, 2);
                    device.cmd_write_timestamp(commands, vk::PipelineStageFlags::TOP_OF_PIPE, self.stamps, 2 * stamp);
                }
                device.cmd_bind_pipeline(commands, vk::PipelineBindPoint::COMPUTE, self.program.pipeline);
                let sets = [slot.descriptor];
                let point = vk::PipelineBindPoint::COMPUTE;
                device.cmd_bind_descriptor_sets(commands, point, self.program.layout, 0, &sets, &[]);
                for turn in 0..self.setup.batch {
                    if turn > 0 {
                        in_order(
                            device,
                            commands,
                            vk::AccessFlags::SHADER_WRITE,
                            vk::PipelineStageFlags::COMPUTE_SHADER,
                        );
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

    fn hand_in(&self, queue: u32, slot: &Slot, commands: vk::CommandBuffer) -> Result<(), GpuError> {
        let commands = [commands];
        let submission = [vk::SubmitInfo::default().command_buffers(&commands)];
        // SAFETY: the slot is not in flight, so its fence is free.
        unsafe { self.gpu.device.reset_fences(&[slot.fence]) }
            .and_then(|()| self.gpu.submit(queue, &submission, slot.fence))
            .during("submission")?;
        slot.in_flight.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn waited(&self, slot: &Slot) -> Result<(), GpuError> {
        // Only the worker that has the slot writes this.
        if !slot.in_flight.load(Ordering::Relaxed) {
            return Ok(());
        }
        let ended = self.gpu.wait(slot.fence, "an operation");
        if ended.is_ok() {
            slot.in_flight.store(false, Ordering::Relaxed);
        }
        ended
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
        let host = Buffer::for_reading(&self.gpu, bytes)?;
        let (from, to) = (self.results.handle, host.handle);
        let part = [vk::BufferCopy::default()
            .src_offset(stride(self.setup.kernel) * u64::from(slot))
            .size(bytes)];
        at_once(&self.gpu, |device, commands| {
            // SAFETY: commands are being recorded; both buffers have so many bytes and live until the copy has ended.
            unsafe {
                in_order(
                    device,
                    commands,
                    vk::AccessFlags::SHADER_WRITE,
                    vk::PipelineStageFlags::TRANSFER,
                );
                device.cmd_copy_buffer(commands, from, to, &part);
                in_order(
                    device,
                    commands,
                    vk::AccessFlags::TRANSFER_WRITE,
                    vk::PipelineStageFlags::HOST,
                );
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
        Ok(ticks
            .iter()
            .map(|[begin, end]| (nanoseconds(*begin), nanoseconds(*end)))
            .collect())
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
        }
    }
}
