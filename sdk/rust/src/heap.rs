//! The guest's allocator; wasm only, and not part of the API.
//!
//! Rust's own takes its first page by growing the memory, and growing costs the
//! host system calls in every fresh instance. This one, the same algorithm, is
//! first given what the linker left free behind the program's data
//! (`--initial-heap`), and grows the memory only after that. It must never
//! read a byte that it was not given.

#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::{Cell, UnsafeCell};
use core::ptr::null_mut;

use dlmalloc::{Allocator, Dlmalloc};

/// A page of wasm memory, in bytes.
const PAGE: usize = 65_536;

/// The most that the heap grows by unasked, in pages.
const MOST_AT_ONCE: usize = 16;

/// Takes memory from behind the program's data, then by growing.
struct Pages {
    first: Cell<bool>,
}

unsafe extern "C" {
    /// Where the program's data and stack end: set by the linker.
    static __heap_base: u8;
}

// SAFETY: what `alloc` gives out lies in the linear memory, is zero, and is
// given once: the stretch behind the data under `first`, everything else fresh
// from `memory.grow`. Nothing is ever taken back.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if self.first.replace(false) {
            let base = (&raw const __heap_base).addr().next_multiple_of(16);
            let end = memory_size::<0>() * PAGE;
            if end.saturating_sub(base) >= size {
                return (core::ptr::with_exposed_provenance_mut(base), end - base, 0);
            }
        }
        // Each growth costs the host system calls, so a large heap grows by more
        // than it is asked for; never by much, because what is held counts
        // against the call's limit.
        let more = (memory_size::<0>() / 8).min(MOST_AT_ONCE);
        let pages = size.div_ceil(PAGE).max(more);
        let before = memory_grow::<0>(pages);
        if before == usize::MAX {
            return (null_mut(), 0, 0);
        }
        (core::ptr::with_exposed_provenance_mut(before * PAGE), pages * PAGE, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

/// The heap of the one thread that a guest has.
struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: components of the contract have no threads.
unsafe impl Sync for Heap {}

// SAFETY: the calls go to an allocator as they came; no other reference to it
// lives across one, since it calls nothing but `Pages`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(at, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(at, layout.size(), layout.align(), size) }
    }
}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { first: Cell::new(true) })));
