//! Buffers on the device and on the host, each with memory of its own.

use std::sync::Arc;

use ash::vk;

use crate::GpuError;

use super::{During, Gpu, ROUTE};

/// What the processor sees, without being told when the device has written.
const VISIBLE: vk::MemoryPropertyFlags = vk::MemoryPropertyFlags::from_raw(
    vk::MemoryPropertyFlags::HOST_VISIBLE.as_raw() | vk::MemoryPropertyFlags::HOST_COHERENT.as_raw(),
);

/// A buffer that gives itself back.
pub(super) struct Buffer {
    gpu: Arc<Gpu>,
    pub(super) handle: vk::Buffer,
    memory: vk::DeviceMemory,
    bytes: u64,
}

impl Buffer {
    /// A buffer for kernels, in the device's own memory.
    pub(super) fn on_device(gpu: &Arc<Gpu>, bytes: u64) -> Result<Self, GpuError> {
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC
            | vk::BufferUsageFlags::TRANSFER_DST;
        Self::new(gpu, bytes, usage, vk::MemoryPropertyFlags::DEVICE_LOCAL)
    }

    /// A buffer that the processor writes.
    pub(super) fn for_writing(gpu: &Arc<Gpu>, bytes: u64) -> Result<Self, GpuError> {
        Self::new(gpu, bytes, vk::BufferUsageFlags::TRANSFER_SRC, VISIBLE)
    }

    /// A buffer that the processor reads: in cached memory where there is some, since reading any other is very slow.
    pub(super) fn for_reading(gpu: &Arc<Gpu>, bytes: u64) -> Result<Self, GpuError> {
        let usage = vk::BufferUsageFlags::TRANSFER_DST;
        Self::new(gpu, bytes, usage, VISIBLE | vk::MemoryPropertyFlags::HOST_CACHED)
            .or_else(|_| Self::new(gpu, bytes, usage, VISIBLE))
    }

    fn new(
        gpu: &Arc<Gpu>,
        bytes: u64,
        usage: vk::BufferUsageFlags,
        wanted: vk::MemoryPropertyFlags,
    ) -> Result<Self, GpuError> {
        let bytes = bytes.max(4);
        let create = vk::BufferCreateInfo::default().size(bytes).usage(usage);
        // SAFETY: the device is alive; the structure outlives the call.
        let handle = unsafe { gpu.device.create_buffer(&create, None) }.during("making a buffer")?;
        // Gives the handle back on every way out of here.
        let mut buffer = Self {
            gpu: Arc::clone(gpu),
            handle,
            memory: vk::DeviceMemory::null(),
            bytes,
        };
        // SAFETY: the buffer was made of this device.
        let needs = unsafe { gpu.device.get_buffer_memory_requirements(handle) };
        let kinds = &gpu.memory.memory_types_as_slice();
        let kind = (0u32..)
            .zip(*kinds)
            .find(|(number, kind)| needs.memory_type_bits & (1 << number) != 0 && kind.property_flags.contains(wanted))
            .map(|(number, _)| number)
            .ok_or_else(|| GpuError::Failed {
                route: ROUTE,
                what: "making a buffer",
                why: "the device has no memory of this kind".to_owned(),
            })?;
        let allocate = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(kind);
        // SAFETY: the structure outlives the call; the kind of memory exists.
        buffer.memory = unsafe { gpu.device.allocate_memory(&allocate, None) }.during("taking memory")?;
        // SAFETY: both are of this device, and the memory is as large as the buffer needs.
        unsafe { gpu.device.bind_buffer_memory(handle, buffer.memory, 0) }.during("taking memory")?;
        Ok(buffer)
    }

    /// Writes from the beginning of a buffer on the host.
    pub(super) fn write(&self, values: &[f32]) -> Result<(), GpuError> {
        assert!(
            size_of_val(values) as u64 <= self.bytes,
            "the buffer was made for these values"
        );
        let map = || unsafe {
            // SAFETY: the memory is visible to the host, mapped nowhere else, and as long as the buffer.
            self.gpu
                .device
                .map_memory(self.memory, 0, self.bytes, vk::MemoryMapFlags::empty())
        };
        let place = map().during("writing memory")?;
        // SAFETY: the mapping has room for the values, and mapped memory begins at a multiple of 64 bytes.
        unsafe {
            place
                .cast::<f32>()
                .copy_from_nonoverlapping(values.as_ptr(), values.len())
        };
        // SAFETY: it was mapped just now, and no pointer into it is left.
        unsafe { self.gpu.device.unmap_memory(self.memory) };
        Ok(())
    }

    /// Reads so many values from the beginning of a buffer on the host.
    pub(super) fn read(&self, count: usize) -> Result<Vec<f32>, GpuError> {
        assert!(count as u64 * 4 <= self.bytes, "the buffer was made for these values");
        let map = || unsafe {
            // SAFETY: the memory is visible to the host, mapped nowhere else, and as long as the buffer.
            self.gpu
                .device
                .map_memory(self.memory, 0, self.bytes, vk::MemoryMapFlags::empty())
        };
        let place = map().during("reading memory")?;
        // SAFETY: the mapping holds so many values, any bits of which are numbers; mapped memory begins at a multiple of
        // 64 bytes.
        let values = unsafe { std::slice::from_raw_parts(place.cast::<f32>(), count) }.to_vec();
        // SAFETY: it was mapped just now, and no pointer into it is left.
        unsafe { self.gpu.device.unmap_memory(self.memory) };
        Ok(values)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: whoever owns the buffer has waited for the device to be done with it; null memory is ignored.
        unsafe {
            self.gpu.device.destroy_buffer(self.handle, None);
            self.gpu.device.free_memory(self.memory, None);
        }
    }
}
