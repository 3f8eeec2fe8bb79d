//! A statement: what it allows or denies, to whom, with what, and when.

use crate::choice::Choice;
use crate::condition::{self, Condition};
use crate::error::{PolicyError, quoted};
use crate::json::Json;
use crate::pattern::Pattern;
use crate::principals::{self, Meant, Principals};
use crate::request::Request;
use crate::template::{Piece, Template};

/// Characters of an action's name with its service, wildcards among them.
const ACTION_CHARS_MAX: usize = 128;
/// Colons before the part of an ARN in which variables are replaced.
const COLONS_BEFORE_VARIABLES: usize = 5;

/// What a statement does where it applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Lets it be done.
    Allow,
    /// Keeps it from being done, whatever else allows it.
    Deny,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    principals: Principals,
    actions: Choice<Pattern>,
    resources: Choice<Template<Pattern>>,
    conditions: Box<[Condition]>,
}

/// The first element of a statement that didn't match.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Miss {
    Principal,
    Action,
    Resource,
    /// By its place.
    Condition(usize),
}

/// Members of a statement as they come.
#[derive(Default)]
struct Members {
    sid: Option<Box<str>>,
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Choice<Pattern>>,
    resources: Option<Choice<Template<Pattern>>>,
    conditions: Box<[Condition]>,
}

impl Statement {
    /// Reads the statement that stands at a member. Without variables, `${` is text as any.
    pub(crate) fn read(json: Json, at: &str, variables: bool) -> Result<Self, PolicyError> {
        let Json::Object(all) = json else {
            let fault = format!("is {}, allowed is an object", json.kind());
            return Err(PolicyError::member(at, fault));
        };
        let mut members = Members::default();
        for (name, value) in all {
            members.take(at, &name, value, variables)?;
        }
        members.finish(at)
    }

    /// How it means the principal of a request where it applies, or what keeps it from applying. In a
    /// policy of an identity, whom it is about need not be said.
    pub(crate) fn examine(&self, of_identity: bool, request: &Request<'_>) -> Result<Meant, Miss> {
        let meant = match self.principals {
            Principals::Unsaid if of_identity => Meant::Directly,
            _ => self
                .principals
                .mean(request.principal.as_ref())
                .ok_or(Miss::Principal)?,
        };
        if !self
            .actions
            .takes(|pattern| pattern.matches(request.action))
        {
            return Err(Miss::Action);
        }
        let resource = |pattern: &Pattern| pattern.matches(request.resource);
        if !self
            .resources
            .takes(|template| template.test(request, resource))
        {
            return Err(Miss::Resource);
        }
        match self
            .conditions
            .iter()
            .position(|condition| !condition.holds(request))
        {
            Some(n) => Err(Miss::Condition(n)),
            None => Ok(meant),
        }
    }

    /// Says in a line what didn't match.
    pub(crate) fn reason(&self, miss: Miss, request: &Request<'_>) -> String {
        match miss {
            Miss::Principal => self.principals.reason(request.principal.as_ref()),
            Miss::Action => self.actions.reason(request.action),
            Miss::Resource => self.resources.reason(request.resource),
            Miss::Condition(n) => {
                let condition = self.conditions.get(n);
                condition.map_or_else(String::new, |condition| condition.reason(request))
            }
        }
    }
}

impl Members {
    fn take(
        &mut self,
        at: &str,
        name: &str,
        value: Json,
        variables: bool,
    ) -> Result<(), PolicyError> {
        let member = format!("{at}.{name}");
        match name {
            "Sid" => self.sid = Some(sid(value, &member)?),
            "Effect" => self.effect = Some(effect(value, &member)?),
            "Principal" if self.principals.is_none() => {
                self.principals = Some(Principals::Only(principals::read(value, &member)?));
            }
            "NotPrincipal" if self.principals.is_none() => {
                self.principals = Some(Principals::AllBut(principals::read(value, &member)?));
            }
            "Action" | "NotAction" if self.actions.is_none() => {
                let not = name == "NotAction";
                let name = if not { "NotAction" } else { "Action" };
                self.actions = Some(choice(name, not, value, &member, action)?);
            }
            "Resource" | "NotResource" if self.resources.is_none() => {
                let not = name == "NotResource";
                let name = if not { "NotResource" } else { "Resource" };
                let read = |text: &str| resource(text, variables);
                self.resources = Some(choice(name, not, value, &member, read)?);
            }
            "Condition" => self.conditions = condition::read(value, &member, variables)?,
            "Principal" | "NotPrincipal" | "Action" | "NotAction" | "Resource" | "NotResource" => {
                let base = name.trim_start_matches("Not");
                let fault = format!("has both {base} and Not{base}, one of them is allowed");
                return Err(PolicyError::member(at, fault));
            }
            _ => {
                let fault = "is unknown, allowed are Sid, Effect, Principal, NotPrincipal, Action, \
                             NotAction, Resource, NotResource and Condition";
                return Err(PolicyError::member(member, fault));
            }
        }
        Ok(())
    }

    fn finish(self, at: &str) -> Result<Statement, PolicyError> {
        let missing = |what: &str| PolicyError::member(at, format!("has no {what}"));
        let effect = self.effect.ok_or_else(|| missing("Effect"))?;
        let actions = self.actions.ok_or_else(|| missing("Action or NotAction"))?;
        let resources = self
            .resources
            .ok_or_else(|| missing("Resource or NotResource"))?;
        let principals = self.principals.unwrap_or(Principals::Unsaid);
        if effect == Effect::Allow && matches!(principals, Principals::AllBut(_)) {
            let fault = "has NotPrincipal, which is allowed with Effect \"Deny\" only";
            return Err(PolicyError::member(at, fault));
        }
        let (sid, conditions) = (self.sid, self.conditions);
        Ok(Statement {
            sid,
            effect,
            principals,
            actions,
            resources,
            conditions,
        })
    }
}

fn sid(value: Json, member: &str) -> Result<Box<str>, PolicyError> {
    match value {
        Json::Text(text) => Ok(text.into()),
        other => {
            let fault = format!("is {}, allowed is a string", other.kind());
            Err(PolicyError::member(member, fault))
        }
    }
}

fn effect(value: Json, member: &str) -> Result<Effect, PolicyError> {
    let is = match &value {
        Json::Text(text) if text == "Allow" => return Ok(Effect::Allow),
        Json::Text(text) if text == "Deny" => return Ok(Effect::Deny),
        Json::Text(text) => quoted(text),
        other => other.kind().to_owned(),
    };
    let fault = format!("is {is}, allowed are \"Allow\" and \"Deny\"");
    Err(PolicyError::member(member, fault))
}

/// Reads a string or a list of them.
fn choice<C>(
    name: &'static str,
    all_but: bool,
    value: Json,
    member: &str,
    read: impl Fn(&str) -> Result<C, String>,
) -> Result<Choice<C>, PolicyError> {
    let one = |value| {
        let Json::Text(text) = value else {
            let fault = format!("has {}, only strings are allowed", value.kind());
            return Err(PolicyError::member(member, fault));
        };
        let compiled = read(&text).map_err(|fault| PolicyError::member(member, fault))?;
        Ok((text.into(), compiled))
    };
    let values: Box<[_]> = value
        .into_list()
        .into_iter()
        .map(one)
        .collect::<Result<_, _>>()?;
    if values.is_empty() {
        return Err(PolicyError::member(
            member,
            "lists nothing, at least one is needed",
        ));
    }
    let member = name;
    Ok(Choice {
        member,
        all_but,
        values,
    })
}

fn action(text: &str) -> Result<Pattern, String> {
    let known = match text.split_once(':') {
        Some((service, name)) => !service.is_empty() && !name.is_empty(),
        None => text == "*",
    };
    if !known || text.chars().count() > ACTION_CHARS_MAX {
        return Err(format!(
            "has {}, allowed are * and names with their service such as sqs:SendMessage, of at most \
             {ACTION_CHARS_MAX} characters",
            quoted(text)
        ));
    }
    Ok(Pattern::ignoring_case(text))
}

fn resource(text: &str, variables: bool) -> Result<Template<Pattern>, String> {
    if text != "*" && !text.starts_with("arn:") {
        return Err(format!("has {}, allowed are * and ARNs", quoted(text)));
    }
    let pieces = condition::pattern(text, variables)?;
    let mut colons = 0;
    for piece in &pieces {
        if matches!(piece, Piece::Variable { .. }) && colons < COLONS_BEFORE_VARIABLES {
            return Err(format!(
                "{} has a variable before the fifth colon, where none are allowed",
                quoted(text)
            ));
        }
        colons += piece.text().matches(':').count();
    }
    Ok(Template::new(pieces, Pattern::new))
}
