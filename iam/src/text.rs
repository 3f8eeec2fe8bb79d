//! Texts of an expression: literals, attributes, and parts of them.

use crate::extract::Template;
use crate::request::ResourceType;
use crate::scope::Scope;

#[derive(Clone, Debug)]
pub(crate) enum Text {
    Literal(Box<str>),
    /// `resource.name`
    Name,
    /// `resource.type`
    Type,
    /// `resource.service`
    Service,
    Extracted(Box<Self>, Template),
    /// An attribute that no request to Pub/Sub has.
    Unknown,
}

impl Text {
    /// Its value; `None` where an attribute isn't known.
    pub(crate) fn value<'a>(&'a self, scope: &Scope<'a>) -> Option<&'a str> {
        let request = scope.request;
        let value = match self {
            Self::Literal(text) => Some(&**text),
            Self::Name => request.resource_name,
            Self::Type => request.resource_type.map(ResourceType::name),
            Self::Service => request.resource_type.map(ResourceType::service),
            Self::Extracted(from, template) => {
                let from = from.value(scope)?;
                scope.step(from.len());
                Some(template.extract(from))
            }
            Self::Unknown => None,
        };
        scope.step(0);
        value
    }
}
