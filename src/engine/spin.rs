//! Locks for those in a hurry: looked at again and again for a while before the thread is parked.
//!
//! Whoever holds one of these locks has some tens of events to count or some pointers to move. A
//! thread that is parked meanwhile comes back much later than that: waking it takes tens of µs.

use parking_lot::Mutex;
use parking_lot::MutexGuard;
use parking_lot::RwLock;
use parking_lot::RwLockReadGuard;
use std::hint;

/// Looks before parking: some 20 µs, which is what parking would take.
const LOOKS: usize = 1_000;

fn patient<G>(look: impl Fn() -> Option<G>) -> Option<G> {
    (0..LOOKS).find_map(|_| {
        let guard = look();
        if guard.is_none() {
            hint::spin_loop();
        }
        guard
    })
}

/// Locks.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    patient(|| mutex.try_lock()).unwrap_or_else(|| mutex.lock())
}

/// Locks for reading.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    patient(|| lock.try_read()).unwrap_or_else(|| lock.read())
}
