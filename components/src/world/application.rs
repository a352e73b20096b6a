//! Applications: what `match application` matches and what `service-name` is called. A direct table
//! by destination port answers the second question for packets that no application was matched for.

use crate::ids::AppId;

/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// ICMP.
pub const ICMP: u8 = 1;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// SCTP.
pub const SCTP: u8 = 132;
/// UDP-Lite.
pub const UDP_LITE: u8 = 136;

/// One `term` of an application. Ranges are inclusive; `(0, 65535)` is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppTerm {
    /// IP protocol; `None` is any.
    pub protocol: Option<u8>,
    /// Source ports.
    pub source_ports: (u16, u16),
    /// Destination ports.
    pub destination_ports: (u16, u16),
    /// ICMP or ICMPv6 type.
    pub icmp_type: Option<u8>,
    /// ICMP or ICMPv6 code.
    pub icmp_code: Option<u8>,
    /// `inactivity-timeout` in seconds; 0 where it is not set.
    pub timeout_s: u32,
}

/// What an application is matched against. Ports in host order, ICMP type and code 0 for other
/// protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// IP protocol.
    pub protocol: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// ICMP or ICMPv6 type.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code.
    pub icmp_code: u8,
}

impl AppTerm {
    /// Any packet of a protocol.
    #[must_use]
    pub const fn of_protocol(protocol: u8) -> Self {
        Self {
            protocol: Some(protocol),
            source_ports: (0, u16::MAX),
            destination_ports: (0, u16::MAX),
            icmp_type: None,
            icmp_code: None,
            timeout_s: 0,
        }
    }

    /// True if the packet fits.
    #[must_use]
    pub fn matches(&self, service: &Service) -> bool {
        let within = |(first, last): (u16, u16), port| first <= port && port <= last;
        let icmp = matches!(service.protocol, ICMP | ICMPV6);
        self.protocol.is_none_or(|protocol| protocol == service.protocol)
            && (icmp
                || (within(self.source_ports, service.source_port)
                    && within(self.destination_ports, service.destination_port)))
            && self.icmp_type.is_none_or(|t| icmp && t == service.icmp_type)
            && self.icmp_code.is_none_or(|c| icmp && c == service.icmp_code)
    }

    /// How many (source port, destination port, type, code) it accepts: the narrower application
    /// names a packet.
    fn width(&self) -> (u64, bool, bool) {
        let span = |(first, last): (u16, u16)| u64::from(last - first) + 1;
        let width = span(self.destination_ports) * span(self.source_ports);
        (width, self.icmp_type.is_none(), self.icmp_code.is_none())
    }
}

/// An application, predefined or configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// Its terms; a packet fits the application if it fits one of them.
    pub terms: Vec<AppTerm>,
}

/// All applications by [`AppId`]; slot 0 is none.
#[derive(Clone, Debug)]
pub struct Applications {
    applications: Vec<Application>,
    tcp: Vec<AppId>,
    udp: Vec<AppId>,
    /// Terms that the two port tables cannot answer: narrowest first.
    others: Vec<(AppTerm, AppId)>,
}

impl Default for Applications {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Applications {
    /// Applications in id order, the first gets id 1. Among those that fit a packet the narrowest
    /// names it; among equally narrow ones the later (configured applications follow the predefined
    /// ones). One of every port of TCP or UDP names nothing.
    ///
    /// # Panics
    /// With more than 65,534 applications; the compiler of the configuration bounds them.
    #[must_use]
    pub fn new(mut applications: Vec<Application>) -> Self {
        applications.insert(0, Application::default());
        let mut terms = Vec::new();
        for (index, application) in applications.iter().enumerate() {
            let id = AppId(u16::try_from(index).expect("applications are bounded"));
            terms.extend(application.terms.iter().map(|&term| (term, id)));
        }
        // Junos logs no service for a port that nothing but `junos-tcp-any` fits.
        terms.retain(|(term, _)| {
            !matches!(term.protocol, None | Some(TCP | UDP))
                || term.destination_ports != (0, u16::MAX)
                || term.source_ports != (0, u16::MAX)
        });
        terms.sort_by_key(|&(term, id)| (term.width(), std::cmp::Reverse(id)));
        let table = |protocol| {
            let mut ports = vec![AppId::NONE; 1 << 16];
            for (term, id) in terms.iter().rev() {
                if term.protocol == Some(protocol) && term.source_ports == (0, u16::MAX) {
                    let (first, last) = term.destination_ports;
                    ports[usize::from(first)..=usize::from(last)].fill(*id);
                }
            }
            ports
        };
        let (tcp, udp) = (table(TCP), table(UDP));
        terms.retain(|(term, _)| {
            !matches!(term.protocol, Some(TCP | UDP)) || term.source_ports != (0, u16::MAX)
        });
        Self { applications, tcp, udp, others: terms }
    }

    /// The application; the empty one for ids that do not exist.
    #[must_use]
    pub fn get(&self, id: AppId) -> &Application {
        self.applications.get(id.index()).unwrap_or(&self.applications[0])
    }

    /// The application that names a packet, [`AppId::NONE`] if none fits.
    #[must_use]
    pub fn service_of(&self, service: &Service) -> AppId {
        let by_port = match service.protocol {
            TCP => self.tcp[usize::from(service.destination_port)],
            UDP => self.udp[usize::from(service.destination_port)],
            _ => AppId::NONE,
        };
        if !by_port.is_none() {
            return by_port;
        }
        self.others
            .iter()
            .find(|(term, _)| term.matches(service))
            .map_or(AppId::NONE, |&(_, id)| id)
    }

    /// The inactivity timeout that an application sets for a packet, seconds.
    #[must_use]
    pub fn timeout_s(&self, id: AppId, service: &Service) -> Option<u32> {
        let term = self.get(id).terms.iter().find(|term| term.matches(service))?;
        (term.timeout_s > 0).then_some(term.timeout_s)
    }
}
