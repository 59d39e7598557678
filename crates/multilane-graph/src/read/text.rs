//! Where text comes from: whole lines of a file that is read at any place, or of one that only comes in order.
//!
//! Compressed files are recognised by their first bytes. No more than a block and its last line is held.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A line longer than this is not text.
pub(super) const LONGEST_LINE: usize = 1 << 20;
/// How much more is read at a time when a block ends within a line.
const MORE: usize = 1 << 12;

/// Why lines did not come.
#[derive(Debug)]
pub(super) enum Failure {
    /// The system says no, or compressed data is damaged.
    Io(io::Error),
    /// A line does not end.
    TooLong,
}

impl std::convert::From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Lines of a file.
pub(super) enum Source {
    /// A plain file of so many bytes.
    File(File, u64),
    /// What comes in order.
    Order(InOrder),
}

impl Source {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(rustix::io::Errno::ISDIR.into());
        }
        let mut first = Vec::new();
        if about.is_file() {
            first.resize(2, 0);
            let known = file.read_at(&mut first, 0)?;
            first.truncate(known);
        } else {
            (&mut file).take(2).read_to_end(&mut first)?;
        }
        let compressed = first == [0x1F, 0x8B];
        if about.is_file() && !compressed {
            return Ok(Self::File(file, about.len()));
        }
        let all: Box<dyn Read + Send> = if about.is_file() {
            Box::new(file)
        } else {
            Box::new(io::Cursor::new(first).chain(file))
        };
        Ok(Self::Order(InOrder::new(if compressed {
            Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(
                1 << 18,
                all,
            )))
        } else {
            all
        })))
    }
}

/// Lines that come one block after the other.
pub(super) struct InOrder {
    from: Box<dyn Read + Send>,
    /// The start of a line that was read with the last block.
    rest: Vec<u8>,
}

impl InOrder {
    pub(super) fn new(from: Box<dyn Read + Send>) -> Self {
        Self { from, rest: Vec::new() }
    }

    /// The next lines, about `bytes` of them; empty at the end.
    pub(super) fn next(&mut self, bytes: usize) -> Result<Vec<u8>, Failure> {
        let mut block = std::mem::take(&mut self.rest);
        let mut wanted = bytes;
        loop {
            let known = block.len();
            (&mut self.from).take(wanted as u64).read_to_end(&mut block)?;
            if block.len() == known {
                // The last line may do without an end.
                return Ok(block);
            }
            if let Some(end) = memchr::memrchr(b'\n', &block[known..]) {
                self.rest = block.split_off(known + end + 1);
                return Ok(block);
            }
            if block.len() > LONGEST_LINE.max(bytes) {
                return Err(Failure::TooLong);
            }
            wanted = MORE;
        }
    }
}

/// Reads the lines that begin among `bytes` bytes from `start` on, and says where they lie in `buffer`.
///
/// `start` is the beginning of a line when `begins`, else the first line begins after the next end of one.
pub(super) fn lines_at(
    file: &File,
    start: u64,
    begins: bool,
    bytes: usize,
    buffer: &mut Vec<u8>,
) -> Result<Range<usize>, Failure> {
    let before = usize::from(!begins);
    let from = start - before as u64;
    buffer.clear();
    let mut ended = !read_more(file, from, bytes + before, buffer)?;
    let first = if begins {
        0
    } else {
        let place = memchr::memchr(b'\n', &buffer[..buffer.len().min(bytes)]);
        match place {
            Some(end) => end + 1,
            None => return Ok(0..0),
        }
    };
    if first >= buffer.len() {
        return Ok(0..0);
    }
    let mut searched = buffer.len() - 1;
    loop {
        if let Some(end) = memchr::memchr(b'\n', &buffer[searched..]) {
            return Ok(first..searched + end + 1);
        }
        searched = buffer.len();
        if ended {
            return Ok(first..searched);
        }
        if searched > LONGEST_LINE.max(bytes) + bytes {
            return Err(Failure::TooLong);
        }
        ended = !read_more(file, from + searched as u64, MORE, buffer)?;
    }
}

/// Appends `bytes` bytes of the file; whether there were as many.
fn read_more(file: &File, mut at: u64, bytes: usize, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut end = buffer.len();
    let goal = end + bytes;
    buffer.resize(goal, 0);
    while end < goal {
        match file.read_at(&mut buffer[end..], at) {
            Ok(0) => break,
            Ok(count) => {
                end += count;
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(end);
    Ok(end == goal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn blocks_are_all_lines_in_order(text in "[ab\n]{0,80}", bytes in 1usize..30, skip in 0usize..3) {
            let skip = text.split_inclusive('\n').take(skip).map(str::len).sum::<usize>();
            let mut file = tempfile();
            file.write_all(text.as_bytes()).unwrap();
            let (mut found, mut buffer) = (Vec::new(), Vec::new());
            for start in (skip..text.len()).step_by(bytes) {
                let range = lines_at(&file, start as u64, start == skip, bytes, &mut buffer).unwrap();
                let lines = &buffer[range];
                prop_assert!(lines.is_empty() || lines.ends_with(b"\n") || found.len() + lines.len() + skip == text.len());
                found.extend_from_slice(lines);
            }
            prop_assert_eq!(&found, &text.as_bytes()[skip..]);

            let mut order = InOrder::new(Box::new(io::Cursor::new(text.clone().into_bytes())));
            let mut found = Vec::new();
            loop {
                let lines = order.next(bytes).unwrap();
                if lines.is_empty() {
                    break;
                }
                found.extend(lines);
            }
            prop_assert_eq!(&found, text.as_bytes());
        }
    }

    /// A file without a name.
    fn tempfile() -> File {
        let memory = rustix::fs::memfd_create("text", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        File::from(memory)
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut file = tempfile();
        file.write_all(&vec![b'x'; 3 * LONGEST_LINE]).unwrap();
        assert!(matches!(
            lines_at(&file, 0, true, 1 << 10, &mut Vec::new()),
            Err(Failure::TooLong)
        ));
        let text = io::Cursor::new(vec![b'x'; 3 * LONGEST_LINE]);
        assert!(matches!(
            InOrder::new(Box::new(text)).next(1 << 10),
            Err(Failure::TooLong)
        ));
    }
}
