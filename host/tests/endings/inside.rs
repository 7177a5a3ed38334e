//! The tests that run inside a network namespace of their own. Each is started there by one in the
//! module above, and refuses to run anywhere else.

use std::time::{Duration, Instant};

use httpd_host::server::Ended;
use tokio::runtime::{Builder, Runtime};

use super::drive::{CLIENTS, Row, TITLE, drive, go};
use super::kernel::{Aborts, held_at_most};
use super::ways::{self, Way};
use super::{client, never_reads, servers};
use crate::support::TestServer;

/// Far longer than any bound, for machines that are slow.
const GENEROUS: Duration = Duration::from_secs(60);

#[test]
#[ignore = "runs in a network namespace, where another test starts it"]
fn no_client_loses_a_response() {
    super::namespace::assert_fresh();
    let rows = clients().block_on(async {
        let mut rows = Vec::new();
        let patient = [ways::unread(), ways::unwanted(), ways::orderly()].concat();
        rows.extend(try_out(&servers::patient(), &patient).await);
        rows.extend(try_out(&servers::short_of_memory(), &[ways::short_of_memory()]).await);
        rows.extend(try_out(&servers::hasty(), &ways::late()).await);
        rows.extend(try_out(&servers::short_of_places(), &ways::short_of_places()).await);
        for way in ways::stopped() {
            rows.push(stop_amid(&way).await);
        }
        rows.push(let_go_of_idle_clients().await);
        rows
    });
    // Before anything else: the clients of the last way reset their connections themselves.
    let aborts = Aborts::read();
    let reset = clients().block_on(reset_by_clients());
    let all: Vec<_> = rows.into_iter().chain([reset]).collect();
    print(&all);
    assert!(all.len() >= 25);
    let bad: Vec<_> = all
        .iter()
        .filter(|row| !row.is_fine())
        .map(|row| row.name)
        .collect();
    assert!(
        bad.is_empty(),
        "not every client got its whole response: {bad:?}"
    );
    assert_eq!(
        aborts,
        Aborts::default(),
        "the kernel had to reset connections"
    );
}

#[test]
#[ignore = "runs in a network namespace, where another test starts it"]
fn a_client_that_sends_for_ever_is_let_go() {
    super::namespace::assert_fresh();
    let server = servers::with_bounds(servers::LINGER_IDLE_AMPLE);
    let (held, mut row) = clients().block_on(async {
        let started = Instant::now();
        let (row, outcomes) = go(&ways::answered(), server.address(), async {}).await;
        let (over, _) = tokio::sync::broadcast::channel(1);
        for stream in outcomes.into_iter().filter_map(|outcome| outcome.stream) {
            let mut over: tokio::sync::broadcast::Receiver<()> = over.subscribe();
            let over = async move { drop(over.recv().await) };
            tokio::spawn(client::trickle_until(stream, over));
        }
        let held = held_until(&server, started).await;
        drop(over);
        (held, row)
    });
    if let Err(complaint) = within(held, servers::LINGER) {
        row.complain(complaint);
    }
    row.name = "client never closes, trickles on";
    // The kernel has to reset these: there is no other way to tell such a client.
    row.aborts = Aborts::read();
    print(std::slice::from_ref(&row));
    assert!(row.is_fine());
}

#[test]
#[ignore = "runs in a network namespace, where another test starts it"]
fn a_server_that_never_reads_fails() {
    super::namespace::assert_fresh();
    let server = never_reads::start();
    let row = clients().block_on(drive(&ways::refused_upload(), server, async {}));
    print(std::slice::from_ref(&row));
    assert!(!row.is_fine());
    assert!(row.resets > 0, "no client saw a reset");
    assert!(
        row.aborts.on_close > 0,
        "the kernel did not notice the unread bytes"
    );
}

/// A runtime for clients only: servers have their own.
fn clients() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.build().expect("cannot start a runtime")
}

async fn try_out(server: &TestServer, ways: &[Way]) -> Vec<Row> {
    let mut rows = Vec::new();
    for way in ways {
        rows.push(drive(way, server.address(), async {}).await);
    }
    rows
}

/// Stops a server when all clients wait at their gate.
async fn stop_amid(way: &Way) -> Row {
    let mut server = servers::patient();
    let address = server.address();
    let mut row = drive(way, address, async { server.begin_stop() }).await;
    match server.stop() {
        Ended::Drained => {}
        Ended::CutOff(count) => row.complain(format!("{count} connections were cut off")),
    }
    row
}

/// Clients that have everything and stay: after the bound the host closes although they do not.
async fn let_go_of_idle_clients() -> Row {
    let server = servers::with_bounds(servers::LINGER_IDLE);
    let before = Aborts::read();
    let started = Instant::now();
    let (mut row, outcomes) = go(&ways::answered(), server.address(), async {}).await;
    if let Err(complaint) = within(held_until(&server, started).await, servers::LINGER_IDLE) {
        row.complain(complaint);
    }
    drop(outcomes);
    row.aborts = Aborts::read() - before;
    row
}

/// When the host let go of the first and of the last connection, counted from `started`.
async fn held_until(server: &TestServer, started: Instant) -> Option<[Duration; 2]> {
    let port = server.address().port();
    let mut moments = [Duration::ZERO; 2];
    for (moment, most) in moments.iter_mut().zip([CLIENTS - 1, 0]) {
        held_at_most(most, port, GENEROUS).await?;
        *moment = started.elapsed();
    }
    Some(moments)
}

/// Whether the host waited as long as it should for the first, and not for ever for the last.
fn within(held: Option<[Duration; 2]>, bound: Duration) -> Result<(), String> {
    match held {
        None => Err("the host did not let go".into()),
        Some([first, _]) if first < bound => Err(format!("let go after {first:?} already")),
        Some([first, last]) => {
            println!("let go after {first:?} to {last:?}; the bound is {bound:?}");
            Ok(())
        }
    }
}

/// The kernel counts each reset where it was sent, so the clients' own are all there may be.
async fn reset_by_clients() -> Row {
    let server = servers::patient();
    let mut row = drive(&ways::reset_by_client(), server.address(), async {}).await;
    let clients_own = Aborts {
        on_close: 0,
        on_data: CLIENTS as u64,
    };
    if row.aborts != clients_own {
        row.complain(format!(
            "the kernel counts {:?}, the clients {clients_own:?}",
            row.aborts
        ));
    }
    let afterwards = drive(&ways::answered(), server.address(), async {}).await;
    if !afterwards.is_fine() {
        row.complain("the host did not serve the next clients".into());
    }
    row
}

fn print(rows: &[Row]) {
    println!("{TITLE}");
    for row in rows {
        println!("{row}");
    }
    println!(
        "{} of {} ways are fine",
        rows.iter().filter(|row| row.is_fine()).count(),
        rows.len()
    );
}
