//! A plain model of the crate: policies as lists of texts, asked one by one.

use std::collections::BTreeMap;

/// A binding.
#[derive(Clone, Debug)]
pub struct Given {
    pub role: String,
    pub members: Vec<String>,
    pub condition: Option<Wanted>,
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Wanted {
    Bool(bool),
    /// What no request has.
    Unknown,
    Name(String),
    NameBegins(String),
    NameEnds(String),
    /// What stands between two texts is a third.
    Between(String, String, String),
    NameIn(Vec<String>),
    Type(String),
    /// The time is before so many seconds since 1970, and how that is written.
    Before(i64, String),
    /// The time and so many seconds is before.
    WithMore(i64, i64, String),
    /// The hour is at least, in a zone so many hours from UTC.
    HourFrom(i64, i64),
    /// The day of the week.
    Weekday(i64),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As in policies; `None` for one with no credentials.
    pub member: Option<String>,
    pub groups: Vec<String>,
    /// Name and type, where they are known.
    pub resource: Option<(String, String)>,
    /// Since 1970.
    pub seconds: i64,
}

/// Permissions of each role, by name.
pub fn roles() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(include_str!("../roles.json")).unwrap()
}

impl Asked {
    pub fn has(
        &self,
        permission: &str,
        given: &[Given],
        roles: &BTreeMap<String, Vec<String>>,
    ) -> bool {
        given.iter().any(|given| {
            roles[&given.role].iter().any(|has| has == permission)
                && given.members.iter().any(|member| self.is(member))
                && given
                    .condition
                    .as_ref()
                    .is_none_or(|wanted| wanted.holds(self) == Some(true))
        })
    }

    fn is(&self, member: &str) -> bool {
        let Some(who) = &self.member else {
            return member == "allUsers";
        };
        match member {
            "allUsers" => true,
            "allAuthenticatedUsers" => !who.starts_with("principal:"),
            _ => {
                let domain = member.strip_prefix("domain:");
                let group = member.strip_prefix("group:");
                let pool = member.strip_prefix("principalSet:");
                who.to_lowercase() == member.to_lowercase()
                    || domain.is_some_and(|of| {
                        who.starts_with("user:") && who.ends_with(&format!("@{of}"))
                    })
                    || group.is_some_and(|of| self.groups.iter().any(|group| group == of))
                    || pool.is_some_and(|pool| {
                        let pool = pool.replace('*', "subject/");
                        who.starts_with(&format!("principal:{pool}"))
                    })
            }
        }
    }
}

impl Wanted {
    pub fn holds(&self, asked: &Asked) -> Option<bool> {
        let name = asked.resource.as_ref().map(|(name, _)| name);
        Some(match self {
            Self::Bool(value) => *value,
            Self::Unknown => return None,
            Self::Name(is) => name? == is,
            Self::NameBegins(with) => name?.starts_with(with),
            Self::NameEnds(with) => name?.ends_with(with),
            Self::Between(before, behind, is) => {
                let part = name?
                    .split_once(&**before)
                    .and_then(|(_, rest)| match &**behind {
                        "" => Some(rest),
                        behind => rest.split_once(behind).map(|(part, _)| part),
                    });
                part.unwrap_or("") == is
            }
            Self::NameIn(list) => list.contains(name?),
            Self::Type(is) => &asked.resource.as_ref()?.1 == is,
            Self::Before(seconds, _) => asked.seconds < *seconds,
            Self::WithMore(more, seconds, _) => asked.seconds + more < *seconds,
            Self::HourFrom(hour, zone) => {
                (asked.seconds + zone * 3600).rem_euclid(86_400) / 3600 >= *hour
            }
            // The first of 1970 was a Thursday.
            Self::Weekday(day) => (asked.seconds.div_euclid(86_400) + 4).rem_euclid(7) == *day,
            Self::Not(one) => !one.holds(asked)?,
            Self::And(left, right) => match (left.holds(asked), right.holds(asked)) {
                (Some(false), _) | (_, Some(false)) => false,
                (left, right) => left? && right?,
            },
            Self::Or(left, right) => match (left.holds(asked), right.holds(asked)) {
                (Some(true), _) | (_, Some(true)) => true,
                (left, right) => left? || right?,
            },
        })
    }

    /// In the language of conditions.
    pub fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Unknown => "resource.hasTagKey('1/env')".to_owned(),
            Self::Name(is) => format!("resource.name == {is:?}"),
            Self::NameBegins(with) => format!("resource.name.startsWith({with:?})"),
            Self::NameEnds(with) => format!("resource.name.endsWith('{with}')"),
            Self::Between(before, behind, is) => {
                format!("{is:?} == resource.name.extract('{before}{{x}}{behind}')")
            }
            Self::NameIn(list) => format!("resource.name in {list:?}"),
            Self::Type(is) => format!("resource.type==\"{is}\""),
            Self::Before(_, text) => format!("request.time < timestamp('{text}')"),
            Self::WithMore(more, _, text) => {
                format!("timestamp('{text}') > request.time + duration('{more}s')")
            }
            Self::HourFrom(hour, zone) => {
                let sign = if *zone < 0 { '-' } else { '+' };
                let zone = zone.abs();
                format!("request.time.getHours('{sign}{zone:02}:00') >= {hour}")
            }
            Self::Weekday(day) => format!("request.time.getDayOfWeek() == {day}"),
            Self::Not(one) => format!("!({})", one.text()),
            Self::And(left, right) => format!("({} && {})", left.parted(), right.parted()),
            Self::Or(left, right) => format!("{} || ({})", left.parted(), right.text()),
        }
    }

    /// In brackets where another operator would part it.
    fn parted(&self) -> String {
        format!("({})", self.text())
    }

    /// Its `&&`, `||` and `!`.
    pub fn logic(&self) -> usize {
        match self {
            Self::Not(one) => one.logic() + 1,
            Self::And(left, right) | Self::Or(left, right) => left.logic() + right.logic() + 1,
            _ => 0,
        }
    }
}
