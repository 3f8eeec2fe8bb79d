//! How a call ended.

use bytes::Bytes;
use http::StatusCode;
use prost::Message;
use prost_types::Any;
use std::borrow::Cow;

use crate::proto::google::rpc;

/// gRPC's status codes, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl Code {
    /// The code of a name as JSON errors have it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Every code, in the order of their numbers.
    pub const ALL: [Code; 17] = [
        Code::Ok,
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// The code's number on the wire.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The code of a number; [`Code::Unknown`] where there is none.
    pub fn from_number(number: usize) -> Self {
        Self::ALL.get(number).copied().unwrap_or(Code::Unknown)
    }

    /// The number in digits, as `grpc-status` has it.
    pub const fn digits(self) -> &'static str {
        const DIGITS: [&str; 17] = [
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
            "16",
        ];
        DIGITS[self as usize]
    }

    /// The code's name as JSON errors have it.
    pub const fn name(self) -> &'static str {
        match self {
            Code::Ok => "OK",
            Code::Cancelled => "CANCELLED",
            Code::Unknown => "UNKNOWN",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Aborted => "ABORTED",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            Code::Unavailable => "UNAVAILABLE",
            Code::DataLoss => "DATA_LOSS",
            Code::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The HTTP status that stands for the code where there is no gRPC.
    pub const fn http_status(self) -> StatusCode {
        match self {
            Code::Ok => StatusCode::OK,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                StatusCode::BAD_REQUEST
            }
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            // There is no constant for "client closed request".
            Code::Cancelled => match StatusCode::from_u16(499) {
                Ok(status) => status,
                Err(_) => StatusCode::BAD_REQUEST,
            },
            Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A call's end other than well.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub code: Code,
    /// For people.
    pub message: Cow<'static, str>,
    /// For programs: messages of `google.rpc`.
    pub details: Vec<Any>,
    /// Nobody is told: the connection ends instead. A test has asked for it.
    pub breaks_off: bool,
}

impl Status {
    /// A status without details. Only for the modules that choose errors, `error` of each dialect and
    /// of gRPC: whoever answers with one takes it from there.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Status {
            code,
            message: message.into(),
            details: Vec::new(),
            breaks_off: false,
        }
    }

    /// Adds a detail. `name` is the message's full name, such as `google.rpc.ErrorInfo`.
    pub fn with_detail(mut self, name: &str, detail: &impl Message) -> Self {
        self.details.push(Any {
            type_url: format!("type.googleapis.com/{name}"),
            value: detail.encode_to_vec(),
        });
        self
    }

    /// What `grpc-status-details-bin` carries, before base64. `None` without details.
    pub fn encoded_details(&self) -> Option<Bytes> {
        if self.details.is_empty() {
            return None;
        }
        let status = rpc::Status {
            code: self.code.number(),
            message: self.message.clone().into_owned(),
            details: self.details.clone(),
        };
        Some(status.encode_to_vec().into())
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_at_their_numbers() {
        for (number, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code.number(), number as i32);
            assert_eq!(code.digits(), number.to_string());
        }
        assert_eq!(Code::Cancelled.http_status().as_u16(), 499);
    }

    #[test]
    fn details_carry_the_status_again() {
        assert_eq!(Status::new(Code::NotFound, "gone").encoded_details(), None);
        let info = rpc::ErrorInfo {
            reason: "WHY".into(),
            ..Default::default()
        };
        let status =
            Status::new(Code::Aborted, "broken").with_detail("google.rpc.ErrorInfo", &info);
        let decoded = rpc::Status::decode(status.encoded_details().unwrap()).unwrap();
        assert_eq!((decoded.code, &*decoded.message), (10, "broken"));
        assert_eq!(
            decoded.details[0].type_url,
            "type.googleapis.com/google.rpc.ErrorInfo"
        );
        assert_eq!(
            rpc::ErrorInfo::decode(&*decoded.details[0].value).unwrap(),
            info
        );
    }
}
