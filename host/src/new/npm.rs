//! What npm reads of a project: the part of the SDK's lock that the project's tools need.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::embedded;

/// The lock for a manifest, with the versions that the SDK's has.
///
/// # Errors
/// When the SDK's lock has not what the manifest names, which a test would show.
pub(super) fn lock(manifest: &str) -> Result<String, String> {
    let manifest: Value = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
    let mut lock: Value =
        serde_json::from_str(embedded::text(LOCK)?).map_err(|error| format!("{LOCK}: {error}"))?;
    let all = lock.get_mut("packages").and_then(Value::as_object_mut);
    let all = all.ok_or_else(|| format!("{LOCK} has no packages"))?;
    let needed = needed(&manifest, all)?;
    all.retain(|path, _| needed.contains(path));
    all.insert(String::new(), root(&manifest));
    lock["name"] = manifest["name"].clone();
    let text = serde_json::to_string_pretty(&lock).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

const LOCK: &str = "guest-sdk/js/package-lock.json";

/// What a lock repeats of the manifest.
fn root(manifest: &Value) -> Value {
    let keys = ["name", "version", "devDependencies", "engines"];
    let kept = keys.into_iter().filter_map(|key| {
        let value = manifest.get(key)?;
        Some((key.to_owned(), value.clone()))
    });
    Value::Object(kept.collect())
}

/// The folders of packages that are needed, `node_modules/a/node_modules/b`.
fn needed(manifest: &Value, all: &Map<String, Value>) -> Result<BTreeSet<String>, String> {
    let mut needed = BTreeSet::new();
    let mut open = Vec::new();
    for (name, wanted) in entries(manifest, "devDependencies") {
        let path = find("", name, all).ok_or_else(|| format!("{LOCK} has no {name}"))?;
        if all[&path].get("version") != Some(wanted) {
            return Err(format!(
                "{LOCK} has another version of {name} than {wanted}"
            ));
        }
        open.push(path);
    }
    while let Some(path) = open.pop() {
        let package = &all[&path];
        for (name, _) in ["dependencies", "optionalDependencies", "peerDependencies"]
            .into_iter()
            .flat_map(|kind| entries(package, kind))
        {
            // What is optional may be left out of a lock.
            open.extend(find(&path, name, all).filter(|found| !needed.contains(found)));
        }
        needed.insert(path);
    }
    Ok(needed)
}

fn entries<'v>(package: &'v Value, kind: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    package
        .get(kind)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// Where Node finds a package: in the folder of the one that needs it, or in one above.
fn find(from: &str, name: &str, all: &Map<String, Value>) -> Option<String> {
    let mut folder = from;
    loop {
        let slash = if folder.is_empty() { "" } else { "/" };
        let path = format!("{folder}{slash}node_modules/{name}");
        if all.contains_key(&path) {
            return Some(path);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder
            .rsplit_once("/node_modules/")
            .map_or("", |(above, _)| above);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn locked(dependencies: &Value) -> Result<Map<String, Value>, String> {
        let manifest = json!({"name": "mine", "devDependencies": dependencies});
        let lock: Value = serde_json::from_str(&lock(&manifest.to_string())?).unwrap();
        assert_eq!(lock["name"], "mine");
        Ok(lock["packages"].as_object().unwrap().clone())
    }

    #[test]
    fn a_project_has_its_own_tools_and_no_others() {
        let packages = locked(&json!({"componentize-qjs": "0.4.5"})).unwrap();
        assert_eq!(packages[""]["devDependencies"]["componentize-qjs"], "0.4.5");
        assert!(packages.contains_key("node_modules/componentize-qjs"));
        assert!(
            packages
                .keys()
                .any(|path| path.contains("binding-linux-x64-gnu"))
        );
        assert!(!packages.contains_key("node_modules/@bytecodealliance/jco"));
        let more = locked(&json!({"@bytecodealliance/jco": "1.35.0"})).unwrap();
        assert!(more.len() > packages.len());
    }

    #[test]
    fn versions_that_are_not_locked_are_refused() {
        let error = locked(&json!({"rolldown": "0.0.1"})).unwrap_err();
        assert!(error.contains("another version of rolldown"), "{error}");
        assert!(
            locked(&json!({"left-pad": "1"}))
                .unwrap_err()
                .contains("no left-pad")
        );
    }

    #[test]
    fn packages_are_found_as_node_finds_them() {
        let all = json!({
            "node_modules/a": {}, "node_modules/@x/b": {}, "node_modules/@x/b/node_modules/a": {},
        });
        let all = all.as_object().unwrap();
        let find = |from: &str, name: &str| find(from, name, all);
        assert_eq!(find("", "a").unwrap(), "node_modules/a");
        assert_eq!(
            find("node_modules/@x/b", "a").unwrap(),
            "node_modules/@x/b/node_modules/a"
        );
        let deep = "node_modules/@x/b/node_modules/a";
        assert_eq!(find(deep, "@x/b").unwrap(), "node_modules/@x/b");
        assert_eq!(find(deep, "c"), None);
    }
}
