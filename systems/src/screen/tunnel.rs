//! Tunnels by what they carry: GRE with an IP ether type (RFC 2784), IP in IP (RFC 2003, RFC 2473,
//! RFC 4213), and Teredo, IPv6 in UDP port 3544 behind an optional authentication and origin
//! indication (RFC 4380 section 5.1.1).

use components::address::Family;
use components::columns::FRAGMENT_OFFSET_MASK;
use components::world::screen::ScreenAttack;

use super::{ScreenView, l4_length, l4_of};

/// What a tunnel looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// GRE with this ether type inside this family.
    Gre(u16, Family),
    /// IP in IP inside this family; the protocol number tells what is carried.
    Ipip(Family),
    Teredo,
}

/// The form of a tunnel attack; `None` for other attacks.
pub(super) const fn form_of(attack: ScreenAttack) -> Option<Form> {
    Some(match attack {
        ScreenAttack::TunnelGre4in4 => Form::Gre(0x0800, Family::Inet),
        ScreenAttack::TunnelGre4in6 => Form::Gre(0x0800, Family::Inet6),
        ScreenAttack::TunnelGre6in4 => Form::Gre(0x86dd, Family::Inet),
        ScreenAttack::TunnelGre6in6 => Form::Gre(0x86dd, Family::Inet6),
        ScreenAttack::TunnelIpip4in4 | ScreenAttack::TunnelIpip6in4 => Form::Ipip(Family::Inet),
        ScreenAttack::TunnelIpip4in6 | ScreenAttack::TunnelIpip6in6 => Form::Ipip(Family::Inet6),
        ScreenAttack::TunnelTeredo => Form::Teredo,
        _ => return None,
    })
}

/// True if the row carries such a tunnel. A later fragment of GRE or UDP does not show what it
/// carries.
pub(super) fn carries(view: &ScreenView<'_>, row: usize, form: Form) -> bool {
    let has_header = view.fragment[row] & FRAGMENT_OFFSET_MASK == 0;
    match form {
        Form::Gre(ether_type, family) => {
            let [high, low] = ether_type.to_be_bytes();
            has_header
                && view.family[row] == family
                && matches!(*l4_of(view, row), [_, _, a, b, ..] if [a, b] == [high, low])
        }
        Form::Ipip(family) => view.family[row] == family,
        Form::Teredo => {
            has_header
                && carries_ipv6(
                    l4_of(view, row).get(8..).unwrap_or_default(),
                    l4_length(view, row).saturating_sub(8) as usize,
                )
        }
    }
}

/// True if an IPv6 packet that fits into `length` bytes of UDP payload stands behind Teredo's own
/// headers.
fn carries_ipv6(mut payload: &[u8], length: usize) -> bool {
    let captured = payload.len();
    if let [0, 1, id_length, auth_length, ..] = *payload {
        // Nonce of 8 bytes and one byte of confirmation behind the two variable fields.
        let length = 4 + usize::from(id_length) + usize::from(auth_length) + 9;
        payload = payload.get(length..).unwrap_or_default();
    }
    if let [0, 0, _, _, _, _, _, _, rest @ ..] = payload {
        payload = rest;
    }
    let room = length.saturating_sub(captured - payload.len());
    payload.first_chunk::<40>().is_some_and(|header| {
        let inner = usize::from(u16::from_be_bytes([header[4], header[5]]));
        header[0] >> 4 == 6 && header.len() + inner <= room
    })
}
