//! Shared memory as a Python buffer.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use multilane_engine::EngineError;
use multilane_engine::process::frame::Reference;
use multilane_engine::process::store::{Block, Mapping, Store};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Below this a copy is cheaper than a mapping and its page faults.
const MAP_FROM: u64 = 256 << 10;

enum Memory {
    /// Copy-on-write view of shared pages; the block keeps them from being used again.
    Mapped(
        Arc<Mapping>,
        #[expect(dead_code, reason = "held, not read")] Option<Block>,
    ),
    /// Small pieces are copied.
    Copied(Box<[u8]>),
    /// The very memory every process sees.
    Shared(Block),
}

/// Bytes a task received, or that `ml.share` and `ml.empty` placed.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct SharedBuffer {
    memory: Memory,
    len: usize,
    read_only: bool,
}

impl SharedBuffer {
    /// The piece `reference` names, for the receiver of a message. `block` keeps the
    /// memory, where this process owns it.
    pub(crate) fn receive(
        store: &Store,
        reference: &Reference,
        address: *const u8,
        block: Option<Block>,
    ) -> Result<Self, EngineError> {
        let len = reference.len as usize;
        let read_only = reference.flags & Reference::READ_ONLY != 0;
        let memory = if reference.len < MAP_FROM || !reference.offset.is_multiple_of(4096) {
            // SAFETY: the sender wrote `len` bytes there and keeps them until the task
            // this message belongs to is done.
            Memory::Copied(unsafe { std::slice::from_raw_parts(address, len) }.into())
        } else {
            Memory::Mapped(map(store, reference)?, block)
        };
        Ok(Self { memory, len, read_only })
    }

    /// Memory of this process that others may read.
    pub(crate) fn shared(block: Block, read_only: bool) -> Self {
        Self {
            len: block.len() as usize,
            memory: Memory::Shared(block),
            read_only,
        }
    }

    /// Makes the bytes independent of the shared memory they came from.
    pub(crate) fn detach(&self) {
        if let Memory::Mapped(mapping, _) = &self.memory {
            mapping.detach();
        }
    }

    fn address(&self) -> *mut u8 {
        match &self.memory {
            Memory::Mapped(mapping, _) => mapping.address(),
            Memory::Copied(bytes) => bytes.as_ptr().cast_mut(),
            Memory::Shared(block) => block.address(),
        }
    }
}

#[pymethods]
impl SharedBuffer {
    /// Allocates ``length`` zeroed bytes that tasks see without a copy.
    #[staticmethod]
    fn allocate(length: usize) -> PyResult<Self> {
        let store = crate::store()?;
        let block = store.allocate(length.max(1) as u64).map_err(crate::errors::engine)?;
        // SAFETY: a fresh block of at least `length` bytes that nobody else knows yet.
        // Pages may be recycled, so they are cleared.
        unsafe { std::ptr::write_bytes(block.address(), 0, length) };
        store.publish(&block, false);
        Ok(Self {
            len: length,
            ..Self::shared(block, false)
        })
    }

    /// Copies a buffer into shared memory, once for all tasks.
    #[staticmethod]
    fn place(py: Python<'_>, source: &Bound<'_, PyAny>, read_only: bool) -> PyResult<Self> {
        let store = crate::store()?;
        let view = crate::codec::View::contiguous(source)?;
        let block = store
            .allocate(view.len().max(1) as u64)
            .map_err(crate::errors::engine)?;
        let bytes = view.bytes();
        py.detach(|| store.fill(&block, bytes)).map_err(crate::errors::engine)?;
        store.publish(&block, read_only);
        Ok(Self {
            len: view.len(),
            ..Self::shared(block, read_only)
        })
    }

    fn __len__(&self) -> usize {
        self.len
    }

    /// Whether the bytes are the very memory that other processes see.
    #[getter]
    fn is_shared(&self) -> bool {
        matches!(self.memory, Memory::Shared(_))
    }

    // SAFETY: fills `view` as the buffer protocol asks. The memory lives as long as
    // `slf`, to which the view keeps a reference.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("the view is null"));
        }
        let this = slf.get();
        let address = this.address().cast::<c_void>();
        let read_only = c_int::from(this.read_only);
        // SAFETY: `view` is not null, and address and length are those of our memory.
        let result = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                address,
                this.len as ffi::Py_ssize_t,
                read_only,
                flags,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// Mappings of read-only blocks that tasks of this process have seen, by region and
/// offset: the next task finds the pages mapped.
type Seen = HashMap<(u32, u64), (u32, u64, Arc<Mapping>)>;

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
/// Mappings kept; they hold address space and no memory.
const SEEN_KEPT: usize = 64;

fn map(store: &Store, reference: &Reference) -> Result<Arc<Mapping>, EngineError> {
    let Reference {
        region,
        flags,
        offset,
        len,
    } = *reference;
    if flags & Reference::READ_ONLY == 0 {
        let mapping = Arc::new(store.map_private(region, offset, len as usize)?);
        if flags & Reference::FRESH != 0 {
            mapping.populate();
        }
        return Ok(mapping);
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.get_or_insert_default();
    if let Some((edition, known, mapping)) = seen.get(&(region, offset))
        && (*edition, *known) == (flags, len)
    {
        return Ok(mapping.clone());
    }
    let mapping = Arc::new(store.map_private(region, offset, len as usize)?);
    mapping.populate();
    if seen.len() >= SEEN_KEPT {
        seen.clear();
    }
    seen.insert((region, offset), (flags, len, mapping.clone()));
    Ok(mapping)
}

/// Makes what a job kept of the buffers it received its own, before their memory is somebody else's.
pub(crate) fn detach_kept(_py: Python<'_>, received: &[Py<SharedBuffer>]) {
    for buffer in received {
        // SAFETY: reads the count of an object we hold, attached to the interpreter.
        if unsafe { ffi::Py_REFCNT(buffer.as_ptr()) } > 1 {
            buffer.get().detach();
        }
    }
}
