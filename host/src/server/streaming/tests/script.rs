//! A guest that is an async function: it reads its [`Upload`] and says what it answers, one piece
//! at a time, and is stopped like any other when the exchange is dropped.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;

use crate::dispatch::{Exchange, Field, Piece, Refusal, Streamed, StreamedHead, Upload, Usage};

type Script = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a guest has said and nobody has taken yet.
#[derive(Default)]
pub(super) struct Said {
    head: Option<Result<StreamedHead, Refusal>>,
    pieces: VecDeque<Piece>,
}

/// The guest's end of its response.
#[derive(Clone, Default)]
pub(super) struct Answers {
    pub(super) said: Arc<Mutex<Said>>,
    pub(super) fate: Arc<Fate>,
}

/// What becomes of a guest, for a test to look at.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// It came to the end of its function.
    pub(super) returned: AtomicBool,
    /// It was told that nobody takes its response.
    pub(super) told: AtomicBool,
    /// Its response was over while it went on.
    pub(super) left: AtomicBool,
    /// It does not exist any more.
    pub(super) dropped: AtomicBool,
    /// How often it was polled.
    pub(super) polls: AtomicUsize,
    /// A mark that the function may set.
    pub(super) mark: AtomicBool,
}

struct Scripted {
    script: Option<Script>,
    answers: Answers,
}

impl Answers {
    /// Says a head without fields.
    pub(super) fn head(&self, status: u16, content_length: Option<u64>) {
        self.head_with(status, content_length, &[]);
    }

    pub(super) fn head_with(
        &self,
        status: u16,
        content_length: Option<u64>,
        fields: &[(&str, &str)],
    ) {
        self.say(Ok(StreamedHead {
            status,
            fields: fields_of(fields),
            content_length,
        }));
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        self.say(Err(refusal));
    }

    fn say(&self, head: Result<StreamedHead, Refusal>) {
        self.said.lock().unwrap().head = Some(head);
    }

    /// Sends a piece, and waits until it is taken.
    pub(super) async fn send(&self, data: impl Into<Bytes>) {
        self.put(Piece::Data(data.into())).await;
    }

    pub(super) async fn end(&self, trailers: &[(&str, &str)]) {
        self.put(Piece::End(fields_of(trailers))).await;
    }

    pub(super) async fn fail(&self) {
        self.put(Piece::Broken(Refusal::overran())).await;
    }

    async fn put(&self, piece: Piece) {
        self.said.lock().unwrap().pieces.push_back(piece);
        // Whoever takes it polls the guest before it takes the next one.
        poll_fn(|_| match self.said.lock().unwrap().pieces.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// An exchange with the guest that `script` makes.
pub(super) fn exchange<F>(script: impl FnOnce(Answers) -> F) -> (Streamed, Arc<Fate>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let answers = Answers::default();
    let fate = Arc::clone(&answers.fate);
    (exchange_of(answers, script), fate)
}

/// An exchange with a guest that has these `answers`.
pub(super) fn exchange_of<F>(answers: Answers, script: impl FnOnce(Answers) -> F) -> Streamed
where
    F: Future<Output = ()> + Send + 'static,
{
    let script: Script = Box::pin(script(answers.clone()));
    Streamed::new(Scripted {
        script: Some(script),
        answers,
    })
}

/// The next piece of an upload; none at its end, and an error where it broke off.
pub(super) async fn next_piece(upload: &mut Upload) -> Result<Option<Bytes>, String> {
    match next_frame(upload).await? {
        Some(frame) => Ok(frame.into_data().ok()),
        None => Ok(None),
    }
}

/// The next piece of an upload, or its trailers.
pub(super) async fn next_frame(
    upload: &mut Upload,
) -> Result<Option<http_body::Frame<Bytes>>, String> {
    let frame = poll_fn(|cx| Pin::new(&mut *upload).poll_frame(cx)).await;
    frame.transpose().map_err(|error| format!("{error:?}"))
}

/// A whole upload, of which the trailers are dropped.
pub(super) async fn read_all(upload: &mut Upload) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    while let Some(piece) = next_piece(upload).await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Sends back what comes, as it comes.
pub(super) async fn echo(answers: Answers, mut upload: Upload) {
    answers.head(200, None);
    while let Ok(Some(piece)) = next_piece(&mut upload).await {
        answers.send(piece).await;
    }
    answers.end(&[]).await;
}

fn fields_of(fields: &[(&str, &str)]) -> Vec<Field> {
    let field = |(name, value): &(&str, &str)| Field {
        name: (*name).to_owned(),
        value: value.as_bytes().to_vec(),
    };
    fields.iter().map(field).collect()
}

impl Exchange for Scripted {
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<StreamedHead, Refusal>> {
        self.drive(cx);
        match self.answers.said.lock().unwrap().head.take() {
            Some(head) => Poll::Ready(head),
            None => Poll::Pending,
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        self.drive(cx);
        match self.answers.said.lock().unwrap().pieces.pop_front() {
            Some(piece) => Poll::Ready(piece),
            None => Poll::Pending,
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        self.answers.fate.polls.fetch_add(1, SeqCst);
        if let Some(script) = &mut self.script
            && script.as_mut().poll(cx).is_ready()
        {
            self.script = None;
            self.answers.fate.returned.store(true, SeqCst);
        }
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.answers.fate.told.store(true, SeqCst);
        self.answers.said.lock().unwrap().pieces.clear();
        self.drive(cx);
        match self.script {
            None => Poll::Ready(()),
            Some(_) => Poll::Pending,
        }
    }

    fn usage(&self) -> Usage {
        Usage {
            memory_peak: 4711,
            ..Usage::default()
        }
    }

    fn leave(mut self: Box<Self>) {
        let fate = Arc::clone(&self.answers.fate);
        fate.left.store(true, SeqCst);
        if let Some(script) = self.script.take() {
            tokio::spawn(async move {
                script.await;
                fate.returned.store(true, SeqCst);
            });
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.answers.fate.dropped.store(true, SeqCst);
    }
}
