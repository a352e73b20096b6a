//! A batch: the columns of up to [`BATCH_ROWS_MAX`] packets, the frame memory that they point into,
//! and the events that systems raise about them. It lives for one tick of the data plane and is
//! thrown away whole.

use bumpalo::Bump;

use crate::columns::{Column, Columns};
use crate::event::Events;
use crate::mask::RowMask;

pub use crate::mask::BATCH_ROWS_MAX;

/// One tick's packets.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Number of packets.
    pub rows: usize,
    /// Rows that nobody has decided yet; a dropped row loses its bit.
    pub live: RowMask,
    /// The frames' bytes: row `r` is `offset[r]..offset[r] + length[r]`.
    pub frames: &'a mut [u8],
    /// Events raised so far.
    pub events: &'a mut Events,
    /// All columns. Systems use a view instead.
    pub columns: Columns<'a>,
}

impl<'a> Batch<'a> {
    /// An empty batch of `rows` zeroed rows.
    ///
    /// # Panics
    /// If `rows` is above [`BATCH_ROWS_MAX`].
    #[must_use]
    pub fn new(arena: &'a Bump, rows: usize, frames: &'a mut [u8], events: &'a mut Events) -> Self {
        let live = RowMask::first(rows);
        Self { rows, live, frames, events, columns: Columns::zeroed(arena, rows) }
    }
}

/// Which columns a system reads and which it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Bit `c` for [`Column`] `c` read.
    pub reads: u64,
    /// Bit `c` for [`Column`] `c` written.
    pub writes: u64,
}

impl Access {
    /// The set of these columns.
    #[must_use]
    pub const fn set(columns: &[Column]) -> u64 {
        let mut bits = 0;
        let mut at = 0;
        while at < columns.len() {
            bits |= 1 << columns[at] as u8;
            at += 1;
        }
        bits
    }

    /// The columns of a set, in schema order.
    pub fn columns(bits: u64) -> impl Iterator<Item = Column> {
        Column::ALL.iter().copied().filter(move |&column| bits >> column as u8 & 1 == 1)
    }
}

const _: () = assert!(Column::ALL.len() <= 64, "an access set has 64 bits");

/// Declares a view: the columns that a system reads (`&[T]`) and writes (`&mut [T]`), beside the
/// parts of the batch that every system may touch: `rows`, `live`, `verdict`, `frames` and
/// `events`.
///
/// ```
/// components::view! {
///     /// What a filter on ports reads.
///     pub struct PortView { reads { protocol, destination_port } writes { application } }
/// }
/// assert_eq!(PortView::ACCESS.writes.count_ones(), 1);
/// ```
#[macro_export]
macro_rules! view {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident {
        reads { $($read:ident),* $(,)? } writes { $($write:ident),* $(,)? }
    }) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[allow(dead_code, reason = "every view has the shared parts, not every system uses them")]
        $visibility struct $name<'b> {
            pub(crate) rows: usize,
            pub(crate) live: &'b mut $crate::mask::RowMask,
            pub(crate) verdict: &'b mut [$crate::reason::Verdict],
            pub(crate) frames: &'b mut [u8],
            pub(crate) events: &'b mut $crate::event::Events,
            $(pub(crate) $read: &'b [$crate::columns::column_type::$read],)*
            $(pub(crate) $write: &'b mut [$crate::columns::column_type::$write],)*
        }

        impl<'b> $name<'b> {
            /// The columns that it reads and writes.
            $visibility const ACCESS: $crate::batch::Access = $crate::batch::Access {
                reads: $crate::batch::Access::set(&[$($crate::columns::Column::$read),*]),
                writes: $crate::batch::Access::set(&[$($crate::columns::Column::$write),*]),
            };

            /// The view of a batch.
            $visibility fn of(batch: &'b mut $crate::batch::Batch<'_>) -> Self {
                Self {
                    rows: batch.rows,
                    live: &mut batch.live,
                    verdict: &mut *batch.columns.verdict,
                    frames: &mut *batch.frames,
                    events: &mut *batch.events,
                    $($read: &*batch.columns.$read,)*
                    $($write: &mut *batch.columns.$write,)*
                }
            }
        }
    };
}
