//! What used instances keep: their memory grows with the largest request, not with how many there
//! were.

use serde_json::Value;

use crate::support::*;

#[test]
fn bodies_of_all_sizes_leave_no_fragments() {
    const LARGEST: usize = 1 << 18;
    let log = "[log]\nformat = \"json\"\n".to_owned();
    let echo = guest("echo", "echo", "instances = { reuse = 1_000_000 }");
    let program = Program::start(&(log + &echo + &route("/echo", "echo", "")));
    let mut client = program.connect();
    let mut number = 1_usize;
    let mut below = |bound: usize| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (number >> 33) % bound
    };
    for round in 0..3000_usize {
        let bits = below(18);
        let (size, count) = (below(2 << bits), below(12));
        let fields: String = (0..count)
            .map(|at| format!("x-{at}: {}\r\n", "v".repeat(below(300))))
            .collect();
        let fields = format!("{fields}content-length: {size}\r\n");
        let mut request = head("POST", "/echo", &fields).into_bytes();
        request.resize(request.len() + size, round as u8);
        let response = client.request(&request).expect(200);
        assert!(
            response.body.len() == size && response.body.iter().all(|byte| *byte == round as u8)
        );
    }
    client
        .request(post("/echo?largest", zeros(LARGEST)))
        .expect(200);
    let line = program
        .log
        .wait_for("the last", |line| line.contains("/echo?largest"));
    let line: Value = serde_json::from_str(&line).unwrap();
    let peak = line["memory_peak"].as_u64().unwrap();
    assert!(peak < 4 * LARGEST as u64, "{peak}");
}
