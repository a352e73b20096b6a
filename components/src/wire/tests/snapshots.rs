//! Every layout, byte for byte, in `snapshots/wire/`.

use zerocopy::FromZeros;

use super::annotate::{self, Form, annotate};
use super::events::{event, examples};
use crate::address::Family;
use crate::kinds::EventKind;
use crate::wire::{
    Frame, Hello, KindLoss, LossReport, Session, SessionEnd, SessionEndRecord, SessionEndZones,
    SessionRecord,
};

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/wire"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn encoded(frame: &Frame, sequence: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(sequence, &mut bytes).unwrap();
    bytes
}

#[test]
fn every_event_kind_family_translation_and_metadata() {
    for kind in EventKind::ALL {
        for (family, address, name) in
            [(Family::Inet, Form::V4, "inet"), (Family::Inet6, Form::V6, "inet6")]
        {
            let session = matches!(kind, EventKind::SessionCreate | EventKind::SessionClose);
            let layout = annotate::rt_flow(address, session);
            let text: String = examples()
                .filter(|example| example.kind == kind && example.family == family)
                .map(|example| {
                    format!(
                        "== {} {name}, {}, {}\n{}\n",
                        kind.label(),
                        if example.translated { "translated" } else { "not translated" },
                        if example.metadata { "with metadata" } else { "without metadata" },
                        annotate(&encoded(&Frame::RtFlow(event(example)), 0x8182_8384), &layout)
                    )
                })
                .collect();
            snapshot(&format!("rt_flow_{}_{name}", kind.label()), &text);
        }
    }
}

/// A session of the family that `A` and the default make, no two fields of one value.
fn session_record<const A: usize>(mut record: SessionRecord<A>) -> SessionRecord<A> {
    record.protocol = 17;
    record.source_port = 0x0102.into();
    record.destination_port = 0x0304.into();
    record.nat_source_port = 0x0506.into();
    record.nat_destination_port = 0x0708.into();
    record.owner = (-3).into();
    record.egress_ifindex = 0x090a.into();
    record.transmit_ifindex = (-1).into();
    record.tunnel_endpoint = 0x0b0c.into();
    record.transmit_vlan = 0x0d0e.into();
    record.flags = 5;
    record.ingress_zone = 2;
    record.egress_zone = 255;
    record.disposition = 8;
    record.source = [0x11; A];
    record.destination = [0x12; A];
    record.nat_source = [0x13; A];
    record.nat_destination = [0x14; A];
    record.neighbour_mac = [0x02, 0, 0, 0, 0, 0xaa];
    record.source_mac = [0x02, 0, 0, 0, 0, 0xbb];
    record.next_hop = [0x15; A];
    record
}

fn end_record<const A: usize>(mut record: SessionEndRecord<A>) -> SessionEndRecord<A> {
    record.protocol = 17;
    record.source_port = 0x0102.into();
    record.destination_port = 0x0304.into();
    record.source = [0x11; A];
    record.destination = [0x12; A];
    record.owner = (-3).into();
    record.flags = 4;
    record
}

#[test]
fn every_form_of_the_session_frames() {
    let v4 = Session::V4(session_record(SessionRecord::default()));
    let v6 = Session::V6(session_record(SessionRecord::default()));
    let (fields_v4, fields_v6) = (annotate::session(Form::V4, 4), annotate::session(Form::V6, 16));
    snapshot("session_open_inet", &annotate(&encoded(&Frame::SessionOpen(v4), 1), &fields_v4));
    snapshot("session_open_inet6", &annotate(&encoded(&Frame::SessionOpen(v6), 2), &fields_v6));
    snapshot("session_update_inet", &annotate(&encoded(&Frame::SessionUpdate(v4), 3), &fields_v4));
    snapshot("session_update_inet6", &annotate(&encoded(&Frame::SessionUpdate(v6), 4), &fields_v6));
    let zones = SessionEndZones { ingress_zone: 2, egress_zone: 255 };
    for (form, zones) in [("", Some(zones)), ("_without_zones", None)] {
        let v4 = SessionEnd::V4(end_record(SessionEndRecord::default()), zones);
        let v6 = SessionEnd::V6(end_record(SessionEndRecord::default()), zones);
        let fields = annotate::session_end(Form::V4, 4, zones.is_some());
        let bytes = encoded(&Frame::SessionClose(v4), 5);
        snapshot(&format!("session_close_inet{form}"), &annotate(&bytes, &fields));
        let fields = annotate::session_end(Form::V6, 16, zones.is_some());
        let bytes = encoded(&Frame::SessionClose(v6), 6);
        snapshot(&format!("session_close_inet6{form}"), &annotate(&bytes, &fields));
    }
}

#[test]
fn every_control_frame() {
    let bare = [
        (Frame::Ack, 0x0102_0304_0506_0708),
        (Frame::Pause, 0),
        (Frame::Resume, 0),
        (Frame::DrainRequest, 9),
        (Frame::DrainComplete, 10),
        (Frame::FullResync, 11),
        (Frame::Keepalive, 0),
    ];
    for (frame, sequence) in bare {
        let name = frame.frame_type().label();
        snapshot(name, &annotate(&encoded(&frame, sequence), &[]));
    }
    let hello = Frame::Hello(Hello::of_producer(0x1112_1314_1516_1718, 41, 1042));
    snapshot("hello", &annotate(&encoded(&hello, 0), annotate::HELLO));
    let answer = Frame::Hello(Hello::of_collector(0x1112_1314_1516_1718, 41));
    snapshot("hello_answer", &annotate(&encoded(&answer, 0), annotate::HELLO));
    let mut report = LossReport::new_zeroed();
    for (kind, base) in report.kinds.iter_mut().zip([100, 200, 300, 400, 600]) {
        *kind = KindLoss {
            generated: (base + 1).into(),
            accepted: (base + 2).into(),
            rate_limited: (base + 3).into(),
            ring_full: (base + 4).into(),
            no_stream: (base + 5).into(),
        };
    }
    let bytes = encoded(&Frame::LossReport(report), 0);
    snapshot("loss_report", &annotate(&bytes, &annotate::loss_report()));
}
