//! Which requests are for the console, and what they are answered.

use super::files::{File, VERSION, content, find};
use crate::http::{ReplyBody, accepts_gzip};
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response, StatusCode, Uri};

/// Before the version and the path of a file.
const FOLDER: &str = "/console/";

/// Nothing but files of this server; no script and no style but from files; nobody frames it; and no
/// text ever becomes markup.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The page is asked for again each time, and its files have its version in their paths.
const CACHE_PAGE: &str = "no-cache";
const CACHE_FILE: &str = "public, max-age=31536000, immutable";
const CACHE_NOT: &str = "no-store";

/// Whether this is a request for a file of the console.
pub fn is_asked_for(method: &Method, uri: &Uri) -> bool {
    let path = uri.path();
    matches!(*method, Method::GET | Method::HEAD) && (path == "/" || path.starts_with(FOLDER))
}

fn file_at(path: &str) -> Option<&'static File> {
    let Some(path) = path.strip_prefix(FOLDER) else {
        return find("index.html");
    };
    if path.is_empty() {
        return find("index.html");
    }
    let (version, path) = path.split_once('/')?;
    // The page is at one place only; files of another build aren't here.
    find(path).filter(|file| version == VERSION && file.path != "index.html")
}

/// Answers such a request; `None` where there is no such file.
pub fn answer(uri: &Uri, asked: &HeaderMap) -> Option<Response<ReplyBody>> {
    let file = file_at(uri.path())?;
    let (bytes, changes) = content(file);
    let mut answer = Response::new(ReplyBody::empty());
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let cache = match file.path {
        _ if changes => CACHE_NOT,
        "index.html" => CACHE_PAGE,
        _ => CACHE_FILE,
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !changes {
        headers.insert(ETAG, HeaderValue::from_static(file.etag));
        if is_known(asked, file.etag) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(answer);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    let body = if !changes && accepts_gzip(asked) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        file.gzip.to_vec()
    } else {
        bytes.into_owned()
    };
    *answer.body_mut() = ReplyBody::new(body);
    Some(answer)
}

/// Whether whoever asks has the file already.
fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked.get_all(IF_NONE_MATCH).into_iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    known.any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}

#[cfg(test)]
mod tests {
    use super::super::files::FILES;
    use super::*;
    use http::header::ACCEPT_ENCODING;

    /// All files as they travel, bytes.
    const GZIP_BYTES_MAX: usize = 150 * 1024;

    fn asked(path: &str, headers: &[(HeaderName, &'static str)]) -> Option<Response<ReplyBody>> {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        answer(&path.parse().unwrap(), &headers.collect())
    }

    fn header(answer: &Response<ReplyBody>, name: &HeaderName) -> String {
        let value = answer.headers().get(name).map(HeaderValue::to_str);
        value.unwrap_or(Ok("")).unwrap().to_owned()
    }

    #[test]
    fn the_page_names_files_that_are_there_and_may_be_kept() {
        let page = asked("/", &[]).unwrap();
        assert_eq!(header(&page, &CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&page, &CACHE_CONTROL), CACHE_PAGE);
        let text = String::from_utf8(page.into_body().into_bytes().to_vec()).unwrap();
        let named = text.split('"').filter(|part| part.starts_with(FOLDER));
        let named: Vec<&str> = named.collect();
        assert!(named.len() > 2, "{text}");
        for path in named {
            let file = asked(path, &[]).expect(path);
            assert_eq!(header(&file, &CACHE_CONTROL), CACHE_FILE, "{path}");
        }
        let inline = ["<script>", "<style", " style=", " onclick="];
        assert!(!inline.iter().any(|inline| text.contains(inline)), "{text}");
        assert!(asked("/console/0/app.js", &[]).is_none());
        assert!(asked("/console/nothing", &[]).is_none());
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again_and_it_may_be_compressed() {
        let page = asked("/", &[(ACCEPT_ENCODING, "gzip")]).unwrap();
        assert_eq!(header(&page, &CONTENT_ENCODING), "gzip");
        let etag: &'static str = header(&page, &ETAG).leak();
        let again = asked("/", &[(IF_NONE_MATCH, etag)]).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(again.into_body().as_bytes().is_empty());
        let other = asked("/", &[(IF_NONE_MATCH, "\"other\"")]).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn all_of_it_is_small_and_asks_no_other_host() {
        let sum: usize = FILES.iter().map(|file| file.gzip.len()).sum();
        assert!(sum <= GZIP_BYTES_MAX, "{sum} bytes");
        for file in FILES {
            let text = String::from_utf8_lossy(file.plain);
            let hosts = text.split("://").skip(1);
            let others = hosts.filter(|rest| {
                let known = ["www.w3.org/2000/svg", "${", "127.0.0.1", "example."];
                !known.iter().any(|known| rest.starts_with(known))
            });
            assert_eq!(others.count(), 0, "{}", file.path);
        }
    }

    #[test]
    fn only_looks_at_files_are_the_consoles() {
        let is = |method, path: &str| is_asked_for(&method, &path.parse().unwrap());
        assert!(is(Method::GET, "/") && is(Method::HEAD, "/console/x"));
        assert!(!is(Method::POST, "/") && !is(Method::GET, "/stats"));
        assert!(!is(Method::GET, "/consoles"));
    }
}
