//! The program's allocator: the system's, which is asked to back large allocations with huge pages
//! (2 MiB). Session tables, indexes and rings are read at random, and with small pages every read
//! pays for a walk through the page tables too. Where the kernel has none, nothing changes.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, and a word to the kernel about large allocations.
#[derive(Debug)]
pub(crate) struct HugePages;

/// Allocations of at least this many bytes are large.
const LARGE: usize = 8 << 20;

/// A huge page.
const PAGE: usize = 2 << 20;

/// Asks for huge pages behind the whole ones of an allocation. The kernel may say no, and that is
/// as good as not having asked.
fn advise(start: *mut u8, length: usize) {
    if length < LARGE || start.is_null() {
        return;
    }
    let skip = start.addr().next_multiple_of(PAGE) - start.addr();
    let whole = (length - skip) / PAGE * PAGE;
    let from = start.wrapping_add(skip);
    #[expect(unsafe_code, reason = "advice about memory is a system call on a raw pointer")]
    // SAFETY: the range lies inside an allocation of ours, and this advice changes neither what is
    // in it nor who may use it.
    let _ = unsafe { rustix::mm::madvise(from.cast(), whole, rustix::mm::Advice::LinuxHugepage) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: every call goes to the system's allocator as it came, and its answer back.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the one that is asked for.
        let start = unsafe { System.alloc(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the one that is asked for.
        let start = unsafe { System.alloc_zeroed(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the one that is asked for.
        let start = unsafe { System.realloc(start, layout, size) };
        advise(start, size);
        start
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.dealloc(start, layout) };
    }
}
