//! The socket's file: who may use it, what it replaces, and when it goes.

use super::support::*;
use crate::control::{Command, ask};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn only_its_own_user_may_connect() {
    let host = Host::start();
    let mode = fs::metadata(&host.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn what_a_dead_host_left_is_replaced() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let path = folder.path().join("control.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(UnixStream::connect(&path).is_err());
    let control = bind(&runtime, &path).unwrap();
    UnixStream::connect(&path).unwrap();
    drop(control);
    assert!(!path.exists());
}

#[test]
fn a_live_host_keeps_its_socket() {
    let host = Host::start();
    let error = bind(&host.runtime, &host.path).unwrap_err();
    assert!(error.is_in_use());
    let path = host.path.display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    assert!(ask(&host.path, Command::Status, PATIENCE).is_ok());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let path = folder.path().join("precious");
    fs::write(&path, "data").unwrap();
    let error = bind(&runtime, &path).unwrap_err();
    assert!(!error.is_in_use());
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"data");
}

#[test]
fn a_path_that_cannot_be_had_is_named() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    for name in ["no/such/folder.sock".to_owned(), "x".repeat(200)] {
        let path = folder.path().join(name);
        let error = bind(&runtime, &path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn it_goes_with_the_host_unless_another_has_taken_its_place() {
    let mut host = Host::start();
    host.stop();
    assert!(!host.path.exists());
    let mut host = Host::start();
    fs::remove_file(&host.path).unwrap();
    let _other = UnixListener::bind(&host.path).unwrap();
    host.stop();
    assert!(host.path.exists());
}
