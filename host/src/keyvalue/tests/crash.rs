//! A host that is killed in the middle of writes. The program of the tests starts itself as a
//! process that writes without end, tells what was acknowledged, and is killed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Where the process is to write; only the test below sets it.
const PLACE: &str = "HTTPD_HOST_TEST_STORE";
const WRITERS: usize = 8;
/// Acknowledged writes of a round after which it is killed.
const ROUND: usize = 200;

#[test]
#[ignore = "runs until it is killed, by the test below"]
fn writes_until_it_is_killed() {
    let place = std::env::var_os(PLACE).expect("only the test below starts this one");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Arc::new(open(Path::new(&place), &Keyvalue::default()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| runtime.spawn(write(Arc::clone(&store), writer)))
        .collect();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}

/// Counts up, and tells each number once the store has acknowledged it.
async fn write(store: Arc<Embedded>, writer: usize) {
    let key = format!("writer-{writer}");
    loop {
        let (counter, range) = (key.clone(), 0..=i128::MAX);
        let sum = store.increment("counts", counter, 1, range).await.unwrap();
        let value = vec![b'x'; 2000];
        let changes = vec![
            set(&format!("{key}-{}", sum % 50), &value),
            set(&key, sum.to_string().as_bytes()),
        ];
        store.change("values", changes).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {writer} {sum}").unwrap();
        out.flush().unwrap();
    }
}

/// Starts the process, kills it, and gives the last number that each writer told.
fn acknowledged_before_a_kill(place: &Path) -> BTreeMap<usize, u64> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "keyvalue::tests::crash::writes_until_it_is_killed",
        ])
        .args(["--ignored", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut last = BTreeMap::new();
    let mut told = 0;
    // What it told before it died is in the pipe: all of that counts.
    for line in lines {
        let line = line.unwrap();
        let mut words = line
            .split(' ')
            .skip_while(|word| !word.ends_with("acknowledged"));
        if let (Some(_), Some(writer), Some(sum)) = (words.next(), words.next(), words.next()) {
            last.insert(writer.parse().unwrap(), sum.parse().unwrap());
            told += 1;
        }
        if told == ROUND {
            process.kill().unwrap();
        }
    }
    let status = process.wait().unwrap();
    assert!(
        told >= ROUND,
        "it ended by itself after {told} writes: {status}"
    );
    last
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_host_is_killed() {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for round in 0..3 {
        let last = acknowledged_before_a_kill(place.path());
        assert_eq!(last.len(), WRITERS);
        let store = open(place.path(), &Keyvalue::default());
        for (writer, told) in last {
            let key = format!("writer-{writer}");
            let number = |bucket: &str| {
                let value = runtime.block_on(value(&store, bucket, &key)).unwrap();
                String::from_utf8(value).unwrap().parse::<u64>().unwrap()
            };
            // At most what was under way is there too, and not acknowledged.
            let (counted, written) = (number("counts"), number("values"));
            assert!(
                (told..=told + 1).contains(&counted) && (told..=counted).contains(&written),
                "round {round}, writer {writer}: {told} was told, {counted} and {written} are there"
            );
        }
    }
}
