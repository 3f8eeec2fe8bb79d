//! Commands that drive a test server.

use clap::{Args, Subcommand};

/// About the clock of a server that was started with --test-controls.
#[derive(Subcommand, Clone, Debug)]
pub enum ClockCommand {
    /// Show what time the server takes it to be.
    Show,
    /// Stop it.
    Stop,
    /// Let time pass at once: 90s, 15m, 36h, 4d, 250ms.
    Advance {
        /// How much.
        #[arg(value_parser = duration_ms)]
        by: u64,
    },
    /// Let all time pass at once until then; it can't go back.
    Set {
        /// A time as 2026-12-24T18:00:00Z, or ms since 1970.
        to: String,
    },
    /// Let it go on by itself.
    Resume,
}

/// About the faults that requests to a server that was started with --test-controls suffer.
#[derive(Subcommand, Clone, Debug)]
pub enum FaultCommand {
    /// Show the rules, and what they did.
    List,
    /// Add a rule, or put it in the place of one of its name.
    Set(Box<FaultArgs>),
    /// Take a rule away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Take all rules away.
    Clear,
}

/// A fault rule.
#[derive(Args, Clone, Debug)]
pub struct FaultArgs {
    /// Its name; a number where it has none.
    #[arg(long)]
    pub name: Option<String>,
    /// For requests to this dialect alone.
    #[arg(long, value_parser = ["sqs", "pubsub"])]
    pub dialect: Option<String>,
    /// For these actions or methods: * is any characters, ? one.
    #[arg(long, value_name = "PATTERN")]
    pub action: Option<String>,
    /// For these queues, or topics, subscriptions, snapshots and schemas by their full names.
    #[arg(long, value_name = "PATTERN")]
    pub resource: Option<String>,
    /// For this share of them, 0 to 1.
    #[arg(long, conflicts_with = "every")]
    pub share: Option<f64>,
    /// For every n-th of them.
    #[arg(long, value_name = "N")]
    pub every: Option<u64>,
    /// For so many of them, and then no more.
    #[arg(long, value_name = "N")]
    pub times: Option<u64>,
    /// What chance begins with.
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub effect: FaultEffect,
    /// What --error says.
    #[arg(long, requires = "error", value_name = "TEXT")]
    pub message: Option<String>,
    /// The longest delay, where --latency is the shortest.
    #[arg(long, requires = "latency", value_name = "TIME", value_parser = duration_ms)]
    pub latency_max: Option<u64>,
}

/// What requests suffer by a rule.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct FaultEffect {
    /// They are refused with this code, such as InternalFailure or UNAVAILABLE.
    #[arg(long, value_name = "CODE")]
    pub error: Option<String>,
    /// They are refused as too many.
    #[arg(long)]
    pub throttle: bool,
    /// They are carried out later: 250ms, 2s.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub latency: Option<u64>,
    /// Their connection ends, before they are carried out or instead of the answer.
    #[arg(long, value_parser = ["before", "after"])]
    pub drop: Option<String>,
    /// This share of their batch's entries fails.
    #[arg(long, value_name = "SHARE")]
    pub entries: Option<f64>,
}

/// About the production profile of a server that was started with --test-controls.
#[derive(Subcommand, Clone, Debug)]
pub enum ProfileCommand {
    /// Show what it has happen, and what it did.
    Show,
    /// Begin it, or begin it anew.
    Set {
        /// What chance begins with.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// What is other than usual, such as sqs.duplicated=0.5.
        #[arg(value_name = "KEY=VALUE", value_parser = key_and_number)]
        values: Vec<(String, serde_json::Number)>,
    },
    /// End it.
    End,
}

fn key_and_number(text: &str) -> Result<(String, serde_json::Number), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE")?;
    let value = value.parse().map_err(|_| format!("{value} is no number"))?;
    Ok((key.to_owned(), value))
}

/// About the regions that Pub/Sub plays on a server that was started with --test-controls.
#[derive(Subcommand, Clone, Debug)]
pub enum RegionCommand {
    /// List them, and what lies between each two.
    List,
    /// Set them, in place of all that there are.
    Set {
        /// Their names; requests that name none come in by the first.
        #[arg(required = true, value_name = "REGION")]
        regions: Vec<String>,
        /// How far two of them are from each other, in ms, such as europe-west1:us-east1=80. Repeatable.
        #[arg(long = "latency", value_name = "REGION:REGION=MS", value_parser = crate::regions::read_latency)]
        latencies: Vec<([String; 2], u64)>,
    },
    /// Say how far two are from each other.
    Latency {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// How long anything takes from one to the other, and as long back: 80ms, 2s.
        #[arg(value_parser = duration_ms)]
        time: u64,
    },
    /// Cut two off from each other, or one from all others.
    Cut {
        /// One of them.
        one: String,
        /// The other; all others where it isn't given.
        other: Option<String>,
    },
    /// Bring two together again, or one and all others, or all.
    Heal {
        /// One of them; all where it isn't given.
        one: Option<String>,
        /// The other; all others where it isn't given.
        other: Option<String>,
    },
    /// Bring back those that the server was started with, or none.
    Reset,
}

/// About states of a server that was started with --test-controls.
#[derive(Subcommand, Clone, Debug)]
pub enum StateCommand {
    /// List those that were saved.
    List,
    /// Save all that the server has, in its memory.
    Save {
        /// The state's name; one of that name is replaced.
        name: String,
    },
    /// Bring a state back in place of all that the server has.
    Restore {
        /// The state's name.
        name: String,
    },
    /// Forget a state.
    Delete {
        /// The state's name.
        name: String,
    },
}

/// A time as people write it, ms.
fn duration_ms(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let ms_each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("a number with ms, s, m, h or d, such as 90s".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a number with ms, s, m, h or d, such as 90s".to_owned())?;
    number
        .checked_mul(ms_each)
        .ok_or_else(|| "more time than there is".to_owned())
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("250ms", 250),
            ("90s", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5h", "1w", "99999999999999999999d"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }
}
