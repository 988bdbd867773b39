//! A file of the real disk.

use super::File;
use super::write_all_at;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

impl File for fs::File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|told| told.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        fs::File::set_len(self, len)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        if self.size()? >= len {
            return Ok(());
        }
        match allocate(self, len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => write_zeros(self, len),
            outcome => Ok(outcome?),
        }
    }

    /// The data and what is needed to read it back, the length among it; not the times.
    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

fn allocate(file: &fs::File, len: u64) -> Result<(), Errno> {
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}

/// Where the file system cannot reserve: what was written has room.
fn write_zeros(file: &fs::File, len: u64) -> io::Result<()> {
    let mut offset = file.size()?;
    while offset < len {
        let room = usize::try_from(len - offset).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        write_all_at(file, &ZEROS[..room], offset)?;
        offset += room as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_written_up_to_the_length() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"x", 0).unwrap();
        write_zeros(&file, 100_000).unwrap();
        assert_eq!(file.size().unwrap(), 100_000);
        write_zeros(&file, 5).unwrap();
        assert_eq!(file.size().unwrap(), 100_000);
    }
}
