//! From an HTTP request to an encoded one.

use super::super::error::{PubsubResult, violations};
use super::bindings::{Binding, Bindings, Body, FromPath};
use super::from_json::read_json;
use super::problems::{Problems, Step};
use super::scalar::{Place, Refused, Scalar, put};
use super::to_json::Style;
use super::types::{Field, Form, Kind, MessageId, Shape};
use super::wire::{begin, end};

/// Parameters of the platform that say nothing about the request. Those that start with `$` are
/// the platform's too.
const PLATFORM_PARAMETERS: &[&str] = &[
    "access_token",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "userIp",
];

/// Makes the method's request of a path, a query and a body, and says how the reply is to be
/// written. What the path says counts, whatever the body says.
pub fn transcode<'b>(
    bindings: &'b Bindings,
    binding: &'b Binding,
    from_path: &[FromPath<'b, '_>],
    query: &str,
    body: &[u8],
) -> PubsubResult<(Vec<u8>, Style)> {
    let types = &bindings.types;
    let message = types.message(binding.request);
    let mut out = Vec::with_capacity(body.len() + 256);
    let mut problems = Problems::default();

    // Whoever decodes by hand likes to know the resource before its content. A field of a field
    // comes behind the body's, which it replaces.
    let (outer, inner): (Vec<_>, Vec<_>) =
        from_path.iter().partition(|(target, _)| target.len() == 1);
    let mut fixed = Vec::new();
    for (target, value) in outer {
        put_at(
            bindings,
            binding.request,
            target,
            value,
            &mut problems,
            &mut out,
        );
        fixed.push(message.fields[target[0]].number);
    }
    match binding.body {
        _ if body.trim_ascii().is_empty() => {}
        Body::Whole => read_json(
            types,
            binding.request,
            body,
            &fixed,
            &mut problems,
            &mut out,
        ),
        Body::Field(at) => {
            let field = &message.fields[at];
            if let Kind::Message(inside) = field.kind {
                problems.enter(Step::Field(&field.name));
                let start = begin(field.number, &mut out);
                read_json(types, inside, body, &[], &mut problems, &mut out);
                end(start, &mut out);
                problems.leave();
            }
        }
    }
    let mut style = Style::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !set_style(&name, &value, &mut style, &mut problems) {
            from_query(
                bindings,
                binding,
                &name,
                &value,
                &fixed,
                &mut problems,
                &mut out,
            );
        }
    }
    for (target, value) in inner {
        put_at(
            bindings,
            binding.request,
            target,
            value,
            &mut problems,
            &mut out,
        );
    }
    if problems.is_empty() {
        Ok((out, style))
    } else {
        Err(problems.into_error())
    }
}

/// Takes a parameter that isn't about the request itself. Gives whether it was one.
fn set_style(name: &str, value: &str, style: &mut Style, problems: &mut Problems<'_>) -> bool {
    let is_platform = name.starts_with('$') || PLATFORM_PARAMETERS.contains(&name);
    match name.strip_prefix('$').unwrap_or(name) {
        "alt" => {
            let mut parts = value.split(';');
            if parts.next() != Some("json") {
                problems.unknown_name(name, &violations::only_json(value));
            }
            for part in parts {
                if let Some(encoding) = part.trim().strip_prefix("enum-encoding=") {
                    style.enum_numbers = encoding == "int";
                }
            }
            true
        }
        "prettyPrint" | "pp" => {
            style.pretty = !matches!(value, "false" | "0");
            true
        }
        _ => is_platform,
    }
}

fn from_query<'b>(
    bindings: &'b Bindings,
    binding: &Binding,
    name: &str,
    value: &str,
    fixed: &[u32],
    problems: &mut Problems<'b>,
    out: &mut Vec<u8>,
) {
    let Some(target) = bindings.find(binding.request, name) else {
        problems.unknown_name(name, &violations::no_such_parameter(name));
        return;
    };
    let outer = &bindings.types.message(binding.request).fields[target[0]];
    if target.len() > 1 || !fixed.contains(&outer.number) {
        put_at(bindings, binding.request, &target, value, problems, out);
    }
}

/// Writes the value of a field that may be a field's.
fn put_at<'b>(
    bindings: &'b Bindings,
    message: MessageId,
    target: &[usize],
    value: &str,
    problems: &mut Problems<'b>,
    out: &mut Vec<u8>,
) {
    let Some((at, deeper)) = target.split_first() else {
        return;
    };
    let field = &bindings.types.message(message).fields[*at];
    problems.enter(Step::Field(&field.name));
    match field.kind {
        Kind::Message(inside) if !deeper.is_empty() => {
            let start = begin(field.number, out);
            put_at(bindings, inside, deeper, value, problems, out);
            end(start, out);
        }
        _ => put_text(bindings, field, value, problems, out),
    }
    problems.leave();
}

fn put_text<'b>(
    bindings: &'b Bindings,
    field: &'b Field,
    value: &str,
    problems: &mut Problems<'b>,
    out: &mut Vec<u8>,
) {
    let types = &bindings.types;
    let is_text = match field.kind {
        Kind::Message(id) => matches!(
            types.message(id).form,
            Form::Duration | Form::Timestamp | Form::FieldMask
        ),
        _ => true,
    };
    if !is_text || field.shape == Shape::Map {
        let why = violations::parameter_no_primitive(&field.json_name);
        problems.unknown_name(&field.json_name, &why);
        return;
    }
    let place = match field.shape {
        Shape::Single => Place::Only,
        _ => Place::Element,
    };
    match put(types, field, place, Scalar::Text(value), out) {
        Ok(()) => {}
        Err(Refused::Value) => {
            problems.invalid_value(&types.kind_name(field.kind), &format!("\"{value}\""));
        }
        Err(Refused::Because(why)) => {
            problems.invalid_value(&types.kind_name(field.kind), &why);
        }
    }
}
