//! Memory set aside for small Rust allocations.
//!
//! Texts of users are copied with memory that may be refused (`domain::room`). Small things, such
//! as names, messages and entries of maps, are allocated as usual, where a refusal aborts the
//! process and with it the server. So each call sets memory aside. Small allocations get it once
//! the system has none, and the next check for interrupts ends the call with 53200.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// How much is set aside. It is never written to, so it only takes address space.
const SIZE: usize = 4 << 20;

/// The largest allocation that may use it.
const SMALL: usize = 256 << 10;

struct Reserving;

#[global_allocator]
static ALLOCATOR: Reserving = Reserving;

static RESERVE: AtomicPtr<u8> = AtomicPtr::new(null_mut());
static IS_USED: AtomicBool = AtomicBool::new(false);

// SAFETY: the layout of the one block that is set aside; not of size zero.
const LAYOUT: Layout = unsafe { Layout::from_size_align_unchecked(SIZE, 16) };

// SAFETY: the system's allocator does all work, with the same layouts.
unsafe impl GlobalAlloc for Reserving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        again(layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        again(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise; a block that couldn't be moved is still there.
        again(size, || unsafe { System.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

fn again(size: usize, allocate: impl Fn() -> *mut u8) -> *mut u8 {
    let block = allocate();
    match block.is_null() && size <= SMALL && release() {
        true => allocate(),
        false => block,
    }
}

/// Frees what was set aside. False: it was freed before.
fn release() -> bool {
    let reserve = RESERVE.swap(null_mut(), Ordering::Relaxed);
    if reserve.is_null() {
        return false;
    }
    IS_USED.store(true, Ordering::Relaxed);
    // SAFETY: allocated with this layout by `prepare`, and freed once.
    unsafe { System.dealloc(reserve, LAYOUT) };
    true
}

/// Sets memory aside at the beginning of a call, if none is and there is some.
pub fn prepare() {
    IS_USED.store(false, Ordering::Relaxed);
    if RESERVE.load(Ordering::Relaxed).is_null() {
        // SAFETY: the layout isn't of size zero.
        RESERVE.store(unsafe { System.alloc(LAYOUT) }, Ordering::Relaxed);
    }
}

/// Whether the call has used what was set aside.
pub fn is_used() -> bool {
    IS_USED.load(Ordering::Relaxed)
}
