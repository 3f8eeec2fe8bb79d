//! Which method a request is for: the HTTP rules of the descriptors, made into a table.

use http::Method;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::template::{Path, Template};
use super::types::{Kind, MessageId, Shape, Types};
use crate::proto::DESCRIPTORS;
use crate::proto::google::api::{HttpRule, http_rule::Pattern};

/// Where the HTTP rule stands in a method's options.
const HTTP_EXTENSION: &str = "google.api.http";

/// All bindings, and the types of their requests and replies.
#[derive(Debug)]
pub struct Bindings {
    pub types: Types,
    /// By what stands behind the colon; without one that is nothing.
    by_verb: BTreeMap<String, Vec<Binding>>,
}

/// One way to call a method over HTTP.
#[derive(Debug)]
pub struct Binding {
    /// `/google.pubsub.v1.Publisher/Publish`.
    pub method: String,
    pub request: MessageId,
    pub reply: MessageId,
    pub body: Body,
    http_method: Method,
    template: Template,
    /// Where each of the template's variables goes: places of fields, from the outside in.
    targets: Vec<Vec<usize>>,
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The whole of the request.
    Whole,
    /// One of its fields, by its place in the message's type.
    Field(usize),
}

/// A field and its value, from the path.
pub type FromPath<'b, 'r> = (&'b [usize], Cow<'r, str>);

/// Where a request leads.
#[derive(Debug)]
pub enum Route<'b, 'r> {
    To(&'b Binding, Vec<FromPath<'b, 'r>>),
    /// The path is known, but not with this HTTP method: these it has, separated by commas.
    WrongMethod(String),
    /// The path can't be decoded.
    NotText,
    Nowhere,
}

impl Bindings {
    /// Those of `proto/`.
    pub fn all() -> &'static Self {
        static ALL: LazyLock<Bindings> =
            LazyLock::new(|| Bindings::new().expect("the contracts are compiled into the binary"));
        &ALL
    }

    fn new() -> Result<Self, String> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|error| error.to_string())?;
        let mut bindings = Bindings {
            types: Types::default(),
            by_verb: BTreeMap::new(),
        };
        for service in pool.services() {
            for method in service.methods() {
                // A stream has no reply that could be one JSON value.
                if method.is_client_streaming() || method.is_server_streaming() {
                    continue;
                }
                if let Some(rule) = http_rule(&pool, &method)? {
                    bindings.add(&method, &rule)?;
                    for more in &rule.additional_bindings {
                        bindings.add(&method, more)?;
                    }
                }
            }
        }
        Ok(bindings)
    }

    fn add(&mut self, method: &MethodDescriptor, rule: &HttpRule) -> Result<(), String> {
        let wrong = |what: &str| format!("{}: {what}", method.full_name());
        let (http_method, path) = match &rule.pattern {
            Some(Pattern::Get(path)) => (Method::GET, path),
            Some(Pattern::Put(path)) => (Method::PUT, path),
            Some(Pattern::Post(path)) => (Method::POST, path),
            Some(Pattern::Delete(path)) => (Method::DELETE, path),
            Some(Pattern::Patch(path)) => (Method::PATCH, path),
            _ => return Err(wrong("an HTTP rule without a usual method")),
        };
        if !rule.response_body.is_empty() {
            return Err(wrong("replies are whole messages"));
        }
        let template = Template::parse(path).ok_or_else(|| wrong("a broken path template"))?;
        let request = self.types.add(&method.input());
        let reply = self.types.add(&method.output());
        let targets = template
            .variables
            .iter()
            .map(|variable| {
                self.find(request, &variable.field)
                    .ok_or_else(|| wrong("a path variable that is no field"))
            })
            .collect::<Result<_, _>>()?;
        let body = match &*rule.body {
            // Without a body in the rule there should be none. One that says what the path and the
            // query could have said does no harm.
            "" | "*" => Body::Whole,
            field => Body::Field(
                self.types
                    .message(request)
                    .find(field)
                    .ok_or_else(|| wrong("a body that is no field"))?,
            ),
        };
        let binding = Binding {
            method: format!("/{}/{}", method.parent_service().full_name(), method.name()),
            request,
            reply,
            body,
            http_method,
            targets,
            template,
        };
        let verb = binding.template.verb.clone();
        self.by_verb.entry(verb).or_default().push(binding);
        Ok(())
    }

    /// The places of a field with dots in its name, from the outside in.
    pub fn find(&self, message: MessageId, name: &str) -> Option<Vec<usize>> {
        let mut places = Vec::new();
        let mut message = Some(message);
        for part in name.split('.') {
            let outer = self.types.message(message?);
            let at = outer.find(part)?;
            let field = &outer.fields[at];
            message = match (field.shape, field.kind) {
                (Shape::Single, Kind::Message(id)) => Some(id),
                _ => None,
            };
            places.push(at);
        }
        Some(places)
    }

    /// Finds the method that a request is for.
    pub fn route<'b, 'r>(&'b self, http_method: &Method, path: &'r str) -> Route<'b, 'r> {
        let Some(mut path) = Path::new(path) else {
            return Route::Nowhere;
        };
        let verb = path.verb().unwrap_or("");
        // A colon that isn't before a known verb is part of a name, and the service's to refuse.
        let candidates = match self.by_verb.get(verb) {
            Some(candidates) if !verb.is_empty() => {
                path = path.without_verb();
                candidates
            }
            _ => match self.by_verb.get("") {
                Some(candidates) => candidates,
                None => return Route::Nowhere,
            },
        };
        let mut others = String::new();
        for binding in candidates {
            if !binding.template.matches(&path) {
                continue;
            }
            if binding.http_method != http_method {
                if !others.is_empty() {
                    others += ", ";
                }
                others += binding.http_method.as_str();
                continue;
            }
            let fields = binding.template.variables.iter().zip(&binding.targets).map(
                |(variable, target)| {
                    let value = path.field(&variable.segments(&path))?;
                    Some((&target[..], value))
                },
            );
            return match fields.collect() {
                Some(fields) => Route::To(binding, fields),
                None => Route::NotText,
            };
        }
        if others.is_empty() {
            Route::Nowhere
        } else {
            Route::WrongMethod(others)
        }
    }
}

fn http_rule(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<Option<HttpRule>, String> {
    let extension = pool
        .get_extension_by_name(HTTP_EXTENSION)
        .ok_or("the contracts lack the HTTP rule's option")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return Ok(None);
    }
    options
        .get_extension(&extension)
        .as_message()
        .ok_or("the HTTP rule isn't a message")?
        .transcode_to()
        .map(Some)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::rest::types::Form;

    fn routed(http_method: &str, path: &str) -> String {
        let http_method = http_method.parse().unwrap();
        match Bindings::all().route(&http_method, path) {
            Route::To(binding, fields) => {
                let message = Bindings::all().types.message(binding.request);
                let mut text = binding.method.rsplit('/').next().unwrap().to_owned();
                for (target, value) in fields {
                    text += &format!(" {}={value}", message.fields[target[0]].name);
                }
                text
            }
            Route::WrongMethod(others) => format!("wrong method: {others}"),
            Route::NotText => "not text".into(),
            Route::Nowhere => "nowhere".into(),
        }
    }

    #[test]
    fn requests_find_their_methods() {
        for (http_method, path, expected) in [
            (
                "PUT",
                "/v1/projects/p/topics/t",
                "CreateTopic name=projects/p/topics/t",
            ),
            (
                "PATCH",
                "/v1/projects/p/topics/t",
                "UpdateTopic topic=projects/p/topics/t",
            ),
            (
                "GET",
                "/v1/projects/p/topics",
                "ListTopics project=projects/p",
            ),
            (
                "POST",
                "/v1/projects/p/topics/t:publish",
                "Publish topic=projects/p/topics/t",
            ),
            (
                "GET",
                "/v1/projects/p/topics/t/subscriptions",
                "ListTopicSubscriptions topic=projects/p/topics/t",
            ),
            (
                "POST",
                "/v1/projects/p/subscriptions/s:modifyAckDeadline",
                "ModifyAckDeadline subscription=projects/p/subscriptions/s",
            ),
            (
                "DELETE",
                "/v1/projects/p/schemas/sc%40abc:deleteRevision",
                "DeleteSchemaRevision name=projects/p/schemas/sc@abc",
            ),
            (
                "POST",
                "/v1/projects/p/schemas:validate",
                "ValidateSchema parent=projects/p",
            ),
            (
                "POST",
                "/v1/projects/p/schemas",
                "CreateSchema parent=projects/p",
            ),
            (
                "GET",
                "/v1/projects/p/topics/t:getIamPolicy",
                "GetIamPolicy resource=projects/p/topics/t",
            ),
            (
                "POST",
                "/v1/projects/p/topics/t:getIamPolicy",
                "GetIamPolicy resource=projects/p/topics/t",
            ),
            (
                "GET",
                "/v1/projects/p/topics/t:nothing",
                "GetTopic topic=projects/p/topics/t:nothing",
            ),
            (
                "POST",
                "/v1/projects/p/topics/t",
                "wrong method: PUT, PATCH, GET, DELETE",
            ),
            (
                "PUT",
                "/v1/projects/p/topics/t:publish",
                "wrong method: POST",
            ),
            ("GET", "/v1/projects/p/topics/%ff", "not text"),
            ("GET", "/v1/projects/p/nothing", "nowhere"),
            (
                "GET",
                "/v1/projects/p/topics/t/subscriptions/more",
                "nowhere",
            ),
            ("GET", "/v2/projects/p/topics", "nowhere"),
            ("POST", "/google.pubsub.v1.Publisher/Publish", "nowhere"),
            ("GET", "/", "nowhere"),
        ] {
            assert_eq!(routed(http_method, path), expected, "{http_method} {path}");
        }
    }

    #[test]
    fn every_method_but_the_streaming_one_is_bound() {
        let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
        let bound: Vec<_> = Bindings::all()
            .by_verb
            .values()
            .flatten()
            .map(|binding| &binding.method)
            .collect();
        for service in pool.services() {
            if service.package_name().starts_with("grpc.") {
                continue;
            }
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                assert_eq!(
                    bound.contains(&&path),
                    method.name() != "StreamingPull",
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn all_types_have_forms_that_we_can_transcode() {
        let types = &Bindings::all().types;
        assert!(types.messages().count() > 50);
        for (_, message) in types.messages() {
            let plain = message.form == Form::Fields && message.name != "google.protobuf.Empty";
            assert!(
                !plain
                    || !message.name.starts_with("google.protobuf.")
                    || message.name.ends_with("Entry"),
                "{} has a form of its own",
                message.name
            );
            for field in &message.fields {
                if let (Shape::Map, Kind::Message(entry)) = (field.shape, field.kind) {
                    let key = types.message(entry).fields[0].kind;
                    assert_eq!(key, Kind::String, "{}.{}", message.name, field.name);
                }
            }
        }
    }
}
