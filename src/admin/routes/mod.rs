//! All routes of the API, in one table: what isn't here isn't answered, and isn't in the document.

mod pubsub;
mod queues;
mod server;
mod test_controls;

use super::Admin;
use super::answers::{AdminBody, AdminError, AdminResult};
use super::route::{Answered, Call, CallBody, Route, Scope, Taken};
use super::{
    attention, config, dead_letters, endpoints, groups, history, policies, pubsub_streams,
    refusals, sessions, transforms, watched,
};
use crate::http::{read_body, skip_body};
use crate::interceptors::Administered;
use crate::net::Peer;
use crate::observe::Outcome;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use std::rc::Rc;
use std::sync::LazyLock;

/// Before the paths of the API. They are answered without it, too.
pub(super) const PREFIX: &str = "/api/v1";

pub(super) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes = server::routes();
    routes.extend(sessions::routes());
    routes.extend(refusals::routes());
    routes.extend(history::routes());
    routes.extend(attention::routes());
    routes.extend(config::routes());
    routes.extend(endpoints::routes());
    routes.extend(queues::routes());
    routes.extend(dead_letters::routes());
    routes.extend(policies::routes());
    routes.extend(groups::routes());
    routes.extend(pubsub::routes());
    routes.extend(pubsub_streams::routes());
    routes.extend(transforms::routes());
    routes.extend(watched::routes());
    routes.extend(test_controls::routes());
    routes.extend(test_controls::of_regions());
    routes
});

/// Finds who answers a request, and has them do so. This is the one place that all requests of the
/// API come through.
pub(super) async fn answer(
    admin: Rc<Admin>,
    head: Parts,
    body: Incoming,
) -> AdminResult<Response<AdminBody>> {
    let found = find(&head);
    // Before anything is read of it. What leads nowhere says so to those only who may look.
    let admitted = match &found {
        Ok((route, _)) => admin.gate.admit(&head, route),
        Err(_) => admin.gate.admit_to(&head, Scope::Read, ""),
    };
    let holder = match admitted {
        Ok(holder) => holder,
        Err(error) => {
            skip_body(&head.headers, body).await;
            return Err(error);
        }
    };
    let body = match &found {
        Ok((route, _)) if matches!(route.takes, Taken::Stream(_)) => CallBody::Stream(body),
        // What comes with a request for nothing is read, too: the connection goes on behind it.
        _ => {
            let body = read_body(body, &admin.limits).await;
            CallBody::Whole(body.map_err(AdminError::unread)?)
        }
    };
    let (route, path) = found?;
    if route.scope == Scope::Read {
        return route.handle(admin, Call { path, head, body }).await;
    }
    let resource = head.uri.path().to_owned();
    let peer = head.extensions.get::<Peer>().and_then(Peer::address);
    let interceptors = admin.interceptors.clone();
    let answer = route.handle(admin, Call { path, head, body }).await;
    interceptors.administered(&Administered {
        operation: route.operation,
        resource: &resource,
        who: holder.as_ref().map(|holder| holder.name.as_str()),
        peer,
        outcome: match &answer {
            Ok(_) => Outcome::Done,
            Err(error) if error.status.is_server_error() => Outcome::Failed,
            Err(_) => Outcome::Refused,
        },
    });
    answer
}

/// The route that a request is for, and what stands in its path for the parts in braces.
fn find(head: &Parts) -> AdminResult<(&'static Route, Vec<String>)> {
    let path = head.uri.path();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    let method = match head.method {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    let mut others: Vec<&str> = Vec::new();
    for route in ROUTES.iter() {
        let Some(path) = route.matches(&segments) else {
            continue;
        };
        if route.method == method {
            return Ok((route, path));
        }
        others.push(route.method.as_str());
    }
    if others.is_empty() {
        return Err(AdminError::not_found(format!("there is nothing at {path}")));
    }
    Err(AdminError::wrong_method(&others.join(" or ")))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

const EVENTS: Answered = Answered {
    status: StatusCode::OK,
    media_type: "text/event-stream",
    schema: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::route::Scope::Read;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_can_be_reached_and_has_a_name_of_its_own() {
        let names: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len());
        for route in ROUTES.iter() {
            let segments: Vec<String> = route
                .path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            let found = ROUTES
                .iter()
                .find(|other| other.method == route.method && other.matches(&segments).is_some());
            let found = found.map(|found| found.operation);
            assert_eq!(found, Some(route.operation), "{} is hidden", route.path);
            // The configuration's file may hold what nobody else is to see.
            let is_secret = route.operation == "getConfigFile";
            assert!(
                route.scope == Read || route.method != Method::GET || is_secret,
                "{}",
                route.path
            );
        }
    }
}
