//! One route of the API: what it takes, what it answers, who may, and who carries it out.
//!
//! Dispatch, the OpenAPI document and its page in docs/ read the same routes, and the schemas come
//! from the types that the handlers take and give, so that none can say what another doesn't.

use super::Admin;
use super::answers::{AdminBody, AdminError, AdminResult, with_status};
use super::portable;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

pub(super) use crate::credentials::Scope;

/// What exports are.
pub(super) const ZSTD: &str = "application/zstd";

/// Makes a type's schema.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a route answers where it does what was asked.
pub(super) struct Answered {
    pub status: StatusCode,
    pub media_type: &'static str,
    /// Of JSON.
    pub schema: Option<SchemaOf>,
}

type Handled = Pin<Box<dyn Future<Output = AdminResult<Response<AdminBody>>>>>;
type Handler = Box<dyn Fn(Rc<Admin>, Call, StatusCode) -> Handled + Send + Sync>;

pub(super) struct Route {
    pub method: Method,
    /// Below the prefix; `{name}` stands for one segment.
    pub path: &'static str,
    pub scope: Scope,
    /// Its name for generated clients.
    pub operation: &'static str,
    pub summary: &'static str,
    pub query: SchemaOf,
    pub takes: Taken,
    pub answered: Answered,
    /// Whether it is for everybody: whoever looks after a server asks how it is.
    pub is_open: bool,
    handler: Handler,
}

/// What a route takes as a request's body.
pub(super) enum Taken {
    /// It isn't looked at.
    Nothing,
    /// JSON.
    Json(SchemaOf),
    /// Of this media type and any length: it is read as it comes, and never collected.
    Stream(&'static str),
}

/// A request's body as it came.
pub(super) enum CallBody {
    Whole(Bytes),
    Stream(Incoming),
}

/// A request as it came.
pub(super) struct Call {
    /// Values of the path's parts in braces, in their order.
    pub path: Vec<String>,
    pub head: Parts,
    pub body: CallBody,
}

/// A request as a handler takes it.
pub(super) struct Asked<Q = NoQuery, B = NoBody> {
    path: Vec<String>,
    pub query: Q,
    pub body: B,
    pub head: Parts,
}

impl<Q, B> Asked<Q, B> {
    /// What stands in the path for its part number `at` in braces.
    pub fn part(&self, at: usize) -> &str {
        self.path.get(at).map_or("", String::as_str)
    }
}

/// No parameters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// What a handler reads of a request's body.
pub(super) trait RequestBody: Sized {
    fn taken() -> Taken;
    fn read(body: CallBody) -> AdminResult<Self>;
}

/// Whatever the body is, it isn't looked at.
pub(super) struct NoBody;

impl RequestBody for NoBody {
    fn taken() -> Taken {
        Taken::Nothing
    }

    fn read(_: CallBody) -> AdminResult<Self> {
        Ok(Self)
    }
}

/// JSON; nothing at all is an empty object.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned + JsonSchema> RequestBody for Json<T> {
    fn taken() -> Taken {
        Taken::Json(schema_of::<T>)
    }

    fn read(body: CallBody) -> AdminResult<Self> {
        let CallBody::Whole(body) = body else {
            return Err(not_as_declared());
        };
        let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(body)
            .map(Self)
            .map_err(AdminError::bad_request)
    }
}

/// An export, as it comes.
pub(super) struct ZstdStream(pub Incoming);

impl RequestBody for ZstdStream {
    fn taken() -> Taken {
        Taken::Stream(ZSTD)
    }

    fn read(body: CallBody) -> AdminResult<Self> {
        match body {
            CallBody::Stream(body) => Ok(Self(body)),
            CallBody::Whole(_) => Err(not_as_declared()),
        }
    }
}

/// Of a route that was handed another body than it takes: whoever reads bodies looks at `takes`.
fn not_as_declared() -> AdminError {
    let what = "this body wasn't read as its route takes it";
    AdminError::new(StatusCode::INTERNAL_SERVER_ERROR, "BadBody", what)
}

pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn query_schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Route {
    fn with<Q, B>(
        method: Method,
        path: &'static str,
        scope: Scope,
        (operation, summary): (&'static str, &'static str),
        handler: Handler,
    ) -> Self
    where
        Q: JsonSchema,
        B: RequestBody,
    {
        Self {
            method,
            path,
            scope,
            operation,
            summary,
            query: query_schema_of::<Q>,
            takes: B::taken(),
            answered: Answered {
                status: StatusCode::OK,
                media_type: "application/json",
                schema: None,
            },
            is_open: false,
            handler,
        }
    }

    /// A route whose handler gives what is answered as JSON.
    pub fn new<Q, B, A, F, Fut>(
        method: Method,
        path: &'static str,
        scope: Scope,
        names: (&'static str, &'static str),
        handler: F,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + 'static,
        B: RequestBody + 'static,
        A: Serialize + JsonSchema + 'static,
        F: Fn(Rc<Admin>, Asked<Q, B>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = AdminResult<A>> + 'static,
    {
        let handler = move |admin: Rc<Admin>, call: Call, status: StatusCode| -> Handled {
            Box::pin(async move {
                let answer = handler(admin, read(call).await?).await?;
                Ok(with_status(status, &answer).map(AdminBody::from))
            })
        };
        let mut route = Self::with::<Q, B>(method, path, scope, names, Box::new(handler));
        route.answered.schema = Some(schema_of::<A>);
        route
    }

    /// A route whose handler gives the whole answer.
    pub fn raw<Q, B, F, Fut>(
        method: Method,
        path: &'static str,
        scope: Scope,
        names: (&'static str, &'static str),
        answered: Answered,
        handler: F,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + 'static,
        B: RequestBody + 'static,
        F: Fn(Rc<Admin>, Asked<Q, B>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = AdminResult<Response<AdminBody>>> + 'static,
    {
        let handler = move |admin: Rc<Admin>, call: Call, _: StatusCode| -> Handled {
            Box::pin(async move { handler(admin, read(call).await?).await })
        };
        let mut route = Self::with::<Q, B>(method, path, scope, names, Box::new(handler));
        route.answered = answered;
        route
    }

    /// The same with another status than 200.
    pub fn answering(mut self, status: StatusCode) -> Self {
        self.answered.status = status;
        self
    }

    /// The same for everybody.
    pub fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// What stands in `segments` for the path's parts in braces, if they are this path.
    pub fn matches(&self, segments: &[String]) -> Option<Vec<String>> {
        let mut values = Vec::new();
        let mut given = segments.iter();
        for part in self.path.split('/').filter(|part| !part.is_empty()) {
            let given = given.next()?;
            if part.starts_with('{') {
                values.push(given.clone());
            } else if part != given {
                return None;
            }
        }
        given.next().is_none().then_some(values)
    }

    pub fn handle(&self, admin: Rc<Admin>, call: Call) -> Handled {
        (self.handler)(admin, call, self.answered.status)
    }
}

async fn read<Q, B>(call: Call) -> AdminResult<Asked<Q, B>>
where
    Q: DeserializeOwned + JsonSchema,
    B: RequestBody,
{
    let Call { path, head, body } = call;
    let query = match read_query(head.uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => {
            if let CallBody::Stream(body) = body {
                portable::drain(body).await;
            }
            return Err(error);
        }
    };
    Ok(Asked {
        query,
        body: B::read(body)?,
        path,
        head,
    })
}

/// Reads parameters by their schema, so that what is said of them in the document is what counts.
fn read_query<Q: DeserializeOwned + JsonSchema>(query: &str) -> AdminResult<Q> {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut generator = settings.into_generator();
    let schema = Q::json_schema(&mut generator);
    let none = Map::new();
    let known = schema.get("properties").and_then(Value::as_object);
    let known = known.unwrap_or(&none);
    let mut values = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        let Some(property) = known.get(&name) else {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            let known = match known[..] {
                [] => "none".to_owned(),
                _ => known.join(", "),
            };
            return Err(AdminError::bad_request(format!(
                "there is no parameter {name} here; there are: {known}"
            )));
        };
        if property["type"] == "array" {
            let all = values
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(all) = all {
                all.push(text.into());
            }
            continue;
        }
        let value = value_of(&name, &text, property)?;
        values.insert(name, value);
    }
    serde_json::from_value(Value::Object(values)).map_err(AdminError::bad_request)
}

fn value_of(name: &str, text: &str, schema: &Value) -> AdminResult<Value> {
    let is_of = |wanted: &str| match &schema["type"] {
        Value::String(kind) => kind == wanted,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    };
    if is_of("integer") {
        let (least, most) = (schema["minimum"].as_u64(), schema["maximum"].as_u64());
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(u64::MAX));
        let number = text.parse::<u64>().ok();
        return match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(number.into()),
            None if most == u64::MAX => Err(AdminError::bad_request(format!(
                "{name} is a number from {least} on"
            ))),
            None => Err(AdminError::bad_request(format!(
                "{name} is a number from {least} to {most}"
            ))),
        };
    }
    if is_of("boolean") {
        return match text {
            "true" | "1" | "" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(AdminError::bad_request(format!("{name} is true or false"))),
        };
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Query {
        #[schemars(range(min = 1, max = 1000))]
        limit: Option<u64>,
        prefix: Option<String>,
        #[serde(default)]
        descending: bool,
        #[serde(default)]
        only: Vec<String>,
    }

    #[test]
    fn parameters_are_read_by_their_schema() {
        let read = read_query::<Query>;
        let query = read("limit=7&only=1&prefix=a%20b&descending=true&only=x%3Dy").unwrap();
        let expected = Query {
            limit: Some(7),
            prefix: Some("a b".to_owned()),
            descending: true,
            only: vec!["1".to_owned(), "x=y".to_owned()],
        };
        assert_eq!(query, expected);
        assert_eq!(read("").unwrap().limit, None);
        for (given, said) in [
            ("limit=0", "limit is a number from 1 to 1000"),
            ("limit=x", "limit is a number from 1 to 1000"),
            ("descending=2", "descending is true or false"),
            (
                "limits=1",
                "there is no parameter limits here; there are: descending, limit, only, prefix",
            ),
        ] {
            assert_eq!(read(given).unwrap_err().message, said, "{given}");
        }
        assert!(read_query::<NoQuery>("x=1").is_err());
    }
}
