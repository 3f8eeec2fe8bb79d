//! Commands about policies.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Decide about a request by IAM and queue policies, and say of each statement why it applies or
    /// doesn't. Exits with 0 if the request is allowed, with 1 if it isn't.
    Test(Box<PolicyTest>),
    /// Check that policies can be read, and tell what is wrong with those that can't.
    Check {
        /// Policies in JSON.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub struct PolicyTest {
    /// What is to be done, such as sqs:SendMessage.
    #[arg(long, value_name = "ACTION")]
    pub action: String,

    /// ARN of what it is to be done with.
    #[arg(long, value_name = "ARN")]
    pub resource: String,

    /// Who asks: an ARN of IAM or STS, an account, or a service such as sns.amazonaws.com. Without this,
    /// somebody who has signed nothing.
    #[arg(long, value_name = "ARN")]
    pub principal: Option<String>,

    /// A policy of who asks. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub identity_policy: Vec<PathBuf>,

    /// The resource's policy, such as a queue's.
    #[arg(long, value_name = "FILE")]
    pub resource_policy: Option<PathBuf>,

    /// A circumstance, such as aws:SourceIp=192.0.2.1; the same key again gives it several values.
    /// Repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub context: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "a key and a value, with = between".to_owned())
}
