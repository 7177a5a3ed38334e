//! Compiled code that is kept: found again, bounded, and never trusted when it is damaged.

use super::support::*;
use crate::guest::cache::{self, CacheSettings};
use crate::guest::compile_pool::CompilePool;
use crate::guest::sandbox::SandboxSettings;
use crate::guest::workshop::Workshops;
use crate::guest::{ContentHash, Guest, Optimize, Priority, Reach, Sandbox, load};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tempfile::TempDir;
use wasmtime::Cache;

const ROOMY: u64 = 1 << 30;

fn settings(directory: &Path, size_max: u64) -> CacheSettings {
    CacheSettings {
        directory: directory.to_owned(),
        size_max,
    }
}

fn sandbox_with(cache: CacheSettings) -> Arc<Sandbox> {
    Sandbox::new(&SandboxSettings {
        cache: Some(cache),
        ..sandbox_settings(2)
    })
    .unwrap()
}

fn load_text(sandbox: &Arc<Sandbox>, text: &str) -> Guest {
    sandbox
        .load(
            "test",
            SETTINGS,
            Reach::default(),
            text.as_bytes(),
            Priority::Start,
        )
        .unwrap()
}

/// The files that hold code, without wasmtime's notes about them.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(entries(&path));
        } else if path.extension().is_none() {
            found.push(path);
        }
    }
    found
}

/// Waits, yielding, for what wasmtime's thread is about to do.
fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if condition() {
            return true;
        }
        thread::yield_now();
    }
    false
}

/// Compiles with an engine of its own and says how often the cache had it, and had not.
fn hits_and_misses(cache: &CacheSettings, sandbox: &SandboxSettings, text: &str) -> (usize, usize) {
    hits_and_misses_for(Optimize::Latency, cache, sandbox, text)
}

fn hits_and_misses_for(
    optimize: Optimize,
    cache: &CacheSettings,
    sandbox: &SandboxSettings,
    text: &str,
) -> (usize, usize) {
    let cache: Cache = cache::open(cache).unwrap();
    let workshops = Workshops::new(sandbox, Some(cache.clone())).unwrap();
    let hash = ContentHash::of(text.as_bytes());
    let pool = CompilePool::new(0);
    let jobs = pool.at(Priority::Start);
    load::load(&workshops, optimize, hash, text.as_bytes(), &jobs).unwrap();
    (cache.cache_hits(), cache.cache_misses())
}

#[test]
fn the_next_process_finds_it_unless_code_or_settings_changed() {
    let root = tempfile::tempdir().unwrap();
    let kept = settings(&root.path().join("made"), ROOMY);
    let text = component(&answer(200, &[], b"kept"));
    let plain = sandbox_settings(2);
    assert_eq!(hits_and_misses(&kept, &plain, &text), (0, 1));
    assert_eq!(hits_and_misses(&kept, &plain, &text), (1, 0));
    // Little data is no part of the code.
    let other = component(&answer(200, &[], b"changed"));
    assert_eq!(hits_and_misses(&kept, &plain, &other), (1, 0));
    let other = component(&(answer(200, &[], b"kept") + "(func)"));
    assert_eq!(hits_and_misses(&kept, &plain, &other), (0, 1));
    let compute = || hits_and_misses_for(Optimize::Compute, &kept, &plain, &text);
    assert_eq!([compute(), compute()], [(0, 1), (1, 0)]);
    let changed = SandboxSettings {
        memory_max: MEMORY_MAX * 2,
        ..plain
    };
    assert_eq!(hits_and_misses(&kept, &changed, &text), (0, 1));
    assert_eq!(entries(root.path()).len(), 4);
}

/// A folder with one entry, for one text.
fn one_entry() -> (TempDir, CacheSettings, String, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let kept = settings(root.path(), ROOMY);
    let text = component(&answer(200, &[], b"whole"));
    load_text(&sandbox_with(kept.clone()), &text);
    let mut entries = entries(root.path());
    assert_eq!(entries.len(), 1);
    let entry = entries.remove(0);
    (root, kept, text, entry)
}

#[tokio::test]
async fn a_damaged_entry_is_compiled_anew_and_written_again() {
    let (_root, kept, text, entry) = one_entry();
    let whole = fs::read(&entry).unwrap();
    let cut = |length: usize| whole[..length].to_vec();
    let zeroed = |from: usize| [&whole[..from], &vec![0; whole.len() - from][..]].concat();
    let mut damaged = vec![
        b"\x7fELF and so on".to_vec(),
        [&whole[..], b"more"].concat(),
        vec![0xff; whole.len()],
    ];
    for part in 0..20 {
        damaged.push(cut(whole.len() * part / 20));
        damaged.push(zeroed(whole.len() * part / 20));
    }
    for bytes in damaged {
        fs::write(&entry, bytes).unwrap();
        let guest = load_text(&sandbox_with(kept.clone()), &text);
        assert_eq!(call(&guest).await.unwrap().body, b"whole");
        assert!(fs::read(&entry).unwrap() == whole);
    }
}

/// Twice, because what wasmtime leaves behind after one clean-up would prevent a second one by
/// the same process.
#[test]
fn the_size_is_kept_to_however_often_something_is_added() {
    let root = tempfile::tempdir().unwrap();
    let sandbox = sandbox_with(settings(root.path(), 1));
    for round in 0..3 {
        let guest = load(&sandbox, SETTINGS, &answer(200 + round, &[], b""));
        drop(guest);
        assert!(eventually(|| entries(root.path()).is_empty()), "{round}");
    }
}

#[test]
fn what_else_lies_in_the_directory_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("a/b/c")).unwrap();
    for file in ["file", "a/file", "a/b/file", "a/b/c/file"] {
        fs::write(root.path().join(file), "mine").unwrap();
    }
    let before = entries(root.path()).len();
    let sandbox = sandbox_with(settings(root.path(), 1));
    load(&sandbox, SETTINGS, &answer(200, &[], b""));
    assert!(eventually(|| entries(root.path()).len() == before));
    assert_eq!(fs::read(root.path().join("a/b/c/file")).unwrap(), b"mine");
}

#[tokio::test]
async fn an_unsafe_directory_is_done_without() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let kept = settings(root.path(), ROOMY);
    let message = cache::open(&kept).unwrap_err().to_string();
    assert!(message.contains("chmod go-w"), "{message}");
    let guest = load(&sandbox_with(kept), SETTINGS, &answer(200, &[], b"runs"));
    assert_eq!(call(&guest).await.unwrap().body, b"runs");
    assert!(entries(root.path()).is_empty());
}
