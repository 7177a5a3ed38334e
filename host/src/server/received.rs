//! A request as its guest gets to see it: with its body, or with the head alone where the body is
//! streamed.

use httpd_http1::RequestHead;
use smol_str::SmolStr;

use super::body::Body;
use crate::dispatch::{Control, FieldRef, Incoming, IncomingHead, RequestId};

/// Owns what it shows, because a guest may run on another thread than the connection.
pub(super) struct Received<B> {
    pub(super) id: RequestId,
    pub(super) client: SmolStr,
    /// Goes back to the connection, which uses it again for its next request.
    pub(super) head: Box<RequestHead>,
    /// A [`Body`], or nothing.
    pub(super) body: B,
}

impl<B: Send + Sync + 'static> IncomingHead for Received<B> {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn client(&self) -> &str {
        &self.client
    }

    fn control(&self) -> Control<'_> {
        let text = self.head.text();
        Control {
            method: text.method,
            scheme: self.head.scheme().unwrap_or("http"),
            authority: text.authority,
            path: text.path,
            query: text.query,
        }
    }

    fn fields(&self) -> Vec<FieldRef<'_>> {
        let field = |(name, value)| FieldRef { name, value };
        self.head.fields().map(field).collect()
    }
}

impl Incoming for Received<Body> {
    type Spent = Box<RequestHead>;

    fn body(&self) -> &[u8] {
        &self.body.bytes
    }

    fn spend(self) -> Box<RequestHead> {
        self.head
    }
}
