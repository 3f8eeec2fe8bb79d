//! `lclq credentials`.

use super::file::{Contents, FileError, append, read, remove};
use super::make::{Made, make, make_account};
use crate::cli::{CreatedForm, CredentialsCommand};
use comfy_table::{Table, presets};
use serde_json::json;
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
            session_seconds,
            output,
        } => {
            let path = file.path;
            // Nothing is added to what isn't such a file.
            if path.exists() {
                read(&path)?;
            }
            let made = make(&account, &user, session_seconds);
            let made = made.map_err(|error| FileError::wrong(&path, error.to_string()))?;
            let more = Contents {
                access_keys: vec![made.key.clone()],
                ..Contents::default()
            };
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
        CredentialsCommand::List { file } => {
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            table.set_header(["ID", "ACCOUNT OR PROJECT", "USER", "SESSION UNTIL"]);
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
            let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
            Ok(lines.collect())
        }
        CredentialsCommand::Delete { file, id } => {
            remove(&file.path, &id)?;
            Ok(format!("deleted {id}\n"))
        }
    }
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
