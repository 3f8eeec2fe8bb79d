//! What is wrong with the fields of a REST request, in the service's words: the texts of a
//! [`malformed_request`](super::malformed_request)'s violations, and the reasons in them.

/// A name that can't stand at `place`, which is empty for the whole request's.
pub fn unknown_name(name: &str, place: &str, why: &str) -> String {
    let at = match place {
        "" => String::new(),
        place => format!(" at '{place}'"),
    };
    format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: {why}")
}

/// A value at `place` that isn't what its type takes. `what` says so, or is the value.
pub fn invalid_value(place: &str, type_name: &str, what: &str) -> String {
    format!("Invalid value at '{place}' ({type_name}), {what}")
}

/// A body that can't be read.
pub fn malformed(why: &str) -> String {
    format!("Invalid JSON payload received. {why}")
}

pub const ENDS_EARLY: &str = "Unexpected end of string.";
pub const UNEXPECTED_TOKEN: &str = "Unexpected token.";
pub const TOO_DEEP: &str = "Message too deep.";

pub const NO_SUCH_FIELD: &str = "Cannot find field.";
pub const FIELD_TWICE: &str = "The field is there twice.";
pub const ROOT_NO_MESSAGE: &str = "Root element must be a message.";
pub const LIST_FOR_ONE: &str = "Proto field is not repeating, cannot start list.";
pub const OBJECT_FOR_TEXT: &str = "Starting an object where there should be text";
pub const OBJECT_FOR_LIST: &str = "Starting an object on a repeated field";
pub const OBJECT_FOR_SCALAR: &str = "Starting an object on a scalar field";

/// A list where a map belongs.
pub fn list_for_map(field: &str) -> String {
    format!("Cannot bind a list to map for field '{field}'.")
}

/// A second field of the oneof `of`.
pub fn oneof_taken(of: &str, field: &str) -> String {
    format!("oneof field '{of}' is already set. Cannot set '{field}'")
}

/// A query parameter that isn't a field.
pub fn no_such_parameter(name: &str) -> String {
    format!("Cannot bind query parameter. Field '{name}' could not be found in request message.")
}

/// A query parameter whose field doesn't fit into one.
pub fn parameter_no_primitive(field: &str) -> String {
    format!(
        "Cannot bind query parameter. '{field}' is a message type. Parameters can only be bound \
         to primitive types."
    )
}

/// An `alt` that asks for another format of the answer.
pub fn only_json(asked: &str) -> String {
    format!("The only format is JSON, not '{asked}'.")
}

pub const NO_BASE64: &str = "Base64 decoding failed";

/// [`NO_BASE64`], with how the text begins.
pub fn no_base64(why: &str, start: &str) -> String {
    format!("{why} for \"{start}\"")
}

pub const DURATION_WITHOUT_UNIT: &str = "Illegal duration format; duration must end with 's'";
pub const ILLEGAL_DURATION: &str = "Illegal duration format; Failed to parse seconds";
pub const DURATION_OUT_OF_BOUNDS: &str = "Duration value exceeds limits";
pub const ILLEGAL_TIMESTAMP: &str = "Illegal timestamp format; timestamps must end with 'Z' or \
                                     have a valid timezone offset.";
pub const TIMESTAMP_OUT_OF_BOUNDS: &str = "Timestamp value exceeds limits";
pub const TOO_MANY_PATHS: &str = "Too many paths in a field mask";
