//! The capture port: packets from files (several merged by time), transmitted ones to a pcapng
//! file. Written packets are IP packets without a link header, because offline nobody knows the
//! neighbours' MAC addresses; the pcapng interface is the egress interface. Damage ends the file
//! that has it, is kept for the report, and stops no other file.

use std::io::Write;

use components::columns::LinkType;
use components::ids::IfIndex;
use components::world::names::Names;
use systems::shard::Layer;

use super::{Arrival, Burst, INTERFACE_GONE, Port, PortCounters, Transmit};
use crate::capture::{self, CaptureError, CaptureReader, Merge, PcapngWriter};

/// How a capture's ingress interface is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// By the route of each packet's source address.
    Auto,
    /// All packets of the capture came in here.
    To(IfIndex),
}

/// Captures in, a capture out.
pub struct CapturePort<W: Write> {
    merge: Merge,
    binds: Vec<Bind>,
    /// Names of the interfaces of `binds`, once a commit may have changed their ids.
    bound: Vec<Option<String>>,
    writer: Option<Writer<W>>,
    counters: PortCounters,
    errors: Vec<CaptureError>,
}

struct Writer<W: Write> {
    pcapng: PcapngWriter<W>,
    /// pcapng interface of each interface id.
    interfaces: Vec<u32>,
    /// Names of all pcapng interfaces, those of earlier commits included.
    declared: Vec<String>,
    /// Those of Ethernet frames, declared when the first one goes out, by name.
    ethernet: Vec<(String, u32)>,
}

impl<W: Write> Writer<W> {
    /// The pcapng interface that a packet goes out by.
    fn interface_of(&mut self, packet: &Transmit<'_>) -> Result<u32, CaptureError> {
        let network = self.interfaces.get(packet.egress.index()).copied().unwrap_or(0);
        if packet.layer == Layer::Network {
            return Ok(network);
        }
        let name = usize::try_from(network).ok().and_then(|at| self.declared.get(at));
        let name = name.cloned().unwrap_or_default();
        if let Some((_, interface)) = self.ethernet.iter().find(|(known, _)| *known == name) {
            return Ok(*interface);
        }
        let interface = self.pcapng.interface(&name, Layer::Link)?;
        // Later interfaces of packets are numbered behind it.
        self.declared.push(String::new());
        self.ethernet.push((name, interface));
        Ok(interface)
    }

    /// Finds the interfaces of a new commit by name, and declares those that are new.
    fn commit(&mut self, names: &Names) -> Result<(), CaptureError> {
        self.interfaces.clear();
        for name in &names.interfaces {
            let known = self.declared.iter().position(|declared| declared == name);
            let interface = match known.and_then(|at| u32::try_from(at).ok()) {
                Some(known) => known,
                None => {
                    self.declared.push(name.clone());
                    self.pcapng.interface(name, Layer::Network)?
                }
            };
            self.interfaces.push(interface);
        }
        Ok(())
    }
}

impl<W: Write> CapturePort<W> {
    /// Reads `captures`, each with its bind; nothing is written until [`Self::write_to`].
    #[must_use]
    pub fn new(captures: Vec<(CaptureReader, Bind)>) -> Self {
        let (readers, binds) = captures.into_iter().unzip();
        Self {
            merge: Merge::new(readers),
            binds,
            bound: Vec::new(),
            writer: None,
            counters: PortCounters::default(),
            errors: Vec::new(),
        }
    }

    /// Writes transmitted packets to `output`; `path` names it in errors.
    ///
    /// # Errors
    /// If the file's head cannot be written.
    pub fn write_to(&mut self, path: &str, output: W, names: &Names) -> Result<(), CaptureError> {
        let mut pcapng = PcapngWriter::new(path, output)?;
        let declare = |name: &String| pcapng.interface(name, Layer::Network);
        let interfaces = names.interfaces.iter().map(declare).collect::<Result<Vec<_>, _>>()?;
        let declared = names.interfaces.clone();
        self.writer = Some(Writer { pcapng, interfaces, declared, ethernet: Vec::new() });
        Ok(())
    }

    /// Ends the written capture and gives every error that a file had, in the order in which they
    /// came.
    #[must_use]
    pub fn finish(mut self) -> Vec<CaptureError> {
        if let Some(writer) = self.writer.take() {
            self.errors.extend(writer.pcapng.finish().err());
        }
        self.errors
    }

    fn write(&mut self, packet: &Transmit<'_>) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        let written = writer.interface_of(packet).and_then(|interface| {
            writer.pcapng.write(interface, packet.time_ns, packet.packet, packet.wire_length)
        });
        if let Err(error) = written {
            self.errors.push(error);
            self.writer = None;
        }
    }
}

impl<W: Write> Port for CapturePort<W> {
    fn counters(&self) -> PortCounters {
        self.counters
    }

    fn receive(&mut self, burst: &mut Burst) {
        while burst.wants_more() {
            match self.merge.next_packet() {
                Ok(None) => return,
                Err(error) => self.errors.push(error),
                Ok(Some((source, packet))) => {
                    let index = self.counters.received;
                    self.counters.received += 1;
                    self.counters.received_bytes += u64::from(packet.wire_len);
                    burst.push(&Arrival {
                        time_ns: packet.time_ns,
                        frame: packet.data,
                        wire_length: packet.wire_len,
                        link: link_of(packet.link),
                        ingress: match self.binds[source] {
                            Bind::Auto => IfIndex::NONE,
                            Bind::To(interface) => interface,
                        },
                        index,
                    });
                }
            }
        }
    }

    fn transmit(&mut self, packet: Transmit<'_>) {
        if packet.is_answer {
            self.counters.answers += 1;
        } else {
            self.counters.transmitted += 1;
        }
        self.write(&packet);
    }

    fn commit(&mut self, old: &Names, new: &Names) {
        if self.bound.is_empty() {
            let name = |bind: &Bind| match bind {
                Bind::Auto => None,
                Bind::To(interface) => Some(old.interface(*interface).to_owned()),
            };
            self.bound = self.binds.iter().map(name).collect();
        }
        for (bind, name) in self.binds.iter_mut().zip(&self.bound) {
            let Some(name) = name else { continue };
            let at = new.interfaces.iter().skip(1).position(|known| known == name);
            let id = at.and_then(|at| u16::try_from(at + 1).ok());
            *bind = Bind::To(id.map_or(INTERFACE_GONE, IfIndex));
        }
        let declared = self.writer.as_mut().map(|writer| writer.commit(new));
        if let Some(Err(error)) = declared {
            self.errors.push(error);
            self.writer = None;
        }
    }
}

const fn link_of(link: capture::LinkType) -> LinkType {
    match link {
        capture::LinkType::Ethernet => LinkType::Ethernet,
        capture::LinkType::Raw | capture::LinkType::Ipv4 | capture::LinkType::Ipv6 => {
            LinkType::RawIp
        }
        capture::LinkType::LinuxCooked => LinkType::LinuxSll,
        capture::LinkType::LinuxCooked2 => LinkType::LinuxSll2,
        capture::LinkType::Null | capture::LinkType::Loop => LinkType::Loopback,
        capture::LinkType::Other(_) => LinkType::Other,
    }
}
