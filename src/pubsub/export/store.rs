//! Where objects go.

use super::batch::Object;
use crate::pubsub::push::{CorePush, HttpOutcome, HttpRequest};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Uri};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for one upload.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// What stands for Cloud Storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreTarget {
    /// Buckets are directories in this one.
    Directory(PathBuf),
    /// Objects are uploaded here, by the JSON API's media upload.
    Endpoint(Uri),
}

/// One core's way to store objects.
#[derive(Clone)]
pub struct BucketStore {
    push: CorePush,
    target: StoreTarget,
}

impl BucketStore {
    /// Stores at `target` by the process's client.
    pub fn new(push: CorePush, target: StoreTarget) -> Self {
        Self { push, target }
    }

    /// Stores an object; when this returns it is there for good.
    ///
    /// # Errors
    /// What went wrong, in words. The object may then be there or not.
    pub async fn store(&self, object: &Object) -> Result<(), String> {
        match &self.target {
            StoreTarget::Directory(root) => {
                let path = object_path(root, object);
                let data = object.data.clone();
                self.push
                    .blocking(move || write_durably(&path, &data))
                    .await
            }
            StoreTarget::Endpoint(endpoint) => {
                match self.push.send(upload(endpoint, object)?).await {
                    HttpOutcome::Status(200 | 201) => Ok(()),
                    HttpOutcome::Status(status) => Err(format!("the endpoint answered {status}")),
                    HttpOutcome::TimedOut => Err("the endpoint didn't answer in time".to_owned()),
                    HttpOutcome::Failed(reason) => Err(reason),
                }
            }
        }
    }
}

/// The file of an object. Its name may ask for directories but not for a way out of the bucket's.
fn object_path(root: &Path, object: &Object) -> PathBuf {
    let mut path = root.join(&object.bucket);
    for part in object.name.split('/') {
        match part {
            "" | "." | ".." => path.push("_"),
            // A colon is fine in an object's name and elsewhere, but not in all files' names.
            _ => path.push(part.replace(['\\', ':', '\0'], "_")),
        }
    }
    path
}

/// Writes a whole file that is there entirely or not at all, also after a crash.
fn write_durably(path: &Path, data: &Bytes) -> Result<(), String> {
    let write = || -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        make_directories(directory)?;
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(data)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes directories and has each one's parent know it durably.
fn make_directories(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) {
        make_directories(parent)?;
        match fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        File::open(parent)?.sync_all()
    } else {
        fs::create_dir_all(directory)
    }
}

fn upload(endpoint: &Uri, object: &Object) -> Result<HttpRequest, String> {
    let name: String = form_urlencoded::byte_serialize(object.name.as_bytes()).collect();
    let base = endpoint.to_string();
    let uri = format!(
        "{}/upload/storage/v1/b/{}/o?uploadType=media&name={name}",
        base.trim_end_matches('/'),
        object.bucket
    );
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_static(object.content_type);
    headers.insert(CONTENT_TYPE, content_type);
    Ok(HttpRequest {
        method: Method::POST,
        uri: uri.parse().map_err(|error| format!("{uri}: {error}"))?,
        headers,
        body: object.data.clone(),
        timeout: UPLOAD_TIMEOUT,
        token: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::push::{PushClient, PushConfig};
    use crate::pubsub::testing::on_each_driver;

    fn object(name: &str) -> Object {
        Object {
            bucket: "bucket".to_owned(),
            name: name.to_owned(),
            content_type: "text/plain",
            data: Bytes::from_static(b"one\n"),
        }
    }

    #[test]
    fn objects_become_files() {
        on_each_driver(|| async {
            let root = tempfile::tempdir().expect("a directory");
            let push = PushClient::new(PushConfig::default())
                .expect("valid")
                .on_core();
            let target = StoreTarget::Directory(root.path().join("buckets"));
            let store = BucketStore::new(push, target);
            store.store(&object("logs/a.txt")).await.expect("stored");
            let path = root.path().join("buckets/bucket/logs/a.txt");
            assert_eq!(fs::read(&path).expect("a file"), b"one\n");
            let files = fs::read_dir(path.parent().expect("a directory")).expect("files");
            assert_eq!(files.count(), 1, "no temporary file is left");
            // A file where a directory should be.
            let error = store.store(&object("logs/a.txt/b")).await;
            assert!(error.expect_err("refused").contains("a.txt"));
        });
    }

    #[test]
    fn no_name_leads_out_of_the_bucket() {
        let root = Path::new("/r");
        for (name, path) in [
            ("../../etc/passwd", "/r/bucket/_/_/etc/passwd"),
            ("/etc/passwd", "/r/bucket/_/etc/passwd"),
            ("a/./b//c", "/r/bucket/a/_/b/_/c"),
            ("a\\..\\b", "/r/bucket/a_.._b"),
            ("c:d", "/r/bucket/c_d"),
        ] {
            assert_eq!(object_path(root, &object(name)), Path::new(path), "{name}");
        }
    }

    #[test]
    fn uploads_are_media_uploads() {
        let endpoint: Uri = "http://localhost:4443/".parse().expect("a URL");
        let request = upload(&endpoint, &object("a b/c.txt")).expect("a request");
        assert_eq!(
            request.uri.to_string(),
            "http://localhost:4443/upload/storage/v1/b/bucket/o?uploadType=media&name=a+b%2Fc.txt"
        );
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.body, "one\n");
    }
}
