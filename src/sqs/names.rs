//! Queue names, batch ids, group ids, and queue URLs in every form that clients use.

use super::limits::{GROUP_ID_CHARS_MAX, NAME_CHARS_MAX};
use lclq_shards::QueueName;

/// Letters, digits, hyphens and underscores, 1-80: what names and batch ids are made of.
pub fn is_plain_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a name is one of a queue of that type.
pub fn is_queue_name(name: &str, fifo: bool) -> bool {
    let base = if fifo {
        name.strip_suffix(".fifo")
    } else {
        Some(name)
    };
    name.len() <= NAME_CHARS_MAX && base.is_some_and(is_plain_name)
}

/// Alphanumeric characters and punctuation, 1-128: group ids and deduplication ids.
pub fn is_group_id(id: &str) -> bool {
    (1..=GROUP_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether this looks like a region, such as `eu-west-1`.
fn is_region(label: &str) -> bool {
    let mut parts = label.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let Some(number) = parts.next_back() else {
        return false;
    };
    let mut words = 0;
    for part in parts {
        if !letters(part) {
            return false;
        }
        words += 1;
    }
    words >= 2 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Region that a host name names: `sqs.<region>.…`, `<region>.queue.…`.
fn region_of_host(host: &str) -> Option<&str> {
    let host = host.split(':').next().unwrap_or(host);
    let mut labels = host.split('.');
    let (first, second) = (labels.next()?, labels.next()?);
    if first == "sqs" && is_region(second) {
        Some(second)
    } else if second == "queue" && is_region(first) {
        Some(first)
    } else {
        None
    }
}

/// Host and path of a queue URL; the host is empty where there is none.
fn host_and_path(url: &str) -> (&str, &str) {
    let without_scheme = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let (host, path) = match without_scheme {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => match url.strip_prefix('/') {
            Some(path) => ("", path),
            // Host and path without a scheme, or a bare name.
            None => match url.split_once('/') {
                Some((host, path)) if host.contains(['.', ':']) => (host, path),
                _ => ("", url),
            },
        },
    };
    (host, path.split(['?', '#']).next().unwrap_or(path))
}

/// Whether a queue URL has a host and nothing after it.
pub fn names_nothing(url: &str) -> bool {
    let (host, path) = host_and_path(url);
    !host.is_empty() && path.bytes().all(|byte| byte == b'/')
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The queue of a path that a proxy has put a prefix before.
fn behind_prefix(path: &str, region: &str) -> Option<QueueName> {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let (name, account) = (segments.next()?, segments.next()?);
    is_account_id(account).then(|| QueueName::new(region, account, name))
}

/// Whether a request's path is that of a queue's URL, rather than one that a proxy put before the
/// endpoint: it has an account, which is of twelve digits or the one that is the default.
pub fn is_queue_path(path: &str, account: &str) -> bool {
    let explicit = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .count()
        >= 2;
    let is_account = |name: &str| name == account || is_account_id(name);
    explicit && parse_queue_url(path, "-", "-").is_some_and(|name| is_account(&name.account))
}

/// Reads a queue URL, a queue URL's path, or a bare queue name. What it leaves open comes from
/// `region` and `account`.
pub fn parse_queue_url(url: &str, region: &str, account: &str) -> Option<QueueName> {
    let (host, path) = host_and_path(url);
    let region = region_of_host(host).unwrap_or(region);
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let parts = (
        segments.next(),
        segments.next(),
        segments.next(),
        segments.next(),
    );
    let name = match (parts, segments.next()) {
        ((Some("queue"), Some(region), Some(account), Some(name)), None) => {
            QueueName::new(region, account, name)
        }
        ((Some("queue"), Some(name), None, None), None) => QueueName::new(region, account, name),
        ((Some(account), Some(name), None, None), None) => QueueName::new(region, account, name),
        ((Some(name), None, None, None), None) => QueueName::new(region, account, name),
        _ => behind_prefix(path, region)?,
    };
    let fifo = name.name.ends_with(".fifo");
    let sound = is_queue_name(&name.name, fifo)
        && is_plain_name(&name.account)
        && is_plain_name(&name.region);
    sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_a_queue_url() {
        let read =
            |url: &str| parse_queue_url(url, "us-east-1", "000000000000").map(|name| name.key());
        for url in [
            "http://localhost:9324/000000000000/q",
            "https://sqs.us-east-1.amazonaws.com/000000000000/q",
            "http://us-east-1.queue.localhost:9324/000000000000/q",
            "http://queue.localhost/000000000000/q",
            "http://localhost:9324/queue/us-east-1/000000000000/q",
            "http://localhost:9324/queue/q",
            "localhost:9324/000000000000/q",
            "/000000000000/q",
            "http://localhost/proxy/sqs/000000000000/q",
            "/q",
            "q",
        ] {
            assert_eq!(
                read(url).as_deref(),
                Some("us-east-1/000000000000/q"),
                "{url}"
            );
        }
        assert_eq!(
            read("http://sqs.eu-west-1.localhost:9324/123456789012/q.fifo").as_deref(),
            Some("eu-west-1/123456789012/q.fifo")
        );
        for url in [
            "",
            "/",
            "http://localhost",
            "http://h/1/2/3/4/5",
            "bad name",
            "a.b",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn a_url_without_a_path_names_nothing() {
        for url in [
            "http://localhost",
            "http://localhost:9324/",
            "localhost:9324/",
        ] {
            assert!(names_nothing(url), "{url}");
        }
        for url in ["", "/", "q", "http://h/q", "http://h/1/2/3/4/5"] {
            assert!(!names_nothing(url), "{url}");
        }
    }

    #[test]
    fn a_queues_path_has_an_account() {
        let own = "mine";
        for path in [
            "/000000000000/q",
            "/mine/q",
            "/queue/us-east-1/000000000000/q",
        ] {
            assert!(is_queue_path(path, own), "{path}");
        }
        for path in [
            "/",
            "/sqs",
            "/sqs/",
            "/api/sqs",
            "/q",
            "/a/b/c",
            "/000000000000",
        ] {
            assert!(!is_queue_path(path, own), "{path}");
        }
    }

    #[test]
    fn names_count_the_suffix() {
        assert!(is_queue_name(&"a".repeat(80), false));
        assert!(!is_queue_name(&"a".repeat(81), false));
        assert!(is_queue_name(&format!("{}.fifo", "a".repeat(75)), true));
        assert!(!is_queue_name(&format!("{}.fifo", "a".repeat(76)), true));
        assert!(!is_queue_name("a.fifo", false));
        assert!(!is_queue_name(".fifo", true));
    }

    proptest! {
        #[test]
        fn no_url_panics(url in ".{0,120}") {
            let _ = parse_queue_url(&url, "us-east-1", "000000000000");
        }

        #[test]
        fn what_looks_like_a_url_is_refused_or_names_a_queue(
            url in "(https?://)?([a-z0-9.:\\[\\]@-]{0,24})(/queue)?(/[a-zA-Z0-9_.%?#é-]{0,90}){0,5}",
        ) {
            if let Some(name) = parse_queue_url(&url, "us-east-1", "000000000000") {
                prop_assert!(is_queue_name(&name.name, name.name.ends_with(".fifo")));
                let (region, account) = (&*name.region, &*name.account);
                let path = format!("/queue/{region}/{account}/{}", name.name);
                prop_assert_eq!(parse_queue_url(&path, "r", "a"), Some(name));
            }
        }

        #[test]
        fn every_good_name_is_found_by_its_url(name in "[a-zA-Z0-9_-]{1,75}(\\.fifo)?") {
            for url in [
                format!("http://localhost:9324/000000000000/{name}"),
                format!("http://sqs.us-east-1.localhost:9324/000000000000/{name}"),
                name.clone(),
            ] {
                let found = parse_queue_url(&url, "us-east-1", "000000000000");
                prop_assert_eq!(found, Some(QueueName::new("us-east-1", "000000000000", &name)));
            }
        }
    }
}
