//! The ways to a RST in which one end no longer knows the connection: orphans the kernel gave
//! up, and half-open connections as a crash or a cut in the network leaves them.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::Result;
use socket2::SockRef;

use super::{
    measure::{Lab, Measured},
    namespace::{Cut, Setting, wait_until_forgotten},
    resets::{CLIENT, connect_and_request, listen, read_out, result, send_late_bytes},
    servers::answer,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The server answered, closed and was acknowledged; the client keeps its side open for
/// longer than the kernel remembers such a connection.
pub(crate) fn orphan_in_fin_wait_2(
    lab: &mut Lab,
    id: &'static str,
    title: &'static str,
) -> Result<Measured> {
    let _short = Setting::set("tcp_fin_timeout", "1")?;
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (mut server, mut client) = connect_and_request(&listener)?;
        let answer = answer(64);
        server.write_all(&answer)?;
        drop(server);
        let read = read_out(&mut client, answer.len());
        wait_until_forgotten(address.port(), PATIENCE)?;
        let late = send_late_bytes(&mut client);
        Ok(format!("{read}; once forgotten, {late}"))
    })
}

/// The answer is under way when the network is cut; nobody holds the socket any more, so the
/// kernel gives up soon. The network comes back too late.
pub(crate) fn orphan_unacknowledged(
    lab: &mut Lab,
    id: &'static str,
    title: &'static str,
) -> Result<Measured> {
    let _few = Setting::set("tcp_orphan_retries", "1")?;
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (mut server, mut client) = connect_and_request(&listener)?;
        let answer = answer(64);
        let cut = Cut::towards(CLIENT)?;
        server.write_all(&answer)?;
        drop(server);
        wait_until_forgotten(address.port(), PATIENCE)?;
        drop(cut);
        client.write_all(b"x")?;
        Ok(read_out(&mut client, answer.len()))
    })
}

/// The server's end vanishes without a word, as in a crash; the client sends.
pub(crate) fn server_lost_it(
    lab: &mut Lab,
    id: &'static str,
    title: &'static str,
) -> Result<Measured> {
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (server, mut client) = connect_and_request(&listener)?;
        let cut = Cut::towards(CLIENT)?;
        vanish(server)?;
        drop(cut);
        client.write_all(b"x")?;
        Ok(read_out(&mut client, answer(64).len()))
    })
}

/// The client's end vanishes without a word; the server answers. Here the server is the peer
/// that gets the RST.
pub(crate) fn client_lost_it(
    lab: &mut Lab,
    id: &'static str,
    title: &'static str,
) -> Result<Measured> {
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (mut server, client) = connect_and_request(&listener)?;
        let cut = Cut::towards(address.ip())?;
        vanish(client)?;
        drop(cut);
        server.write_all(&answer(64))?;
        let read = result(server.read(&mut [0]).map(drop));
        Ok(format!("nothing, it is gone; the server reads on: {read}"))
    })
}

/// Drops a connection at once. With the network cut its RST is lost, which leaves the other
/// end as a crash of this one would.
fn vanish(stream: TcpStream) -> Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    drop(stream);
    Ok(())
}
