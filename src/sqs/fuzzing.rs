//! The dialect's parsers, for tests/fuzz.

use super::actions::Action;
use super::attributes;
use super::decode::{Form, Pairs, Text, from_json};
use super::encode;
use super::message_attributes::{Attributes, check_system};
use super::names::{is_queue_path, names_nothing, parse_queue_url};
use super::request::{
    AddPermission, AttributeValue, CancelMessageMoveTask, ChangeMessageVisibility,
    ChangeMessageVisibilityBatch, CreateQueue, DeleteMessage, DeleteMessageBatch,
    GetQueueAttributes, GetQueueUrl, Input, ListDeadLetterSourceQueues, ListMessageMoveTasks,
    ListQueues, OnQueue, ReceiveMessage, RemovePermission, SendMessage, SendMessageBatch,
    SetQueueAttributes, StartMessageMoveTask, TagQueue, UntagQueue,
};
use crate::fuzzing::first_line;
use lclq_shards::pubsub::{ACK_ID_CHARS, AckIdSigner};
use lclq_shards::{HANDLE_CHARS, Receipt, ReceiptSigner};

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

/// Parameters of a form that is compared with another parser's one by one.
const COMPARED_PARAMETERS_MAX: usize = 64;

/// A queue URL stands for the queue whose own URL, and whose longest, stand for it, too.
pub fn queue_url(bytes: &[u8]) {
    let Ok(url) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = is_queue_path(url, ACCOUNT);
    let Some(name) = parse_queue_url(url, REGION, ACCOUNT) else {
        return;
    };
    assert!(!names_nothing(url), "{url:?} is of {name:?}");
    let (region, account, queue) = (&name.region, &name.account, &name.name);
    let longest = format!("http://localhost:9324/queue/{region}/{account}/{queue}");
    assert_eq!(
        parse_queue_url(&longest, REGION, ACCOUNT).as_ref(),
        Some(&name)
    );
    let own = format!("/{account}/{queue}");
    // A request in its scope, which answers give URLs in.
    let again = parse_queue_url(&own, region, account);
    assert_eq!(again.as_ref(), Some(&name), "{own}");
}

fn read<'a, T: Input<'a>>(json: Option<&'a [u8]>, form: Option<&'a Form<'a>>) {
    if let Some(json) = json {
        let _ = from_json::<T>(json);
    }
    if let Some(form) = form {
        let _ = T::from_form(form);
    }
}

fn input<'a>(action: &[u8], json: Option<&'a [u8]>, form: Option<&'a Form<'a>>) {
    let action = std::str::from_utf8(action).ok();
    let Some(action) = action.and_then(Action::from_name) else {
        return;
    };
    match action {
        Action::AddPermission => read::<AddPermission<'_>>(json, form),
        Action::CancelMessageMoveTask => read::<CancelMessageMoveTask<'_>>(json, form),
        Action::ChangeMessageVisibility => read::<ChangeMessageVisibility<'_>>(json, form),
        Action::ChangeMessageVisibilityBatch => {
            read::<ChangeMessageVisibilityBatch<'_>>(json, form);
        }
        Action::CreateQueue => read::<CreateQueue<'_>>(json, form),
        Action::DeleteMessage => read::<DeleteMessage<'_>>(json, form),
        Action::DeleteMessageBatch => read::<DeleteMessageBatch<'_>>(json, form),
        Action::DeleteQueue | Action::PurgeQueue | Action::ListQueueTags => {
            read::<OnQueue<'_>>(json, form);
        }
        Action::GetQueueAttributes => read::<GetQueueAttributes<'_>>(json, form),
        Action::GetQueueUrl => read::<GetQueueUrl<'_>>(json, form),
        Action::ListDeadLetterSourceQueues => read::<ListDeadLetterSourceQueues<'_>>(json, form),
        Action::ListMessageMoveTasks => read::<ListMessageMoveTasks<'_>>(json, form),
        Action::ListQueues => read::<ListQueues<'_>>(json, form),
        Action::ReceiveMessage => read::<ReceiveMessage<'_>>(json, form),
        Action::RemovePermission => read::<RemovePermission<'_>>(json, form),
        Action::SendMessage => read::<SendMessage<'_>>(json, form),
        Action::SendMessageBatch => read::<SendMessageBatch<'_>>(json, form),
        Action::SetQueueAttributes => read::<SetQueueAttributes<'_>>(json, form),
        Action::StartMessageMoveTask => read::<StartMessageMoveTask<'_>>(json, form),
        Action::TagQueue => read::<TagQueue<'_>>(json, form),
        Action::UntagQueue => read::<UntagQueue<'_>>(json, form),
    }
}

/// An action's name, and its input in JSON.
pub fn json(bytes: &[u8]) {
    let (action, json) = first_line(bytes);
    input(action, Some(json), None);
}

/// An action's name, and its input as a form, which is read as others read forms.
pub fn form(bytes: &[u8]) {
    let (action, body) = first_line(bytes);
    let Ok(form) = Form::parse(&[body]) else {
        return;
    };
    for (name, value) in form_urlencoded::parse(body).take(COMPARED_PARAMETERS_MAX) {
        let first = form_urlencoded::parse(body).find(|(other, _)| *other == name);
        let first = first.map_or(value, |(_, value)| value);
        assert_eq!(form.get(&name), Some(&*first), "{name:?}");
    }
    input(action, None, Some(&form));
}

/// A queue's attributes, policies among them, as a JSON object.
pub fn queue_attributes(bytes: &[u8]) {
    if let Ok(given) = from_json::<Pairs<'_, Text<'_>>>(bytes) {
        for fifo in [false, true] {
            if let Ok(changes) = attributes::check(&given, fifo) {
                let _ = attributes::redrive_of(&changes);
            }
        }
    }
}

/// A message's attributes, as a JSON object or as they are kept. What is kept is what was given.
pub fn message_attributes(bytes: &[u8]) {
    let _ = Attributes::unpack(bytes).md5();
    if let Ok(given) = from_json::<Pairs<'_, AttributeValue<'_>>>(bytes) {
        let _ = check_system(&given);
        if let Ok(attributes) = Attributes::check(&given) {
            let packed = attributes.packed();
            assert_eq!(Attributes::unpack(&packed).md5(), attributes.md5());
        }
    }
}

/// Receipt handles and ack ids: what is sealed opens, what was made up doesn't.
pub fn receipt_handle(bytes: &[u8]) {
    let signer = ReceiptSigner::new(&[7; 32]);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(signer.open(text), None);
        assert_eq!(AckIdSigner::new([7; 16]).open(bytes), None);
    }
    let Some((all, _)) = bytes.split_first_chunk::<34>() else {
        return;
    };
    let u32_at = |at: usize| u32::from_le_bytes([all[at], all[at + 1], all[at + 2], all[at + 3]]);
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    let receipt = Receipt {
        shard: u16::from_le_bytes([all[0], all[1]]),
        queue_id: u64_at(2),
        sequence: u64_at(10),
        slot: u32_at(18),
        receive_count: u32_at(22),
        received_at: u64_at(26),
    };
    let mut sealed = Vec::new();
    signer.seal(&receipt, &mut sealed);
    assert_eq!(sealed.len(), HANDLE_CHARS);
    let text = std::str::from_utf8(&sealed).expect("it is base64");
    assert_eq!(signer.open(text), Some(receipt));
    const { assert!(HANDLE_CHARS == ACK_ID_CHARS) };
    // Under the same secret, neither is the other.
    assert_eq!(AckIdSigner::new([7; 16]).open(sealed.as_slice()), None);
}

/// Text in answers is that text to whoever reads them.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut json = Vec::new();
    encode::json_string(&mut json, &text);
    let read: String = serde_json::from_slice(&json).expect("a JSON string");
    assert_eq!(read, text);
    let mut xml = Vec::new();
    encode::xml_text(&mut xml, &text);
    let xml = std::str::from_utf8(&xml).expect("XML is text");
    assert!(!xml.contains(['<', '>']), "{xml}");
}
