//! What a guest may answer and use.

use crate::support::*;

/// Echoes under these settings, and the bounds of its answer besides.
fn echo(limits: &str, keys: &str) -> TestServer {
    let limits = format!("[limits]\n{limits}\n");
    TestServer::start(&(limits + &guest("echo", "echo", keys) + &route("/echo", "echo", "")))
}

#[test]
fn response_max() {
    let server = echo("", "response_max = \"1KiB\"");
    let mut client = server.connect();
    for _ in 0..2 {
        client.request(post("/echo", zeros(1024))).expect(200);
        client
            .request(post("/echo", zeros(1025)))
            .expect_refusal(500);
    }
}

#[test]
fn response_max_can_be_raised() {
    let keys = "response_max = \"40MiB\"\nmemory_max = \"128MiB\"";
    let server = TestServer::start(&fault("huge-response", keys));
    let response = server.request(get("/huge-response")).expect(200);
    assert_eq!(response.body.len(), 40 << 20);
}

#[test]
fn response_head_max() {
    let server = echo("response_head_max = \"1KiB\"", "");
    let mut client = server.connect();
    let mut ask = |bytes: usize| {
        let value = "v".repeat(bytes - "content-type: \r\n".len());
        client.request(head("POST", "/echo", &format!("content-type: {value}\r\n")))
    };
    ask(1024).expect(200);
    ask(1025).expect_refusal(500);
    ask(1024).expect(200);
}

#[test]
fn response_fields_max() {
    let ask = |fields_max: u32| {
        let limits = format!(
            "[limits]\nresponse_head_max = \"16MiB\"\nresponse_fields_max = {fields_max}\n"
        );
        TestServer::start(&(limits + &fault("many-fields", ""))).request(get("/many-fields"))
    };
    let all = ask(100_000).expect(200);
    let own = all.fields.iter().filter(|(name, _)| name.starts_with("x-"));
    assert_eq!(own.count(), 100_000);
    ask(99_999).expect_refusal(500);
}

#[test]
fn memory_max() {
    let tight = guest("tight", "echo", "memory_max = \"2MiB\"") + &route("/tight", "tight", "");
    let server = TestServer::start(&(tight + ECHO));
    let mut client = server.connect();
    for _ in 0..2 {
        client
            .request(post("/tight", zeros(4 << 20)))
            .expect_refusal(500);
        client.request(post("/tight", zeros(1 << 10))).expect(200);
    }
    client.request(post("/echo", zeros(4 << 20))).expect(200);
}

#[test]
fn stack_max() {
    let ask = |stack: &str| {
        let sandbox = format!("[sandbox]\ninstances_max = 4\nstack_max = \"{stack}\"\n");
        let server = TestServer::start(&(sandbox + &fault("stack-overflow", "")));
        let mut client = server.connect();
        let deep = client.request(get("/stack-overflow?depth=20000"));
        client.request(get("/stack-overflow?depth=10")).expect(200);
        deep
    };
    ask("64KiB").expect_refusal(500);
    ask("16MiB").expect(200);
}
