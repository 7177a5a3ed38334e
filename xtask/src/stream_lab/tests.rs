//! What the lab makes of its figures.

use super::*;

fn found() -> Found {
    let cost = Cost {
        before: 30.0,
        peak: 62.0,
        processor: Duration::from_secs(2),
        ..Cost::default()
    };
    let body = |name, expected| Streamed {
        name,
        done: Done {
            received: 2 << 30,
            digest: expected,
            time: Duration::from_secs(4),
            ahead: 3 << 20,
        },
        expected,
        cost,
    };
    Found {
        bodies: vec![
            body("length told", Some([1; 32])),
            body("nobody looks", None),
        ],
        listened: Some(Listened {
            tally: Tally {
                events: 120_000,
                longest_gap: Duration::from_millis(130),
                ..Tally::default()
            },
            settled: [100.0, 108.0],
            cost: Cost {
                peak: 230.0,
                ..cost
            },
        }),
    }
}

#[test]
fn the_document_has_the_figures() {
    let found = found();
    found.bounds().judge().unwrap();
    let values = ["day", "kernel", "processors", "host"].map(|name| (name, "x".to_owned()));
    let values = [&values[..], &[("results", found.lines())]].concat();
    let document = document::fill(TEMPLATE, &values).unwrap();
    for part in [
        "| length told | 2048 | 4.0 s | 512 | 1.00 s | 30.0 MiB | 32.0 MiB | 3.0 MiB | 0 % |",
        "the same for 1 of 1 bodies",
        "120000 events, 0 clients that missed one",
        "100.0 MiB when all listened, 108.0 MiB near the end",
    ] {
        let flat = document.replace('\n', " ");
        assert!(flat.contains(part), "no {part:?} in {document}");
    }
}

#[test]
fn each_bound_can_be_missed() {
    fn listened(found: &mut Found) -> &mut Listened {
        found.listened.as_mut().unwrap()
    }
    let worse: [fn(&mut Found); 7] = [
        |found| found.bodies[1].cost.peak += 1.0,
        |found| found.bodies[0].done.digest = Some([2; 32]),
        |found| found.bodies[1].cost.aborts[0] = 1,
        |found| listened(found).cost.aborts[1] = 1,
        |found| listened(found).tally.failed = 1,
        |found| listened(found).settled[1] += 1.0,
        |found| listened(found).cost.peak += 1.0,
    ];
    for make_worse in worse {
        let mut found = found();
        make_worse(&mut found);
        assert!(found.bounds().judge().is_err());
    }
}
