//! Tests of [`Body`]: bodies whole and piece by piece, and those that break off.

use super::*;
use crate::testing::block_on;

#[test]
fn a_made_body_comes_in_the_pieces_it_was_written_in() {
    let mut body = Body::stream(async |out| {
        out.write("one").await?;
        out.write("").await?;
        out.write("two").await?;
        out.add_trailer("X-Sum", "6");
        Ok(())
    });
    block_on(async {
        assert_eq!(body.next().await.unwrap().unwrap(), b"one");
        assert_eq!(body.trailers().count(), 0);
        assert_eq!(body.next().await.unwrap().unwrap(), b"two");
        assert_eq!(body.next().await.unwrap(), None);
        assert_eq!(body.next().await.unwrap(), None);
    });
    assert_eq!(body.trailers().next(), Some(("x-sum", &b"6"[..])));
}

#[test]
fn a_body_that_breaks_off_never_looks_complete() {
    let mut body = Body::stream(async |out| {
        out.write("half").await?;
        Err(Error::new(500, "lost"))
    });
    block_on(async {
        assert_eq!(body.next().await.unwrap().unwrap(), b"half");
        assert_eq!(body.next().await.unwrap_err().message(), "lost");
        assert!(body.next().await.is_err());
    });
}

#[test]
fn a_bound_holds_for_known_and_unknown_lengths() {
    block_on(async {
        assert_eq!(Body::from("four").bytes(4).await.unwrap(), b"four");
        let error = Body::from("five!").bytes(4).await.unwrap_err();
        assert_eq!(error.status(), 413);
        let made = || {
            Body::stream(async |out| {
                out.write("12").await?;
                out.write("34").await?;
                Ok(())
            })
        };
        assert_eq!(made().text(4).await.unwrap(), "1234");
        assert_eq!(made().text(3).await.unwrap_err().status(), 413);
        assert_eq!(
            Body::from(vec![0xff]).text(9).await.unwrap_err().status(),
            400
        );
    });
}

#[cfg(feature = "json")]
#[test]
fn a_body_is_read_as_json() {
    block_on(async {
        assert_eq!(
            Body::from("[1, 2]").json::<Vec<u8>>(9).await.unwrap(),
            [1, 2]
        );
        let error = Body::from("[1, ").json::<Vec<u8>>(9).await.unwrap_err();
        assert_eq!(error.status(), 400);
    });
}

#[test]
fn a_writer_without_a_reader_is_told_and_may_finish() {
    let finished = std::rc::Rc::new(std::cell::Cell::new(false));
    let told = finished.clone();
    let mut body = Body::stream(async move |out| {
        out.write("first").await?;
        told.set(out.write("second").await.is_ok() && out.write("third").await == Err(Gone));
        Ok(())
    });
    block_on(async {
        assert!(body.next().await.unwrap().is_some());
        assert!(body.next().await.unwrap().is_some());
        body.abandon().await;
    });
    assert!(finished.get());
}
