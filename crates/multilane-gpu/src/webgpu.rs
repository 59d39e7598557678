//! The device that wgpu finds, as a portable program has it: one queue, commands recorded for every submission.
//!
//! wgpu reports errors to a handler of the device instead of to the call; each call here asks whether there was one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{Device, Facts, GpuError, Kernel, Session, Setup, device::stride, kept::Kept, wgsl};

const ROUTE: &str = "wgpu";

/// How long an operation may take, in slices: a process that was stopped for a while has lost one of them, and not all.
const SLICES: u32 = 120;
const SLICE: Duration = Duration::from_secs(1);

/// The first thing that went wrong.
type Trouble = Arc<Mutex<Option<String>>>;

pub(crate) struct WebGpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    facts: Facts,
    trouble: Trouble,
    programs: Kept<Program>,
}

/// A kernel compiled, and its inputs.
struct Program {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    inputs: [wgpu::Buffer; 2],
}

impl WebGpu {
    pub(crate) fn open() -> Result<Self, GpuError> {
        let mut wanted = wgpu::InstanceDescriptor::new_without_display_handle();
        wanted.backends = wgpu::Backends::VULKAN;
        // No validation layer and no debug labels, whatever the build: they would be measured as well.
        wanted.flags = wgpu::InstanceFlags::empty();
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = pollster::block_on(wgpu::Instance::new(wanted).request_adapter(&options))
            .map_err(|error| unavailable(&error))?;
        let wanted = wgpu::DeviceDescriptor {
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: adapter.limits(),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&wanted)).map_err(|error| unavailable(&error))?;
        let trouble = Trouble::default();
        let noted = Arc::clone(&trouble);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.get_or_insert_with(|| error.to_string());
        }));
        let info = adapter.get_info();
        let facts = Facts {
            route: ROUTE,
            device: info.name,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            queues: 1,
            software: info.device_type == wgpu::DeviceType::Cpu,
        };
        Ok(Self {
            device,
            queue,
            facts,
            trouble,
            programs: Kept::new(),
        })
    }

    fn program(&self, kernel: Kernel) -> Result<Program, GpuError> {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(wgsl::text(kernel).into()),
        });
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: None,
            entries: &[0, 1, 2].map(binding),
        });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(wgsl::ENTRY),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let inputs = kernel.inputs().map(|values| input(&self.device, &values));
        checked(&self.trouble, "loading the kernel")?;
        Ok(Program {
            pipeline,
            layout,
            inputs,
        })
    }
}

impl Device for WebGpu {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn load(&self, setup: Setup) -> Result<Box<dyn Session>, GpuError> {
        let kernel = setup.kernel;
        let limits = self.device.limits();
        let results = stride(kernel) * u64::from(setup.slots);
        let one = *kernel.lengths().iter().max().unwrap_or(&0) as u64 * 4;
        if results > limits.max_buffer_size || one > limits.max_storage_buffer_binding_size {
            return Err(GpuError::Unsupported {
                route: ROUTE,
                device: self.facts.device.clone(),
                why: format!("has no buffer for {results} bytes of results"),
            });
        }
        let program = self.programs.of(kernel, || self.program(kernel))?;
        let session = WebGpuSession::new(self, program, setup, results);
        checked(&self.trouble, "loading the kernel")?;
        Ok(Box::new(session))
    }
}

struct WebGpuSession {
    device: wgpu::Device,
    queue: wgpu::Queue,
    trouble: Trouble,
    kernel: Kernel,
    batch: u32,
    program: Arc<Program>,
    results: wgpu::Buffer,
    groups: Vec<wgpu::BindGroup>,
    in_flight: Vec<Mutex<Option<wgpu::SubmissionIndex>>>,
    stamps: Option<wgpu::QuerySet>,
}

impl WebGpuSession {
    fn new(gpu: &WebGpu, program: Arc<Program>, setup: Setup, results: u64) -> Self {
        let (device, kernel) = (gpu.device.clone(), setup.kernel);
        let results = buffer(
            &device,
            results,
            wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        );
        let groups = (0..u64::from(setup.slots)).map(|slot| {
            let result = wgpu::BufferBinding {
                buffer: &results,
                offset: slot * stride(kernel),
                size: std::num::NonZeroU64::new(kernel.lengths()[2] as u64 * 4),
            };
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &program.layout,
                entries: &[
                    entry(0, program.inputs[0].as_entire_binding()),
                    entry(1, program.inputs[1].as_entire_binding()),
                    entry(2, wgpu::BindingResource::Buffer(result)),
                ],
            })
        });
        let groups = groups.collect();
        let timed = setup.stamps > 0 && device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let stamps = timed.then(|| {
            device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2 * setup.stamps,
            })
        });
        Self {
            queue: gpu.queue.clone(),
            trouble: Arc::clone(&gpu.trouble),
            kernel,
            batch: setup.batch,
            program,
            results,
            groups,
            in_flight: (0..setup.slots).map(|_| Mutex::new(None)).collect(),
            stamps,
            device,
        }
    }

    fn wait_for(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), GpuError> {
        for _ in 0..SLICES {
            let wait = wgpu::PollType::Wait {
                submission_index: submission.clone(),
                timeout: Some(SLICE),
            };
            match self.device.poll(wait) {
                Ok(_) => return Ok(()),
                Err(wgpu::PollError::Timeout) => {}
                Err(error) => return Err(failed("waiting", &error.to_string())),
            }
        }
        Err(failed("waiting", "it did not end in two minutes"))
    }

    /// Copies a part of a buffer to the processor.
    fn fetch(
        &self,
        encoder: wgpu::CommandEncoder,
        from: &wgpu::Buffer,
        at: u64,
        bytes: u64,
    ) -> Result<Vec<u8>, GpuError> {
        let mut encoder = encoder;
        let here = buffer(
            &self.device,
            bytes,
            wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        );
        encoder.copy_buffer_to_buffer(from, at, &here, 0, bytes);
        let submission = self.queue.submit([encoder.finish()]);
        // The poll below returns when it is mapped; what cannot be mapped has no range.
        here.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        self.wait_for(Some(submission))?;
        checked(&self.trouble, "reading memory")?;
        let view = here
            .slice(..)
            .get_mapped_range()
            .map_err(|error| failed("reading memory", &error.to_string()))?;
        Ok(view.to_vec())
    }
}

impl Session for WebGpuSession {
    fn submit(&self, _queue: u32, slot: u32, stamp: Option<u32>) -> Result<(), GpuError> {
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let writes = stamp.zip(self.stamps.as_ref());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: writes.map(|(stamp, query_set)| wgpu::ComputePassTimestampWrites {
                    query_set,
                    beginning_of_pass_write_index: Some(2 * stamp),
                    end_of_pass_write_index: Some(2 * stamp + 1),
                }),
            });
            pass.set_pipeline(&self.program.pipeline);
            pass.set_bind_group(0, &self.groups[slot as usize], &[]);
            let [x, y] = self.kernel.groups();
            for _ in 0..self.batch {
                pass.dispatch_workgroups(x, y, 1);
            }
        }
        let submission = self.queue.submit([encoder.finish()]);
        let mut in_flight = self.in_flight[slot as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *in_flight = Some(submission);
        Ok(())
    }

    fn wait(&self, slot: u32) -> Result<(), GpuError> {
        let taken = self.in_flight[slot as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match taken {
            Some(submission) => {
                self.wait_for(Some(submission))?;
                checked(&self.trouble, "an operation")
            }
            None => Ok(()),
        }
    }

    fn read(&self, slot: u32) -> Result<Vec<f32>, GpuError> {
        let encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let bytes = self.kernel.lengths()[2] as u64 * 4;
        let bytes = self.fetch(encoder, &self.results, u64::from(slot) * stride(self.kernel), bytes)?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|four| f32::from_ne_bytes(*four))
            .collect())
    }

    fn stamps(&self, count: u32) -> Result<Vec<(u64, u64)>, GpuError> {
        let Some(stamps) = &self.stamps else {
            return Err(failed("reading its clock", "the device keeps no time"));
        };
        let bytes = u64::from(count) * 16;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let resolved = buffer(&self.device, bytes, usage);
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.resolve_query_set(stamps, 0..2 * count, &resolved, 0);
        let bytes = self.fetch(encoder, &resolved, 0, bytes)?;
        let tick_ns = f64::from(self.queue.get_timestamp_period());
        let nanoseconds = |eight: &[u8; 8]| (u64::from_ne_bytes(*eight) as f64 * tick_ns) as u64;
        let ticks: Vec<u64> = bytes.as_chunks().0.iter().map(nanoseconds).collect();
        Ok(ticks.as_chunks().0.iter().map(|[begin, end]| (*begin, *end)).collect())
    }
}

impl Drop for WebGpuSession {
    fn drop(&mut self) {
        // Its memory comes back when wgpu is next asked; a device that failed has none to give.
        let _ = self.wait_for(None);
    }
}

fn binding(binding: u32) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: binding < 2 },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage,
        mapped_at_creation: false,
    })
}

fn input(device: &wgpu::Device, values: &[f32]) -> wgpu::Buffer {
    let made = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: size_of_val(values) as u64,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: true,
    });
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    // Where there was no memory, the handler knows.
    if let Ok(mut view) = made.slice(..).get_mapped_range_mut() {
        view.copy_from_slice(&bytes);
    }
    made.unmap();
    made
}

fn checked(trouble: &Trouble, what: &'static str) -> Result<(), GpuError> {
    match trouble.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(why) => Err(failed(what, &why)),
        None => Ok(()),
    }
}

fn failed(what: &'static str, why: &str) -> GpuError {
    GpuError::Failed {
        route: ROUTE,
        what,
        why: why.to_owned(),
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> GpuError {
    GpuError::Unavailable {
        route: ROUTE,
        why: error.to_string(),
    }
}
