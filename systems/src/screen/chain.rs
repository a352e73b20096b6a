//! A second look into the IPv6 extension chain, for the few rows where a bit says that it is worth
//! it.

use super::{ScreenView, frame_of};
use crate::parse::{Chain, ROUTING, option_types, options_fit};

pub(super) use crate::parse::{DESTINATION, HOP_BY_HOP};

/// True if a header of this kind holds one of the option types, or if the profile names none: then
/// the header itself is what it looks for.
pub(super) fn has_option(view: &ScreenView<'_>, row: usize, kind: u8, types: &[u8]) -> bool {
    types.is_empty()
        || chain(view, row)
            .filter(|&(header, _)| header == kind)
            .any(|(_, body)| option_types(body).any(|option| types.contains(&option)))
}

/// True for a type 0 routing header, the only one that Junos takes for a loose source route.
pub(super) fn has_routing_type_0(view: &ScreenView<'_>, row: usize) -> bool {
    chain(view, row).any(|(header, body)| header == ROUTING && body[2] == 0)
}

/// True if the options of a hop-by-hop or destination header do not end where it ends.
pub(super) fn has_bad_options(view: &ScreenView<'_>, row: usize) -> bool {
    chain(view, row)
        .filter(|&(header, _)| matches!(header, HOP_BY_HOP | DESTINATION))
        .any(|(_, body)| !options_fit(body))
}

fn chain<'v>(view: &'v ScreenView<'_>, row: usize) -> Chain<'v> {
    let header = usize::from(view.l3_offset[row]);
    let end = usize::from(view.l4_offset[row]);
    let frame = frame_of(view, row);
    let first = frame.get(header + 6).copied().unwrap_or(NO_NEXT_HEADER);
    Chain::new(&frame[..end.min(frame.len())], first, header + 40)
}

const NO_NEXT_HEADER: u8 = 59;
