//! The inputs of the actions, read from either protocol.
//!
//! Source: the service's API model. Members are optional here, so that what is missing can be
//! answered with the service's own error.

use super::decode::{Element, Form, Int, List, Pairs, Text, elements, member};
use super::error::SqsResult;
use serde::Deserialize;
use std::borrow::Cow;

/// An action's input.
pub trait Input<'a>: Deserialize<'a> {
    /// Reads it from the parameters of a query request.
    fn from_form(form: &'a Form<'a>) -> SqsResult<Self>;
}

fn text<'f>(element: &Element<'f>, name: &str) -> Option<Text<'f>> {
    member(element, &[name]).map(|value| Text(Cow::Borrowed(value)))
}

fn int(element: &Element<'_>, name: &str) -> SqsResult<Option<Int>> {
    match member(element, &[name]) {
        None => Ok(None),
        Some(value) => value
            .parse()
            .map(|number| Some(Int(number)))
            .map_err(|_| super::error::not_an_integer(name, value)),
    }
}

/// A message attribute's value.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "PascalCase", bound(deserialize = "'de: 'a"))]
pub struct AttributeValue<'a> {
    pub data_type: Option<Text<'a>>,
    pub string_value: Option<Text<'a>>,
    /// Base64.
    pub binary_value: Option<Text<'a>>,
}

fn attribute_values<'f>(elements: Vec<Element<'f>>) -> Option<Pairs<'f, AttributeValue<'f>>> {
    let pairs: Vec<_> = elements
        .into_iter()
        .map(|element| {
            let value = AttributeValue {
                data_type: text(&element, "Value.DataType"),
                string_value: text(&element, "Value.StringValue"),
                binary_value: text(&element, "Value.BinaryValue"),
            };
            (text(&element, "Name").unwrap_or_default(), value)
        })
        .collect();
    (!pairs.is_empty()).then_some(Pairs(pairs))
}

/// The elements of a list within an element: `MessageAttribute.1.Name` within a batch's entry.
fn nested<'f>(element: &Element<'f>, name: &str) -> Vec<Element<'f>> {
    elements(element.iter().copied(), &[name])
}

macro_rules! input {
    ($(#[$meta:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty = $form:expr,)* }) => {
        $(#[$meta])*
        #[derive(Deserialize, Debug)]
        #[serde(rename_all = "PascalCase", bound(deserialize = "'de: 'a"))]
        pub struct $name<'a> {
            $($(#[$attribute])* #[serde(default)] pub $field: Option<$type>,)*
            #[serde(skip)]
            pub lifetime: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> Input<'a> for $name<'a> {
            fn from_form(form: &'a Form<'a>) -> SqsResult<Self> {
                let _ = form;
                Ok(Self {
                    $($field: { let read: fn(&'a Form<'a>) -> SqsResult<Option<$type>> = $form; read(form)? },)*
                    lifetime: std::marker::PhantomData,
                })
            }
        }
    };
}

macro_rules! of_text {
    ($name:literal) => {
        |form| Ok(form.text($name))
    };
}

macro_rules! of_int {
    ($name:literal) => {
        |form| form.int($name)
    };
}

macro_rules! of_texts {
    ($($name:literal),+) => {
        |form| Ok(Some(List(form.texts(&[$($name),+]))).filter(|texts| !texts.is_empty()))
    };
}

macro_rules! of_map {
    ($key:literal, $value:literal, $($name:literal),+) => {
        |form| Ok(Some(form.map(&[$($name),+], $key, $value)).filter(|map| !map.0.is_empty()))
    };
}

input!(CreateQueue {
    queue_name: Text<'a> = of_text!("QueueName"),
    attributes: Pairs<'a, Text<'a>> = of_map!("Name", "Value", "Attribute", "Attributes"),
    // The model has this member in lower case; some clients don't.
    #[serde(rename = "tags", alias = "Tags")]
    tags: Pairs<'a, Text<'a>> = of_map!("Key", "Value", "Tag", "Tags"),
});

input!(OnQueue {
    queue_url: Text<'a> = of_text!("QueueUrl"),
});

input!(ListQueues {
    queue_name_prefix: Text<'a> = of_text!("QueueNamePrefix"),
    max_results: Int = of_int!("MaxResults"),
    next_token: Text<'a> = of_text!("NextToken"),
});

input!(GetQueueUrl {
    queue_name: Text<'a> = of_text!("QueueName"),
    #[serde(rename = "QueueOwnerAWSAccountId")]
    queue_owner_aws_account_id: Text<'a> = of_text!("QueueOwnerAWSAccountId"),
});

input!(GetQueueAttributes {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    attribute_names: List<Text<'a>> = of_texts!("AttributeName", "AttributeNames"),
});

input!(SetQueueAttributes {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    attributes: Pairs<'a, Text<'a>> = of_map!("Name", "Value", "Attribute", "Attributes"),
});

input!(TagQueue {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    tags: Pairs<'a, Text<'a>> = of_map!("Key", "Value", "Tag", "Tags"),
});

input!(UntagQueue {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    tag_keys: List<Text<'a>> = of_texts!("TagKey", "TagKeys"),
});

input!(AddPermission {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    label: Text<'a> = of_text!("Label"),
    #[serde(rename = "AWSAccountIds")]
    aws_account_ids: List<Text<'a>> = of_texts!("AWSAccountId", "AWSAccountIds"),
    actions: List<Text<'a>> = of_texts!("ActionName", "Actions"),
});

input!(RemovePermission {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    label: Text<'a> = of_text!("Label"),
});

input!(ListDeadLetterSourceQueues {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    max_results: Int = of_int!("MaxResults"),
    next_token: Text<'a> = of_text!("NextToken"),
});

input!(StartMessageMoveTask {
    source_arn: Text<'a> = of_text!("SourceArn"),
    destination_arn: Text<'a> = of_text!("DestinationArn"),
    max_number_of_messages_per_second: Int = of_int!("MaxNumberOfMessagesPerSecond"),
});

input!(CancelMessageMoveTask {
    task_handle: Text<'a> = of_text!("TaskHandle"),
});

input!(ListMessageMoveTasks {
    source_arn: Text<'a> = of_text!("SourceArn"),
    max_results: Int = of_int!("MaxResults"),
});

input!(SendMessage {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    message_body: Text<'a> = of_text!("MessageBody"),
    delay_seconds: Int = of_int!("DelaySeconds"),
    message_attributes: Pairs<'a, AttributeValue<'a>> =
        |form| Ok(attribute_values(form.list(&["MessageAttribute", "MessageAttributes"]))),
    message_system_attributes: Pairs<'a, AttributeValue<'a>> =
        |form| Ok(attribute_values(form.list(&["MessageSystemAttribute", "MessageSystemAttributes"]))),
    message_deduplication_id: Text<'a> = of_text!("MessageDeduplicationId"),
    message_group_id: Text<'a> = of_text!("MessageGroupId"),
});

/// One message of a batch.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase", bound(deserialize = "'de: 'a"))]
pub struct SendEntry<'a> {
    pub id: Option<Text<'a>>,
    pub message_body: Option<Text<'a>>,
    pub delay_seconds: Option<Int>,
    #[serde(default)]
    pub message_attributes: Option<Pairs<'a, AttributeValue<'a>>>,
    #[serde(default)]
    pub message_system_attributes: Option<Pairs<'a, AttributeValue<'a>>>,
    pub message_deduplication_id: Option<Text<'a>>,
    pub message_group_id: Option<Text<'a>>,
}

input!(SendMessageBatch {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    entries: List<SendEntry<'a>> = |form| {
        form.list(&["SendMessageBatchRequestEntry", "Entries"])
            .iter()
            .map(|element| {
                Ok(SendEntry {
                    id: text(element, "Id"),
                    message_body: text(element, "MessageBody"),
                    delay_seconds: int(element, "DelaySeconds")?,
                    message_attributes: attribute_values(nested(element, "MessageAttribute")),
                    message_system_attributes: attribute_values(nested(
                        element,
                        "MessageSystemAttribute",
                    )),
                    message_deduplication_id: text(element, "MessageDeduplicationId"),
                    message_group_id: text(element, "MessageGroupId"),
                })
            })
            .collect::<SqsResult<Vec<_>>>()
            .map(|entries| Some(List(entries)))
    },
});

input!(ReceiveMessage {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    attribute_names: List<Text<'a>> = of_texts!("AttributeName", "AttributeNames"),
    message_system_attribute_names: List<Text<'a>> =
        of_texts!("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    message_attribute_names: List<Text<'a>> =
        of_texts!("MessageAttributeName", "MessageAttributeNames"),
    max_number_of_messages: Int = of_int!("MaxNumberOfMessages"),
    visibility_timeout: Int = of_int!("VisibilityTimeout"),
    wait_time_seconds: Int = of_int!("WaitTimeSeconds"),
    receive_request_attempt_id: Text<'a> = of_text!("ReceiveRequestAttemptId"),
});

input!(DeleteMessage {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    receipt_handle: Text<'a> = of_text!("ReceiptHandle"),
});

input!(ChangeMessageVisibility {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    receipt_handle: Text<'a> = of_text!("ReceiptHandle"),
    visibility_timeout: Int = of_int!("VisibilityTimeout"),
});

/// One handle of a batch.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase", bound(deserialize = "'de: 'a"))]
pub struct HandleEntry<'a> {
    pub id: Option<Text<'a>>,
    pub receipt_handle: Option<Text<'a>>,
    pub visibility_timeout: Option<Int>,
}

fn handle_entries<'a>(elements: &[Element<'a>]) -> SqsResult<List<HandleEntry<'a>>> {
    elements
        .iter()
        .map(|element| {
            Ok(HandleEntry {
                id: text(element, "Id"),
                receipt_handle: text(element, "ReceiptHandle"),
                visibility_timeout: int(element, "VisibilityTimeout")?,
            })
        })
        .collect::<SqsResult<Vec<_>>>()
        .map(List)
}

input!(DeleteMessageBatch {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    entries: List<HandleEntry<'a>> =
        |form| handle_entries(&form.list(&["DeleteMessageBatchRequestEntry", "Entries"])).map(Some),
});

input!(ChangeMessageVisibilityBatch {
    queue_url: Text<'a> = of_text!("QueueUrl"),
    entries: List<HandleEntry<'a>> = |form| handle_entries(
        &form.list(&["ChangeMessageVisibilityBatchRequestEntry", "Entries"])
    )
    .map(Some),
});

#[cfg(test)]
mod tests {
    use super::super::decode::from_json;
    use super::super::garbage;
    use super::*;
    use proptest::prelude::*;

    fn read<'a, I: Input<'a>>(json: &'a [u8], form: &'a Form<'a>) {
        let _ = from_json::<I>(json);
        let _ = I::from_form(form);
    }

    proptest! {
        #[test]
        fn no_input_of_any_action_panics(json in garbage::json_bytes(), form in garbage::form()) {
            let form = Form::parse(&[form.as_bytes()]).unwrap();
            read::<CreateQueue>(&json, &form);
            read::<OnQueue>(&json, &form);
            read::<ListQueues>(&json, &form);
            read::<GetQueueUrl>(&json, &form);
            read::<GetQueueAttributes>(&json, &form);
            read::<SetQueueAttributes>(&json, &form);
            read::<TagQueue>(&json, &form);
            read::<UntagQueue>(&json, &form);
            read::<AddPermission>(&json, &form);
            read::<RemovePermission>(&json, &form);
            read::<ListDeadLetterSourceQueues>(&json, &form);
            read::<StartMessageMoveTask>(&json, &form);
            read::<CancelMessageMoveTask>(&json, &form);
            read::<ListMessageMoveTasks>(&json, &form);
            read::<SendMessage>(&json, &form);
            read::<SendMessageBatch>(&json, &form);
            read::<ReceiveMessage>(&json, &form);
            read::<DeleteMessage>(&json, &form);
            read::<ChangeMessageVisibility>(&json, &form);
            read::<DeleteMessageBatch>(&json, &form);
            read::<ChangeMessageVisibilityBatch>(&json, &form);
        }

        #[test]
        fn a_batch_of_the_query_protocol_has_as_many_entries_as_numbers(
            numbers in prop::collection::btree_set(0..1000u32, 0..12),
        ) {
            let pairs = numbers.iter().map(|number| {
                format!("SendMessageBatchRequestEntry.{number}.Id=i{number}")
            });
            let text = pairs.collect::<Vec<_>>().join("&");
            let form = Form::parse(&[text.as_bytes()]).unwrap();
            let ids: Vec<String> = SendMessageBatch::from_form(&form)
                .unwrap()
                .entries
                .unwrap()
                .into_iter()
                .map(|entry| entry.id.unwrap().to_string())
                .collect();
            let expected: Vec<String> = numbers.iter().map(|number| format!("i{number}")).collect();
            prop_assert_eq!(ids, expected);
        }
    }
}
