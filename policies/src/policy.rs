//! A policy: some statements, and the version of the language that they are in.

use crate::error::{PolicyError, quoted};
use crate::json::Json;
use crate::statement::Statement;

/// Bytes of a policy's text. SQS takes 8,192 for a queue and IAM 6,144 for a managed policy; the
/// largest that any service takes is S3's, of 20 KB.
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Statements of a policy. SQS takes 20.
pub const STATEMENTS_MAX: usize = 100;

/// The version with variables.
const VERSION_WITH_VARIABLES: &str = "2012-10-17";
/// The version before it, which a policy is in that doesn't say.
const VERSION_BEFORE: &str = "2008-10-17";

/// A policy that has been read: of an identity, or of a resource such as a queue.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) statements: Box<[Statement]>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// It names the member that isn't as it should be, and says what is allowed.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        if json.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong { bytes: json.len() });
        }
        let json = serde_json::from_str(json);
        let json: Json = json.map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let Json::Object(members) = json else {
            let fault = format!("is {}, allowed is an object", json.kind());
            return Err(PolicyError::member("the policy", fault));
        };
        let (mut variables, mut statements) = (false, None);
        for (name, value) in members {
            match &*name {
                "Version" => variables = has_variables(&value)?,
                "Id" if matches!(value, Json::Text(_)) => {}
                "Id" => {
                    let fault = format!("is {}, allowed is a string", value.kind());
                    return Err(PolicyError::member("Id", fault));
                }
                "Statement" => statements = Some(value),
                _ => {
                    let fault = "is unknown, allowed are Version, Id and Statement";
                    return Err(PolicyError::member(name, fault));
                }
            }
        }
        let Some(statements) = statements else {
            return Err(PolicyError::member("the policy", "has no Statement"));
        };
        let statements = read(statements, variables)?;
        Ok(Self { statements })
    }

    /// How many statements it has.
    pub fn statements(&self) -> usize {
        self.statements.len()
    }
}

fn has_variables(version: &Json) -> Result<bool, PolicyError> {
    let is = match version {
        Json::Text(text) if text == VERSION_WITH_VARIABLES => return Ok(true),
        Json::Text(text) if text == VERSION_BEFORE => return Ok(false),
        Json::Text(text) => quoted(text),
        other => other.kind().to_owned(),
    };
    let fault =
        format!("is {is}, allowed are \"{VERSION_WITH_VARIABLES}\" and \"{VERSION_BEFORE}\"");
    Err(PolicyError::member("Version", fault))
}

fn read(json: Json, variables: bool) -> Result<Box<[Statement]>, PolicyError> {
    let all = json.into_list();
    if all.is_empty() || all.len() > STATEMENTS_MAX {
        let fault = format!(
            "has {} statements, allowed are 1 to {STATEMENTS_MAX}",
            all.len()
        );
        return Err(PolicyError::member("Statement", fault));
    }
    let mut statements: Vec<Statement> = Vec::with_capacity(all.len());
    for (n, json) in all.into_iter().enumerate() {
        let at = format!("Statement[{n}]");
        let statement = Statement::read(json, &at, variables)?;
        let same = |other: &Statement| other.sid.is_some() && other.sid == statement.sid;
        if let Some(other) = statements.iter().position(same) {
            let fault = format!("is that of Statement[{other}], too, each may be there once");
            return Err(PolicyError::member(format!("{at}.Sid"), fault));
        }
        statements.push(statement);
    }
    Ok(statements.into())
}
