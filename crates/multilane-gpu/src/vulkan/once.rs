//! Commands that run once and are waited for: copies, outside of anything that is timed.

use ash::vk;

use crate::GpuError;

use super::{During, Gpu};

/// What such commands need of the device; gives itself back.
struct Once<'a> {
    gpu: &'a Gpu,
    pool: vk::CommandPool,
    fence: vk::Fence,
}

/// Records commands, runs them on the first queue and waits for them.
pub(super) fn at_once(gpu: &Gpu, record: impl FnOnce(&ash::Device, vk::CommandBuffer)) -> Result<(), GpuError> {
    let device = &gpu.device;
    let mut once = Once {
        gpu,
        pool: vk::CommandPool::null(),
        fence: vk::Fence::null(),
    };
    let wanted = vk::CommandPoolCreateInfo::default().queue_family_index(gpu.family);
    // SAFETY: the family is that of the device's queues; structures outlive the calls, here and below.
    once.pool = unsafe { device.create_command_pool(&wanted, None) }.during("copying")?;
    // SAFETY: a fence needs nothing but the device.
    once.fence = unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) }.during("copying")?;
    let wanted = vk::CommandBufferAllocateInfo::default()
        .command_pool(once.pool)
        .command_buffer_count(1);
    // SAFETY: the pool is alive, and nobody else's.
    let commands = unsafe { device.allocate_command_buffers(&wanted) }.during("copying")?;
    let begin = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
    // SAFETY: the commands were made just now.
    unsafe { device.begin_command_buffer(commands[0], &begin) }.during("copying")?;
    record(device, commands[0]);
    // SAFETY: they are being recorded.
    unsafe { device.end_command_buffer(commands[0]) }.during("copying")?;
    let submission = [vk::SubmitInfo::default().command_buffers(&commands)];
    gpu.submit(0, &submission, once.fence).during("copying")?;
    gpu.wait(once.fence, "copying")
}

impl Drop for Once<'_> {
    fn drop(&mut self) {
        // SAFETY: the commands have ended, or were never handed in; null handles are ignored.
        unsafe {
            self.gpu.device.destroy_fence(self.fence, None);
            self.gpu.device.destroy_command_pool(self.pool, None);
        }
    }
}

/// Lets what was written so be seen by all that comes after it in a stage.
///
/// # Safety
///
/// The commands are being recorded.
pub(super) unsafe fn in_order(
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
    unsafe {
        device.cmd_pipeline_barrier(
            commands,
            before,
            stage,
            vk::DependencyFlags::empty(),
            &barrier,
            &[],
            &[],
        )
    };
}
