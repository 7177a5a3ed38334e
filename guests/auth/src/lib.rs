//! Lets a request through to the handler behind it that has a bearer token (RFC 6750) or a user's
//! name and password (RFC 7617). What is let through is named in `config` or `env`: `token`, one or
//! several with spaces between them; `user` and `password`; and `realm`, which clients show.
//!
//! The handler does not see the credentials. It finds the name of a user who had to give one in
//! the field `x-authenticated-user`, which nobody else can set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httpd_guest::{Body, Error, Next, Request, Response, env, middleware};
use subtle::{Choice, ConstantTimeEq as _};

const USER: &str = "x-authenticated-user";

#[middleware]
async fn auth(request: Request<Body>, next: Next) -> Result<Response<Body>, Error> {
    let policy = Policy::configured()?;
    let Some(user) = policy.check(&request) else {
        return Ok(policy.challenge().into());
    };
    let mut request = request.without_field("authorization").without_field(USER);
    if let Some(user) = user {
        request = request.with_field(USER, user);
    }
    next.handle(request).await
}

/// Who is let through.
struct Policy {
    tokens: Option<String>,
    /// The name and the password, with the colon between them.
    user: Option<String>,
    realm: String,
}

impl Policy {
    fn configured() -> Result<Policy, Error> {
        let value = |name| env::config(name).or_else(|| env::var(name));
        let tokens = value("token").filter(|tokens| !tokens.trim().is_empty());
        let user = match (value("user"), value("password")) {
            (Some(user), Some(password)) if !user.contains(':') && !password.is_empty() => {
                Some(format!("{user}:{password}"))
            }
            (None, None) => None,
            _ => return Err(Error::new(500, "user and password belong together")),
        };
        if tokens.is_none() && user.is_none() {
            let message = "nobody has said who is let through: token, or user and password";
            return Err(Error::new(500, message));
        }
        let realm = value("realm").unwrap_or_else(|| "private".to_owned());
        Ok(Policy {
            tokens,
            user,
            realm: realm.replace(['\\', '"'], ""),
        })
    }

    /// The name of the user, where there is one; `None` if the request is not let through.
    fn check(&self, request: &Request<Body>) -> Option<Option<&str>> {
        let mut values = request.field_values("authorization");
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (scheme, credentials) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            let tokens = self.tokens.as_deref()?.split_whitespace();
            return is_one_of(tokens, credentials.as_bytes()).then_some(None);
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let user = self.user.as_deref()?;
            let given = STANDARD.decode(credentials).ok()?;
            let name = user.split_once(':').map(|(name, _)| name);
            return is_one_of([user], &given).then_some(name);
        }
        None
    }

    /// Tells the client what it takes (RFC 9110 section 11.6.1).
    fn challenge(&self) -> Response {
        let realm = &self.realm;
        let mut response = Response::text("This needs credentials.\n")
            .with_status(401)
            .with_field("cache-control", "no-store");
        if self.tokens.is_some() {
            let bearer = format!("Bearer realm=\"{realm}\"");
            response = response.with_added_field("www-authenticate", bearer);
        }
        if self.user.is_some() {
            let basic = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
            response = response.with_added_field("www-authenticate", basic);
        }
        response
    }
}

/// How long this takes tells nothing of the secrets but their lengths.
fn is_one_of<'a>(secrets: impl IntoIterator<Item = &'a str>, given: &[u8]) -> bool {
    let same = |secret: &str| secret.as_bytes().ct_eq(given);
    let any = secrets.into_iter().map(same);
    any.fold(Choice::from(0), |any, one| any | one).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{self, set_config, set_env};

    /// The answer to a request with this field, of a handler that tells what it was told.
    fn answer(authorization: &[&str]) -> Response {
        let mut request = Request::get("/secret").with_field("X-Authenticated-User", "forged");
        for value in authorization {
            request = request.with_added_field("authorization", value);
        }
        let next = testing::next(async |request: Request<Body>| {
            assert_eq!(request.field("authorization"), None);
            Response::text(format!("for {:?}", request.field_str(USER)))
        });
        testing::call(|request| auth(request, next), request)
    }

    fn challenges(response: &Response) -> Vec<&str> {
        let all = response.fields();
        all.filter(|(name, _)| *name == "www-authenticate")
            .map(|(_, value)| std::str::from_utf8(value).unwrap())
            .collect()
    }

    #[test]
    fn a_token_that_is_known_lets_through() {
        set_config("token", "s3cret other");
        for good in ["Bearer s3cret", "bearer  other "] {
            assert_eq!(answer(&[good]).body_str(), Some("for None"), "{good}");
        }
        for bad in [
            &["Bearer s3cre"][..],
            &["Bearer s3cret other"],
            &["Bearer"],
            &["Bearer "],
            &["Basic s3cret"],
            &["s3cret"],
            &[],
            &["Bearer s3cret", "Bearer s3cret"],
        ] {
            let response = answer(bad);
            assert_eq!(response.status_code(), 401, "{bad:?}");
            assert_eq!(challenges(&response), ["Bearer realm=\"private\""]);
        }
    }

    #[test]
    fn so_do_a_name_and_a_password() {
        for (name, value) in [("user", "ada"), ("password", "a:b"), ("realm", "t\"o\\p")] {
            set_env(name, value);
        }
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let response = answer(&[&basic("ada:a:b")]);
        assert_eq!(response.body_str(), Some("for Some(\"ada\")"));
        for bad in ["ada:a", "ada", "Ada:a:b", ""] {
            let response = answer(&[&basic(bad)]);
            assert_eq!(response.status_code(), 401, "{bad:?}");
            let challenge = "Basic realm=\"top\", charset=\"UTF-8\"";
            assert_eq!(challenges(&response), [challenge]);
        }
        assert_eq!(answer(&["Basic %%%"]).status_code(), 401);
    }

    #[test]
    fn who_configures_nothing_lets_nobody_through() {
        assert_eq!(answer(&["Bearer "]).status_code(), 500);
        set_config("user", "ada");
        assert_eq!(answer(&["Bearer "]).status_code(), 500);
    }
}
