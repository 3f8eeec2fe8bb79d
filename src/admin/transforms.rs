//! `POST /transforms/test`: what transforms would make of messages, without a topic.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::route::{Asked, Json, NoQuery, Route, Scope};
use super::tail::text_or_data;
use crate::pubsub::transform::{Algorithm, Transform, TransformMessage, TransformMetadata};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

const MESSAGES_MAX: usize = 100;

/// Transforms, and messages to try them on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TestTransforms {
    /// As Pub/Sub's REST API has them.
    transforms: Vec<TransformForm>,
    /// No more than 100.
    messages: Vec<MessageForm>,
}

/// A transform. One of its members is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TransformForm {
    javascript_udf: Option<FunctionForm>,
    compression: Option<CompressionForm>,
    /// It is left out.
    #[serde(default)]
    disabled: bool,
}

/// A user-defined function.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FunctionForm {
    function_name: String,
    code: String,
}

/// How data is compressed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CompressionForm {
    compression_algorithm: AlgorithmForm,
    compression_mode: ModeForm,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum AlgorithmForm {
    Zlib,
    Zstd,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ModeForm {
    Compress,
    Decompress,
}

/// A message to try them on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageForm {
    /// Its data as text.
    text: Option<String>,
    /// Its data in base64.
    data: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    ordering_key: String,
    #[serde(default)]
    message_id: String,
}

/// What became of the messages, in their order.
#[derive(Serialize, JsonSchema)]
struct Tested {
    outcomes: Vec<OutcomeView>,
}

/// What became of a message.
#[derive(Serialize, JsonSchema)]
struct OutcomeView {
    /// `changed`, `filtered` if a function left it out, or `failed`.
    outcome: &'static str,
    /// Its data, where that is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its data in base64, where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<BTreeMap<String, String>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn step(form: TransformForm) -> AdminResult<Transform> {
    match (form.javascript_udf, form.compression) {
        (Some(function), None) => Ok(Transform::JavaScript {
            function_name: function.function_name,
            code: function.code,
        }),
        (None, Some(compression)) => {
            let algorithm = match compression.compression_algorithm {
                AlgorithmForm::Zlib => Algorithm::Zlib,
                AlgorithmForm::Zstd => Algorithm::Zstd,
            };
            Ok(match compression.compression_mode {
                ModeForm::Compress => Transform::Compress(algorithm),
                ModeForm::Decompress => Transform::Decompress(algorithm),
            })
        }
        _ => Err(AdminError::bad_request(
            "a transform is either javascriptUdf or compression",
        )),
    }
}

fn message(form: MessageForm) -> AdminResult<TransformMessage> {
    let data = match (form.data, form.text) {
        (Some(data), None) => base64_simd::STANDARD
            .decode_to_vec(&data)
            .map_err(|error| AdminError::bad_request(format!("data: {error}")))?,
        (None, text) => text.unwrap_or_default().into_bytes(),
        (Some(_), Some(_)) => return Err(AdminError::bad_request("a message has text or data")),
    };
    Ok(TransformMessage {
        data: data.into(),
        attributes: form.attributes.into_iter().collect(),
        metadata: TransformMetadata {
            message_id: form.message_id,
            ordering_key: form.ordering_key,
            ..TransformMetadata::default()
        },
    })
}

async fn test(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<TestTransforms>>,
) -> AdminResult<Tested> {
    let Json(wanted) = asked.body;
    if wanted.messages.len() > MESSAGES_MAX {
        let most = format!("{} messages; {MESSAGES_MAX} at most", wanted.messages.len());
        return Err(AdminError::bad_request(most));
    }
    let Some(pubsub) = admin.pubsub.clone() else {
        return Err(AdminError::unavailable("the server starts or stops"));
    };
    let forms = wanted.transforms.into_iter().filter(|form| !form.disabled);
    let steps = forms.map(step).collect::<AdminResult<Vec<_>>>()?;
    let messages = wanted.messages.into_iter().map(message);
    let messages = messages.collect::<AdminResult<Vec<_>>>()?;
    let outcomes = pubsub.transformed(steps.into(), messages).await;
    let outcomes = outcomes.map_err(AdminError::bad_request)?;
    let view = |outcome, message: Option<TransformMessage>, reason| {
        let shown = message.map(|message| (text_or_data(&message.data), message.attributes));
        let ((text, data), attributes) = match shown {
            Some((data, attributes)) => (data, Some(attributes.into_iter().collect())),
            None => ((None, None), None),
        };
        OutcomeView {
            outcome,
            text,
            data,
            attributes,
            reason,
        }
    };
    let outcomes = outcomes.into_iter().map(|outcome| match outcome {
        Ok(Some(message)) => view("changed", Some(message), None),
        Ok(None) => view("filtered", None, None),
        Err(error) => view("failed", None, Some(error.to_string())),
    });
    Ok(Tested {
        outcomes: outcomes.collect(),
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        "/transforms/test",
        Scope::Operate,
        (
            "testTransforms",
            "What message transforms would make of messages; nothing is published",
        ),
        test,
    )]
}
