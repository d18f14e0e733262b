//! The global allocator: a bump over a static arena, for an instance that lives for one request.
//!
//! The target's default allocator calls `memory.grow` for its first byte, and every grow is a system call on the host.
//! The arena is zeroed data in the module's initial memory, so that a request that fits it grows nothing.
#![expect(unsafe_code, reason = "a global allocator is unsafe by its trait")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::{Cell, UnsafeCell};
use core::ptr;

/// Bytes of the arena. The default function's `connect` takes 8 KiB; with a stack of 32 KiB and its data, initial memory
/// is two pages, all that the host has to clear between requests.
const ARENA: usize = 40 * 1024;
/// Bytes of a WebAssembly page.
const PAGE: usize = 64 * 1024;

#[global_allocator]
static ALLOCATOR: Bump = Bump { arena: UnsafeCell::new([0; ARENA]), next: Cell::new(0), end: Cell::new(0) };

#[repr(align(16))]
struct Bump {
    arena: UnsafeCell<[u8; ARENA]>,
    /// Address of the first free byte; 0 before the first allocation.
    next: Cell<usize>,
    /// Address behind the last byte that may be handed out.
    end: Cell<usize>,
}

// SAFETY: the target has one thread.
unsafe impl Sync for Bump {}

impl Bump {
    /// Reserves `size` bytes at a multiple of `align`, a power of two; 0 when there is no more memory.
    fn reserve(&self, size: usize, align: usize) -> usize {
        if self.end.get() == 0 {
            let base = self.arena.get() as usize;
            self.next.set(base);
            self.end.set(base + ARENA);
        }
        loop {
            let start = (self.next.get() + align - 1) & !(align - 1);
            match start.checked_add(size) {
                None => return 0,
                Some(end) if end <= self.end.get() => {
                    self.next.set(end);
                    return start;
                }
                Some(_) => {}
            }
            if !self.grow(size, align) {
                return 0;
            }
        }
    }

    /// Adds pages for `size` bytes more; what is left of a region that the new pages do not follow is given up.
    fn grow(&self, size: usize, align: usize) -> bool {
        let Some(pages) = size.checked_add(align).map(|bytes| bytes.div_ceil(PAGE)) else { return false };
        let before = wasm32::memory_grow::<0>(pages);
        if before == usize::MAX {
            return false;
        }
        // The last of 65,536 pages ends where an address cannot point: it stays unused.
        let Some(end) = (before + pages).checked_mul(PAGE) else { return false };
        let base = before * PAGE;
        if base != self.end.get() {
            self.next.set(base);
        }
        self.end.set(end);
        true
    }
}

// SAFETY: every block is reserved once and lies in the arena or in pages grown by this allocator; only the block that
// ends at `next` is ever given back or resized in place.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.reserve(layout.size(), layout.align()) as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = block as usize;
        let is_last = start + layout.size() == self.next.get();
        if is_last && start.checked_add(size).is_some_and(|end| end <= self.end.get()) {
            self.next.set(start + size);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        let moved = self.reserve(size, layout.align()) as *mut u8;
        if !moved.is_null() {
            // SAFETY: both blocks hold at least `layout.size()` bytes and do not overlap.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size()) };
        }
        moved
    }
}
