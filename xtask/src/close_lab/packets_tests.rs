//! Tests of reading tshark's lines and of telling how a connection ended.

use super::*;

const LINES: &str = "\
100.000000\t4\t50000\t80\t0x0002\t0\t
100.000100\t4\t80\t50000\t0x0012\t0\t
100.000200\t4\t50000\t80\t0x0010\t0\t
100.001000\t4\t50000\t80\t0x0018\t70\t
100.001100\t4\t50000\t80\t0x0010\t30\t
100.001200\t5\t50001\t81\t0x0002\t0\t
100.002000\t4\t80\t50000\t0x0019\t9\t
100.003000\t4\t50000\t80\t0x0018\t5\t
100.004000\t4\t80\t50000\t0x0004\t0\t
100.004100\t4\t80\t50000\t0x0014\t0\t
";

fn packets() -> Vec<Packet> {
    let tcp = |line| match parse_line(line) {
        Some(Line::Tcp(packet)) => packet,
        other => panic!("{other:?}"),
    };
    LINES.lines().map(tcp).collect()
}

#[test]
fn a_segment_is_read() {
    let line = "1700000000.25\t3\t8080\t50000\t0x0011\t12\t\n";
    let expected = Packet {
        time: 1_700_000_000.25,
        stream: 3,
        source: 8080,
        destination: 50000,
        flags: 0x11,
        bytes: 12,
    };
    assert_eq!(parse_line(line), Some(Line::Tcp(expected)));
}

#[test]
fn a_marker_is_read() {
    assert_eq!(
        parse_line("1.0\t\t\t\t\t\t60001"),
        Some(Line::Marker(60001))
    );
}

#[test]
fn other_lines_are_ignored() {
    for line in [
        "",
        "text",
        "1.0\t\t\t\t\t\t",
        "1.0\t3\t80\t81\t11\t0\t",
        "1.0\t3\t80\t81\t0x11",
    ] {
        assert_eq!(parse_line(line), None, "{line:?}");
    }
}

#[test]
fn connections_are_parted_and_other_ports_left_out() {
    assert_eq!(conversations(&packets(), 80).len(), 1);
    assert_eq!(conversations(&packets(), 80)[0].packets.len(), 9);
    assert_eq!(conversations(&packets(), 81).len(), 1);
    assert!(conversations(&packets(), 82).is_empty());
}

#[test]
fn the_order_of_fin_and_rst_is_told_with_direction_and_count() {
    let conversation = &conversations(&packets(), 80)[0];
    assert_eq!(conversation.closing(), "server FIN, server RST x2");
    assert_eq!(conversation.closing_kind(), "server FIN, server RST");
    assert!(conversation.reset_by(Side::Server));
    assert!(!conversation.reset_by(Side::Client));
}

#[test]
fn a_connection_still_open_has_no_closing() {
    let conversation = &conversations(&packets(), 81)[0];
    assert_eq!(conversation.closing(), "neither FIN nor RST");
    assert_eq!(conversation.closing_kind(), "neither FIN nor RST");
}

#[test]
fn a_timeline_joins_runs_of_data_and_leaves_out_bare_acknowledgements() {
    let expected = [
        "    0.000 ms  client --> server  SYN",
        "    0.100 ms  client <-- server  SYN",
        "    1.000 ms  client --> server  data, 100 bytes (2 segments)",
        "    2.000 ms  client <-- server  FIN, 9 bytes",
        "    3.000 ms  client --> server  data, 5 bytes",
        "    4.000 ms  client <-- server  RST (2 segments)",
    ];
    assert_eq!(conversations(&packets(), 80)[0].timeline(), expected);
}
