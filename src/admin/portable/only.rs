//! Which of all resources are meant: `queue=orders`, `topic=projects/p/topics/t*`.

use super::super::answers::{AdminError, AdminResult};
use lclq_shards::QueueName;

/// Filters of one request at most.
const FILTERS_MAX: usize = 1000;

/// Those that are meant; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub(in crate::admin) struct Only {
    queues: Vec<String>,
    topics: Vec<String>,
    schemas: Vec<String>,
}

impl Only {
    /// Reads all filters of a request.
    pub fn of(filters: &[String]) -> AdminResult<Self> {
        let mut only = Self::default();
        for filter in filters {
            only.add(filter)?;
        }
        Ok(only)
    }

    /// Reads one `kind=name`; a name may end in `*`.
    fn add(&mut self, filter: &str) -> AdminResult<()> {
        let known = || {
            AdminError::bad_request(format!(
                "{filter}: what is meant is given as queue=NAME, topic=NAME or schema=NAME, and a \
                 name may end in *"
            ))
        };
        if self.queues.len() + self.topics.len() + self.schemas.len() >= FILTERS_MAX {
            return Err(AdminError::bad_request(format!(
                "{FILTERS_MAX} filters are allowed"
            )));
        }
        let (kind, name) = filter.split_once('=').ok_or_else(known)?;
        let names = match kind {
            "queue" => &mut self.queues,
            "topic" => &mut self.topics,
            "schema" => &mut self.schemas,
            _ => return Err(known()),
        };
        names.push(name.to_owned());
        Ok(())
    }

    fn is_all(&self) -> bool {
        self.queues.is_empty() && self.topics.is_empty() && self.schemas.is_empty()
    }

    pub fn has_queue(&self, name: &QueueName) -> bool {
        self.is_all() || any(&self.queues, &name.name) || any(&self.queues, &name.arn())
    }

    /// A topic goes with its subscriptions and snapshots.
    pub fn has_topic(&self, name: &str) -> bool {
        self.is_all() || any(&self.topics, name) || any(&self.topics, id(name))
    }

    pub fn has_schema(&self, name: &str) -> bool {
        self.is_all() || any(&self.schemas, name) || any(&self.schemas, id(name))
    }
}

/// The last part of a name.
fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn any(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => wanted == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_or_whole_and_may_end_in_a_star() {
        let queue = QueueName::new("us-east-1", "000000000000", "orders");
        let mut only = Only::default();
        assert!(only.has_queue(&queue) && only.has_topic("projects/p/topics/t"));
        only.add("queue=ord*").unwrap();
        only.add("topic=projects/p/topics/t").unwrap();
        assert!(only.has_queue(&queue) && only.has_topic("projects/p/topics/t"));
        assert!(!only.has_topic("projects/q/topics/t") && !only.has_schema("projects/p/schemas/s"));
        let other = QueueName::new("us-east-1", "000000000000", "or");
        assert!(!only.has_queue(&other));
        assert!(only.add("queues=x").is_err() && only.add("x").is_err());
    }
}
