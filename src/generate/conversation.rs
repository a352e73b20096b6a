//! Conversations as a firewall sees them arrive: TCP from handshake to FIN or RST with true
//! sequence numbers, DNS, ping. Where NAT stands between, the two sides know each other under
//! other addresses; a [`Flow`] holds both views.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::builder::{Packet, flag};
use super::timeline::{MICROSECOND, MILLISECOND, Timeline};
use super::topology::Segment;

/// The two directions of a conversation, each as (source, destination) before translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    forward: (SocketAddr, SocketAddr),
    backward: (SocketAddr, SocketAddr),
}

impl Flow {
    /// No translation: the server answers from where it was called, to where the call came from.
    pub(super) fn new(client: impl Into<Endpoint>, server: impl Into<Endpoint>) -> Self {
        let (client, server) = (client.into().0, server.into().0);
        Self { forward: (client, server), backward: (server, client) }
    }

    /// Source NAT: the server answers to this address, the client's port having been free.
    pub(super) fn client_known_as(mut self, address: Ipv4Addr) -> Self {
        self.backward.1.set_ip(address.into());
        self
    }

    /// Destination NAT: the server answers from its real address.
    pub(super) fn server_is(mut self, address: Ipv4Addr) -> Self {
        self.backward.0.set_ip(address.into());
        self
    }

    /// Time from a packet to its answer.
    fn round_trip_ns(&self) -> u64 {
        let (near, far) = (self.forward.0.ip(), self.backward.0.ip());
        if Segment::of(near) == Segment::Untrust || Segment::of(far) == Segment::Untrust {
            18 * MILLISECOND
        } else {
            400 * MICROSECOND
        }
    }
}

/// An address and port; made from a pair.
pub(super) struct Endpoint(SocketAddr);

impl<A: Into<IpAddr>> From<(A, u16)> for Endpoint {
    fn from((address, port): (A, u16)) -> Self {
        Self(SocketAddr::new(address.into(), port))
    }
}

/// A TCP connection being written to a timeline, one method a step.
pub(super) struct TcpConversation<'a> {
    timeline: &'a mut Timeline,
    flow: Flow,
    now_ns: u64,
    client_sequence: u32,
    server_sequence: u32,
}

impl Timeline {
    /// A TCP connection that starts at `at_ns` with its handshake.
    pub(super) fn tcp(&mut self, flow: Flow, at_ns: u64) -> TcpConversation<'_> {
        let (client_sequence, server_sequence) = (self.rng.next_u32(), self.rng.next_u32());
        let mut conversation = TcpConversation {
            timeline: self,
            flow,
            now_ns: at_ns,
            client_sequence,
            server_sequence,
        };
        conversation.segment(Side::Client, flag::SYN, &[]);
        conversation.turn();
        conversation.segment(Side::Server, flag::SYN | flag::ACK, &[]);
        conversation.turn();
        conversation.segment(Side::Client, flag::ACK, &[]);
        conversation
    }

    /// A DNS query for an A record and its answer.
    pub(super) fn dns(&mut self, flow: Flow, at_ns: u64, name: &str, address: Ipv4Addr) {
        let identifier = self.rng.next_u16();
        let question = dns_message(identifier, [0x01, 0x00], name, None);
        let answer = dns_message(identifier, [0x81, 0x80], name, Some(address));
        self.datagram(flow, Side::Client, at_ns, &question);
        self.datagram(flow, Side::Server, at_ns + flow.round_trip_ns(), &answer);
    }

    /// One UDP datagram of a flow.
    pub(super) fn datagram(&mut self, flow: Flow, from: Side, at_ns: u64, payload: &[u8]) {
        let (source, destination) = flow.direction(from);
        let identification = self.rng.next_u16().into();
        let packet = Packet::between(source.ip(), destination.ip()).identification(identification);
        self.send(at_ns, packet.udp(source.port(), destination.port()).payload(payload));
    }

    /// Echo requests a second apart with their replies; the flow's client port is the identifier.
    pub(super) fn ping(&mut self, flow: Flow, at_ns: u64, count: u16) {
        let payload: Vec<u8> = (0x10..0x48).collect();
        for sequence in 1..=count {
            let sent_ns = at_ns + u64::from(sequence - 1) * 1_000 * MILLISECOND;
            let (source, destination) = flow.forward;
            let request = Packet::between(source.ip(), destination.ip());
            let request = request.echo_request(source.port(), sequence);
            self.send(sent_ns, request.payload(&payload));
            let (answering, asked) = flow.backward;
            let reply = Packet::between(answering.ip(), asked.ip());
            let reply = reply.echo_reply(asked.port(), sequence);
            self.send(sent_ns + flow.round_trip_ns(), reply.payload(&payload));
        }
    }
}

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Flow {
    fn direction(&self, from: Side) -> (SocketAddr, SocketAddr) {
        match from {
            Side::Client => self.forward,
            Side::Server => self.backward,
        }
    }
}

impl TcpConversation<'_> {
    /// The client sends this, in as many segments as it takes; the server acknowledges.
    pub(super) fn request(&mut self, data: &[u8]) -> &mut Self {
        self.data(Side::Client, data)
    }

    /// The server sends this; the client acknowledges.
    pub(super) fn response(&mut self, data: &[u8]) -> &mut Self {
        self.data(Side::Server, data)
    }

    /// Nothing happens for a while.
    pub(super) fn wait(&mut self, ns: u64) -> &mut Self {
        self.now_ns += ns;
        self
    }

    /// FIN, FIN and the last acknowledgment.
    pub(super) fn close(&mut self) {
        self.turn();
        self.segment(Side::Client, flag::FIN | flag::ACK, &[]);
        self.turn();
        self.segment(Side::Server, flag::FIN | flag::ACK, &[]);
        self.turn();
        self.segment(Side::Client, flag::ACK, &[]);
    }

    /// The server gives up.
    pub(super) fn reset_by_server(&mut self) {
        self.turn();
        self.segment(Side::Server, flag::RST | flag::ACK, &[]);
    }

    fn data(&mut self, from: Side, data: &[u8]) -> &mut Self {
        let (other, room) = match (from, self.flow.forward.0) {
            (Side::Client, SocketAddr::V4(_)) => (Side::Server, 1_460),
            (Side::Server, SocketAddr::V4(_)) => (Side::Client, 1_460),
            (Side::Client, SocketAddr::V6(_)) => (Side::Server, 1_440),
            (Side::Server, SocketAddr::V6(_)) => (Side::Client, 1_440),
        };
        self.turn();
        let mut pieces = data.chunks(room).peekable();
        while let Some(piece) = pieces.next() {
            let push = if pieces.peek().is_none() { flag::PSH } else { 0 };
            self.segment(from, flag::ACK | push, piece);
            self.now_ns += 13 * MICROSECOND;
        }
        self.turn();
        self.segment(other, flag::ACK, &[]);
        self
    }

    /// Half a round trip and some jitter.
    fn turn(&mut self) {
        let half = self.flow.round_trip_ns() / 2;
        self.now_ns += half + self.timeline.rng.below(half / 8);
    }

    fn segment(&mut self, from: Side, flags: u8, payload: &[u8]) {
        let (source, destination) = self.flow.direction(from);
        let (sequence, acknowledged) = match from {
            Side::Client => (self.client_sequence, self.server_sequence),
            Side::Server => (self.server_sequence, self.client_sequence),
        };
        let identification = self.timeline.rng.next_u16().into();
        let packet = Packet::between(source.ip(), destination.ip());
        let packet = packet.identification(identification).dont_fragment();
        let mut packet = packet.tcp(source.port(), destination.port());
        packet = packet.seq(sequence).flags(flags).payload(payload);
        if flags & flag::ACK != 0 {
            packet = packet.ack(acknowledged);
        }
        if flags & flag::SYN != 0 {
            let size = if source.is_ipv4() { 1_460 } else { 1_440 };
            // SACK permitted, no-operation, window scale 7.
            packet = packet.mss(size).tcp_option(&[4, 2, 1, 3, 3, 7]);
        }
        let mut advance = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if flags & (flag::SYN | flag::FIN) != 0 {
            advance = advance.wrapping_add(1);
        }
        match from {
            Side::Client => self.client_sequence = sequence.wrapping_add(advance),
            Side::Server => self.server_sequence = sequence.wrapping_add(advance),
        }
        self.timeline.send(self.now_ns, packet);
    }
}

/// RFC 1035 section 4: one question of type A, class IN, and perhaps its answer.
fn dns_message(identifier: u16, flags: [u8; 2], name: &str, answer: Option<Ipv4Addr>) -> Vec<u8> {
    let mut message = identifier.to_be_bytes().to_vec();
    message.extend(flags);
    message.extend([0, 1, 0, u8::from(answer.is_some()), 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    if let Some(address) = answer {
        // The name is that of the question (offset 12); type A, class IN, 300 seconds, 4 bytes.
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        message.extend(address.octets());
    }
    message
}
