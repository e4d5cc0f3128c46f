//! Counts what the test's own thread has allocated: now, and at most.

#![allow(
    unsafe_code,
    reason = "an allocator that counts can only be written with it; it hands everything to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Each test runs in a thread of its own, so that the counts of two are never mixed.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// What glibc takes for a request: its header, a multiple of 16, at least 32.
fn taken(size: usize) -> isize {
    (size + 8).next_multiple_of(16).max(32) as isize
}

fn count(change: isize) {
    let now = NOW.get() + change;
    NOW.set(now);
    MOST.set(MOST.get().max(now));
}

// SAFETY: every call is the system allocator's with the same arguments; counting touches neither.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(taken(size) - taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The most that was held since this was begun, beyond what was held then.
pub(crate) struct Peak(isize);

impl Peak {
    pub(crate) fn begin() -> Self {
        MOST.set(NOW.get());
        Self(NOW.get())
    }

    pub(crate) fn bytes(&self) -> usize {
        (MOST.get() - self.0).max(0) as usize
    }
}
