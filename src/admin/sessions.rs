//! Sessions of browsers: a token is shown once, and a cookie that no page can read stands for it.
//!
//! The cookie goes with requests of the same site only, and the door has turned away what pages of
//! other origins ask before this is looked at.

use super::Admin;
use super::answers::{AdminBody, AdminError, AdminResult, with_status};
use super::route::{Answered, Asked, Json, Route, Scope, schema_of};
use crate::credentials::Holder;
use crate::net::ByTls;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// How long a session is good for, s.
const SESSION_SECONDS: i64 = 12 * 3600;
/// Sessions at a time. The one that ends first gives way to another.
const SESSIONS_MAX: usize = 1024;
const COOKIE_NAME: &str = "lclq_session";

/// Those of a process, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<String, Holder>>>);

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose a session is, if it is one.
    pub fn holder_of(&self, session: &str) -> Option<Holder> {
        let holder = self.all().get(session)?.clone();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        holder
            .until
            .is_none_or(|until| now < until)
            .then_some(holder)
    }

    /// Begins one for who has shown a token, and gives its name.
    fn begin(&self, mut holder: Holder) -> std::io::Result<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        let name = base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        let end = OffsetDateTime::now_utc().unix_timestamp() + SESSION_SECONDS;
        holder.until = Some(holder.until.map_or(end, |until| until.min(end)));
        let mut all = self.all();
        if all.len() >= SESSIONS_MAX {
            let first = all.iter().min_by_key(|(_, holder)| holder.until);
            if let Some(first) = first.map(|(name, _)| name.clone()) {
                all.remove(&first);
            }
        }
        all.insert(name.clone(), holder);
        Ok(name)
    }

    fn end(&self, session: &str) -> bool {
        self.all().remove(session).is_some()
    }
}

/// The session that a request names.
pub(super) fn session_of(head: &Parts) -> Option<&str> {
    let cookies = head.headers.get_all(COOKIE).into_iter();
    let pairs = cookies.filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = pairs.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// What begins a session.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Begin {
    /// A token, as `lclq credentials create-token` has printed it.
    token: String,
}

/// Whose session it is.
#[derive(Serialize, JsonSchema)]
struct Session {
    /// The token's name; nothing where no token is asked for.
    name: Option<String>,
    /// What they may do.
    scope: Scope,
    /// When it ends, s since 1970.
    until: Option<i64>,
}

/// What has become of a session.
#[derive(Serialize, JsonSchema)]
struct Ended {
    /// Whether there was one.
    ended: bool,
}

impl From<Holder> for Session {
    fn from(holder: Holder) -> Self {
        Self {
            name: Some(holder.name),
            scope: holder.scope,
            until: holder.until,
        }
    }
}

async fn begin(
    admin: Rc<Admin>,
    asked: Asked<super::route::NoQuery, Json<Begin>>,
) -> AdminResult<Response<AdminBody>> {
    let Json(Begin { token }) = asked.body;
    let holder = admin.gate.holder_of(&token).ok_or_else(|| {
        let message = "nobody here has this token";
        AdminError::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message)
    })?;
    let begun = admin.gate.sessions().begin(holder.clone());
    let name = begun.map_err(AdminError::unavailable)?;
    let secure = match asked.head.extensions.get::<ByTls>() {
        Some(_) => "; Secure",
        None => "",
    };
    let cookie = format!(
        "{COOKIE_NAME}={name}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict{secure}"
    );
    let answer = with_status(StatusCode::OK, &Session::from(holder));
    Ok(with_cookie(answer.map(AdminBody::from), &cookie))
}

async fn end(admin: Rc<Admin>, asked: Asked) -> AdminResult<Response<AdminBody>> {
    let session = session_of(&asked.head);
    let ended = session.is_some_and(|session| admin.gate.sessions().end(session));
    let answer = with_status(StatusCode::OK, &Ended { ended }).map(AdminBody::from);
    let cookie = format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    Ok(with_cookie(answer, &cookie))
}

async fn show(admin: Rc<Admin>, asked: Asked) -> AdminResult<Session> {
    let holder = admin
        .gate
        .admit_to(&asked.head, Scope::Read, "getSession")?;
    Ok(holder.map_or_else(
        || Session {
            name: None,
            scope: Scope::Admin,
            until: None,
        },
        Session::from,
    ))
}

fn with_cookie(mut answer: Response<AdminBody>, cookie: &str) -> Response<AdminBody> {
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

pub(super) fn routes() -> Vec<Route> {
    let session = Answered {
        status: StatusCode::OK,
        media_type: "application/json",
        schema: Some(schema_of::<Session>),
    };
    let ended = Answered {
        status: StatusCode::OK,
        media_type: "application/json",
        schema: Some(schema_of::<Ended>),
    };
    vec![
        Route::new(
            Method::GET,
            "/session",
            Scope::Read,
            ("getSession", "Who asks, and what they may do"),
            show,
        ),
        Route::raw(
            Method::POST,
            "/session",
            Scope::Read,
            (
                "beginSession",
                "Begins a session of a browser, by a cookie that no page can read",
            ),
            session,
            begin,
        )
        .open(),
        Route::raw(
            Method::DELETE,
            "/session",
            Scope::Read,
            ("endSession", "Ends a session"),
            ended,
            end,
        )
        .open(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn holder() -> Holder {
        Holder {
            name: "ci".to_owned(),
            scope: Scope::Operate,
            until: None,
        }
    }

    fn asked_with(cookie: &str) -> Parts {
        let request = Request::get("/").header(COOKIE, cookie).body(()).unwrap();
        request.into_parts().0
    }

    #[test]
    fn a_session_is_found_among_other_cookies_until_it_ends() {
        let sessions = Sessions::default();
        let name = sessions.begin(holder()).unwrap();
        let head = asked_with(&format!("a=b; {COOKIE_NAME}={name}; c=d"));
        let found = sessions.holder_of(session_of(&head).unwrap()).unwrap();
        assert_eq!((found.name.as_str(), found.scope), ("ci", Scope::Operate));
        assert!(found.until.is_some());
        assert!(sessions.end(&name) && !sessions.end(&name));
        assert!(sessions.holder_of(&name).is_none());
        assert!(session_of(&asked_with("lclq_sessions=x")).is_none());
    }

    #[test]
    fn one_that_is_over_is_nobodys_and_there_are_only_so_many() {
        let sessions = Sessions::default();
        let over = Holder {
            until: Some(1),
            ..holder()
        };
        let name = sessions.begin(over).unwrap();
        assert!(sessions.holder_of(&name).is_none());
        for _ in 0..SESSIONS_MAX {
            sessions.begin(holder()).unwrap();
        }
        assert_eq!(sessions.all().len(), SESSIONS_MAX);
        assert!(!sessions.all().contains_key(&name));
    }
}
