//! Keeps tasks: a JSON API on two routes. `/tasks` lists them (GET) and takes new ones (POST);
//! `/tasks/{id}` shows (GET), replaces (PUT) and removes (DELETE) one. They live in the bucket
//! `default`, one key for each.

use httpd_guest::keyvalue::{self, Bucket};
use httpd_guest::{Body, Error, Request, Response, handler};
use serde::{Deserialize, Serialize};

const BODY_BYTES_MAX: usize = 16 << 10;
/// A list shows at most so many.
const LISTED_MAX: usize = 1_000;
const PREFIX: &str = "task/";
const LAST_ID: &str = "last-task";

/// What a client sends.
#[derive(Debug, Serialize, Deserialize)]
struct Draft {
    title: String,
    #[serde(default)]
    done: bool,
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    id: u64,
    #[serde(flatten)]
    draft: Draft,
}

#[handler]
async fn handle(request: Request<Body>) -> Result<Response, Error> {
    let bucket = keyvalue::open("default")?;
    match request.capture("id").map(str::to_owned) {
        None => all(&bucket, request).await,
        Some(id) => {
            let id = id.parse().map_err(|_| no_task())?;
            one(&bucket, id, request).await
        }
    }
}

async fn all(bucket: &Bucket, mut request: Request<Body>) -> Result<Response, Error> {
    match request.method() {
        "GET" | "HEAD" => Ok(Response::json(&list(bucket)?)),
        "POST" => {
            let draft = read(request.body_mut()).await?;
            let id = bucket.increment(LAST_ID, 1)?;
            let location = format!("{}/{id}", request.path());
            let created = write(bucket, Task { id, draft })?;
            Ok(created.with_status(201).with_field("location", location))
        }
        _ => Ok(Response::status(405).with_field("allow", "GET, HEAD, POST")),
    }
}

async fn one(bucket: &Bucket, id: u64, mut request: Request<Body>) -> Result<Response, Error> {
    let task = load(bucket, &key(id))?.ok_or_else(no_task)?;
    match request.method() {
        "GET" | "HEAD" => Ok(Response::json(&task)),
        "PUT" => {
            let draft = read(request.body_mut()).await?;
            write(bucket, Task { id, draft })
        }
        "DELETE" => {
            bucket.delete(&key(id))?;
            Ok(Response::status(204))
        }
        _ => Ok(Response::status(405).with_field("allow", "GET, HEAD, PUT, DELETE")),
    }
}

async fn read(body: &mut Body) -> Result<Draft, Error> {
    let draft: Draft = body.json(BODY_BYTES_MAX).await?;
    if draft.title.trim().is_empty() {
        return Err(Error::new(422, "a task has a title"));
    }
    Ok(draft)
}

/// By their numbers; the store keeps its keys in another order.
fn list(bucket: &Bucket) -> Result<Vec<Task>, Error> {
    let mut tasks = Vec::new();
    for key in bucket.keys(LISTED_MAX)? {
        if key.starts_with(PREFIX) {
            // One that was removed meanwhile is none.
            tasks.extend(load(bucket, &key)?);
        }
    }
    tasks.sort_by_key(|task| task.id);
    Ok(tasks)
}

/// What is kept is what is shown, so that it is read as a request's body would be.
fn load(bucket: &Bucket, key: &str) -> Result<Option<Task>, Error> {
    let Some(bytes) = bucket.get(key)? else {
        return Ok(None);
    };
    let kept = Request::post("/").with_body(bytes);
    let task = kept.json().map_err(|error| Error::new(500, error))?;
    Ok(Some(task))
}

fn write(bucket: &Bucket, task: Task) -> Result<Response, Error> {
    let response = Response::json(&task);
    bucket.set(&key(task.id), response.body())?;
    Ok(response)
}

fn key(id: u64) -> String {
    format!("{PREFIX}{id}")
}

fn no_task() -> Error {
    Error::new(404, "there is no such task")
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    fn collection(method: &str, body: &str) -> Response {
        call(handle, Request::new(method, "/tasks").with_body(body))
    }

    fn item(method: &str, id: &str, body: &str) -> Response {
        let request = Request::new(method, &format!("/tasks/{id}"));
        call(handle, request.with_capture("id", id).with_body(body))
    }

    #[test]
    fn a_task_lives_and_ends() {
        let created = collection("POST", r#"{"title": "rest"}"#);
        assert_eq!(created.status_code(), 201);
        assert_eq!(created.field("location"), Some(&b"/tasks/1"[..]));
        let rest = r#"{"id":1,"title":"rest","done":false}"#;
        assert_eq!(created.body_str(), Some(rest));
        assert_eq!(item("GET", "1", "").body_str(), Some(rest));

        let done = item("PUT", "1", r#"{"title": "rest", "done": true}"#);
        assert_eq!(done.status_code(), 200);
        collection("POST", r#"{"title": "again"}"#);
        let tasks: Vec<Task> = serde_json::from_slice(collection("GET", "").body()).unwrap();
        let shown: Vec<_> = tasks
            .iter()
            .map(|task| (task.id, task.draft.done))
            .collect();
        assert_eq!(shown, [(1, true), (2, false)]);

        assert_eq!(item("DELETE", "1", "").status_code(), 204);
        assert_eq!(item("GET", "1", "").status_code(), 404);
    }

    #[test]
    fn what_is_no_task_is_the_clients_fault() {
        assert_eq!(collection("POST", "{").status_code(), 400);
        assert_eq!(collection("POST", r#"{"title": " "}"#).status_code(), 422);
        let long = format!(r#"{{"title": "{}"}}"#, "x".repeat(BODY_BYTES_MAX));
        assert_eq!(collection("POST", &long).status_code(), 413);
        assert_eq!(collection("PATCH", "").status_code(), 405);
        assert_eq!(item("GET", "one", "").status_code(), 404);
    }
}
