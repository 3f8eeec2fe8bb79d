//! Numbers of an expression: literals, and parts of a time in a zone.

use crate::moment::Moment;
use crate::scope::Scope;
use jiff::Timestamp;
use jiff::tz::TimeZone;

#[derive(Clone, Debug)]
pub(crate) enum Number {
    Literal(i64),
    Part(Part, Box<Moment>, TimeZone),
    /// An attribute that no request to Pub/Sub has.
    Unknown,
}

/// Parts of a time, which count from 0 where nothing else is said, by
/// <https://docs.cloud.google.com/iam/docs/conditions-attribute-reference>.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// From 1.
    Date,
    DayOfMonth,
    /// From Sunday.
    DayOfWeek,
    DayOfYear,
    /// As it is called.
    FullYear,
    Hours,
    Milliseconds,
    Minutes,
    Month,
    Seconds,
}

impl Part {
    /// The part that a function gives.
    pub(crate) fn of(function: &str) -> Option<Self> {
        Some(match function {
            "getDate" => Self::Date,
            "getDayOfMonth" => Self::DayOfMonth,
            "getDayOfWeek" => Self::DayOfWeek,
            "getDayOfYear" => Self::DayOfYear,
            "getFullYear" => Self::FullYear,
            "getHours" => Self::Hours,
            "getMilliseconds" => Self::Milliseconds,
            "getMinutes" => Self::Minutes,
            "getMonth" => Self::Month,
            "getSeconds" => Self::Seconds,
            _ => return None,
        })
    }

    /// Of a time in nanoseconds since 1970; `None` where the calendar doesn't reach.
    fn at(self, nanos: i128, zone: &TimeZone) -> Option<i64> {
        let at = zone.to_datetime(Timestamp::from_nanosecond(nanos).ok()?);
        Some(match self {
            Self::Date => i64::from(at.day()),
            Self::DayOfMonth => i64::from(at.day()) - 1,
            Self::DayOfWeek => i64::from(at.weekday().to_sunday_zero_offset()),
            Self::DayOfYear => i64::from(at.day_of_year()) - 1,
            Self::FullYear => i64::from(at.year()),
            Self::Hours => i64::from(at.hour()),
            Self::Milliseconds => i64::from(at.millisecond()),
            Self::Minutes => i64::from(at.minute()),
            Self::Month => i64::from(at.month()) - 1,
            Self::Seconds => i64::from(at.second()),
        })
    }
}

impl Number {
    /// Its value; `None` where it can't be told.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<i64> {
        scope.step(0);
        match self {
            Self::Literal(value) => Some(*value),
            Self::Part(part, of, zone) => part.at(of.value(scope)?, zone),
            Self::Unknown => None,
        }
    }
}
