//! A kernel as Vulkan has it: translated, compiled, and its inputs in the device's memory.

use std::sync::Arc;

use ash::vk;

use crate::{GpuError, Kernel, wgsl};

use super::{During, Gpu, failed, memory::Buffer, once::at_once};

pub(super) struct Program {
    gpu: Arc<Gpu>,
    module: vk::ShaderModule,
    pub(super) sets: vk::DescriptorSetLayout,
    pub(super) layout: vk::PipelineLayout,
    pub(super) pipeline: vk::Pipeline,
    pub(super) inputs: [Buffer; 2],
}

impl Program {
    pub(super) fn new(gpu: &Arc<Gpu>, kernel: Kernel) -> Result<Self, GpuError> {
        let [left, right] = kernel.inputs();
        // From here on `drop` gives back what was made, on every way out.
        let mut program = Self {
            gpu: Arc::clone(gpu),
            module: vk::ShaderModule::null(),
            sets: vk::DescriptorSetLayout::null(),
            layout: vk::PipelineLayout::null(),
            pipeline: vk::Pipeline::null(),
            inputs: [filled(gpu, &left)?, filled(gpu, &right)?],
        };
        program.compile(kernel)?;
        Ok(program)
    }

    fn compile(&mut self, kernel: Kernel) -> Result<(), GpuError> {
        let device = &self.gpu.device;
        let code = translate(&wgsl::text(kernel))?;
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
        let wanted = [vk::ComputePipelineCreateInfo::default()
            .stage(stage)
            .layout(self.layout)];
        // SAFETY: see above.
        let made = unsafe { device.create_compute_pipelines(vk::PipelineCache::null(), &wanted, None) };
        let pipelines = made.map_err(|(_, error)| error).during("compiling the kernel")?;
        self.pipeline = pipelines.first().copied().unwrap_or_default();
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let device = &self.gpu.device;
        // SAFETY: sessions hold this and have waited for their work; null handles are ignored.
        unsafe {
            device.destroy_pipeline(self.pipeline, None);
            device.destroy_pipeline_layout(self.layout, None);
            device.destroy_descriptor_set_layout(self.sets, None);
            device.destroy_shader_module(self.module, None);
        }
    }
}

/// A buffer on the device with these values.
fn filled(gpu: &Arc<Gpu>, values: &[f32]) -> Result<Buffer, GpuError> {
    let bytes = size_of_val(values) as u64;
    let host = Buffer::for_writing(gpu, bytes)?;
    host.write(values)?;
    let device = Buffer::on_device(gpu, bytes)?;
    let all = [vk::BufferCopy::default().size(bytes)];
    // SAFETY: both buffers have so many bytes and live until the copy has ended.
    at_once(gpu, |vulkan, commands| unsafe {
        vulkan.cmd_copy_buffer(commands, host.handle, device.handle, &all);
    })?;
    Ok(device)
}

/// Translates a kernel to SPIR-V.
fn translate(text: &str) -> Result<Vec<u32>, GpuError> {
    let module =
        naga::front::wgsl::parse_str(text).map_err(|error| failed("reading the kernel", &error.to_string()))?;
    let mut validator =
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
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
