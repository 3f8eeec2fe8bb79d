//! `lclq credentials`.

use super::file::{Contents, FileError, NamedPolicy, append, read, read_text, remove};
use super::make::{Made, make, make_account};
use super::principal::{Policies, Principal};
use super::tokens::make_token;
use crate::cli::{CreatedForm, CredentialsCommand};
use comfy_table::{Table, presets};
use serde_json::json;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Carries a command out, and gives what it prints.
///
/// # Errors
/// The file can't be read or written, or has no such key.
pub fn run(command: CredentialsCommand) -> Result<String, FileError> {
    match command {
        CredentialsCommand::Create {
            file,
            account,
            user,
            policy,
            role,
            organization,
            session_seconds,
            output,
        } => {
            let path = file.path;
            // Nothing is added to what isn't such a file.
            let there = match path.exists() {
                true => read(&path)?,
                false => Contents::default(),
            };
            let (names, policies) = policies_of(&policy, &there)?;
            let made = make(&account, &user, session_seconds);
            let mut made = made.map_err(|error| FileError::wrong(&path, error.to_string()))?;
            made.key.role = role;
            made.key.organization = organization;
            made.key.policies = (!names.is_empty()).then_some(names);
            let more = Contents {
                policies,
                access_keys: vec![made.key.clone()],
                ..Contents::default()
            };
            check(&path, &there, &more)?;
            append(&path, &more)?;
            Ok(match output {
                CreatedForm::Env => variables(&made),
                CreatedForm::Json => process(&made),
            })
        }
        CredentialsCommand::CreateServiceAccount {
            file,
            name,
            project,
            token_uri,
        } => {
            let path = file.path;
            if path.exists() {
                read(&path)?;
            }
            let made = make_account(&name, &project, &token_uri);
            let made = made.map_err(|error| FileError::wrong(&path, error.to_string()))?;
            let more = Contents {
                service_accounts: vec![made.account],
                ..Contents::default()
            };
            append(&path, &more)?;
            Ok(format!("{:#}\n", made.file))
        }
        CredentialsCommand::CreateToken {
            file,
            name,
            scope,
            seconds,
        } => {
            let path = file.path;
            if path.exists()
                && read(&path)?
                    .admin_tokens
                    .iter()
                    .any(|token| token.name == name)
            {
                let text = format!("there is a token {name} already");
                return Err(FileError::wrong(&path, text));
            }
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let until = seconds.map(|seconds| now + i64::from(seconds));
            let made = make_token(&name, scope, until);
            let (token, kept) = made.map_err(|error| FileError::wrong(&path, error.to_string()))?;
            let more = Contents {
                admin_tokens: vec![kept],
                ..Contents::default()
            };
            append(&path, &more)?;
            Ok(format!("LCLQ_TOKEN={token}\n"))
        }
        CredentialsCommand::List { file } => {
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            table.set_header(["ID", "ACCOUNT OR PROJECT", "USER", "UNTIL"]);
            let contents = read(&file.path)?;
            for key in contents.access_keys {
                let until = key.session_until.map_or_else(String::new, at);
                table.add_row([key.id, key.account, key.user, until]);
            }
            for account in contents.service_accounts {
                let (name, rest) = account.email.split_once('@').unwrap_or_default();
                let project = rest.split('.').next().unwrap_or_default();
                let row = [account.key_id.as_str(), project, name, ""];
                table.add_row(row);
            }
            for token in contents.admin_tokens {
                let until = token.until.map_or_else(String::new, at);
                let scope = format!("admin API: {}", token.scope.name());
                table.add_row([token.name, String::new(), scope, until]);
            }
            let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
            Ok(lines.collect())
        }
        CredentialsCommand::Delete { file, id } => {
            remove(&file.path, &id)?;
            Ok(format!("deleted {id}\n"))
        }
    }
}

/// The names of policies that are given as files, and those of them that a file of keys doesn't have yet.
fn policies_of(
    files: &[PathBuf],
    there: &Contents,
) -> Result<(Vec<String>, Vec<NamedPolicy>), FileError> {
    let (mut names, mut new) = (Vec::new(), Vec::<NamedPolicy>::new());
    for file in files {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let document = read_text(file)?;
        let known = there.policies.iter().chain(&new);
        match known.into_iter().find(|policy| policy.name == name) {
            None => new.push(NamedPolicy {
                name: name.clone(),
                document,
            }),
            Some(same) if same.document == document => {}
            Some(_) => {
                let text = format!("a policy {name} that says something else is known already");
                return Err(FileError::wrong(file, text));
            }
        }
        names.push(name);
    }
    Ok((names, new))
}

/// Checks that a server could use what a file is going to have.
fn check(path: &Path, there: &Contents, more: &Contents) -> Result<(), FileError> {
    let policies = there.policies.iter().chain(&more.policies).cloned();
    let policies = Policies::of(policies.collect());
    let policies = policies.map_err(|text| FileError::wrong(path, text))?;
    for key in &more.access_keys {
        Principal::of(key, &policies).map_err(|text| FileError::wrong(path, text))?;
    }
    Ok(())
}

fn variables(made: &Made) -> String {
    let mut text = format!(
        "AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n",
        made.key.id, made.secret
    );
    if let Some(token) = &made.session_token {
        text.push_str(&format!("AWS_SESSION_TOKEN={token}\n"));
    }
    text
}

fn process(made: &Made) -> String {
    let mut object = json!({
        "Version": 1,
        "AccessKeyId": made.key.id,
        "SecretAccessKey": made.secret,
    });
    if let (Some(token), Some(until)) = (&made.session_token, made.key.session_until) {
        object["SessionToken"] = token.as_str().into();
        object["Expiration"] = at(until).into();
    }
    format!("{object:#}\n")
}

fn at(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        |_| seconds.to_string(),
        |at| {
            let (date, time) = (at.date(), at.time());
            format!(
                "{date}T{:02}:{:02}:{:02}Z",
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}
