//! One user-defined function in a JavaScript engine of its own.

use super::memory::{CountingAllocator, MemoryInUse};
use super::scripts::Deadline;
use super::{TransformError, TransformMessage, Transformed};
use crate::pubsub::limits::{ATTRIBUTES_MAX, DATA_BYTES_MAX, SCRIPT_MS_MAX};
use bytes::Bytes;
use rquickjs::context::EvalOptions;
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, Object, Persistent, Runtime, Value,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Stack of the engine, bytes; the thread has more.
const STACK_BYTES_MAX: usize = 512 << 10;

/// Characters of an error that reach the client.
const ERROR_CHARS_MAX: usize = 512;

/// A compiled function.
pub(super) struct Script {
    name: String,
    // Before the engine: it must not outlive it.
    function: Persistent<Function<'static>>,
    context: Context,
    deadline: Rc<Deadline>,
    /// It ran into a limit, so its state can't be trusted.
    broken: Cell<bool>,
}

/// Time for which one call may run.
const CALL: Duration = Duration::from_millis(SCRIPT_MS_MAX);

impl Script {
    /// Runs the code, which must define a function of that name. It gets `memory_bytes_max` at most,
    /// which count into `memory`.
    pub(super) fn compile(
        name: &str,
        code: &str,
        memory: MemoryInUse,
        memory_bytes_max: usize,
    ) -> Result<Self, TransformError> {
        let deadline = Rc::new(Deadline::new());
        let allocator = CountingAllocator::new(memory, memory_bytes_max);
        let context = engine(&deadline, allocator).map_err(|error| {
            TransformError(format!("the JavaScript engine can't start: {error}"))
        })?;
        deadline.start(CALL);
        let function = context.with(|ctx| {
            let mut sloppy = EvalOptions::default();
            sloppy.strict = false;
            ctx.eval_with_options::<(), _>(code, sloppy)
                .catch(&ctx)
                .map_err(|error| caught(name, &deadline, error))?;
            // The name is an identifier. Asked this way it may also be a `const`, which isn't a
            // property of the global object.
            let found = ctx
                .eval::<Value, _>(format!("typeof {name} === 'function' ? {name} : undefined"))
                .catch(&ctx)
                .map_err(|error| caught(name, &deadline, error))?;
            match found.into_function() {
                Some(function) => Ok(Persistent::save(&ctx, function)),
                None => Err(TransformError(format!(
                    "the code defines no function {name}"
                ))),
            }
        })?;
        Ok(Self {
            name: name.to_owned(),
            function,
            context,
            deadline,
            broken: Cell::new(false),
        })
    }

    /// True if the function should be compiled anew.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Applies the function.
    pub(super) fn apply(&self, message: TransformMessage) -> Transformed {
        let data = std::str::from_utf8(&message.data)
            .map_err(|_| TransformError(format!("{}: the data isn't UTF-8 text", self.name)))?;
        self.deadline.start(CALL);
        let answer = self.context.with(|ctx| {
            let outcome = self
                .call(&ctx, data, &message)
                .catch(&ctx)
                .map_err(|error| caught(&self.name, &self.deadline, error))?;
            outcome.map_err(|text| TransformError(format!("{}: {text}", self.name)))
        });
        if answer.is_err() {
            // Cheap to make anew, and what a thrown error left behind isn't worth finding out.
            self.broken.set(true);
        }
        Ok(answer?.map(|(data, attributes)| TransformMessage {
            data,
            attributes,
            metadata: message.metadata,
        }))
    }

    /// Outer errors are the engine's; inner ones are about what the function answered.
    fn call<'js>(
        &self,
        ctx: &Ctx<'js>,
        data: &str,
        message: &TransformMessage,
    ) -> rquickjs::Result<Result<Option<Changed>, String>> {
        let attributes = Object::new(ctx.clone())?;
        for (key, value) in &message.attributes {
            attributes.set(key.as_str(), value.as_str())?;
        }
        let argument = Object::new(ctx.clone())?;
        argument.set("data", data)?;
        argument.set("attributes", attributes)?;
        let metadata = Object::new(ctx.clone())?;
        for (key, value) in [
            ("message_id", &message.metadata.message_id),
            ("publish_time", &message.metadata.publish_time),
            ("ordering_key", &message.metadata.ordering_key),
        ] {
            if !value.is_empty() {
                metadata.set(key, value.as_str())?;
            }
        }
        let function = self.function.clone().restore(ctx)?;
        let answer: Value = function.call((argument, metadata))?;
        read_answer(&answer)
    }
}

type Changed = (Bytes, Vec<(String, String)>);

fn read_answer(answer: &Value<'_>) -> rquickjs::Result<Result<Option<Changed>, String>> {
    if answer.is_null() {
        return Ok(Ok(None));
    }
    let Some(object) = answer.as_object().filter(|_| !answer.is_function()) else {
        let kind = answer.type_name();
        return Ok(Err(format!(
            "a message or null must be returned, not {kind}"
        )));
    };
    let data: Value = object.get("data")?;
    let Some(data) = data.as_string() else {
        return Ok(Err(
            "the returned message must have a string data".to_owned()
        ));
    };
    let data = data.to_string()?;
    if data.len() > DATA_BYTES_MAX {
        return Ok(Err(format!(
            "the returned data has {} bytes, but the maximum is {DATA_BYTES_MAX}",
            data.len()
        )));
    }
    let mut attributes = Vec::new();
    let given: Value = object.get("attributes")?;
    if !given.is_undefined() && !given.is_null() {
        let Some(given) = given.as_object().filter(|_| !given.is_array()) else {
            return Ok(Err("the returned attributes must be an object".to_owned()));
        };
        for property in given.props::<String, Value>() {
            let (key, value) = property?;
            let Some(value) = value.as_string() else {
                return Ok(Err(format!(
                    "the returned attribute {key} must be a string"
                )));
            };
            if attributes.len() == ATTRIBUTES_MAX {
                return Ok(Err(format!(
                    "more than {ATTRIBUTES_MAX} attributes were returned"
                )));
            }
            attributes.push((key, value.to_string()?));
        }
    }
    Ok(Ok(Some((data.into(), attributes))))
}

/// An engine with limits. It has the language's own built-ins and nothing of the outside: no
/// files, no network, no timers, no modules.
fn engine(deadline: &Rc<Deadline>, allocator: CountingAllocator) -> rquickjs::Result<Context> {
    let runtime = Runtime::new_with_alloc(allocator)?;
    runtime.set_max_stack_size(STACK_BYTES_MAX);
    let deadline = deadline.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || deadline.look())));
    Context::full(&runtime)
}

fn caught(name: &str, deadline: &Deadline, error: CaughtError<'_>) -> TransformError {
    if deadline.was_late() {
        return TransformError(format!("{name}: it ran for more than {SCRIPT_MS_MAX} ms"));
    }
    // Taken apart by hand: the whole text of an exception has a stack trace, and turning an
    // arbitrary thrown value into text would run more of the script.
    let text = match error {
        CaughtError::Exception(exception) => exception
            .message()
            .unwrap_or_else(|| "an exception without a message".to_owned()),
        CaughtError::Value(value) => match value.as_string().map(rquickjs::String::to_string) {
            Some(Ok(text)) => text,
            _ => format!("a thrown value of type {}", value.type_name()),
        },
        CaughtError::Error(error) => error.to_string(),
    };
    let text: String = text.chars().take(ERROR_CHARS_MAX).collect();
    TransformError(format!("{name}: {text}"))
}
