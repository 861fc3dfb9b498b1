//! The guest's allocator; wasm only, and not part of the API.
//!
//! Rust's own takes its first page by growing the memory, and growing costs the
//! host system calls in every fresh instance. This one, the same algorithm, is
//! first given what the linker left free behind the program's data
//! (`--initial-heap`), and grows the memory only after that. It must never
//! read a byte that it was not given.
//!
//! Before it lies a list of free blocks for each small size: a batch of items
//! is tens of thousands of short texts, taken and given back, and that costs a
//! few instructions here where the general algorithm takes a hundred. What was
//! given back is used again for blocks of its own size only.

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

/// Small sizes are rounded up to a multiple of this, in bytes; every block lies at one.
const STEP: usize = 16;

/// The largest small size, in bytes.
const SMALL: usize = 512;

/// Small blocks are cut from stretches of this size, in bytes.
const STRETCH: usize = 16 << 10;

/// The heap of the one thread that a guest has.
struct Heap(UnsafeCell<Blocks>);

struct Blocks {
    general: Dlmalloc<Pages>,
    /// For each small size, the block given back last; in it, the one before.
    free: [*mut u8; SMALL / STEP],
    /// What is not cut yet.
    at: *mut u8,
    left: usize,
}

/// The number of a small size; none for what the general algorithm serves.
fn class(size: usize, align: usize) -> Option<usize> {
    (align <= STEP && size <= SMALL).then(|| size.saturating_sub(1) / STEP)
}

impl Blocks {
    const fn new() -> Self {
        let general = Dlmalloc::new_with_allocator(Pages { first: Cell::new(true) });
        Self { general, free: [null_mut(); SMALL / STEP], at: null_mut(), left: 0 }
    }

    /// # Safety
    /// `class` is below `SMALL / STEP`.
    unsafe fn take(&mut self, class: usize) -> *mut u8 {
        let block = self.free[class];
        if !block.is_null() {
            // SAFETY: a block in the list is ours until it leaves it, and `give`
            // wrote the next one's place to its beginning.
            self.free[class] = unsafe { block.cast::<*mut u8>().read() };
            return block;
        }
        let size = (class + 1) * STEP;
        if self.left < size {
            // SAFETY: size and alignment are those of a layout. What was left is
            // less than a block and stays unused.
            let stretch = unsafe { self.general.malloc(STRETCH, STEP) };
            if stretch.is_null() {
                return stretch;
            }
            (self.at, self.left) = (stretch, STRETCH);
        }
        let block = self.at;
        self.at = block.wrapping_add(size);
        self.left -= size;
        block
    }

    /// # Safety
    /// `block` came from `take(class)` and is not used any more.
    unsafe fn give(&mut self, block: *mut u8, class: usize) {
        // SAFETY: a block is at least `STEP` bytes, aligned to it, and ours again.
        unsafe { block.cast::<*mut u8>().write(self.free[class]) };
        self.free[class] = block;
    }
}

// SAFETY: components of the contract have no threads.
unsafe impl Sync for Heap {}

// SAFETY: by its size and alignment a block belongs either to the lists or to
// the general algorithm, at its end as at its beginning; each is right by
// itself. No other reference to `Blocks` lives across a call, since it calls
// nothing but `Pages`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let blocks = unsafe { &mut *self.0.get() };
        match class(layout.size(), layout.align()) {
            Some(class) => unsafe { blocks.take(class) },
            None => unsafe { blocks.general.malloc(layout.size(), layout.align()) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let blocks = unsafe { &mut *self.0.get() };
        let Some(class) = class(layout.size(), layout.align()) else {
            return unsafe { blocks.general.calloc(layout.size(), layout.align()) };
        };
        let block = unsafe { blocks.take(class) };
        if !block.is_null() {
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let blocks = unsafe { &mut *self.0.get() };
        match class(layout.size(), layout.align()) {
            Some(class) => unsafe { blocks.give(at, class) },
            None => unsafe { blocks.general.free(at, layout.size(), layout.align()) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (from, to) = (class(layout.size(), layout.align()), class(size, layout.align()));
        match (from, to) {
            (None, None) => {
                let blocks = unsafe { &mut *self.0.get() };
                unsafe { blocks.general.realloc(at, layout.size(), layout.align(), size) }
            }
            (Some(from), Some(to)) if from == to => at,
            _ => {
                let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
                if !new.is_null() {
                    unsafe { at.copy_to_nonoverlapping(new, layout.size().min(size)) };
                    unsafe { self.dealloc(at, layout) };
                }
                new
            }
        }
    }
}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Blocks::new()));
