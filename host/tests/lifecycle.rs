//! Shutdown: what has begun is answered, nobody idle holds it up, nothing new begins.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use httpd_host::config::{Config, Listen};
use httpd_host::server::Ended;

use crate::support::*;

/// A request of which the host has read the head when this returns.
fn begun(client: &mut Client, target: &str) {
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    client.request(head("POST", target, fields)).expect(100);
}

#[test]
fn a_request_in_flight_is_answered_and_its_connection_closed() {
    let mut server = TestServer::start(&(HELLO.to_owned() + ECHO));
    let mut idle = server.connect();
    idle.request(get("/hello")).expect(200);
    let mut busy = server.connect();
    busy.request(get("/hello")).expect(200);
    begun(&mut busy, "/echo");
    server.begin_stop();
    // Its end says that the shutdown has begun.
    idle.expect_end();
    drop(idle);
    let response = busy.request("body").expect(200);
    assert_eq!(response.text(), "body");
    assert!(response.closes());
    busy.expect_end();
    drop(busy);
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn a_guest_that_runs_may_finish() {
    let server = TestServer::start(&fault("spin-forever", "deadline = \"1s\""));
    let mut client = server.connect();
    client.send(get("/spin-forever"));
    let stopping = thread::spawn(move || server.stop());
    client.response().expect_refusal(504);
    client.half_close();
    client.expect_end();
    assert_eq!(stopping.join().unwrap(), Ended::Drained);
}

#[test]
fn an_idle_connection_does_not_hold_it_up() {
    let times = "[timeouts]\nkeep_alive = \"1h\"\nhead = \"1h\"\nshutdown = \"1h\"\n";
    let mut server = TestServer::start(&(times.to_owned() + HELLO));
    let mut kept = server.connect();
    kept.request(get("/hello")).expect(200);
    let mut new = server.connect();
    server.begin_stop();
    kept.expect_end();
    new.expect_end();
    drop((kept, new));
    assert_eq!(server.stop(), Ended::Drained);
}

/// The port is closed when this returns, so the shutdown has begun.
fn nobody_is_accepted(server: &TestServer) {
    let start = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(start.elapsed() < PATIENCE, "connections are still accepted");
    }
}

#[test]
fn a_connection_that_has_not_waited_long_may_still_send() {
    let times = "[timeouts]\nidle_grace = \"1h\"\nshutdown = \"2h\"\n";
    let mut server = TestServer::start(&(times.to_owned() + HELLO));
    let (mut kept, mut new) = (server.connect(), server.connect());
    kept.request(get("/hello")).expect(200);
    server.begin_stop();
    nobody_is_accepted(&server);
    for client in [&mut kept, &mut new] {
        assert!(client.request(get("/hello")).expect(200).closes());
        client.expect_end();
    }
    drop((kept, new));
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn a_connection_that_has_waited_for_the_grace_leaves() {
    let times = "[timeouts]\nidle_grace = \"300ms\"\nkeep_alive = \"1h\"\nhead = \"1h\"\n";
    let mut server = TestServer::start(&(times.to_owned() + HELLO));
    let (mut kept, mut new) = (server.connect(), server.connect());
    kept.request(get("/hello")).expect(200);
    server.begin_stop();
    kept.expect_end();
    new.expect_end();
    drop((kept, new));
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn busy_clients_lose_no_request() {
    for _ in 0..3 {
        let mut server = TestServer::start(HELLO);
        let clients: Vec<_> = (0..16)
            .map(|_| server.connect())
            .map(|client| thread::spawn(move || ask_on(client)))
            .collect();
        server.request(get("/hello")).expect(200);
        server.begin_stop();
        for client in clients {
            client.join().unwrap().expect("a request was lost");
        }
        assert_eq!(server.stop(), Ended::Drained);
    }
}

/// A connection is either refused or served; there is no moment in between.
#[test]
fn whoever_could_connect_is_answered() {
    for _ in 0..10 {
        let mut server = TestServer::start(HELLO);
        let address = server.address();
        let clients: Vec<_> = (0..8)
            .map(|_| thread::spawn(move || come_and_go(address)))
            .collect();
        server.request(get("/hello")).expect(200);
        server.begin_stop();
        for client in clients {
            client.join().unwrap().expect("a connection was lost");
        }
        assert_eq!(server.stop(), Ended::Drained);
    }
}

#[test]
fn pipelined_requests_end_with_the_one_that_says_close() {
    let mut server = TestServer::start(&(HELLO.to_owned() + ECHO));
    let mut idle = server.connect();
    idle.request(get("/hello")).expect(200);
    let mut busy = server.connect();
    begun(&mut busy, "/echo");
    server.begin_stop();
    idle.expect_end();
    drop(idle);
    let response = busy.request("body".to_owned() + &get("/hello"));
    assert!(response.expect(200).closes());
    busy.half_close();
    busy.expect_end();
    drop(busy);
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn a_request_in_the_backlog_is_answered() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\"]\nmax_connections = 1\n";
    let mut server = TestServer::start(&(listen.to_owned() + HELLO + ECHO));
    let mut busy = server.connect();
    begun(&mut busy, "/echo");
    let mut waiting: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send(get("/hello"));
    }
    server.begin_stop();
    for mut client in waiting {
        assert!(client.response().expect(200).closes());
        client.expect_end();
    }
    busy.request("body").expect(200);
    drop(busy);
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn nothing_new_is_accepted() {
    let mut server = TestServer::start(&(HELLO.to_owned() + ECHO));
    let mut busy = server.connect();
    begun(&mut busy, "/echo");
    server.begin_stop();
    let start = Instant::now();
    let refused = loop {
        assert!(start.elapsed() < PATIENCE, "connections are still accepted");
        // Those that come before the listener is closed get an orderly end.
        match TcpStream::connect(server.address()) {
            Ok(stream) => drop(Client::over(stream).rest()),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    busy.request("body").expect(200);
    drop(busy);
    assert_eq!(server.stop(), Ended::Drained);
}

#[test]
fn without_a_configuration_there_is_a_welcome_page() {
    let mut config = Config::welcome();
    config.server.listen = vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())];
    config.sandbox.instances_max = 4;
    let server = TestServer::run(config);
    let response = server.request(get("/")).expect(200);
    assert!(
        response
            .field("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        response.text().contains("httpd_guest::handler"),
        "{}",
        response.text()
    );
    server.request(get("/other")).expect_refusal(404);
    let refused = server.request(post("/", "")).expect_refusal(405);
    assert_eq!(refused.field("allow"), Some("GET, HEAD"));
}
