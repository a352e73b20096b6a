//! ARP over Ethernet for IPv4 (RFC 826): checked here, answered by the host.

use components::address::Address;
use components::reason::DropReason;

use super::Frame;

/// The sender's protocol address of a request or reply.
#[inline(never)]
pub(super) fn sender(frame: Frame<'_>, at: usize) -> Result<Address, DropReason> {
    let message: &[u8; ARP_LENGTH] =
        frame.take(at).map_err(|_| frame.short_of(at + ARP_LENGTH, DropReason::BadArp))?;
    // Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4, then the operation.
    let [0, 1, 8, 0, 6, 4, 0, 1 | 2, _, _, _, _, _, _, a, b, c, d, ..] = *message else {
        return Err(DropReason::BadArp);
    };
    Ok(Address::v4([a, b, c, d]))
}

const ARP_LENGTH: usize = 28;
