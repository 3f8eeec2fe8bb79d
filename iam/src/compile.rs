//! What the parser has read, as values of known types.

use crate::calls;
use crate::moment::{Moment, Span};
use crate::number::Number;
use crate::text::Text;
use crate::truth::{Relation, Truth};
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};

/// A part of an expression.
pub(crate) enum Typed {
    Truth(Truth),
    Text(Text),
    Number(Number),
    Moment(Moment),
    Span(Span),
    Texts(Vec<Text>),
    Numbers(Vec<Number>),
    /// A list that no request to Pub/Sub has.
    UnknownTexts,
}

impl Typed {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Truth(_) => "a bool",
            Self::Text(_) => "a string",
            Self::Number(_) => "an int",
            Self::Moment(_) => "a timestamp",
            Self::Span(_) => "a duration",
            Self::Texts(_) | Self::Numbers(_) | Self::UnknownTexts => "a list",
        }
    }
}

#[derive(Default)]
pub(crate) struct Compiler {
    /// Whether a literal that is to be a time is none.
    pub(crate) never: bool,
}

impl Compiler {
    pub(crate) fn truth(&mut self, expr: &Expr) -> Result<Truth, String> {
        match self.any(expr)? {
            Typed::Truth(truth) => Ok(truth),
            other => Err(format!("has {}, where a bool is wanted", other.kind())),
        }
    }

    pub(crate) fn text(&mut self, expr: &Expr) -> Result<Text, String> {
        match self.any(expr)? {
            Typed::Text(text) => Ok(text),
            other => Err(format!("has {}, where a string is wanted", other.kind())),
        }
    }

    pub(crate) fn any(&mut self, expr: &Expr) -> Result<Typed, String> {
        match expr {
            Expr::Literal(LiteralValue::Boolean(value)) => {
                Ok(Typed::Truth(Truth::Literal(*value.inner())))
            }
            Expr::Literal(LiteralValue::String(text)) => {
                Ok(Typed::Text(Text::Literal(text.inner().into())))
            }
            Expr::Literal(LiteralValue::Int(value)) => {
                Ok(Typed::Number(Number::Literal(*value.inner())))
            }
            Expr::Select(select) => attribute(select),
            Expr::Ident(name) => Err(format!("has {name}, which is no attribute")),
            Expr::List(list) => {
                let elements = list.elements.iter();
                let all: Result<Vec<_>, _> =
                    elements.map(|element| self.any(&element.expr)).collect();
                list_of(all?)
            }
            Expr::Call(call) => self.call(call),
            _ => Err("has something that conditions don't offer".to_owned()),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Typed, String> {
        if call.target.is_some() {
            return calls::on_target(self, call);
        }
        match (&*call.func_name, &*call.args) {
            (operators::LOGICAL_NOT, [one]) => {
                let one = self.truth(&one.expr)?;
                Ok(Typed::Truth(Truth::Not(Box::new(one))))
            }
            (operators::LOGICAL_AND, [left, right]) => {
                let both = [self.truth(&left.expr)?, self.truth(&right.expr)?];
                Ok(Typed::Truth(Truth::And(Box::new(both))))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let both = [self.truth(&left.expr)?, self.truth(&right.expr)?];
                Ok(Typed::Truth(Truth::Or(Box::new(both))))
            }
            (operators::NEGATE, [one]) => match self.any(&one.expr)? {
                Typed::Number(Number::Literal(value)) => Ok(Typed::Number(Number::Literal(-value))),
                other => Err(format!("has a minus before {}", other.kind())),
            },
            (operators::ADD | operators::SUBSTRACT, [left, right]) => {
                let (left, right) = (self.any(&left.expr)?, self.any(&right.expr)?);
                shifted(left, right, call.func_name == operators::ADD)
            }
            (operators::IN, [one, list]) => {
                let (one, list) = (self.any(&one.expr)?, self.any(&list.expr)?);
                among(one, list)
            }
            (operator, [left, right]) if relation(operator).is_some() => {
                let (left, right) = (self.any(&left.expr)?, self.any(&right.expr)?);
                compared(operator, left, right)
            }
            _ => calls::global(self, call),
        }
    }
}

/// An attribute; those that requests to Pub/Sub don't have are never known.
fn attribute(select: &SelectExpr) -> Result<Typed, String> {
    let unknown = || Typed::Text(Text::Unknown);
    if select.test {
        return Err("has something that conditions don't offer".to_owned());
    }
    let field = &*select.field;
    Ok(match &select.operand.expr {
        Expr::Ident(of) => match (&**of, field) {
            ("request", "time") => Typed::Moment(Moment::Now),
            ("resource", "name") => Typed::Text(Text::Name),
            ("resource", "type") => Typed::Text(Text::Type),
            ("resource", "service") => Typed::Text(Text::Service),
            ("request", "path" | "host") | ("destination", "ip") => unknown(),
            ("destination", "port") => Typed::Number(Number::Unknown),
            _ => return Err(format!("has {of}.{field}, which is no attribute")),
        },
        Expr::Select(auth)
            if field == "access_levels"
                && auth.field == "auth"
                && auth.operand.expr == Expr::Ident("request".to_owned()) =>
        {
            Typed::UnknownTexts
        }
        _ => return Err(format!("has .{field}, which is no attribute")),
    })
}

fn list_of(elements: Vec<Typed>) -> Result<Typed, String> {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for element in elements {
        match element {
            Typed::Text(text) => texts.push(text),
            Typed::Number(number) => numbers.push(number),
            other => return Err(format!("has {} in a list", other.kind())),
        }
    }
    match (texts.is_empty(), numbers.is_empty()) {
        (_, true) => Ok(Typed::Texts(texts)),
        (true, false) => Ok(Typed::Numbers(numbers)),
        (false, false) => Err("has strings and ints in one list".to_owned()),
    }
}

fn among(one: Typed, list: Typed) -> Result<Typed, String> {
    Ok(Typed::Truth(match (one, list) {
        (Typed::Text(text), Typed::Texts(texts)) => Truth::TextIn(Box::new(text), texts.into()),
        (Typed::Number(number), Typed::Numbers(numbers)) => {
            Truth::NumberIn(Box::new(number), numbers.into())
        }
        (Typed::Number(_), Typed::Texts(texts)) if texts.is_empty() => Truth::Literal(false),
        (Typed::Text(_), Typed::UnknownTexts) => Truth::Unknown,
        (one, list) => {
            return Err(format!("has {} in {}", one.kind(), list.kind()));
        }
    }))
}

fn shifted(left: Typed, right: Typed, later: bool) -> Result<Typed, String> {
    Ok(match (left, right) {
        (Typed::Moment(from), Typed::Span(by)) if later => {
            Typed::Moment(Moment::Later(Box::new(from), Box::new(by)))
        }
        (Typed::Span(by), Typed::Moment(from)) if later => {
            Typed::Moment(Moment::Later(Box::new(from), Box::new(by)))
        }
        (Typed::Moment(from), Typed::Span(by)) => {
            Typed::Moment(Moment::Earlier(Box::new(from), Box::new(by)))
        }
        (Typed::Moment(to), Typed::Moment(from)) if !later => {
            Typed::Span(Span::Between(Box::new([to, from])))
        }
        (left, right) => {
            let sign = if later { '+' } else { '-' };
            return Err(format!("has {} {sign} {}", left.kind(), right.kind()));
        }
    })
}

/// The relation of an operator, and whether it is to hold.
fn relation(operator: &str) -> Option<(Relation, bool)> {
    Some(match operator {
        operators::EQUALS => (Relation::Equal, true),
        operators::NOT_EQUALS => (Relation::Equal, false),
        operators::LESS => (Relation::Less, true),
        operators::LESS_EQUALS => (Relation::LessOrEqual, true),
        operators::GREATER => (Relation::Greater, true),
        operators::GREATER_EQUALS => (Relation::GreaterOrEqual, true),
        _ => return None,
    })
}

fn compared(operator: &str, left: Typed, right: Typed) -> Result<Typed, String> {
    let Some((relation, positive)) = relation(operator) else {
        return Err(format!("has {operator}, which conditions don't offer"));
    };
    let equal = relation == Relation::Equal;
    let truth = match (left, right) {
        (Typed::Truth(left), Typed::Truth(right)) if equal => Truth::Same(Box::new([left, right])),
        (Typed::Text(left), Typed::Text(right)) if equal => {
            Truth::SameText(Box::new([left, right]))
        }
        (Typed::Number(left), Typed::Number(right)) => {
            Truth::Numbers(relation, Box::new([left, right]))
        }
        (Typed::Moment(left), Typed::Moment(right)) => {
            Truth::Moments(relation, Box::new([left, right]))
        }
        (Typed::Span(left), Typed::Span(right)) => Truth::Spans(relation, Box::new([left, right])),
        (left, right) => {
            let operator = operator.trim_matches('_');
            let (left, right) = (left.kind(), right.kind());
            return Err(format!("has {left} {operator} {right}"));
        }
    };
    Ok(Typed::Truth(match positive {
        true => truth,
        false => Truth::Not(Box::new(truth)),
    }))
}
