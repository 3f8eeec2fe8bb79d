//! Functions of an expression.

use crate::compile::{Compiler, Typed};
use crate::extract::Template;
use crate::instants;
use crate::moment::{Moment, Span};
use crate::number::{Number, Part};
use crate::text::Text;
use crate::truth::Truth;
use crate::zones;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use jiff::tz::TimeZone;

/// `timestamp()`, `date()` and `duration()`.
pub(crate) fn global(compiler: &mut Compiler, call: &CallExpr) -> Result<Typed, String> {
    let (name, [text]) = (&*call.func_name, &*call.args) else {
        return Err(not_so(&call.func_name));
    };
    if !matches!(name, "timestamp" | "date" | "duration") {
        return Err(not_so(name));
    }
    let text = compiler.text(&text.expr)?;
    let Text::Literal(literal) = &text else {
        let text = Box::new(text);
        return Ok(match name {
            "timestamp" => Typed::Moment(Moment::Timestamp(text)),
            "date" => Typed::Moment(Moment::Date(text)),
            _ => Typed::Span(Span::Duration(text)),
        });
    };
    let read = match name {
        "timestamp" => instants::timestamp(literal),
        "date" => instants::date(literal),
        _ => instants::duration(literal),
    };
    compiler.never |= read.is_none();
    let nanos = read.unwrap_or_default();
    Ok(match name {
        "duration" => Typed::Span(Span::Literal(nanos)),
        _ => Typed::Moment(Moment::Literal(nanos)),
    })
}

/// Functions of texts, of times and of the resource.
pub(crate) fn on_target(compiler: &mut Compiler, call: &CallExpr) -> Result<Typed, String> {
    let name = &*call.func_name;
    let Some(target) = &call.target else {
        return Err(not_so(name));
    };
    // Resources have no tags here.
    if target.expr == Expr::Ident("resource".to_owned()) {
        let texts: Result<Vec<_>, _> = call
            .args
            .iter()
            .map(|text| compiler.text(&text.expr))
            .collect();
        return match (name, texts?.len()) {
            ("hasTagKey" | "hasTagKeyId", 1) | ("matchTag" | "matchTagId", 2) => {
                Ok(Typed::Truth(Truth::Unknown))
            }
            _ => Err(not_so(name)),
        };
    }
    match (compiler.any(&target.expr)?, name, &*call.args) {
        (Typed::Text(text), "startsWith", [with]) => {
            let both = [text, compiler.text(&with.expr)?];
            Ok(Typed::Truth(Truth::Begins(Box::new(both))))
        }
        (Typed::Text(text), "endsWith", [with]) => {
            let both = [text, compiler.text(&with.expr)?];
            Ok(Typed::Truth(Truth::Ends(Box::new(both))))
        }
        (Typed::Text(text), "extract", [template]) => {
            let template = literal(template).and_then(Template::read).ok_or(
                "has extract() with no template of an identifier in braces, and with text before \
                 and behind it at most",
            )?;
            Ok(Typed::Text(Text::Extracted(Box::new(text), template)))
        }
        (Typed::Moment(moment), _, zone) => {
            let part = Part::of(name).ok_or_else(|| not_so(name))?;
            let zone = match zone {
                [] => TimeZone::UTC,
                [zone] => literal(zone)
                    .and_then(zones::zone)
                    .ok_or_else(|| format!("has {name}() with a time zone that isn't"))?,
                _ => return Err(not_so(name)),
            };
            let number = Number::Part(part, Box::new(moment), zone);
            Ok(Typed::Number(number))
        }
        (other, _, _) => Err(format!(
            "has {name}() of {}, which conditions don't offer so",
            other.kind()
        )),
    }
}

fn literal(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn not_so(name: &str) -> String {
    format!("has {name}(), which conditions don't offer so")
}
