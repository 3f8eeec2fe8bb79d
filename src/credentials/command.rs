//! `lclq credentials`.

use super::file::{FileError, append, read, remove};
use super::make::{Made, make};
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
            append(&path, &made.key)?;
            Ok(match output {
                CreatedForm::Env => variables(&made),
                CreatedForm::Json => process(&made),
            })
        }
        CredentialsCommand::List { file } => {
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            table.set_header(["ID", "ACCOUNT", "USER", "SESSION UNTIL"]);
            for key in read(&file.path)? {
                let until = key.session_until.map_or_else(String::new, at);
                table.add_row([key.id, key.account, key.user, until]);
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
