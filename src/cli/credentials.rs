//! Commands about the file of access keys and service accounts.

use crate::config::forms::{account, scope_name};
use crate::credentials::Scope;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum CredentialsCommand {
    /// Make an access key, add it to the file, and print it. Its secret is not told again.
    Create {
        #[command(flatten)]
        file: CredentialsFile,
        /// Whose queues it is for.
        #[arg(long, default_value = "000000000000", value_name = "ACCOUNT", value_parser = account)]
        account: String,
        /// Who uses it.
        #[arg(long, default_value = "lclq", value_name = "NAME")]
        user: String,
        /// What it may do, by IAM policies in JSON. Without one, all that its account may. Repeatable.
        #[arg(long, value_name = "FILE")]
        policy: Vec<PathBuf>,
        /// Make it a session of this role; --user names the session.
        #[arg(long, value_name = "NAME")]
        role: Option<String>,
        /// The organization of its account, as aws:PrincipalOrgID has it.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// Make it good for so many seconds only, with a session token.
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
        session_seconds: Option<u32>,
        /// Form of the answer.
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        output: CreatedForm,
    },
    /// Make a service account, add its public key to the file, and print what Google's libraries take
    /// as GOOGLE_APPLICATION_CREDENTIALS. Its private key is not told again.
    CreateServiceAccount {
        #[command(flatten)]
        file: CredentialsFile,
        /// The first part of its e-mail address.
        #[arg(value_name = "NAME", default_value = "lclq", value_parser = scope_name)]
        name: String,
        /// The project that it belongs to.
        #[arg(long, default_value = "local", value_name = "PROJECT", value_parser = scope_name)]
        project: String,
        /// Where libraries ask for tokens: /token on the Pub/Sub port, as they reach it.
        #[arg(
            long,
            default_value = "https://localhost:8085/token",
            value_name = "URL"
        )]
        token_uri: String,
    },
    /// Make a token for the admin API, add its hash to the file, and print it. It is not told again.
    CreateToken {
        #[command(flatten)]
        file: CredentialsFile,
        /// What it is for.
        #[arg(value_name = "NAME", value_parser = scope_name)]
        name: String,
        /// What its holder may do; each includes the one before it.
        #[arg(long, value_enum, default_value = "read", value_name = "SCOPE")]
        scope: Scope,
        /// Make it good for so many seconds only.
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=315_360_000))]
        seconds: Option<u32>,
    },
    /// List the keys of the file, without their secrets.
    List {
        #[command(flatten)]
        file: CredentialsFile,
    },
    /// Take a key, or a token by its name, out of the file.
    Delete {
        #[command(flatten)]
        file: CredentialsFile,
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Which file.
#[derive(Args, Debug)]
pub struct CredentialsFile {
    /// The file of access keys and service accounts, as lclq start takes it.
    #[arg(long = "file", env = "LCLQ_CREDENTIALS", value_name = "FILE")]
    pub path: PathBuf,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreatedForm {
    /// As variables that AWS' SDKs read.
    #[default]
    Env,
    /// As `credential_process` in AWS' configuration takes it.
    Json,
}
