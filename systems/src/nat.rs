//! Nat: the tuple that each packet is transmitted with, from its session's two keys. A packet that
//! arrives with the key of one direction leaves with the other direction's key, sides swapped. ICMP
//! errors and later fragments take the addresses only.

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::FRAGMENT_OFFSET_MASK;
use components::session::record::Session;
use components::view;
use components::world::World;
use components::world::application::{ICMP, ICMPV6};

use crate::icmp::{self, IcmpClass};
use crate::shard::Shard;
use crate::system::System;

view! {
    /// What nat reads and writes.
    pub struct NatView {
        reads {
            session, direction, family, protocol, source, destination, source_port,
            destination_port, fragment,
        }
        writes {
            nat_source, nat_destination, nat_source_port, nat_destination_port, translated,
            nat_family, nat_protocol,
        }
    }
}

/// The `nat` system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nat;

impl System for Nat {
    fn name(&self) -> &'static str {
        "nat"
    }

    fn access(&self) -> Access {
        NatView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        let view = NatView::of(batch);
        view.nat_source.copy_from_slice(view.source);
        view.nat_destination.copy_from_slice(view.destination);
        view.nat_source_port.copy_from_slice(view.source_port);
        view.nat_destination_port.copy_from_slice(view.destination_port);
        view.nat_family.copy_from_slice(view.family);
        view.nat_protocol.copy_from_slice(view.protocol);
        for row in view.live.iter() {
            let Some(slot) = view.session[row].index().checked_sub(1) else {
                continue;
            };
            let session = shard.sessions.get(slot);
            if !session.translated {
                continue;
            }
            let arriving = (view.source[row], view.source_port[row]);
            let has_ports = view.fragment[row] & FRAGMENT_OFFSET_MASK == 0;
            let class =
                icmp::class(view.protocol[row], view.destination_port[row].to_be_bytes()[0]);
            let class = if has_ports { class } else { IcmpClass::Error };
            let leaving = leaving(session, view.direction[row], arriving, class, world);
            (view.nat_source[row], view.nat_source_port[row]) = leaving.source;
            view.nat_destination[row] = leaving.destination.0;
            match (class, view.protocol[row]) {
                // A reply has the identifier where its request has type and code.
                (IcmpClass::Reply, _) => view.nat_source_port[row] = leaving.destination.1,
                (_, ICMP | ICMPV6) => {}
                _ if has_ports => view.nat_destination_port[row] = leaving.destination.1,
                _ => {}
            }
            view.nat_family[row] = leaving.family;
            view.nat_protocol[row] = icmp::protocol_in(view.protocol[row], leaving.family);
            view.translated[row] = true;
        }
    }
}

struct Leaving {
    family: Family,
    source: (Address, u16),
    destination: (Address, u16),
}

/// The tuple of a packet that travels in `direction`.
fn leaving(
    session: &Session,
    direction: u8,
    arriving: (Address, u16),
    class: IcmpClass,
    world: &World,
) -> Leaving {
    let here = &session.keys[usize::from(direction & 1)];
    let back = &session.keys[usize::from(1 - (direction & 1))];
    let (family, destination) = (back.family, (back.source, back.source_port));
    if class != IcmpClass::Error {
        let source = (back.destination, back.destination_port);
        return Leaving { family, source, destination };
    }
    // An error, and each of its fragments, comes from the session's far end or from any router on
    // the way: only the former has another name.
    let source = if arriving.0 == here.source {
        back.destination
    } else if here.family == family {
        arriving.0
    } else {
        // A router of the other family: by its embedded address, else in the name of the far end.
        let embedded = match family {
            Family::Inet6 => world.nat.embedded(back.destination, arriving.0),
            _ => None,
        };
        embedded.unwrap_or(back.destination)
    };
    Leaving { family, source: (source, arriving.1), destination }
}
