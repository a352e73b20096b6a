//! Frames of session replication as words, read from their bytes by what the wire contract says
//! and nothing else: `open tcp from=10.0.0.1:4000 to=198.51.100.1:80 group=1 zones=lan>wan …`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use components::ids::{IfIndex, ZoneId};
use components::world::World;

use super::observe::protocol_name;

/// What the frame tells, and every field that is not zero.
pub(crate) fn session_frame(frame_type: u8, payload: &[u8], world: &World) -> String {
    let wide = payload[0] == 6;
    let u16_at = |at: usize| u16::from_le_bytes([payload[at], payload[at + 1]]);
    let length = if wide { 16 } else { 4 };
    let address = |at: usize| -> IpAddr {
        let bytes = &payload[at..at + length];
        match wide {
            true => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).expect("16")).into(),
            false => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).expect("4")).into(),
        }
    };
    let end = |address: IpAddr, port: u16| SocketAddr::new(address, port).to_string();
    let zone = |at: usize| world.names.zone(ZoneId(payload[at])).to_owned();
    let protocol = protocol_name(payload[1]);
    if frame_type == 2 {
        let from = end(address(6), u16_at(2));
        let to = end(address(6 + length), u16_at(4));
        let rest = 6 + 2 * length;
        let (group, zones) = (u16_at(rest), [zone(rest + 3), zone(rest + 4)].join(">"));
        return format!("close {protocol} from={from} to={to} group={group} zones={zones}");
    }
    let change = if frame_type == 1 { "open" } else { "update" };
    let addresses: [IpAddr; 4] = std::array::from_fn(|n| address(24 + n * length));
    let from = end(addresses[0], u16_at(2));
    let to = end(addresses[1], u16_at(4));
    let mut words = format!("{change} {protocol} from={from} to={to}");
    for (name, address, port) in
        [("nat-from", addresses[2], u16_at(6)), ("nat-to", addresses[3], u16_at(8))]
    {
        if !address.is_unspecified() {
            words += &format!(" {name}={}", end(address, port));
        }
    }
    let egress = world.names.interface(IfIndex(u16_at(12)));
    words += &format!(" group={} egress={egress} vlan={}", u16_at(10), u16_at(18));
    words += &format!(" zones={}>{}", zone(21), zone(22));
    words + &format!(" disposition={} via={}", payload[23], address(36 + 4 * length))
}
