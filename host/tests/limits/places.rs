//! How many at once: calls of a guest, instances, bodies in memory, connections.

use std::time::{Duration, Instant};

use crate::support::*;

/// Long enough to tell that the host is not going to answer now.
const A_WHILE: Duration = Duration::from_millis(300);

/// Sends both requests at once: there is room for one, which runs into its deadline, while the
/// other is told to come back.
fn one_of_two_is_refused(server: &TestServer, targets: [&str; 2]) {
    let mut clients = [server.connect(), server.connect()];
    for (client, target) in clients.iter_mut().zip(targets) {
        client.send(get(target));
    }
    let responses = clients.each_mut().map(Client::response);
    let mut statuses = responses.each_ref().map(|response| response.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [503, 504]);
    for response in responses {
        let status = response.status;
        let retry_after = response
            .expect_refusal(status)
            .field("retry-after")
            .is_some();
        assert_eq!(retry_after, status == 503);
    }
    // Their connections were kept, and there is room again.
    for client in &mut clients {
        client.request(get("/hello")).expect(200);
    }
}

#[test]
fn concurrency_max() {
    let spin = fault("spin-forever", "concurrency_max = 1\ndeadline = \"2s\"");
    let server = TestServer::start(&(spin + HELLO));
    one_of_two_is_refused(&server, ["/spin-forever", "/spin-forever"]);
}

#[test]
fn concurrency_max_is_each_guests_own() {
    let keys = "concurrency_max = 1\ndeadline = \"2s\"";
    let other = guest("other", "faults/spin-forever", keys) + &route("/other", "other", "");
    let server = TestServer::start(&(fault("spin-forever", keys) + &other));
    let mut clients = [server.connect(), server.connect()];
    clients[0].send(get("/spin-forever"));
    clients[1].send(get("/other"));
    for client in &mut clients {
        client.response().expect_refusal(504);
    }
}

#[test]
fn instances_max() {
    let keys = "deadline = \"2s\"";
    let other = guest("other", "faults/spin-forever", keys) + &route("/other", "other", "");
    let guests = fault("spin-forever", keys) + &other + HELLO;
    let server = TestServer::start(&("[sandbox]\ninstances_max = 1\n".to_owned() + &guests));
    one_of_two_is_refused(&server, ["/spin-forever", "/other"]);
}

#[test]
fn buffered_max() {
    const BODY: usize = 16 << 10;
    let limits = "[limits]\nbuffered_max = \"40KiB\"\nbody_max = \"16KiB\"\n";
    let server = TestServer::start(&(limits.to_owned() + HELLO + ECHO));
    // Each takes the room of its whole body with the first byte, and there is room for two.
    let mut uploads: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for upload in &mut uploads {
        upload.send(head("POST", "/hello", &format!("content-length: {BODY}\r\n")) + ".");
    }
    let mut refused = Vec::new();
    let start = Instant::now();
    while refused.len() < 3 {
        assert!(start.elapsed() < PATIENCE, "more than two uploads fit");
        let (waiting, heard): (Vec<_>, Vec<_>) = uploads
            .into_iter()
            .map(|mut client| (client.hears_nothing_for(Duration::from_millis(20)), client))
            .partition(|(waits, _)| *waits);
        uploads = waiting.into_iter().map(|(_, client)| client).collect();
        refused.extend(heard.into_iter().map(|(_, client)| client));
        assert!(uploads.len() >= 2, "only {} uploads fit", uploads.len());
    }
    for client in &mut refused {
        let response = client.response().expect_refusal(503);
        assert_eq!(response.field("retry-after"), Some("1"));
    }
    server
        .request(post("/hello", zeros(BODY)))
        .expect_refusal(503);
    for upload in &mut uploads {
        assert!(upload.hears_nothing_for(A_WHILE));
        upload.send(zeros(BODY - 1));
        upload.response().expect(200);
    }
    server.request(post("/echo", zeros(BODY))).expect(200);
}

#[test]
fn buffered_max_has_room_for_the_largest_body_and_its_echo() {
    let limits = "[limits]\nbuffered_max = \"64KiB\"\nbody_max = \"64KiB\"\n";
    let server = TestServer::start(&(limits.to_owned() + ECHO));
    let mut client = server.connect();
    for _ in 0..2 {
        client.request(post("/echo", zeros(64 << 10))).expect(200);
    }
}

#[test]
fn buffered_max_counts_answers_but_small_ones() {
    let keys = "response_max = \"40MiB\"\nmemory_max = \"128MiB\"";
    let guests = fault("huge-response", keys) + HELLO;
    let limits = "[limits]\nbuffered_max = \"16MiB\"\nbody_max = \"16MiB\"\n";
    let server = TestServer::start(&(limits.to_owned() + &guests));
    let refused = server.request(get("/huge-response")).expect_refusal(503);
    assert_eq!(refused.field("retry-after"), Some("1"));
    // An upload that takes all of it leaves room for what fits a connection's own buffer.
    let mut upload = server.connect();
    let size = 16 << 20;
    upload.send(head(
        "POST",
        "/hello",
        &format!("content-length: {size}\r\n"),
    ));
    upload.send(zeros(size - 1));
    let mut client = server.connect();
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "the upload takes nothing");
        let refused = client.request(post("/hello", ".")).status == 503;
        client.request(get("/hello")).expect(200);
        if refused {
            break;
        }
    }
}

#[test]
fn max_connections_has_the_next_one_wait() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\"]\nmax_connections = 1\n";
    let server = TestServer::start(&(listen.to_owned() + HELLO));
    let (mut first, mut second) = (server.connect(), server.connect());
    first.send(&get("/hello")[..10]);
    second.send(get("/hello"));
    assert!(second.hears_nothing_for(A_WHILE));
    first.send(&get("/hello")[10..]);
    first.response().expect(200);
    drop(first);
    second.response().expect(200);
}

#[test]
fn max_connections_has_an_idle_one_leave() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\"]\nmax_connections = 2\n";
    let server = TestServer::start(&(listen.to_owned() + HELLO));
    let (mut idle, mut busy) = (server.connect(), server.connect());
    idle.request(get("/hello")).expect(200);
    busy.send(&get("/hello")[..10]);
    let mut newcomer = server.connect();
    newcomer.send(get("/hello"));
    idle.expect_end();
    drop(idle);
    newcomer.response().expect(200);
    busy.send(&get("/hello")[10..]);
    busy.response().expect(200);
}
