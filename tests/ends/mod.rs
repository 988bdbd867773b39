//! The end of a scope, told to the threads in it however it ends: one that fails waits for them, and
//! they would go on without end.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Sets a flag when it is dropped.
pub(crate) struct Ends<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
